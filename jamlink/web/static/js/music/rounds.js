// Where placed ideas lie in time: what plays, the round of a loop before and after it, and what was taken. Pure.
// A round: {placed, key, start, end, until}; notes that would begin at `until` or later do not sound.

const AT_ONCE_NS = 100e6; // clocks differ by less; a loop tells its next round earlier than this

// A loop tells its next round a little before the old one is over, so the old one is still among them; the round after
// it is foreseen. An idea that has only just begun has no round before it, though this page's clock may be a little
// behind. What was taken but is not saved yet is not promised and has no place here.
export function roundsOf(state, saved, tick) {
  const { playing, taken } = state;
  const next = taken && saved ? taken : null;
  const rounds = [];
  if (playing) {
    const length = playing.end - playing.start;
    const until = next ? next.start : Infinity;
    if (tick < playing.start - (AT_ONCE_NS * 960) / state.clock.tempo_ns) rounds.push(round(playing, playing.start - length, until));
    rounds.push(round(playing, playing.start, until));
    if (!taken && loops(state.steering)) rounds.push(round(playing, playing.end, Infinity));
  }
  if (next) rounds.push(round(next, next.start, Infinity));
  return rounds;
}

const loops = (steering) => steering?.repeat === "loop" && steering.mode !== "trade";

function round(placed, start, until) {
  return { placed, key: `${placed.id}:${start}`, start, end: start + placed.end - placed.start, until: Math.min(until, start + placed.end - placed.start) };
}

// The notes of a round that begin in [from, until), in absolute ticks. Pads that began before are joined where enough
// of them is left (`least` ticks): a page that comes in the middle of a chord holds it with the others.
export function due(round, from, until, least = Infinity) {
  const found = [];
  for (const [index, voice] of (round.placed.voices ?? []).entries()) {
    const tick = round.start + voice.onset;
    if (tick >= until) break; // they come in order
    const end = tick + voice.duration;
    const joins = voice.role === "chords" && end - from >= least;
    if (tick >= round.until || (tick < from && !joins)) continue;
    found.push({ ...voice, id: `${round.key}:${index}`, round: round.key, roundEnd: round.end, tick, end });
  }
  return found;
}
