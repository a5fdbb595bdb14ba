import assert from "node:assert/strict";
import { test } from "node:test";

import { due, roundsOf } from "../../../jamlink/web/static/js/music/rounds.js";

const BAR = 3840;
const voice = (onset, role = "melody", duration = 480) => ({ onset, duration, pitch: 60, velocity: 80, role });
const placed = (id, start, bars, voices) => ({ id, start, end: start + bars * BAR, chords: [], voices });
const state = (more) => ({ clock: { tempo_ns: 480_000_000 }, steering: { repeat: "once", mode: "propose" }, playing: null, taken: null, ...more });
const notes = (at, saved, from, until, least) => roundsOf(at, saved, from).flatMap((round) => due(round, from, until, least));
const ids = (...rest) => notes(...rest).map((note) => note.id);

test("only what is saved sounds, each note once, and the old idea stops where the new begins", () => {
  const now = state({ playing: placed(1, 0, 2, [voice(0), voice(BAR)]), taken: placed(2, BAR, 1, [voice(0)]) });
  assert.deepEqual(ids(now, false, 0, 9 * BAR), ["1:0:0", "1:0:1"]);
  assert.deepEqual(ids(now, true, 0, 9 * BAR), ["1:0:0", "2:3840:0"]);
  assert.deepEqual(ids(now, true, 1, BAR), []);
});

test("any cut of time into windows gives every note exactly once, in its place", () => {
  const playing = placed(7, 2 * BAR, 2, [0, 100, 100, 479, 960, 3839, 3840, 7679].map((onset) => voice(onset)));
  const whole = ids(state({ playing }), true, 2 * BAR, 9 * BAR);
  assert.equal(whole.length, 8);
  for (const step of [1, 37, 480, 5000]) {
    const found = [];
    for (let from = 2 * BAR; from < 5 * BAR; from += step) found.push(...ids(state({ playing }), true, from, from + step));
    assert.deepEqual(found, whole);
  }
});

test("a loop's next round has the same name before and after the session tells it", () => {
  const steering = { repeat: "loop", mode: "propose" };
  const before = state({ steering, playing: placed(3, 0, 2, [voice(0), voice(7000)]) });
  const after = state({ steering, playing: placed(3, 2 * BAR, 2, [voice(0), voice(7000)]) });
  assert.deepEqual(ids(before, true, 7500, 8000), ["3:7680:0"]);
  assert.deepEqual(ids(after, true, 7500, 8000), ["3:7680:0"]);
  assert.deepEqual(ids(after, true, 6900, 7100), ["3:0:1"], "the tail of the old round goes on");
});

test("no round is foreseen where something else was taken, in a trade, or once", () => {
  const playing = placed(3, 0, 1, [voice(0)]);
  const taken = placed(4, BAR, 1, [voice(0)]);
  const loop = { repeat: "loop", mode: "propose" };
  assert.deepEqual(ids(state({ playing }), true, BAR, 2 * BAR), []);
  assert.deepEqual(ids(state({ playing, steering: { repeat: "loop", mode: "trade" } }), true, BAR, 2 * BAR), []);
  assert.deepEqual(ids(state({ playing, taken, steering: loop }), false, BAR, 2 * BAR), []);
});

test("whoever comes in the middle joins what is held and strikes nothing late", () => {
  const playing = placed(1, 0, 1, [voice(0, "chords", 3800), voice(0, "bass", 3800), voice(0, "melody", 3800), voice(1920, "melody")]);
  const found = notes(state({ playing }), true, 1000, 2000, 480);
  assert.deepEqual(found.map((note) => [note.role, note.tick]), [["chords", 0], ["melody", 1920]]);
  assert.deepEqual(notes(state({ playing }), true, 3500, 3600, 480), [], "too little is left of it");
});
