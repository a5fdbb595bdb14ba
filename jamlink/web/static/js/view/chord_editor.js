// A chord of the chosen idea as a handle: press it to rename it, drag it or use the arrow keys to move it in beats.

import { chord, h } from "./dom.js";

const DRAG_PX = 8; // less is a press

export class ChordEditor {
  constructor(to) {
    this._to = to;
    this.busy = false;
    this._drawn = ""; // the chords that the card was last drawn from
    this._sent = null; // {name, over}: what was asked for, over which chords, while no answer is seen
  }

  // Whether a name is being typed in a card of these `chords`: it is not swept away. One that was refused stays, to be
  // mended; it goes when the chords are others, and where nothing can be changed any more.
  holds(chords, editable) {
    if (!editable || (this._sent && this._sent.over !== chords)) this.busy = false;
    this._drawn = chords;
    return this.busy;
  }

  // `entry` has symbol and index.
  handle(entry, clock) {
    const button = h("button", { type: "button", class: "chord-handle", title: "Press to rename, drag to move" }, chord(entry.symbol), h("span", { class: "unseen" }, ": rename, or move with the arrow keys"));
    button.addEventListener("click", () => this._rename(button, entry));
    button.addEventListener("keydown", (event) => this._key(event, entry));
    this._draggable(button, entry, clock);
    return button;
  }

  _key(event, entry) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this._to.moveChord(entry.index, step);
  }

  _draggable(button, entry, clock) {
    let from = null;
    button.addEventListener("pointerdown", (event) => {
      from = event.clientX;
      button.setPointerCapture(event.pointerId);
    });
    button.addEventListener("pointermove", (event) => {
      if (from !== null) button.style.translate = `${event.clientX - from}px 0`;
    });
    button.addEventListener("pointerup", (event) => {
      const moved = from === null ? 0 : event.clientX - from;
      from = null;
      button.style.translate = "";
      if (Math.abs(moved) < DRAG_PX) return;
      button.addEventListener("click", (click) => click.stopImmediatePropagation(), { capture: true, once: true });
      const bar = button.closest(".card-bar").clientWidth;
      const beats = Math.round((moved / bar) * (clock.bar_ticks / clock.beat_ticks));
      if (beats) this._to.moveChord(entry.index, beats);
    });
    button.addEventListener("pointercancel", () => {
      from = null;
      button.style.translate = "";
    });
  }

  _rename(button, entry) {
    const field = h("input", { class: "chord-field", type: "text", value: entry.symbol, maxlength: "32", data: { typing: "" }, aria: { label: `Chord ${entry.index + 1}: another name` }, autocomplete: "off", spellcheck: false });
    const leave = () => {
      this.busy = false;
      if (field.isConnected) field.replaceWith(button);
    };
    const ask = () => {
      const name = field.value.trim();
      if (!this.busy) return;
      if (!name || name === entry.symbol) return leave();
      if (this._sent?.name === name) return; // by enter already
      this._sent = { name, over: this._drawn };
      this._to.chord(entry.index, name);
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") ask();
      if (event.key === "Escape") leave();
    });
    field.addEventListener("blur", ask);
    this.busy = true;
    this._sent = null;
    button.replaceWith(field);
    field.focus();
    field.select();
  }
}
