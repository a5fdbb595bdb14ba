// What an idea of the hand sounds like in a preview, and where beats fall. Pure.

import { voicing } from "../music/chord.js";

const VELOCITY = { chords: 66, melody: 84, bass: 84 };
const GAP_TICKS = 30; // between one chord and the next

// The notes of a card, in ticks from its start: as the session has laid them out (`arranged` is its section, by the
// ideas' ids), with the hands and the feel that it would play with. Far down in a very large hand it lays nothing out;
// there the chords are voiced plainly.
export function voicesOf(card, length, arranged) {
  return arranged?.[card.id]?.map(([onset, duration, pitch, velocity, role]) => ({ onset, duration, pitch, velocity, role })) ?? plainly(card, length);
}

function plainly(card, length) {
  const lines = ["melody", "bass"].flatMap((role) => (card[role] ?? []).map((note) => ({ ...note, velocity: VELOCITY[role], role })));
  const chords = card.chords.flatMap(([onset, symbol], index) => {
    const end = card.chords[index + 1]?.[0] ?? length;
    const pitches = card.bass?.length ? voicing(symbol).slice(1) : voicing(symbol);
    return pitches.map((pitch) => ({ onset, duration: Math.max(1, end - onset - GAP_TICKS), pitch, velocity: VELOCITY.chords, role: "chords" }));
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
