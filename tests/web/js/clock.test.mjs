import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock } from "../../../jamlink/web/static/js/core/clock.js";
import { AudioClock } from "../../../jamlink/web/static/js/sound/audio_clock.js";

const LINE = { playing: true, tick_origin: 3840, ns_origin: 5e9, tempo_ns: 600_000_000 }; // 100 quarters a minute

test("the mapping is taken from the ping with the least round trip", () => {
  const clock = new Clock(() => 0);
  clock.pong(100, 1_000e6 + 40e6, 140); // 40 ms on the way, answered late
  clock.pong(200, 1_101e6, 202); // 2 ms: 201 ms here is 1101 ms there
  clock.pong(300, 1_290e6, 380);
  assert.equal(clock.nsAt(201), 1_101e6);
  assert.equal(clock.doubt, 1);
});

test("ticks and milliseconds are inverses on the session's line", () => {
  const clock = new Clock(() => 0);
  clock.pong(0, 5e9, 0);
  assert.equal(clock.tickAt(LINE, 0), 3840);
  assert.equal(clock.tickAt(LINE, 600), 4800);
  for (const tick of [-3840, 0, 3840, 9999]) assert.ok(Math.abs(clock.tickAt(LINE, clock.msOfTick(LINE, tick)) - tick) < 1e-6);
});

test("while stopped, and before the first pong, it stands where the session says", () => {
  const clock = new Clock(() => 12345);
  assert.equal(clock.tickAt(LINE), 3840);
  clock.pong(0, 5e9, 0);
  assert.equal(clock.tickAt({ ...LINE, playing: false }), 3840);
});

test("nonsense pongs change nothing; a new connection starts afresh", () => {
  const clock = new Clock(() => 0);
  clock.pong(10, 1e9, 5);
  clock.pong(10, NaN, 20);
  assert.equal(clock.known, false);
  clock.pong(0, 1e9, 2);
  clock.forget();
  assert.equal(clock.known, false);
});

test("an old best ping is forgotten in time, so that drift is followed", () => {
  const clock = new Clock(() => 0);
  clock.pong(0, 1e9, 0);
  for (let i = 1; i <= 24; i += 1) clock.pong(i * 1000, 1e9 + i * 1000e6 + 5e6, i * 1000 + 2);
  assert.equal(clock.nsAt(1), 1e9 + 5e6);
});

test("the audio clock believes the reading that was least late, and takes the output's delay off", () => {
  let now = 0;
  const context = { currentTime: 0, outputLatency: 0.01 };
  const audio = new AudioClock(context, () => now);
  for (const [ms, seconds] of [[0, 0.09], [1000, 1.1], [2000, 2.095]]) {
    now = ms;
    context.currentTime = seconds;
    audio.look();
  }
  assert.ok(Math.abs(audio.at(3000) - 3.09) < 1e-9);
});
