import assert from "node:assert/strict";
import { test } from "node:test";

import { Applied, Mirror } from "../../../jamlink/web/static/js/core/mirror.js";
import { Store } from "../../../jamlink/web/static/js/core/state.js";

const snapshot = (rev, state) => ({ kind: "snapshot", rev, state });
const delta = (rev, changes, gone = []) => ({ kind: "delta", rev, changes, gone });

test("a snapshot and its deltas are the state that was published", () => {
  const mirror = new Mirror();
  assert.equal(mirror.apply(snapshot(3, { a: 1, b: 2 })).applied, Applied.CHANGED);
  assert.deepEqual(mirror.apply(delta(4, { a: 5, c: 6 }, ["b"])).sections, ["a", "c", "b"]);
  assert.deepEqual(mirror.state, { a: 5, c: 6 });
});

test("what is known already changes nothing", () => {
  const mirror = new Mirror();
  mirror.apply(snapshot(3, { a: 1 }));
  assert.equal(mirror.apply(delta(3, { a: 9 })).applied, Applied.OLD);
  assert.deepEqual(mirror.state, { a: 1 });
});

test("a gap is told once, and nothing is taken in until the next snapshot", () => {
  const mirror = new Mirror();
  mirror.apply(snapshot(3, { a: 1 }));
  assert.equal(mirror.apply(delta(5, { a: 2 })).applied, Applied.GAP);
  assert.equal(mirror.apply(delta(6, { a: 3 })).applied, Applied.WAITING);
  assert.deepEqual(mirror.state, { a: 1 });
  mirror.apply(snapshot(7, { a: 4 }));
  assert.equal(mirror.apply(delta(8, { a: 5 })).applied, Applied.CHANGED);
  assert.deepEqual(mirror.state, { a: 5 });
});

test("a new connection keeps what is shown and waits for a snapshot, whatever its count", () => {
  const mirror = new Mirror();
  mirror.apply(snapshot(300, { a: 1 }));
  mirror.reset();
  assert.equal(mirror.apply(delta(301, { a: 2 })).applied, Applied.WAITING);
  assert.deepEqual(mirror.state, { a: 1 });
  mirror.apply(snapshot(2, { a: 3 }));
  assert.equal(mirror.apply(delta(3, { a: 4 })).applied, Applied.CHANGED);
});

function storeWith(memory = null) {
  const frames = [];
  return { store: new Store((run) => frames.push(run), memory), frame: () => frames.splice(0).forEach((run) => run()) };
}

test("a view is drawn once a frame, and only for its own sections", () => {
  const { store, frame } = storeWith();
  const drawn = [];
  store.watch(["a"], (shared) => drawn.push(shared.a));
  store.receive(snapshot(0, { a: 1, b: 1 }));
  store.receive(delta(1, { a: 2 }));
  frame();
  assert.deepEqual(drawn, [2]);
  store.receive(delta(2, { b: 2 }));
  frame();
  assert.deepEqual(drawn, [2]);
});

test("what is marked before the first snapshot is drawn with it", () => {
  const { store, frame } = storeWith();
  const drawn = [];
  store.watch(["local.octave"], (_, local) => drawn.push(local.octave));
  frame();
  assert.deepEqual(drawn, []);
  store.receive(snapshot(0, {}));
  frame();
  assert.deepEqual(drawn, [4]);
});

test("a reload remembers how the page was set up, and survives a memory that holds rubbish", () => {
  const kept = {};
  const memory = { getItem: (name) => kept[name] ?? null, setItem: (name, text) => void (kept[name] = text) };
  storeWith(memory).store.set({ octave: 2, pending: { what: "accept" } });
  const again = storeWith(memory).store.local;
  assert.equal(again.octave, 2);
  assert.equal(again.pending, null);
  kept["jamlink-page"] = "{";
  assert.equal(storeWith(memory).store.local.octave, 4);
});
