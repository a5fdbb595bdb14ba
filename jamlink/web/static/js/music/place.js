// What every view works out from the state in the same way; the laws are those of jamlink/view/picture.py.

export const Promised = Object.freeze({ KEPT: "kept", LOOP: "loop", SAVING: "saving", IDEA: "idea", MAYBE: "maybe" });
export const Standing = Object.freeze({ OFFERED: "offered", SAVING: "saving", TAKEN: "taken", SOUNDS: "sounds", GONE: "gone" });

// A decision is shown as made only once it is on disk.
export const isSaved = (state) => (state.decision ?? -1) <= (state.saved ?? -1);

// Bar and beat counted from 1 (bar 0 and below is the count-in); `through` the beat from 0 up to 1.
export function placeOf(clock, tick) {
  const bar = Math.floor(tick / clock.bar_ticks);
  const inside = tick - bar * clock.bar_ticks;
  const beat = Math.floor(inside / clock.beat_ticks);
  return { bar: bar + 1, beat: beat + 1, through: (inside - beat * clock.beat_ticks) / clock.beat_ticks };
}

export function barWords(clock, tick) {
  const place = placeOf(clock, tick);
  return tick % clock.bar_ticks === 0 ? `bar ${place.bar}` : `${place.bar}.${place.beat}`;
}

// Felt beats left to decide, rounded up; null without a hand or while stopped.
export function beatsLeft(state, tick) {
  if (!state.hand || !state.clock.playing) return null;
  return Math.max(0, Math.ceil((state.hand.decide_by - tick) / state.clock.beat_ticks));
}

export const isLate = (hand, tick) => tick > hand.decide_by;

export const chosen = (hand) => hand?.cards.find((card) => card.selected) ?? null;

export function standing(state, card) {
  if (card.state === "offered") return Standing.OFFERED;
  if (card.state === "sounding") return Standing.SOUNDS;
  if (card.state === "scheduled") return isSaved(state) ? Standing.TAKEN : Standing.SAVING;
  return Standing.GONE;
}

// Our chords in order from the one that sounds at `tick` on: {tick, end, symbol, promise, index}.
export function coming(state, tick) {
  return [...playing(state, tick), ...after(state), ...along(state)].filter((chord) => chord.end > tick);
}

// Of an accompaniment: what is settled, and what is thought of now and may change with the next notes.
function along(state) {
  return (state.accompany?.chords ?? []).map(({ start, end, symbol, promised }, index) => ({ tick: start, end, symbol, promise: promised ? Promised.KEPT : Promised.MAYBE, index }));
}

export const isOpen = (promise) => promise === Promised.IDEA || promise === Promised.MAYBE;

export function nowAndNext(chords, tick) {
  const now = chords.findLast((chord) => chord.tick <= tick && !isOpen(chord.promise)) ?? null;
  return { now, next: chords.find((chord) => chord.tick > tick) ?? null };
}

function playing(state, tick) {
  const placed = state.playing;
  if (!placed) return [];
  const starts = tick < placed.start ? [placed.start - (placed.end - placed.start), placed.start] : [placed.start];
  const until = state.taken ? state.taken.start : placed.end;
  return starts.flatMap((start) => spans(placed, start, Promised.KEPT)).filter((span) => span.tick < until);
}

function after(state) {
  if (state.taken) return spans(state.taken, state.taken.start, isSaved(state) ? Promised.KEPT : Promised.SAVING);
  if (state.playing && state.steering.repeat === "loop") return spans(state.playing, state.playing.end, Promised.LOOP);
  return idea(state);
}

function idea(state) {
  const card = chosen(state.hand);
  if (!card || card.state !== "offered") return [];
  return between(card.chords, state.hand.slot_start, state.hand.slot_bars * state.clock.bar_ticks, Promised.IDEA);
}

const spans = (placed, start, promise) => between(placed.chords, start, placed.end - placed.start, promise);

// Each chord lasts until the next begins, the last one to the end.
export function between(chords, start, length, promise) {
  return chords.map(([tick, symbol], index) => {
    const end = index + 1 < chords.length ? chords[index + 1][0] : length;
    return { tick: start + tick, end: start + end, symbol, promise, index };
  });
}

// Whoever answers in the model's place is called a stand-in; what the player changed is the player's too.
export const madeBy = (state, maker, edited = false) => `${maker === state.model ? maker : `stand-in: ${maker}`}${edited ? ", changed by you" : ""}`;

// The symbols of each bar; a bar in which none begins repeats the one before, as charts write it.
export function byBar(chords, bars, barTicks) {
  return Array.from({ length: bars }, (_, bar) =>
    chords.map(([tick, symbol], index) => ({ tick, symbol, index })).filter(({ tick }) => Math.floor(tick / barTicks) === bar),
  );
}
