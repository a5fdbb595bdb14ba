// Key presses of the whole page, sorted: notes to the piano, gestures to the session, the rest to the page. What
// belongs to a control with the focus (a text field, a slider, a button) stays with it.

import { isPedal, meaning, pianoOffset } from "./keymap.js";

const TWICE_MS = 600; // two escapes within this time are one panic
const TYPED_INTO = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
const OWN_KEYS = ["Enter", " ", "Tab", "Backspace", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

export class Shortcuts {
  // `to` has act, pick, step, key(offset, on), pedal(on), piano(what), page(what)
  constructor(store, to, target = window) {
    this._store = store;
    this._to = to;
    this._down = new Map(); // code -> offset, so that a release finds its note whatever has changed since
    this._pedal = false; // whether the pedal's key is down
    this._escaped = -Infinity;
    target.addEventListener("keydown", (event) => this._press(event));
    target.addEventListener("keyup", (event) => this._release(event));
    target.addEventListener("blur", () => this.letGo());
    document.addEventListener("visibilitychange", () => document.hidden && this.letGo());
  }

  // No key is held any more: the window lost the focus, and the releases went elsewhere.
  letGo() {
    for (const offset of this._down.values()) this._to.key(offset, false);
    this._down.clear();
    if (this._pedal) this._to.pedal((this._pedal = false));
  }

  _press(event) {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.target.closest?.("[data-typing]") || belongsToControl(event)) return;
    const found = meaning(event, this._store.local.keysPlay);
    if (!found) return;
    event.preventDefault();
    if (found.offset !== undefined) return this._note(event, found.offset);
    if (event.repeat && !("piano" in found) && !("step" in found)) return;
    this._carryOut(found);
  }

  _note(event, offset) {
    if (event.repeat || this._down.has(event.code)) return;
    this._down.set(event.code, offset);
    this._to.key(offset, true);
  }

  _release(event) {
    if (isPedal(event.code) && this._pedal) this._to.pedal((this._pedal = false));
    const offset = this._down.get(event.code);
    if (offset === undefined || pianoOffset(event.code) === null) return;
    this._down.delete(event.code);
    this._to.key(offset, false);
  }

  _carryOut(found) {
    if ("act" in found) this._to.act(found.act);
    else if ("pick" in found) this._to.pick(found.pick);
    else if ("step" in found) this._to.step(found.step);
    else if ("piano" in found) this._to.piano(found.piano);
    else if ("pedal" in found) this._to.pedal((this._pedal = true));
    else if (found.page === "escape") this._escape();
    else this._to.page(found.page);
  }

  _escape() {
    const now = performance.now();
    const twice = now - this._escaped < TWICE_MS;
    this._escaped = twice ? -Infinity : now;
    if (twice) this._to.act("panic");
    else this._to.page("escape");
  }
}

// Escape always gets through; a text field keeps everything else, a button or slider what moves and presses it.
function belongsToControl(event) {
  const at = event.target;
  if (!(at instanceof Element) || event.key === "Escape") return false;
  if (at.matches(TYPED_INTO)) return !((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "m");
  const control = at.matches("button, a, input, summary, [role=tab], [role=listbox], [tabindex='0']");
  return control && OWN_KEYS.includes(event.key);
}
