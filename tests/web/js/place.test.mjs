import assert from "node:assert/strict";
import { test } from "node:test";

import { beatsLeft, coming, isSaved, madeBy, nowAndNext, placeOf, standing } from "../../../jamlink/web/static/js/music/place.js";
import { parts, signs, spoken, voicing, withSigns } from "../../../jamlink/web/static/js/music/chord.js";
import { beats, voicesOf } from "../../../jamlink/web/static/js/sound/score.js";
import { newNotices } from "../../../jamlink/web/static/js/view/announce.js";

const BAR = 3840;
const CLOCK = { playing: true, bar_ticks: BAR, beat_ticks: 960, beats: 4 };
const placed = (id, start, symbols) => ({ id, start, end: start + symbols.length * BAR, chords: symbols.map((symbol, bar) => [bar * BAR, symbol]) });
const card = (state, selected) => ({ state, selected, chords: [[0, "Em"], [BAR, "A7"]], melody: [], bass: [] });
const state = (more) => ({ clock: CLOCK, steering: { repeat: "once" }, decision: 1, saved: 1, hand: null, taken: null, playing: null, ...more });

test("bars and beats count from 1, and the count-in lies before them", () => {
  assert.deepEqual(placeOf(CLOCK, 0), { bar: 1, beat: 1, through: 0 });
  assert.deepEqual(placeOf(CLOCK, BAR + 960 + 480), { bar: 2, beat: 2, through: 0.5 });
  assert.deepEqual(placeOf(CLOCK, -960), { bar: 0, beat: 4, through: 0 });
});

test("what was taken is promised only once it is saved", () => {
  const taken = placed(2, 2 * BAR, ["D", "G"]);
  assert.equal(coming(state({ taken, decision: 5, saved: 4 }), 0)[0].promise, "saving");
  assert.equal(coming(state({ taken, decision: 5, saved: 5 }), 0)[0].promise, "kept");
  assert.equal(standing(state({ decision: 5, saved: 4 }), card("scheduled")), "saving");
  assert.equal(standing(state({}), card("scheduled")), "taken");
  assert.equal(isSaved({}), true);
});

test("after what plays comes what was taken, else the loop, else the chosen idea", () => {
  const playing = placed(1, 0, ["C", "F"]);
  const hand = { slot_start: 2 * BAR, slot_bars: 2, decide_by: 2 * BAR - 960, cards: [card("offered", true)] };
  const next = (more) => nowAndNext(coming(state({ playing, hand, ...more }), BAR), BAR).next;
  assert.deepEqual([next({}).symbol, next({}).promise], ["Em", "idea"]);
  assert.equal(next({ steering: { repeat: "loop" } }).promise, "loop");
  assert.equal(next({ taken: placed(2, 2 * BAR, ["D"]) }).symbol, "D");
});

test("an idea is never shown as what sounds now", () => {
  const hand = { slot_start: 0, slot_bars: 2, cards: [card("offered", true)] };
  assert.equal(nowAndNext(coming(state({ hand }), 10), 10).now, null);
});

test("beats left round up and stop at nought; none while stopped", () => {
  const hand = { decide_by: 3840, cards: [] };
  assert.equal(beatsLeft(state({ hand }), 0), 4);
  assert.equal(beatsLeft(state({ hand }), 1), 4);
  assert.equal(beatsLeft(state({ hand }), 9000), 0);
  assert.equal(beatsLeft({ hand, clock: { ...CLOCK, playing: false } }, 0), null);
});

test("the click falls on beats and knows the bar's first, before bar 1 too", () => {
  assert.deepEqual(beats(CLOCK, -960, 961).map((beat) => beat.strong), [false, true, false]);
});

test("who made it is said of stand-ins and of what the player changed", () => {
  assert.equal(madeBy({ model: "jam-s" }, "jam-s"), "jam-s");
  assert.equal(madeBy({ model: "jam-s" }, "rules", true), "stand-in: rules, changed by you");
});

test("a chord of the hand is voiced plainly, the bass left to the bass", () => {
  assert.deepEqual(voicing("C"), [36, 55, 60, 64]);
  assert.deepEqual(voicing("N.C."), []);
  assert.equal(voicesOf({ chords: [[0, "C"]], melody: [], bass: [{ onset: 0, duration: 9, pitch: 36 }] }, BAR).filter((note) => note.role === "chords").length, 3);
});

test("symbols are taken apart as they are typeset and read out", () => {
  assert.deepEqual(parts("Bbm7b5/E"), { root: "B", accidental: "♭", minor: "m", quality: "7♭5", bass: "E" });
  assert.deepEqual(parts("Cmaj7"), { root: "C", accidental: "", minor: "", quality: "maj7", bass: "" });
  assert.equal(parts("N.C."), null);
  assert.equal(spoken("Bbm7"), "B flat minor 7");
  assert.equal(spoken("F#maj7/C#"), "F sharp major 7 over C sharp");
  assert.equal(spoken("N.C."), "no chord");
});

test("only what is new of the newest few notices is said", () => {
  assert.deepEqual(newNotices(["a", "b"], ["b", "c"]), ["c"]);
  assert.deepEqual(newNotices(["a", "b"], ["a", "b"]), []);
  assert.deepEqual(newNotices([], ["a"]), ["a"]);
});

test("of an accompaniment what is settled is promised, and what is thought of is open", () => {
  const chords = [{ start: 0, end: 1920, symbol: "C", promised: true }, { start: 1920, end: 3840, symbol: "F", promised: false }];
  const state = { clock: { playing: true, bar_ticks: 3840 }, steering: { repeat: "once" }, accompany: { chords } };
  assert.deepEqual(coming(state, 100).map(({ symbol, promise }) => [symbol, promise]), [["C", "kept"], ["F", "maybe"]]);
  assert.equal(nowAndNext(coming(state, 2000), 2000).now, null);
});

test("names of notes have their signs, in symbols and in sentences, and words stay words", () => {
  assert.equal(signs("Ebm7b5/Bb"), "E♭m7♭5/B♭");
  assert.equal(signs("F# minor"), "F♯ minor");
  assert.equal(withSigns("stays in Eb minor, leans into F#m7, touches Bb7"), "stays in E♭ minor, leans into F♯m7, touches B♭7");
  assert.equal(withSigns("Changed: note 2 became Ab5. Above, a bass of its own"), "Changed: note 2 became A♭5. Above, a bass of its own");
});
