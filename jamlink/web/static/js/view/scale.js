// Layout maths of the time line: ticks to pixels, pitches to rows. Pure.

const NOW_AT = 0.26; // of the width: a quarter past, the rest to come
const PAGE_FROM = 0.12; // where a calm page begins
const LEAST_PITCHES = 24;
const ROOM = 2; // semitones above and below what is there

// Across `width` pixels; wider lines show more beats, so that a beat is never too narrow to read nor too wide to see far.
// `calm`: nothing slides; the line stands still like a page, "now" walks over it, and it is turned by whole bars.
export function timeScale(width, clock, tick, unit = 1, calm = false) {
  const beats = Math.min(32, Math.max(9, width / (62 * unit)));
  const perTick = width / (beats * clock.beat_ticks);
  const nowX = calm ? walked(width, clock, tick, perTick) : Math.round(width * NOW_AT);
  return { perTick, nowX, tick, x: (at) => nowX + (at - tick) * perTick, first: tick - nowX / perTick, last: tick + (width - nowX) / perTick };
}

// Half a page at a time, so that what comes next is always in sight.
function walked(width, clock, tick, perTick) {
  const page = Math.max(1, Math.floor(width / 2 / (perTick * clock.bar_ticks))) * clock.bar_ticks;
  const through = tick - Math.floor(tick / page) * page;
  return Math.round(width * PAGE_FROM + through * perTick);
}

// The range that holds every pitch given, at least two octaves, in whole steps of an octave line so that it seldom moves.
export function pitchRange(pitches) {
  if (!pitches.length) return { low: 48, high: 79 };
  const low = Math.min(...pitches) - ROOM;
  const high = Math.max(...pitches) + ROOM;
  const spare = Math.max(0, LEAST_PITCHES - (high - low));
  return { low: snap(low - Math.floor(spare / 2), Math.floor), high: snap(high + Math.ceil(spare / 2), Math.ceil) };
}

const snap = (pitch, round) => Math.min(127, Math.max(0, round(pitch / 6) * 6));

// Row of a pitch: {y, height} inside `top`..`bottom`.
export function pitchRow(pitch, range, top, bottom) {
  const height = (bottom - top) / (range.high - range.low + 1);
  return { y: bottom - (pitch - range.low + 1) * height, height };
}

// Where the solid, promised part ends: the end of the last chord that is kept or loops; null where nothing is promised.
export function promisedUntil(chords) {
  return chords.reduce((end, chord) => (chord.promise === "kept" || chord.promise === "loop" ? Math.max(end ?? -Infinity, chord.end) : end), null);
}

// The bar lines and beats in sight: {tick, bar} with bar null for a beat inside a bar.
export function gridLines(clock, first, last) {
  const lines = [];
  for (let tick = Math.ceil(first / clock.beat_ticks) * clock.beat_ticks; tick <= last; tick += clock.beat_ticks) {
    const bar = tick / clock.bar_ticks;
    lines.push({ tick, bar: Number.isInteger(bar) ? bar + 1 : null });
  }
  return lines;
}
