// The hand: for which bars, until when, and its cards from safe to bold. Many cards scroll; the chosen one is in sight.

import { barWords, beatsLeft, byBar, isLate, isSaved, standing, Standing } from "../music/place.js";
import { CardView } from "./card.js";
import { flag, h, once, say } from "./dom.js";

const COUNTDOWN = 8;
const EDGE_PX = 12; // the chosen card keeps off the edge by so much
const CALM = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");

export class Hand {
  constructor(root, { store, to }) {
    this._store = store;
    this._to = to;
    this._cards = [];
    this._title = h("h2", { class: "hand-title" });
    this._note = h("span", { class: "faint" });
    this._by = h("span", { class: "decide-words" });
    this._dots = h("span", { class: "dots", aria: { hidden: "true" } }, Array.from({ length: COUNTDOWN }, () => h("i", {})));
    this._left = h("span", { class: "decide-left" });
    this._row = h("div", { class: "cards" });
    this._empty = h("div", { class: "no-hand" });
    this._sight = new IntersectionObserver((entries) => entries.forEach((entry) => this._seen(entry)), { root: this._row, rootMargin: "0px 100%" });
    const decide = h("div", { class: "decide" }, this._by, this._dots, this._left);
    root.append(h("div", { class: "hand-head" }, this._title, this._note, decide), this._row, this._empty);
    store.watch(["hand", "clock", "key", "model", "asking", "decision", "saved", "taken", "steering", "arranged", "local.pending", "local.panel"], (shared, local) => this._draw(shared, local));
  }

  // In each frame: the count-down, by the line.
  tick(state, tick) {
    const left = beatsLeft(state, tick);
    const { hand } = state;
    const best = hand ? bestOf(state) : null;
    say(this._by, hand ? this._decideWords(state, tick, best) : "");
    const counting = left !== null && best === Standing.OFFERED && !isLate(hand, tick);
    flag(this._dots, "off", !counting);
    say(this._left, counting ? `${left} beat${left === 1 ? "" : "s"}` : "");
    if (counting && this._lit !== left) [...this._dots.children].forEach((dot, index) => flag(dot, "lit", index < left));
    flag(this._dots, "soon", counting && left <= 2);
    this._lit = counting ? left : -1;
  }

  // The theme changed.
  refresh() {
    for (const card of this._cards) card.refresh();
  }

  _decideWords(state, tick, best) {
    if (best === Standing.SAVING) return "… being saved";
    if (best === Standing.TAKEN) return `✓ taken${state.taken ? `, from ${barWords(state.clock, state.taken.start)}` : ""}`;
    if (best !== Standing.OFFERED) return best === Standing.SOUNDS ? "♪ sounds" : "";
    if (!state.clock.playing) return "no hurry: the clock stands";
    return isLate(state.hand, tick) ? "too late for these bars: taken now, it starts one idea later" : `decide by ${state.hand.decide_words}`;
  }

  _draw(state, local) {
    const { hand } = state;
    flag(this._row, "gone", !hand);
    flag(this._empty, "gone", hand);
    say(this._title, hand ? `Ideas for ${hand.slot_words}` : "Ideas");
    say(this._note, hand ? noteOf(hand) : "");
    if (!hand) return once(this._empty, emptyWords(state), () => [h("p", {}, emptyWords(state))]);
    this._deal(hand.cards.length);
    const wide = barWidth(hand, state.clock.bar_ticks);
    hand.cards.forEach((card, index) => this._cards[index].draw(state, card, { wide, pending: local.pending?.index === index }));
    this._bringIntoSight(hand, local.panel);
  }

  _deal(count) {
    if (this._cards.length === count) return;
    while (this._cards.length < count) this._cards.push(new CardView(this._cards.length, this._to));
    this._cards.length = count;
    this._sight.disconnect();
    for (const card of this._cards) this._sight.observe(card.root);
    this._row.replaceChildren(...this._cards.map((card) => card.root));
    this._row.style.setProperty("--count", String(Math.min(4, count)));
    flag(this._row, "single", count === 1);
  }

  // A row's width to both sides counts as in sight, so that scrolling finds the cards there already. While there is no
  // hand nothing has a place, and that is no news.
  _seen({ target, boundingClientRect, isIntersecting }) {
    if (boundingClientRect.width) this._cards.find((card) => card.root === target)?.sight(isIntersecting);
  }

  // Only sideways inside its own row: the page itself never jumps under a hand that plays.
  _bringIntoSight(hand, panel) {
    const index = hand.cards.findIndex((card) => card.selected);
    const which = `${hand.slot_start}:${hand.deal}:${index}:${panel}`;
    if (index < 0 || this._inSight === which || this._row.scrollWidth <= this._row.clientWidth) return;
    this._inSight = which;
    this._row.scrollTo({ left: this._cards[index].root.offsetLeft - EDGE_PX, behavior: CALM?.matches ? "auto" : "smooth" });
  }
}

// What the fullest bar of all cards needs, in em, so that bars stand under bars and nothing is cut off. In halves of an
// em, so that a hand like the one before keeps its widths and is not laid out anew.
function barWidth(hand, barTicks) {
  const bars = hand.cards.flatMap((card) => byBar(card.chords, hand.slot_bars, barTicks));
  const widest = Math.max(0, ...bars.map((bar) => bar.reduce((sum, { symbol }) => sum + 0.66 + symbol.length * 0.42, 0)));
  return Math.max(3, Math.ceil(2 * (widest + 0.7)) / 2);
}

const ORDER = [Standing.GONE, Standing.OFFERED, Standing.SOUNDS, Standing.SAVING, Standing.TAKEN];

function bestOf(state) {
  return state.hand.cards.map((card) => standing(state, card)).reduce((best, one) => (ORDER.indexOf(one) > ORDER.indexOf(best) ? one : best), Standing.GONE);
}

function noteOf(hand) {
  const said = [hand.deal > 1 ? `hand ${hand.deal}` : "", hand.late ? "the model was late, a stand-in dealt" : ""].filter(Boolean);
  return said.join(" · ") || (hand.cards.length > 1 ? "safe → bold" : "");
}

function emptyWords(state) {
  if (state.steering.mode === "accompany") return "No ideas to choose from: chords follow your melody. “Not that” asks for another chord, “Hold” keeps one, “Go round” repeats the last bars.";
  if (state.asking) return "Ideas are coming …";
  if (state.taken && !isSaved(state)) return "Being saved …";
  return state.clock.playing ? "Keep playing: ideas come by themselves, a few bars ahead." : "Ideas come while you play.";
}
