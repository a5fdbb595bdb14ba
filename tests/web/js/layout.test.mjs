import assert from "node:assert/strict";
import { test } from "node:test";

import { abcPitch, barText, beams, lengths, signatureOf, toAbc } from "../../../jamlink/web/static/js/view/abc.js";
import { merge, MOST_KEPT } from "../../../jamlink/web/static/js/view/history_items.js";
import { plainName } from "../../../jamlink/web/static/js/view/save.js";
import { gridLines, pitchRange, pitchRow, promisedUntil, timeScale } from "../../../jamlink/web/static/js/view/scale.js";
import { visible } from "../../../jamlink/web/static/js/view/virtual.js";

const CLOCK = { bar_ticks: 3840, beat_ticks: 960, meter: "4/4", bpm: 100 };

test("now stands still and time slides past it", () => {
  const before = timeScale(1000, CLOCK, 0);
  const after = timeScale(1000, CLOCK, 960);
  assert.equal(before.x(0), after.x(960));
  assert.ok(Math.abs(before.x(960) - after.x(960) - 960 * before.perTick) < 1e-9);
  assert.ok(before.x(before.first) < 1e-6 && Math.abs(before.x(before.last) - 1000) < 1e-6);
});

test("with calm motion the page stands still, now walks over it, and it is turned by whole bars", () => {
  const at = (tick) => timeScale(1456, CLOCK, tick, 1, true);
  const turns = [];
  for (let tick = 240, before = at(0); tick < 40 * CLOCK.bar_ticks; tick += 240) {
    const scale = at(tick);
    assert.ok(scale.nowX > 0 && scale.nowX < 1456 * 0.65);
    assert.ok(Math.abs(scale.x(tick) - scale.nowX) < 1e-9);
    if (Math.abs(scale.x(0) - before.x(0)) > 1) turns.push(tick);
    before = scale;
  }
  assert.ok(turns.length >= 5);
  assert.ok(turns.every((tick) => tick % CLOCK.bar_ticks === 0));
});

test("a phone shows two bars and a wide screen no more than eight", () => {
  const beats = (width) => (timeScale(width, CLOCK, 0).last - timeScale(width, CLOCK, 0).first) / 960;
  assert.ok(beats(360) >= 8);
  assert.ok(beats(10_000) <= 32.01);
});

test("every pitch has its row inside the lane", () => {
  for (const pitches of [[], [60], [21, 108], [0, 127]]) {
    const range = pitchRange(pitches);
    assert.ok(range.high - range.low >= 23 || pitches.includes(0) || pitches.includes(127));
    for (const pitch of pitches) {
      const { y, height } = pitchRow(pitch, range, 50, 150);
      assert.ok(y >= 50 - 1e-9 && y + height <= 150 + 1e-9);
    }
  }
});

test("the promise ends with the last chord that is kept", () => {
  assert.equal(promisedUntil([{ promise: "kept", end: 5 }, { promise: "loop", end: 9 }, { promise: "idea", end: 20 }]), 9);
  assert.equal(promisedUntil([{ promise: "idea", end: 20 }]), null);
});

test("bar lines are numbered from 1", () => {
  assert.deepEqual(gridLines(CLOCK, 3000, 5000), [{ tick: 3840, bar: 2 }, { tick: 4800, bar: null }]);
});

test("of ten thousand rows only those in sight and a few more exist", () => {
  for (const scroll of [0, 64, 100_000, 640_000 - 500]) {
    const { first, last } = visible(scroll, 500, 64, 10_000);
    assert.ok(last - first <= 22);
    assert.ok(first * 64 <= scroll && (last * 64 >= scroll + 500 || last === 10_000));
  }
  assert.deepEqual(visible(0, 500, 64, 0), { first: 0, last: 0 });
});

test("stretches of history join newest first, each idea once, and are bounded", () => {
  const item = (id, verdict = "offered") => ({ id, verdict, words: "" });
  const old = [item(3), item(2)];
  const joined = merge(old, [item(4), item(3, "accepted")], 4);
  assert.deepEqual(joined.map((each) => [each.id, each.verdict]), [[4, "offered"], [3, "accepted"], [2, "offered"]]);
  assert.equal(merge(old, [item(3)], 3)[0], old[0]);
  const many = Array.from({ length: MOST_KEPT + 50 }, (_, id) => item(id));
  assert.equal(merge([], many, many.length).length, MOST_KEPT);
});

test("a name is plain whatever is typed", () => {
  assert.equal(plainName("../../etc/passwd"), "etcpasswd");
  assert.equal(plainName("  <b>Été</b> 1 "), "bÉtéb 1");
  assert.equal(plainName("///"), "my jam");
});

test("beams are as the meter counts", () => {
  assert.deepEqual(beams("4/4"), [0, 4, 8, 12, 16]);
  assert.deepEqual(beams("3/4"), [0, 4, 8, 12]);
  assert.deepEqual(beams("6/8"), [0, 6, 12]);
  assert.deepEqual(beams("12/8"), [0, 6, 12, 18, 24]);
  assert.deepEqual(beams("7/8"), [0, 4, 8, 14]);
  assert.deepEqual(beams("5/8"), [0, 4, 10]);
  assert.deepEqual(beams("2/2"), [0, 4, 8, 12, 16]);
});

test("lengths add up, each with a note value of its own, and none hides a beat", () => {
  for (const meter of ["2/4", "3/4", "4/4", "5/4", "6/8", "7/8", "9/8", "12/8"]) {
    const groups = beams(meter);
    for (let from = 0; from < groups.at(-1); from += 1) {
      for (let to = from + 1; to <= groups.at(-1); to += 1) {
        const found = lengths(from, to, groups);
        assert.equal(found.reduce((a, b) => a + b), to - from);
        assert.ok(groups.includes(from) || from + found[0] <= groups.find((start) => start > from));
      }
    }
  }
  assert.deepEqual(lengths(0, 5, beams("4/4")), [4, 1]);
  assert.deepEqual(lengths(0, 6, beams("4/4")), [6]);
  assert.deepEqual(lengths(2, 6, beams("4/4")), [2, 2]);
  assert.deepEqual(lengths(0, 12, beams("6/8")), [12]);
});

const eighths = (count, shift = 0) => Array.from({ length: count }, (_, index) => ({ tick: index * 480 + shift, ticks: 480, pitch: 72 }));

test("eighths are beamed by the meter's own groups", () => {
  const bar = (meter, count) => barText({ bar: 1, notes: eighths(count) }, { beat_ticks: 480, meter }, count * 2, signatureOf("C major"));
  assert.equal(bar("7/8", 7), "c2c2 c2c2 c2c2c2");
  assert.equal(bar("6/8", 6), "c2c2c2 c2c2c2");
});

test("a note that sounds on over a beat is tied there", () => {
  const bar = { bar: 1, notes: [...eighths(3, 240), { tick: 1680, ticks: 2160, pitch: 72 }] };
  assert.equal(barText(bar, CLOCK, 16, signatureOf("C major")), "zc2c- cc2c- c8");
});

test("a bar of nothing is one rest, whatever the meter", () => {
  assert.equal(barText({ bar: 1, chords: [{ beat: 1, symbol: "C" }], notes: [] }, { beat_ticks: 480, meter: "7/8" }, 14, signatureOf("C major")), '"C"z14');
  assert.equal(barText({ bar: 1, chords: [], notes: [] }, { beat_ticks: 960, meter: "5/4" }, 20, signatureOf("C major")), "z20");
});

test("a note is spelled by the chord that it sounds under", () => {
  const c = signatureOf("C major");
  const under = (pitch, symbol) => abcPitch(pitch, c, new Map(), symbol);
  assert.deepEqual([61, 65, 68, 70].map((pitch) => under(pitch, "Db6")), ["_D", "F", "_A", "_B"]);
  assert.deepEqual([under(64, "Db6"), under(71, "Abm7")], ["E", "_c"], "no F flat in passing");
  assert.deepEqual([66, 70, 73, 71].map((pitch) => under(pitch, "Gb")), ["_G", "_B", "_d", "_c"]);
  assert.deepEqual([under(68, "E7"), under(63, "Cm7"), under(70, "C7"), under(66, "D7")], ["^G", "_E", "_B", "^F"]);
  assert.deepEqual([under(66, "Cm7b5"), under(69, "Cdim7"), under(68, "Caug")], ["_G", "A", "^G"]);
  const held = { bar: 1, chords: [{ beat: 1, symbol: "Fm" }, { beat: 3, symbol: "E7" }], notes: [{ tick: 0, ticks: 3840, pitch: 68 }] };
  assert.equal(barText(held, CLOCK, 16, c), '"Fm"_A8- "E7"A8', "one that is held keeps its name");
  const two = [{ bar: 1, chords: [{ beat: 1, symbol: "Db6" }], notes: [] }, { bar: 2, chords: [], notes: [{ tick: 0, ticks: 3840, pitch: 68 }] }];
  assert.ok(toAbc(two, CLOCK, "C major", "x").endsWith('"Db6"z16 | _A16 |'), "also in the bars that it goes on through");
});

test("an accidental is written once a bar, and not where the key has it", () => {
  const g = signatureOf("G major");
  assert.equal(abcPitch(66, g), "F");
  assert.equal(abcPitch(65, g), "=F");
  const said = new Map();
  assert.deepEqual([abcPitch(68, g, said), abcPitch(68, g, said), abcPitch(67, g, said)], ["^G", "G", "=G"]);
  assert.equal(abcPitch(72, signatureOf("C major")), "c");
  assert.equal(abcPitch(48, signatureOf("C major")), "C,");
  assert.deepEqual(signatureOf("G minor"), { name: "Gm", flats: true, altered: { B: "_", E: "_" } });
});

test("a bar of the sheet is as long as its meter", () => {
  const bar = { bar: 2, chords: [{ beat: 1, symbol: "Am7" }, { beat: 3, symbol: "D7" }], notes: [{ tick: 0, ticks: 960, pitch: 69 }, { tick: 1920, ticks: 3000, pitch: 74 }] };
  assert.equal(barText(bar, CLOCK, 16, signatureOf("C major")), '"Am7"A4 z4 "D7"d8');
});

test("how a note was let go of is not written as a rest", () => {
  const bar = { bar: 1, chords: [], notes: [{ tick: 0, ticks: 600, pitch: 72 }, { tick: 960, ticks: 100, pitch: 74 }, { tick: 2880, ticks: 500, pitch: 76 }] };
  assert.equal(barText(bar, CLOCK, 16, signatureOf("C major")), "c4 dz3 z4 e4");
});

test("words of the take cannot write notation", () => {
  const text = toAbc([{ bar: 1, chords: [{ beat: 1, symbol: 'C"\n%%x' }], notes: [] }], CLOCK, "", "a\nM:3/4");
  assert.equal(text.split("\n").length, 7);
  assert.ok(!text.includes("%%"));
});

test("stretches join alike wherever they overlap, and what was changed shows it", () => {
  const item = (id, verdict = "offered", edits = []) => ({ id, verdict, words: "", edits });
  const known = [9, 7, 6, 4].map((id) => item(id));
  assert.deepEqual(merge(known, [8, 7, 5, 1].map((id) => item(id)), 20).map(({ id }) => id), [9, 8, 7, 6, 5, 4, 1]);
  assert.deepEqual(merge(known, [], 20), known);
  assert.deepEqual(merge([], known, 20), known);
  const changed = merge(known, [item(7, "offered", ["note 1 became G5"])], 20);
  assert.deepEqual(changed.map(({ edits }) => edits.length), [0, 1, 0, 0]);
  assert.equal(changed[0], known[0]);
});
