import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock } from "../../../jamlink/web/static/js/core/clock.js";
import { Store } from "../../../jamlink/web/static/js/core/state.js";
import { Band } from "../../../jamlink/web/static/js/sound/band.js";
import { soundsHere, whose } from "../../../jamlink/web/static/js/sound/whose.js";

const BAR = 3840;
const LINE = { playing: true, tick_origin: 0, ns_origin: 0, tempo_ns: 480_000_000, bar_ticks: BAR, beat_ticks: 960, beats: 4 }; // a tick is half a ms
const voice = (onset, role = "melody", duration = 400) => ({ onset, duration, pitch: 60, velocity: 80, role });
const IDEA = { id: 1, start: 0, end: BAR, voices: [voice(0, "chords", 3800), voice(0), voice(960), voice(1920), voice(2880)] };
const BASE = { clock: LINE, steering: { repeat: "once", mode: "propose", click: "off" }, playing: null, taken: null, decision: 1, saved: 1, ports: { sound: "page" } };

// A page whose clock is moved by hand; what it hands to the audio clock is written down.
function stage(more = {}) {
  let [now, rev] = [0, 0];
  const heard = [];
  const store = new Store(() => {}, null, null);
  const clock = new Clock(() => now);
  clock.pong(0, 0, 0);
  const write = (role, begins, ends) => {
    const note = { role, begins, ends, cut: null };
    heard.push(note);
    return { cut: () => (note.cut = now), end: (ms) => (note.ends = ms) };
  };
  const sound = { awake: true, wake() {}, clock: { look() {} }, schedule: (role, _, __, begins, ends) => write(role, begins, ends), tick: (strong, begins) => write(strong ? "one" : "beat", begins, begins) };
  let [turn, hidden] = [null, false];
  const band = new Band({ store, clock, sound }, { every: (run) => (turn = run), hidden: () => hidden });
  store.set({ soundOwner: true, ...more });
  const told = (changes) => store.receive(rev ? { kind: "delta", rev: ++rev, changes } : { kind: "snapshot", rev: ++rev, state: { ...BASE, ...changes } });
  const until = (ms, step = 40) => {
    for (; now < ms; now = Math.min(ms, now + step)) turn();
    turn();
  };
  const sounding = () => heard.filter((note) => note.cut === null);
  const begins = (role) => sounding().filter((note) => note.role === role).map((note) => note.begins);
  return { store, band, sound, heard, told, until, sounding, begins, at: (ms) => (now = ms), hide: () => (hidden = true) };
}

test("every note is handed over once, ahead of its moment and exactly at it, whatever the timer does", () => {
  for (const step of [7, 40, 160]) {
    const page = stage();
    page.told({ playing: IDEA });
    page.until(1900, step);
    assert.deepEqual(page.begins("melody"), [0, 480, 960, 1440]);
    assert.deepEqual(page.heard.map((note) => note.cut), [null, null, null, null, null]);
  }
});

test("a loop goes round without a gap, a double or a missing note", () => {
  const page = stage();
  page.told({ steering: { ...BASE.steering, repeat: "loop" }, playing: IDEA });
  page.until(1660);
  page.told({ playing: { ...IDEA, start: BAR, end: 2 * BAR } }); // told ahead, as the session does
  page.until(3600);
  page.told({ playing: { ...IDEA, start: 2 * BAR, end: 3 * BAR } });
  page.until(5700);
  assert.deepEqual(page.begins("melody"), Array.from({ length: 13 }, (_, index) => index * 480));
});

test("an idea that is taken back falls silent with the news, and nothing of it comes later", () => {
  for (const change of [{ playing: null }, { clock: { ...LINE, playing: false } }, { ports: { sound: "out" } }]) {
    const page = stage();
    page.told({ playing: IDEA });
    page.until(900);
    page.told(change);
    assert.deepEqual(page.sounding().filter((note) => note.ends > 900), []);
    page.until(3000);
    assert.equal(page.heard.length, 4, "pad and three notes, and then no more");
  }
});

test("panic here is silence here, though the session has not answered", () => {
  const page = stage();
  page.told({ playing: IDEA, taken: { ...IDEA, id: 2, start: BAR, end: 2 * BAR } });
  page.until(900);
  page.band.silence();
  assert.deepEqual(page.sounding(), []);
  page.until(1500);
  assert.deepEqual(page.sounding(), []);
  page.told({ playing: null, taken: { ...IDEA, id: 3, start: BAR, end: 2 * BAR } });
  page.until(2400);
  assert.deepEqual(page.begins("melody"), [1920, 2400], "a new idea is heard again");
});

test("another idea takes over where it begins; one that is not saved yet stays silent", () => {
  const page = stage();
  const other = { ...IDEA, id: 2, start: 1920, end: 1920 + BAR, voices: [voice(0, "bass")] };
  page.told({ playing: IDEA });
  page.until(600);
  page.told({ taken: other, decision: 2 });
  page.until(700);
  assert.deepEqual(page.begins("bass"), []);
  page.told({ saved: 2 });
  page.until(1900);
  assert.deepEqual(page.begins("bass"), [960]);
  assert.deepEqual(page.begins("melody"), [0, 480], "what the old idea still had is dropped");
});

test("an idea that has only just begun has no round before it, though this page's clock is behind", () => {
  const page = stage();
  page.at(1917);
  page.told({ playing: { ...IDEA, start: BAR, end: 2 * BAR, voices: [...IDEA.voices, voice(3800)] } });
  page.until(2000);
  assert.deepEqual(page.begins("melody"), [1920]);
});

test("what followed an idea leaves it its last notes; taken back, it has none", () => {
  for (const [change, last] of [[{ playing: { ...IDEA, id: 2, start: BAR, end: 2 * BAR } }, 1440], [{ playing: null }, 960]]) {
    const page = stage();
    page.told({ playing: IDEA });
    page.until(1380);
    page.told(change);
    const struck = page.heard.filter((note) => note.role === "melody" && !(note.cut !== null && note.cut <= note.begins));
    assert.equal(struck.filter((note) => note.begins < 1900).at(-1).begins, last);
  }
});

test("a new tempo moves what has not begun and the end of what has", () => {
  const page = stage();
  page.told({ playing: IDEA });
  page.until(300);
  page.told({ playing: IDEA, clock: { ...LINE, tick_origin: 600, ns_origin: 300e6, tempo_ns: 960_000_000 } }); // half as fast from here
  page.until(3600);
  assert.deepEqual(page.begins("melody"), [0, 660, 1620, 2580]);
  assert.equal(page.sounding().find((note) => note.role === "chords").ends, 300 + 3200);
});

test("a line that says the same in other numbers moves nothing", () => {
  const page = stage();
  page.told({ playing: IDEA });
  page.until(400);
  page.told({ clock: { ...LINE, tick_origin: 960, ns_origin: 480e6 } });
  page.until(1000);
  assert.ok(page.heard.every((note) => note.cut === null));
});

test("a page that is loaded in the middle holds the chord and plays on from there", () => {
  const page = stage();
  page.at(700);
  page.told({ playing: IDEA });
  page.until(1900);
  assert.deepEqual(page.begins("melody"), [960, 1440]);
  assert.equal(page.begins("chords").length, 1);
});

test("a hidden tab, whose timer is slow, hands over further ahead", () => {
  const page = stage();
  page.hide();
  page.told({ playing: IDEA });
  page.until(1900, 1000);
  assert.deepEqual(page.begins("melody"), [0, 480, 960, 1440]);
});

test("the click follows the player's choice, at once", () => {
  const page = stage();
  page.told({ steering: { ...BASE.steering, click: "on" } });
  page.until(500);
  assert.deepEqual([page.begins("one"), page.begins("beat")], [[0], [480]]);
  page.until(900);
  page.told({ steering: { ...BASE.steering, click: "off" } });
  assert.deepEqual(page.begins("beat"), [480], "the one at 960 ms is taken back");
});

test("the page sounds where nothing else does, unless the player says otherwise", () => {
  const local = { soundWanted: "auto", soundOwner: true, awake: true };
  const shared = (sound, role = "player") => ({ ports: { sound, outputs: [] }, page: { role } });
  assert.equal(soundsHere(shared("page"), local), true);
  assert.equal(soundsHere(shared("out"), local), false);
  assert.equal(soundsHere(shared("page", "tablet"), local), false);
  assert.equal(soundsHere(shared("page"), { ...local, soundOwner: false }), false);
  for (const [soundWanted, sounds] of [["here", true], ["off", false]]) {
    for (const sound of ["page", "out"]) assert.equal(soundsHere(shared(sound), { ...local, soundWanted }), sounds);
  }
});

test("which it is stands there in words", () => {
  const words = (sound, local = {}) => whose({ ports: { sound } }, { soundWanted: "auto", soundOwner: true, awake: true, ...local }).words;
  assert.equal(words("page"), "No synth or DAW is connected: this page plays the sound.");
  assert.equal(words("out"), "Your synth or DAW plays the sound; this page is silent.");
  assert.match(words("page", { soundWanted: "off" }), /not heard/);
  assert.match(words("page", { awake: false }), /as soon as you press a key/);
  assert.match(words("out", { soundWanted: "here" }), /and so does/);
  assert.match(words("page", { soundOwner: false }), /Another tab/);
});

test("a preview plays what the session has laid out, and an idea that it has not is voiced plainly", () => {
  const card = { id: 7, chords: [[0, "Am7"]], melody: [], bass: [] };
  const arranged = { 7: [[0, 400, 50, 61, "bass"], [10, 900, 57, 70, "chords"], [960, 900, 57, 64, "chords"]] };
  const page = stage();
  page.told({});
  page.band.preview(card, LINE, 1, arranged);
  assert.deepEqual(page.heard.map((note) => [note.role, note.begins, note.ends]), [["bass", 60, 260], ["chords", 65, 515], ["chords", 540, 990]]);
  page.band.preview(card, LINE, 1, {});
  assert.equal(page.heard.slice(0, 3).every((note) => note.cut === 0), true, "hearing another ends the first");
  assert.equal(page.heard.slice(3).every((note) => note.role === "chords" && note.begins === 60), true);
  assert.equal(page.heard.length, 3 + 5);
});

test("an accompaniment sounds as it is settled; a held note ends when that is known, and what is withdrawn is cut", () => {
  const page = stage();
  const along = (...voices) => ({ accompany: { phase: "following", words: "", made_by: "jam-s", chords: [], voices } });
  const note = (tick, end, role = "chords") => ({ id: `${role}:${tick}`, tick, end, pitch: 60, velocity: 80, role });
  page.told(along(note(960, 1920)));
  page.until(700);
  assert.deepEqual(page.heard.map(({ begins, ends }) => [begins, ends]), [[480, 960]]);
  page.told(along(note(960, 2880), note(960, 1920, "bass")));
  assert.deepEqual(page.heard[0].ends, 1440);
  page.until(1000);
  page.told(along(note(960, 2880), note(2880, 3840)));
  page.until(1400);
  assert.equal(page.heard.length, 2);
  page.told({ accompany: null });
  page.until(1420);
  assert.ok(page.heard.every(({ cut, ends }) => cut !== null || ends < 1600));
});
