// The piano on the screen: for mouse and touch, with the computer keys written on it. Sliding over it plays on.

import { capOfPiano, PEDAL_CAP, PIANO_KEYS } from "../input/keymap.js";
import { chooseKeys } from "../input/keys_start.js";
import { soundButton } from "./sound_line.js";
import { isBlack, pitchName } from "../music/chord.js";
import { press } from "./actions.js";
import { flag, h, once, say } from "./dom.js";

const WHITE_PX = 46; // about a fingertip
const FEWEST_WHITES = 8;
const MOST_WHITES = 29;

export class Keyboard {
  constructor(root, { store, piano }) {
    this._store = store;
    this._piano = piano;
    this._fingers = new Map(); // pointerId -> pitch
    this._keys = new Map(); // pitch -> element
    this._whites = 15;
    this._bed = h("div", { class: "keys", role: "group", aria: { label: "Piano keys, also by computer keys" } });
    this._root = root;
    root.append(this._controls(), this._bed);
    this._listen();
    piano.onChange((pitch) => this._light(pitch));
    new ResizeObserver(([entry]) => this._resized(entry.contentRect.width)).observe(this._bed);
    const tall = () => document.documentElement.style.setProperty("--piano-height", `${root.offsetHeight}px`);
    new ResizeObserver(tall).observe(root); // what floats stays above it
    store.watch(["local.octave", "local.keysPlay", "local.pianoShown"], (_, local) => this._draw(local));
    store.watch(["sounding"], (shared) => this._others(shared.sounding ?? []));
    store.watch(["local.velocity", "local.octave", "local.sustain", "local.keysPlay", "local.pianoShown"], (_, local) => this._say(local));
  }

  _controls() {
    const adjust = (what, sign, label) => h("button", { type: "button", class: "button small quiet", aria: { label }, onclick: () => this._piano.adjust(what) }, sign);
    this._octave = h("output", {});
    this._velocity = h("output", {});
    [this._octaveKeys, this._velocityKeys] = ["Z X", "C V"].map((keys) => h("kbd", { class: "beside", aria: { hidden: "true" } }, keys));
    this._keysPlay = h("button", { type: "button", class: "button small quiet", id: "keys-play", onclick: () => chooseKeys(this._store, !this._store.local.keysPlay) }, "Computer keys play", h("kbd", { aria: { hidden: "true" } }, "`"));
    this._pedal = h("button", { type: "button", class: "button small quiet", onclick: () => this._piano.sustain(!this._store.local.sustain) }, "Sustain", (this._pedalKey = h("kbd", { class: "beside", aria: { hidden: "true" } }, PEDAL_CAP)));
    this._fold = h("button", { type: "button", class: "button small quiet fold", onclick: () => this._store.set({ pianoShown: !this._store.local.pianoShown }) }, "Piano");
    this._clash = h("span", { class: "faint clash" });
    return h("div", { class: "piano-controls" }, this._fold, this._keysPlay, this._clash,
      h("span", { class: "dial piano-only" }, adjust("octave-down", "−", "An octave lower"), this._octave, this._octaveKeys, adjust("octave-up", "+", "An octave higher")),
      h("span", { class: "dial piano-only" }, adjust("softer", "−", "Softer"), this._velocity, this._velocityKeys, adjust("louder", "+", "Louder")), this._pedal, soundButton(this._store));
  }

  _say(local) {
    say(this._octave, `octave ${local.octave}`);
    for (const keys of [this._octaveKeys, this._velocityKeys, this._pedalKey]) flag(keys, "none", !local.keysPlay);
    say(this._velocity, loudness(local.velocity));
    say(this._clash, local.keysPlay ? "Letters are notes; letter commands take Shift." : "Letters are commands: T taps, L loops.");
    press(this._keysPlay, local.keysPlay);
    press(this._pedal, local.sustain);
    this._fold.setAttribute("aria-expanded", String(local.pianoShown));
    flag(this._root, "folded", !local.pianoShown);
  }

  _draw({ octave, keysPlay }) {
    const low = (octave + 1) * 12;
    once(this._bed, `${low}:${this._whites}:${keysPlay}`, () => this._build(low, keysPlay));
    this._others(this._store.shared?.sounding ?? []);
    for (const pitch of this._piano.held.keys()) this._light(pitch);
  }

  // The computer keys' octave and a half in the middle, as far as the bed is wide enough.
  _build(low, keysPlay) {
    const first = Math.max(0, low - 12 * Math.round(Math.max(0, this._whites - 11) / 14));
    this._keys.clear();
    const keys = [];
    for (let pitch = first, whites = 0; whites < this._whites && pitch < 128; pitch += 1) {
      const black = isBlack(pitch);
      const offset = pitch - low;
      const written = keysPlay && offset >= 0 && offset < PIANO_KEYS ? capOfPiano(offset) : "";
      const key = h("div", { class: `key ${black ? "black" : "white"}`, data: { pitch: String(pitch) } }, written && h("span", { class: "key-cap" }, written), !black && pitch % 12 === 0 && h("span", { class: "key-name" }, pitchName(pitch)));
      key.style.setProperty("--at", String(whites));
      this._keys.set(pitch, key);
      keys.push(key);
      if (!black) whites += 1;
    }
    this._bed.style.setProperty("--whites", String(this._whites));
    return keys;
  }

  _resized(width) {
    const whites = Math.max(FEWEST_WHITES, Math.min(MOST_WHITES, Math.round(width / WHITE_PX)));
    if (whites === this._whites) return;
    this._whites = whites;
    this._draw(this._store.local);
  }

  _light(pitch) {
    const key = this._keys.get(pitch);
    if (key) flag(key, "down", this._piano.held.has(pitch));
  }

  // Keys that sound on any keyboard of the player's.
  _others(sounding) {
    const held = new Set(sounding);
    for (const [pitch, key] of this._keys) flag(key, "heard", held.has(pitch));
  }

  _listen() {
    const bed = this._bed;
    bed.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      bed.setPointerCapture(event.pointerId);
      this._touch(event);
    });
    bed.addEventListener("pointermove", (event) => this._fingers.has(event.pointerId) && this._touch(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) bed.addEventListener(name, (event) => this._lift(event));
  }

  _touch(event) {
    const key = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".key");
    const pitch = key ? Number(key.dataset.pitch) : null;
    const before = this._fingers.get(event.pointerId) ?? null;
    if (pitch === before && this._fingers.has(event.pointerId)) return;
    if (before !== null) this._piano.release(before);
    this._fingers.set(event.pointerId, pitch);
    if (pitch !== null) this._piano.press(pitch, this._force(event, key));
  }

  // Lower on the key is louder, as on every screen piano.
  _force(event, key) {
    const box = key.getBoundingClientRect();
    const depth = (event.clientY - box.top) / box.height;
    return Math.round(Math.min(127, Math.max(20, this._store.local.velocity * (0.6 + 0.6 * depth))));
  }

  _lift(event) {
    const pitch = this._fingers.get(event.pointerId);
    this._fingers.delete(event.pointerId);
    if (pitch !== null && pitch !== undefined) this._piano.release(pitch);
  }
}

export const loudness = (velocity) => (velocity < 34 ? "very soft" : velocity < 58 ? "soft" : velocity < 90 ? "medium" : velocity < 112 ? "loud" : "very loud");
