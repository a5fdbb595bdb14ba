// What sounds now and what comes next: the largest thing on the page, to be read at two metres. The words beside a
// chord say how sure it is; so do its sign and its weight, not its colour alone.

import { barWords, coming, isSaved, madeBy, nowAndNext, Promised } from "../music/place.js";
import { signs } from "../music/chord.js";
import { chord, flag, h, once, say } from "./dom.js";

const THEN = 3; // chords after the next one
const STEPS = 20; // a name that is too long shrinks by twentieths: few sizes, few fonts to make
const WORDS = {
  [Promised.KEPT]: ["✓", "promised"],
  [Promised.SAVING]: ["…", "being saved"],
  [Promised.LOOP]: ["↻", "again, unless you take another"],
  [Promised.IDEA]: ["?", "if you take it"],
  [Promised.MAYBE]: ["~", "may change as you play"],
};

export class Stand {
  constructor(root) {
    this._now = column("now", "Now");
    this._next = column("next", "Next");
    this._next.chord.id = "next-chord";
    this._then = h("ol", { class: "then", aria: { label: "And then" } });
    this._hears = h("p", { class: "hears" }); // where the top line has no room for it
    this._now.root.append(this._hears);
    root.append(this._now.root, this._next.root, this._then);
    new ResizeObserver(() => this._fitAll()).observe(root);
  }

  draw(state, tick) {
    const chords = coming(state, tick);
    const { now, next } = nowAndNext(chords, tick);
    this._drawNow(state, now);
    say(this._hears, hears(state));
    this._drawNext(state, next, tick);
    this._drawThen(state, next ? chords.filter((each) => each.tick > next.tick).slice(0, THEN) : []);
  }

  _drawThen(state, chords) {
    once(this._then, chords.map((each) => `${each.tick}${each.symbol}${each.promise}`).join(), () =>
      chords.map((each) => h("li", { data: { promise: each.promise } }, chord(each.symbol), h("span", { class: "faint" }, `${WORDS[each.promise][0]} ${barWords(state.clock, each.tick)}`))));
  }

  _drawNow(state, now) {
    const { root, words, chord: place } = this._now;
    flag(root, "empty", !now);
    say(words, now && state.playing ? playsWords(state) : now && state.accompany?.made_by ? `${madeBy(state, state.accompany.made_by)} follows you` : state.clock.playing ? "you alone" : "");
    show(place, now ? now.symbol : state.chord, !now && state.chord ? "heard" : "");
  }

  _drawNext(state, next, tick) {
    const { root, words, chord: place, sign } = this._next;
    const promise = next?.promise ?? "";
    if (root.dataset.promise !== promise) root.dataset.promise = promise;
    say(sign, next ? WORDS[promise][0] : "");
    say(words, next ? `${promiseWords(state, promise)} · ${when(state, next.tick, tick)}` : "");
    if (next) show(place, next.symbol, `${next.tick}`);
    else once(place, `hint:${hint(state)}`, () => [h("p", { class: "hint" }, hint(state))]);
  }

  _fitAll() {
    for (const { chord: place } of [this._now, this._next]) fit(place);
  }
}

function column(name, label) {
  const sign = h("span", { class: "promise-sign", aria: { hidden: "true" } });
  const words = h("span", { class: "promise-words" });
  const place = h("div", { class: "chord-place" });
  const head = h("h2", { class: "stand-head" }, h("span", { class: "stand-label" }, label), sign, words);
  return { root: h("div", { class: `stand-column ${name}` }, head, place), sign, words, chord: place };
}

// A new chord slides in from the right, the way it comes on the line below.
function show(place, symbol, key) {
  once(place, `${symbol}@${key}`, () => (symbol ? [chord(symbol, { class: "large" })] : []));
  if (place.__fitted === symbol) return;
  place.__fitted = symbol;
  fit(place);
}

// As large as it may be, smaller only where the symbol is too long for its column.
function fit(place) {
  const ink = place.querySelector(".chord.large .ink");
  if (!ink) return;
  place.style.removeProperty("--shrink");
  const room = place.clientWidth;
  const wide = ink.getBoundingClientRect().width;
  if (wide > room && room > 0) place.style.setProperty("--shrink", (Math.floor((room / wide) * STEPS) / STEPS).toFixed(2));
}

// Key and chord heard, and who gives the time where it is not jamlink.
const hears = ({ clock, key, chord: heard }) => [clock.bond ? clock.led : "", key && signs(key), heard && signs(heard)].filter(Boolean).join(" · ");

// An idea that was changed has two makers.
const playsWords = (state) => `${madeBy(state, state.playing.made_by)} ${state.playing.edited ? "+ you" : "plays"}`;

function promiseWords(state, promise) {
  return promise === Promised.IDEA && state.steering.repeat === "keep going" ? "unless refused" : WORDS[promise][1];
}

// "bar 9, in 3 beats".
function when(state, at, tick) {
  const where = barWords(state.clock, at);
  if (!state.clock.playing) return where;
  const beats = Math.ceil((at - tick) / state.clock.beat_ticks);
  return `${where}, in ${beats} beat${beats === 1 ? "" : "s"}`;
}

export function hint(state) {
  if (!state.clock.playing) return "Press space, wait one bar, and play.";
  if (state.accompany) return state.accompany.words;
  if (state.steering.mode === "trade") return "Your turn: play. The answer grows out of your phrase.";
  if (state.hand) return "This idea has no chords; it goes with yours.";
  if (state.playing) return `This plays until ${barWords(state.clock, state.playing.end)}; ideas come before that.`;
  if (state.taken && !isSaved(state)) return "Being saved …";
  return "Play. Ideas come before the bar line.";
}
