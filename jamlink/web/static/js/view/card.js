// One idea: its number, from safe to bold, its chords bar by bar, a small piano roll, what is different about it, and
// who made it. On the chosen card a chord can be renamed or moved.

import { withSigns } from "../music/chord.js";
import { byBar, madeBy, standing, Standing } from "../music/place.js";
import { ChordEditor } from "./chord_editor.js";
import { chord, flag, h, mark, once, say } from "./dom.js";
import { hoverToHear } from "./hover.js";
import { MiniRoll } from "./mini.js";
import { voicesOf } from "../sound/score.js";

const SIGNS = { [Standing.SAVING]: "… saving", [Standing.TAKEN]: "✓ taken", [Standing.SOUNDS]: "♪ sounds", [Standing.GONE]: "× gone" };

export class CardView {
  // `to` has take(index), select(index), hear(index), hush(), chord(place, symbol), moveChord(place, beats), note(index, n, pitch)
  constructor(index, to) {
    this._index = index;
    this._to = to;
    this._editor = new ChordEditor(to);
    this._mini = new MiniRoll((note, pitch) => to.note(index, note, pitch));
    this._number = h("kbd", {}, index < 9 ? String(index + 1) : "");
    this._name = h("span", { class: "card-name" });
    this._standing = h("span", { class: "card-standing" });
    this._chords = h("div", { class: "card-chords" });
    this._words = h("p", { class: "card-words" });
    this._closest = h("span", { class: "card-closest" });
    this._maker = h("span", { class: "card-maker" });
    this._take = h("button", { type: "button", class: "button small take", onclick: () => to.take(index) }, "Take");
    this._hear = h("button", { type: "button", class: "button small quiet", onclick: () => to.hear(index) }, "Hear");
    this._seen = true;
    this.root = this._build();
  }

  _build() {
    const head = h("header", { class: "card-head" }, this._number, this._name, this._standing);
    const foot = h("footer", { class: "card-foot" }, this._maker, this._closest, h("span", { class: "card-buttons" }, this._hear, this._take));
    this._parts = [head, this._chords, this._mini.canvas, this._words, foot];
    const root = h("article", { class: "card", data: { card: String(this._index), control: this._index < 4 ? `pick-${this._index + 1}` : undefined } }, this._parts);
    hoverToHear([this._mini.canvas, this._hear], () => this._to.hear(this._index), () => this._to.hush());
    root.addEventListener("click", (event) => {
      if (!event.target.closest("button, input, canvas")) this._to.select(this._index);
    });
    return root;
  }

  // Far out of sight it is a frame with its name: a hand of thirty costs what a hand of eight does.
  sight(seen) {
    if (this._seen === seen || (!seen && this.root.contains(document.activeElement))) return;
    this._seen = seen;
    this.root.replaceChildren(...(seen ? this._parts : []));
    this._mini.sight(seen);
    if (seen && this._newest) this.draw(...this._newest);
  }

  // `wide` is what the fullest bar of the hand needs, in em; `pending` is true while a decision for it is on its way.
  draw(state, card, { wide, pending }) {
    this._newest = [state, card, { wide, pending }];
    const { hand, clock } = state;
    const stands = standing(state, card);
    const editable = card.selected && stands === Standing.OFFERED;
    flag(this.root, "chosen", card.selected);
    if (this.root.dataset.standing !== stands) this.root.dataset.standing = stands;
    mark(this.root, "aria-current", String(card.selected));
    mark(this.root, "aria-label", `Idea ${card.place}${card.selected ? ", chosen" : ""}`);
    if (!this._seen) return;
    say(this._name, nameOf(card, hand));
    say(this._standing, pending ? "… sent" : (SIGNS[stands] ?? (card.selected ? "chosen" : "")));
    this._widen(wide);
    this._drawChords(card, hand, clock, editable);
    say(this._words, withSigns((card.edits.length ? `Changed: ${card.edits.join(", ")}. ` : "") + card.words));
    say(this._closest, card.closest ? `≈ close to ${card.closest}` : "");
    mark(this._closest, "title", card.closest);
    say(this._maker, `by ${madeBy(state, card.made_by, card.edits.length)}`);
    this._buttons(card, stands);
    this._drawMini(state, card, editable);
  }

  // The theme changed.
  refresh() {
    this._mini.draw();
  }

  _buttons(card, stands) {
    const gone = stands !== Standing.OFFERED;
    mark(this._take, "aria-disabled", String(gone));
    mark(this._take, "data-why", gone ? `Idea ${card.place} is ${stands === Standing.GONE ? "no longer offered" : stands}.` : "");
    mark(this._take, "aria-label", `Take idea ${card.place}`);
    mark(this._hear, "aria-label", `Hear idea ${card.place}`);
  }

  // Told to the chords alone: on the row it would be inherited, and every element of every card styled anew.
  _widen(wide) {
    if (this._wide === wide) return;
    this._wide = wide;
    this._chords.style.setProperty("--bar-width", `${wide}em`);
    this._chords.style.setProperty("--bar-em", wide);
  }

  _drawMini({ hand, clock, key, arranged }, card, editable) {
    const length = hand.slot_bars * clock.bar_ticks;
    const looks = `${JSON.stringify(card.melody)}${JSON.stringify(card.bass)}${editable}${length}`;
    const voices = arranged?.[card.id];
    if (this._looks === looks && this._voices === voices) return;
    [this._looks, this._voices] = [looks, voices];
    this._mini.show(card, length, clock.bar_ticks, editable, flatsIn(key), voicesOf(card, length, arranged).filter((note) => note.role === "chords"));
  }

  _drawChords(card, hand, clock, editable) {
    const key = JSON.stringify([card.chords, editable, hand.slot_bars, card.id, card.edits.length]);
    if (this._editor.holds(key, editable)) return;
    once(this._chords, key, () => {
      if (!card.chords.length) return [h("span", { class: "faint" }, "no chords: goes with yours")];
      const bars = byBar(card.chords, hand.slot_bars, clock.bar_ticks).map((bar) => this._bar(bar, editable, clock));
      return pairs(bars).map((pair) => h("span", { class: "card-pair" }, pair)); // bars break two by two, as on charts
    });
  }

  _bar(bar, editable, clock) {
    const names = bar.map((entry) => (editable ? this._editor.handle(entry, clock) : chord(entry.symbol)));
    return h("span", { class: "card-bar", data: { full: String(Math.min(4, names.length)) } }, names.length ? names : h("span", { class: "faint", title: "as before" }, "%"));
  }
}

const pairs = (bars) => Array.from({ length: Math.ceil(bars.length / 2) }, (_, index) => bars.slice(index * 2, index * 2 + 2));

function nameOf(card, hand) {
  if (hand.cards.length === 1) return "the idea";
  if (card.place === 1) return "safe";
  return card.place === hand.cards.length ? "bold" : "";
}

// Keys with sharps spell with sharps; the session says the same in its chord names.
export const flatsIn = (key) => !/^([GDAEB]|F#|F♯)( major)?$|^(E|B|F#|C#|G#) minor$/.test(key ?? "");
