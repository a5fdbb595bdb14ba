// Steering in musical words: four sliders with words at their ends, and the choices that shape the next hands.

import { speak } from "../core/protocol.js";
import { capOf } from "../input/keymap.js";
import { press } from "./actions.js";
import { actionButton } from "./controls.js";
import { h, once, say } from "./dom.js";

const KNOBS = [["surprise", "safe", "bold"], ["density", "sparse", "dense"], ["brightness", "dark", "bright"], ["drive", "calm", "driving"]];
const ROLES = ["chords", "melody", "bass"];
const REPEATS = [["once", "once"], ["loop", "loop"], ["keep going", "keep going"]];
const MODES = [["propose", "propose"], ["trade", "trade"], ["accompany", "accompany"]];
const COUNTS = [["look_ahead", "Thinks ahead, beats", [0, 1, 2, 4, 8, 16]], ["commit", "Promises, beats", [0, 1, 2, 4, 8, 16]], ["listen", "Listens first, beats", [0, 4, 8, 16, 32, 64]], ["rest", "Ends after rests of, bars", [0, 1, 2, 4, 8]]];
const BARS = [["1", "1"], ["2", "2"], ["4", "4"], ["8", "8"]];
const CLICKS = { off: "off", "count-in": "count-in only", on: "always" };
const COUNT_INS = { 0: "none", 1: "one bar", 2: "two bars" };
const KEYS = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const METERS = ["2/4", "3/4", "4/4", "5/4", "6/8", "7/8", "9/8", "12/8"];
const SEND_EVERY_MS = 50; // while a slider is dragged
const ECHO_MS = 400; // for so long the session's answer does not move a slider that was just moved

export class Steering {
  constructor({ store, send, act }) {
    this._store = store;
    this._send = send;
    this._moved = new Map(); // sliders in the hand: the session's echo must not pull them back
    this._caps = []; // [action, the place where its key is written]
    this.root = h("div", { class: "steering" }, KNOBS.map((knob) => this._slider(...knob)), this._choices(act));
    store.watch(["steering", "clock", "styles", "bindings"], (shared) => this._draw(shared));
    store.watch(["local.keysPlay"], (_, { keysPlay }) => this._caps.forEach(([act, place]) => say(place, capOf(act, keysPlay))));
  }

  _slider(name, low, high) {
    const input = h("input", { type: "range", min: "0", max: "1", step: "0.05", data: { knob: name, control: name }, aria: { label: `${low} to ${high}` } });
    input.addEventListener("input", () => this._turned(name, input));
    input.addEventListener("change", () => this._turned(name, input, true));
    this._caps.push([`${name}-down`, key()], [`${name}-up`, key()]);
    const [[, less], [, more]] = this._caps.slice(-2);
    return h("label", { class: "slider between" }, h("span", { class: "end" }, low, less), input, h("span", { class: "end" }, more, high));
  }

  _turned(name, input, done = false) {
    input.setAttribute("aria-valuetext", describe(name, Number(input.value)));
    input.style.setProperty("--value", input.value);
    const last = this._moved.get(name);
    const now = performance.now();
    if (last?.value === input.value || (!done && now - (last?.at ?? 0) < SEND_EVERY_MS)) return;
    this._moved.set(name, { at: now, value: input.value });
    this._send(speak.turn(name, Number(input.value)));
  }

  _choices(act) {
    this._roles = segmented("Plays", ROLES.map((role) => [role, role]), (role) => this._toggleRole(role), "toggle");
    this._bars = segmented("Bars in an idea", BARS, (bars) => this._send(speak.bars(Number(bars))));
    this._repeat = segmented("What is taken plays", REPEATS, (repeat) => this._send(speak.repeat(repeat)));
    this._mode = segmented("Together", MODES, (mode) => this._send(speak.mode(mode)), "", { trade: "trade", accompany: "accompany" });
    this._keyRoot = select("Key", [["", "as heard"], ...KEYS.flatMap((key) => [[`${key} major`, `${key.replace("b", "♭").replace("#", "♯")} major`], [`${key} minor`, `${key.replace("b", "♭").replace("#", "♯")} minor`]])], (key) => this._send(speak.key(key)));
    this._meter = select("Meter", METERS.map((meter) => [meter, meter]), (meter) => this._send(speak.meter(meter)));
    this._style = select("Style", [["", "as it comes"]], (style) => this._send(speak.style(style)));
    this._click = actionButton("metronome", "", act("metronome"), { kind: "small" });
    this._countIn = actionButton("count-in", "", act("count-in"), { kind: "small" });
    const also = [["this-is-one", "The bar starts here"], ["half-time", "Half time"], ["double-time", "Double time"], ["clear", "Forget what was taken"]].map(([name, words]) => actionButton(name, words, act(name), { kind: "small" }));
    also.splice(3, 0, actionButton("capture", "Keep the last bars", act("capture"), { kind: "small", hint: "Yours and jamlink's, as a MIDI file among the clips." }));
    this._along = COUNTS.map(([name, label, counts]) => [name, select(label, counts.map((count) => [`${count}`, name === "rest" && !count ? "never" : `${count}`]), (count) => this._send(speak.accompany(name, Number(count))))]);
    this._alongRoot = h("div", { class: "selects" }, this._along.map(([, field]) => field.root));
    return h("div", { class: "choices" }, this._roles.root, this._bars.root, this._repeat.root, this._mode.root, this._alongRoot,
      h("div", { class: "selects" }, this._keyRoot.root, this._style.root, this._meter.root, field("Click", this._click), field("Count-in", this._countIn)),
      h("div", { class: "field" }, h("span", { class: "field-name" }, "Now"), h("div", { class: "also" }, also)));
  }

  _toggleRole(role) {
    const roles = new Set(this._store.shared.steering.roles);
    if (roles.has(role)) roles.delete(role);
    else roles.add(role);
    if (roles.size) this._send(speak.roles(ROLES.filter((each) => roles.has(each))));
    else this._store.set({ says: "One of chords, melody and bass must stay, or nothing would be played." });
  }

  _draw({ steering, clock, styles = [] }) {
    for (const input of this.root.querySelectorAll("[data-knob]")) this._place(input, steering.controls[input.dataset.knob]);
    this._roles.choose(...steering.roles);
    this._bars.choose(String(steering.bars));
    this._repeat.choose(steering.repeat);
    this._mode.choose(steering.mode);
    this._alongRoot.hidden = steering.mode !== "accompany";
    for (const [name, field] of this._along) field.choose(`${steering.accompany?.[name] ?? ""}`);
    this._keyRoot.choose(steering.key_lock);
    once(this._style.field, styles.join(), () => [["", "as it comes"], ...styles.map((style) => [style, style])].map(([value, label]) => h("option", { value }, label)));
    this._style.choose(steering.style ?? "");
    this._style.root.hidden = !styles.length;
    this._meter.choose(clock.meter);
    this._meter.field.disabled = clock.playing;
    this._meter.why(clock.playing ? "Stop first: the meter stays while you play." : "");
    label(this._click, CLICKS[steering.click] ?? steering.click);
    label(this._countIn, COUNT_INS[steering.count_in] ?? `${steering.count_in} bars`);
  }

  _place(input, value) {
    if (performance.now() - (this._moved.get(input.dataset.knob)?.at ?? -Infinity) < ECHO_MS || value === undefined) return;
    this._moved.delete(input.dataset.knob);
    input.value = String(value);
    input.style.setProperty("--value", String(value));
    input.setAttribute("aria-valuetext", describe(input.dataset.knob, value));
  }
}

export function describe(name, value) {
  const [, low, high] = KNOBS.find(([knob]) => knob === name);
  if (Math.abs(value - 0.5) < 0.03) return "in the middle";
  const far = Math.abs(value - 0.5) > 0.3 ? "very " : "";
  return `${far}${value < 0.5 ? low : high}`;
}

const key = () => h("kbd", { aria: { hidden: "true" } });
const field = (name, control) => h("div", { class: "field" }, h("span", { class: "field-name" }, name), control);
const label = (button, words) => say(button.querySelector(".label"), words);

// One of a few, or any of a few with kind "toggle": plain buttons in a row.
// `controls` names the gesture that stands behind an option, so that a pad can learn it.
function segmented(label, options, choose, kind = "", controls = {}) {
  const buttons = options.map(([value, words]) => h("button", { type: "button", class: "segment", data: { value, control: controls[value] }, onclick: () => choose(value) }, words));
  const root = h("div", { class: `field ${kind}`, role: "group", aria: { label } }, h("span", { class: "field-name" }, label), h("div", { class: "segments" }, buttons));
  return { root, choose: (...values) => buttons.forEach((button) => press(button, values.includes(button.dataset.value))) };
}

export function select(label, options, choose) {
  const field = h("select", { onchange: () => choose(field.value) }, options.map(([value, words]) => h("option", { value }, words)));
  const why = h("span", { class: "why" });
  const root = h("label", { class: "field" }, h("span", { class: "field-name" }, label), field, why);
  return { root, field, why: (words) => say(why, words), choose: (value) => pick(field, value) };
}

// A value that is not in the list (a spelling of the session's own) is added, never lost.
function pick(field, value) {
  if (document.activeElement === field) return;
  if (![...field.options].some((option) => option.value === value)) field.append(h("option", { value }, value));
  if (field.value !== value) field.value = value;
}
