// The top line: play and stop, where we are, the tempo and where it comes from, key and chord heard, the ways to
// everything else, and panic.

import { speak } from "../core/protocol.js";
import { signs } from "../music/chord.js";
import { placeOf } from "../music/place.js";
import { actionButton } from "./controls.js";
import { flag, h, once, say } from "./dom.js";

const PANELS = [
  ["steer", "Steer"], ["sheet", "Sheet"], ["history", "History"], ["ports", "Ports"], ["save", "Save"], ["help", "Help"],
];

export class Bar {
  constructor(root, { store, send, act, open }) {
    this._store = store;
    this._play = actionButton("play-stop", "Play", act("play-stop"), { kind: "play" });
    this._place = h("span", { class: "bar-beat", id: "bar-beat" }, "–");
    this._lights = h("span", { class: "lights", aria: { hidden: "true" } });
    this._source = h("span", { class: "faint" });
    this._meter = h("span", { class: "meter" });
    this._key = h("span", { class: "heard-key" });
    this._heard = h("span", { class: "heard-chord" });
    this._tempo = this._tempoField(send);
    root.append(
      this._play,
      h("div", { class: "where" }, this._lights, this._place),
      h("div", { class: "pace" }, this._tempo, actionButton("tap", "Tap", act("tap"), { kind: "quiet" }), h("span", { class: "measure" }, this._meter, this._source)),
      h("div", { class: "heard" }, h("span", { class: "faint" }, "hears"), this._key, this._heard),
      h("nav", { class: "ways", aria: { label: "Panels" } }, PANELS.map(([name, label]) => this._way(name, label, open))),
      actionButton("panic", "Panic", act("panic"), { kind: "danger", hint: "Silence everything, now." }),
    );
    this._watch(store);
    const tall = () => document.documentElement.style.setProperty("--bar-height", `${root.offsetHeight}px`);
    new ResizeObserver(tall).observe(root); // panels open below it: panic and play stay in reach
  }

  // In each frame: place and lights by the line, not by messages.
  draw(state, tick) {
    const { clock } = state;
    const place = placeOf(clock, tick);
    const words = !clock.playing ? "stopped" : place.bar < 1 ? `count-in ${place.beat}` : `${place.bar}.${place.beat}`;
    say(this._place, words);
    flag(this._place, "words", !/^\d/.test(words));
    once(this._lights, clock.beats, () => Array.from({ length: clock.beats }, () => h("i", { class: "light" })));
    [...this._lights.children].forEach((light, index) => {
      const lit = clock.playing && index === place.beat - 1;
      flag(light, "lit", lit);
      flag(light, "fresh", lit && place.through < 0.35);
    });
  }

  _way(name, label, open) {
    return h("button", { type: "button", class: "way", data: { panel: name }, aria: { expanded: "false", controls: "panel" }, onclick: () => open(name) }, label);
  }

  _tempoField(send) {
    const field = h("input", { class: "tempo", type: "number", min: "40", max: "240", step: "1", aria: { label: "Tempo, quarters per minute" } });
    const leave = () => field.blur();
    field.addEventListener("change", () => {
      const bpm = Number(field.value);
      if (bpm >= 40 && bpm <= 240) send(speak.tempo(bpm));
    });
    field.addEventListener("keydown", (event) => (event.key === "Enter" || event.key === "Escape") && leave());
    this._tempoInput = field;
    return h("label", { class: "tempo-label" }, h("span", { class: "note-sign", aria: { hidden: "true" } }, "♩ ="), field);
  }

  _watch(store) {
    store.watch(["clock"], ({ clock }) => {
      say(this._play.querySelector(".label"), clock.playing ? "Stop" : "Play");
      flag(this._play, "playing", clock.playing);
      if (document.activeElement !== this._tempoInput) this._tempoInput.value = String(Math.round(clock.bpm * 10) / 10);
      say(this._meter, clock.meter);
      say(this._source, clock.led ?? "own clock");
      this._source.title = this._source.textContent; // where it has no room for all of it
      flag(this._source, "uneasy", !["", "locked"].includes(clock.bond ?? ""));
    });
    store.watch(["key", "chord", "steering"], ({ key, chord, steering }) => {
      say(this._key, key ? `${signs(key)}${steering.key_lock ? " (kept)" : ""}` : "–");
      say(this._heard, chord ? signs(chord) : "");
    });
    store.watch(["local.panel"], (_, { panel }) => {
      for (const way of document.querySelectorAll(".way")) way.setAttribute("aria-expanded", String(way.dataset.panel === panel));
    });
  }
}
