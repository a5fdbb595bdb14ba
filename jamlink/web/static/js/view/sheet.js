// The lead sheet of the take so far and of what is next. Notation is loaded the first time it is asked for; until then,
// and where it is not there, bars with chord names say the same.

import { between, chosen } from "../music/place.js";
import { toAbc } from "./abc.js";
import { chord, h, say } from "./dom.js";

const NOTATION = "/static/vendor/abcjs-basic-min.js";
const WIDE_PX = 720; // four bars, as on paper
const NARROW_PX = 520; // room for two bars a line
const EVERY_MS = 1500; // notation takes some 60 ms to draw: not for every note

export class Sheet {
  constructor({ store }) {
    this._store = store;
    this._notes = h("div", {});
    this._paper = h("div", { class: "notation", hidden: true }, this._notes); // the library has its own way with what it draws into
    this._grid = h("div", { class: "chord-grid" });
    this._says = h("p", { class: "faint" });
    this._print = h("button", { type: "button", class: "button small", onclick: () => window.print() }, "Print");
    this.root = h("div", { class: "sheet", id: "sheet" }, h("div", { class: "sheet-tools" }, this._says, this._print), this._paper, this._grid);
    this._open = false;
    store.watch(["lead", "hand", "taken", "playing", "key"], () => this._later());
  }

  async shown() {
    this._open = true;
    this._drawNow();
    if (!this._asked) {
      this._asked = true;
      say(this._says, "Loading notation …");
      this._ready = await load(NOTATION);
      say(this._says, this._ready ? "" : "Chord names only: notation is not installed.");
      this._drawNow();
    }
  }

  hidden() {
    this._open = false;
  }

  _later() {
    if (!this._open || this._waiting) return;
    this._waiting = setTimeout(() => {
      this._waiting = 0;
      if (this._open) this._drawNow();
    }, EVERY_MS);
  }

  _drawNow() {
    const state = this._store.shared;
    if (!state) return;
    const lead = state.lead ?? [];
    this._drawGrid(this._ready ? [] : lead, nextBars(state));
    this._paper.hidden = !(this._ready && lead.length);
    if (!this._paper.hidden) this._engrave(lead, state);
  }

  _engrave(lead, state) {
    try {
      const wide = this._notes.clientWidth || WIDE_PX;
      const narrow = wide < NARROW_PX;
      const format = { titlefont: `sans-serif ${narrow ? 14 : 20}` };
      const look = { responsive: "resize", format, staffwidth: Math.min(WIDE_PX, wide), paddingtop: 0, paddingleft: 0, paddingright: 0, add_classes: true };
      const text = toAbc(lead, state.clock, state.key, title(state), narrow ? 2 : undefined);
      withoutInlineStyle(() => window.ABCJS.renderAbc(this._notes, text, look));
    } catch {
      this._ready = false; // a take that the library cannot draw is still a list of chords
      this._drawNow();
    }
  }

  _drawGrid(past, next) {
    const bars = [...past.map((bar) => gridBar(bar.bar, bar.chords.map((each) => each.symbol), "")), ...next.map((bar) => gridBar(bar.bar, bar.symbols, bar.sure ? "next" : "maybe"))];
    const empty = h("p", { class: "faint" }, "The sheet fills as you play.");
    this._grid.replaceChildren(...(next.length && this._ready ? [h("h3", {}, "Next")] : []), h("div", { class: "grid-bars" }, bars.length || this._ready ? bars : [empty]));
  }
}

// The library writes inline styles, which the page's own rules forbid: attributes are set as properties, which is
// allowed, and its style element (for dragging, which nobody does here) becomes inert. Only while it draws, at once.
function withoutInlineStyle(draw) {
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function set(name, value) {
    if (name === "style" && this.style) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
  document.createElementNS = (space, name) => Document.prototype.createElementNS.call(document, space, name === "style" ? "metadata" : name);
  try {
    draw();
  } finally {
    Element.prototype.setAttribute = setAttribute;
    delete document.createElementNS;
  }
}

function gridBar(number, symbols, kind) {
  const names = symbols.length ? symbols.map((symbol) => chord(symbol)) : [h("span", { class: "faint" }, "%")];
  return h("div", { class: `grid-bar ${kind}` }, h("span", { class: "grid-number" }, String(number)), names);
}

// The bars that are still to come: what was taken, or what the chosen idea would bring.
export function nextBars(state) {
  const card = chosen(state.hand);
  const placed = state.taken ?? (card?.state === "offered" ? { chords: card.chords, start: state.hand.slot_start, end: state.hand.slot_start + state.hand.slot_bars * state.clock.bar_ticks } : null);
  if (!placed) return [];
  const spans = between(placed.chords, placed.start, placed.end - placed.start, "");
  const bars = Math.round((placed.end - placed.start) / state.clock.bar_ticks);
  return Array.from({ length: bars }, (_, index) => {
    const from = placed.start + index * state.clock.bar_ticks;
    return { bar: Math.floor(from / state.clock.bar_ticks) + 1, sure: Boolean(state.taken), symbols: spans.filter((span) => span.tick >= from && span.tick < from + state.clock.bar_ticks).map((span) => span.symbol) };
  });
}

const title = (state) => (state.file ? `Jam ${state.file.replace(/\.(jam|session)$/, "")}` : "Jam");

// A plain script, once; false where it is not there.
function load(address) {
  return new Promise((done) => {
    if (window.ABCJS) return done(true);
    const script = h("script", { src: address, onload: () => done(Boolean(window.ABCJS)), onerror: () => done(false) });
    document.head.append(script);
  });
}
