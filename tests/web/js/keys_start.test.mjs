import assert from "node:assert/strict";
import { test } from "node:test";

import { Store } from "../../../jamlink/web/static/js/core/state.js";
import { chooseKeys, watchKeys } from "../../../jamlink/web/static/js/input/keys_start.js";

function page(player = null) {
  const frames = [];
  const store = new Store((run) => frames.push(run), null, player);
  let played = () => {};
  watchKeys(store, { onKey: (listener) => (played = listener) });
  let rev = 0;
  const told = (ports, playing = false) => {
    store.receive({ kind: "snapshot", rev: ++rev, state: { ports, clock: { playing } } });
    while (frames.length) frames.shift()();
  };
  return { store, told, play: () => played(), keys: () => store.local.keysPlay };
}

const memory = () => {
  const kept = new Map();
  return { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => kept.set(name, text) };
};

test("computer keys start as a piano only where no keyboard is plugged in", () => {
  for (const [ports, plays] of [[{ inputs: [] }, true], [{ inputs: ["MPK mini"] }, false], [{ inputs: ["Midi Through"], keyboard: false }, true]]) {
    const one = page();
    one.told(ports);
    assert.equal(one.keys(), plays);
  }
});

test("under the hands nothing changes its meaning", () => {
  const [used, running] = [page(), page()];
  used.told({ keyboard: false });
  used.play();
  used.told({ keyboard: true });
  assert.equal(used.keys(), true);
  running.told({ keyboard: false });
  running.told({ keyboard: true }, true);
  assert.equal(running.keys(), true);
});

test("what the player chose is kept, also for the next start", () => {
  const kept = memory();
  const first = page(kept);
  first.told({ keyboard: true });
  chooseKeys(first.store, true);
  first.told({ keyboard: true });
  assert.equal(first.keys(), true);
  const next = page(kept);
  next.told({ keyboard: true });
  assert.equal(next.keys(), true);
});
