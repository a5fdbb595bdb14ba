// What a press, touch or click asks for, carried out: most is one message to the session. A decision is marked as sent
// at once, so that the player sees it in the same frame; it is shown as made only when the session says that it is saved.

import { speak } from "./core/protocol.js";
import { chooseKeys } from "./input/keys_start.js";
import { whyNot } from "./view/controls.js";

const DECISIONS = ["accept", "reject", "next-hand", "undo", "let-pass"];
const PENDING_MS = 2000; // an answer that takes longer is not coming

export class Gestures {
  constructor({ store, send, sound, band, piano, clock }) {
    Object.assign(this, { _store: store, _send: send, _sound: sound, _band: band, _piano: piano, _clock: clock });
    store.watch(["decision", "hand", "taken"], (shared) => this._answered(shared));
  }

  connect({ open, learn }) {
    this._open = open;
    this._learn = learn;
  }

  // `name` of an Action; `why` it would be refused, where the control knows.
  act(name, why = "") {
    this._sound.wake();
    const { shared, local } = this._store;
    if (local.learning && name !== "panic") return void this._send(speak.learn(name));
    if (name === "panic") this._quiet();
    const reason = why || (shared ? whyNot(name, shared, local) : "");
    if (reason) return this._say(reason);
    if (name === "preview") this._hearChosen();
    if (DECISIONS.includes(name)) this._mark(name, name === "accept" ? chosenIndex(shared) : -1);
    this._send(speak.act(name));
  }

  pick(index) {
    this.take(index);
  }

  take(index) {
    this._sound.wake();
    const { shared, local } = this._store;
    const card = shared?.hand?.cards[index];
    const reason = shared && (whyNot(`pick-${index + 1}`, shared, local) || whyNot("take", shared, local));
    if (reason || !card) return this._say(reason || `There is no idea ${index + 1} now.`);
    this._mark("take", index);
    this._send(index < 4 ? speak.act(`pick-${index + 1}`) : speak.take(index));
  }

  select(index) {
    this._send(speak.select(index));
  }

  // The idea to the right or left of the chosen one.
  step(by) {
    const cards = this._store.shared?.hand?.cards;
    if (!cards?.length) return this._say("There is no hand to choose from yet.");
    this.select((chosenIndex(this._store.shared) + by + cards.length) % cards.length);
  }

  hear(index) {
    this._preview(index);
    this._send(speak.hear(index));
  }

  // The page's own preview ends; one on the preview channel plays out.
  hush() {
    this._band.endPreview();
  }

  chord(place, symbol) {
    this._send(speak.chord(place, symbol));
  }

  moveChord(place, beats) {
    this._send(speak.moveChord(place, beats));
  }

  note(index, note, pitch) {
    this._send(speak.note(index, note, pitch));
  }

  // From the computer keys: `offset` semitones above the low C.
  key(offset, on) {
    this._piano.key(offset, on);
  }

  pedal(on) {
    this._piano.sustain(on);
  }

  piano(what) {
    this._piano.adjust(what);
  }

  page(what) {
    const { local } = this._store;
    if (what === "keys") chooseKeys(this._store, !local.keysPlay);
    else if (what === "learn") this._learn.toggle();
    else if (what === "help") this._open("help");
    else if (what === "escape") this._escape();
    else nextRegion(what === "region" ? 1 : -1);
  }

  // The innermost thing that is open; then back to the stand.
  _escape() {
    if (this._learn.end()) return;
    this._band.endPreview();
    if (this._store.local.panel) this._store.set({ panel: "" });
    document.activeElement?.blur?.();
  }

  _quiet() {
    this._band.silence();
    this._piano.letGo();
    this._sound.silence();
  }

  _hearChosen() {
    this._preview(chosenIndex(this._store.shared));
  }

  _preview(index) {
    const { shared } = this._store;
    const card = shared?.hand?.cards[index];
    if (card && this._band.sounding) this._band.preview(card, shared.clock, shared.hand.slot_bars, shared.arranged);
  }

  _mark(what, index) {
    const pending = { what, index, decision: this._store.shared?.decision ?? -1 };
    this._store.set({ pending });
    setTimeout(() => this._store.local.pending === pending && this._store.set({ pending: null }), PENDING_MS);
  }

  _answered(shared) {
    const { pending } = this._store.local;
    if (pending && shared.decision !== pending.decision) this._store.set({ pending: null });
  }

  // The same sentence twice is news again.
  _say(text) {
    this._store.set({ says: "" });
    this._store.set({ says: text });
  }
}

// F6 walks the parts of the page, as in every desktop program: tab is taken on the stand.
const REGIONS = ["#bar", "#hand", "#actions", "#panel", "#piano"];

function nextRegion(by) {
  const regions = REGIONS.map((name) => document.querySelector(name)).filter((region) => region?.offsetParent !== null);
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const next = regions[(at + by + regions.length + (at < 0 && by < 0 ? 1 : 0)) % regions.length];
  next?.querySelector("button, select, input, [tabindex='0']")?.focus();
}

const chosenIndex = (shared) => Math.max(0, shared?.hand?.cards.findIndex((card) => card.selected) ?? 0);
