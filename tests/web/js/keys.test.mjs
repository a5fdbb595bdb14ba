import assert from "node:assert/strict";
import { test } from "node:test";

import { capOf, capOfPiano, meaning, PIANO_KEYS } from "../../../jamlink/web/static/js/input/keymap.js";

const press = (key, code = "", held = {}) => ({ key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

test("two rows are a piano by place, whatever is printed on the keys", () => {
  const row = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ", "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon", "Quote"];
  row.forEach((code, offset) => assert.deepEqual(meaning(press("§", code), true), { offset }));
  assert.equal(row.length, PIANO_KEYS);
});

test("a letter is a note or a command, never both, and the control says which key works", () => {
  assert.deepEqual(meaning(press("t", "KeyT"), true), { offset: 6 });
  assert.deepEqual(meaning(press("T", "KeyT", { shiftKey: true }), true), { act: "tap" });
  assert.equal(capOf("tap", true), "⇧T");
  assert.deepEqual(meaning(press("t", "KeyT"), false), { act: "tap" });
  assert.equal(capOf("tap", false), "T");
  assert.deepEqual(meaning(press("L", "KeyL", { shiftKey: true }), true), { act: "loop" });
});

test("the keys of the issue mean the same in both", () => {
  for (const keysPlay of [true, false]) {
    assert.deepEqual(meaning(press(" ", "Space"), keysPlay), { act: "play-stop" });
    assert.deepEqual(meaning(press("Enter", "Enter"), keysPlay), { act: "accept" });
    assert.deepEqual(meaning(press("Backspace", "Backspace"), keysPlay), { act: "reject" });
    assert.deepEqual(meaning(press("Tab", "Tab"), keysPlay), { act: "next-hand" });
    for (const digit of [1, 2, 3, 4]) assert.deepEqual(meaning(press(String(digit), `Digit${digit}`), keysPlay), { pick: digit - 1 });
    for (const held of [{ ctrlKey: true }, { metaKey: true }]) {
      assert.deepEqual(meaning(press("z", "KeyZ", held), keysPlay), { act: "undo" });
      assert.deepEqual(meaning(press("m", "KeyM", held), keysPlay), { page: "learn" });
    }
  }
});

test("what belongs to the browser stays with it", () => {
  for (const key of ["r", "t", "w", "l", "c"]) assert.equal(meaning(press(key, `Key${key.toUpperCase()}`, { ctrlKey: true }), true), null);
  assert.equal(meaning(press("a", "KeyA", { altKey: true }), true), null);
  assert.equal(meaning(press("Tab", "Tab", { shiftKey: true }), true), null);
  assert.equal(meaning(press("F5", "F5"), true), null);
});

test("the caps on the piano are the keys that play it", () => {
  assert.equal(capOfPiano(0), "A");
  assert.equal(capOfPiano(6), "T");
  assert.equal(capOfPiano(17), "'");
  assert.equal(capOfPiano(18), "");
});

test("while the keys are a piano, Q is its pedal", () => {
  assert.deepEqual(meaning(press("q", "KeyQ"), true), { pedal: true });
  assert.equal(meaning(press("q", "KeyQ"), false), null);
});
