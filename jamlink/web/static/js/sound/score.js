// Which machine notes are due in a window of ticks, from what the state says of placed ideas. Pure.
// A note: {id, tick, end, pitch, velocity, role}; the id is the same each time the same sounding note is asked for.

import { voicing } from "../music/chord.js";

// The notes of `playing` and `taken` that begin in [from, until), oldest first. What was taken but is not saved yet
// is not promised and stays silent. `voices(placed)` answers an idea's notes in ticks from its start.
export function due(state, saved, from, until, voices = plainly) {
  const { playing, taken } = state;
  const stop = taken && saved ? taken.start : Infinity;
  const now = playing ? placedNotes(playing, voices).filter((note) => note.tick < stop) : [];
  const next = taken && saved ? placedNotes(taken, voices) : [];
  return [...now, ...next].filter((note) => note.tick >= from && note.tick < until).sort((a, b) => a.tick - b.tick);
}

const plainly = (placed) => voicesOf(placed, placed.end - placed.start);

// Every note of a placed idea, in absolute ticks; worked out once, since deltas bring a new object where it changed.
const remembered = new WeakMap();

export function placedNotes(placed, voices = plainly) {
  const known = remembered.get(placed);
  if (known) return known;
  const notes = notesOf(placed, voices(placed));
  remembered.set(placed, notes);
  return notes;
}

function notesOf(placed, voices) {
  return voices.map((note, index) => ({
    ...note,
    id: `${placed.id}:${placed.start}:${index}`,
    tick: placed.start + note.onset,
    end: placed.start + note.onset + note.duration,
  }));
}

// The notes of an idea (a card or a placed one) in ticks from its start. Where the session says no voices, its chords
// are voiced plainly.
export function voicesOf(idea, length) {
  if (idea.voices?.length) return idea.voices;
  const lines = ["melody", "bass"].flatMap((role) => (idea[role] ?? []).map((note) => ({ ...note, velocity: 84, role })));
  const chords = idea.chords.flatMap(([onset, symbol], index) => {
    const end = idea.chords[index + 1]?.[0] ?? length;
    const pitches = idea.bass?.length ? voicing(symbol).slice(1) : voicing(symbol);
    return pitches.map((pitch) => ({ onset, duration: Math.max(1, end - onset - 30), pitch, velocity: 66, role: "chords" }));
  });
  return [...chords, ...lines];
}

// The beats in [from, until): {tick, strong}.
export function beats(clock, from, until) {
  const first = Math.ceil(from / clock.beat_ticks) * clock.beat_ticks;
  const found = [];
  for (let tick = first; tick < until; tick += clock.beat_ticks) found.push({ tick, strong: mod(tick, clock.bar_ticks) === 0 });
  return found;
}

const mod = (a, b) => ((a % b) + b) % b;
