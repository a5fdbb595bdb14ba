// Everything that was offered, taken and refused, newest first; any of it can be brought back. The newest come with
// the state, older ones are asked for when they are scrolled to, and only so many are kept.

import { speak } from "../core/protocol.js";
import { merge } from "./history_items.js";
import { h, say } from "./dom.js";
import { signs, withSigns } from "../music/chord.js";
import { VirtualList } from "./virtual.js";

const ROW_PX = 78;
const SIGNS = { accepted: "✓", rejected: "×", "let pass": "–", offered: "·", undone: "↶", replaced: "–" };
const WORDS = { accepted: "taken", rejected: "refused", undone: "taken back" };

export class History {
  constructor({ store, send, fetchJson }) {
    this._send = send;
    this._fetch = fetchJson;
    this._items = [];
    this._asking = false;
    this._head = h("p", { class: "faint" });
    this._list = new VirtualList(ROW_PX, (item) => this._row(item), () => this._older());
    this._list.root.setAttribute("aria-label", "Ideas, newest first");
    this.root = h("div", { class: "history" }, this._head, this._list.root);
    store.watch(["history"], (shared) => this._take(shared.history ?? { count: 0, items: [] }));
  }

  _take({ count, items }) {
    this._items = merge(this._items, items, count);
    this._count = Math.max(count, this._items.length);
    say(this._head, count ? `${count} idea${count === 1 ? "" : "s"} so far` : "Nothing offered yet. What is offered, taken or refused is kept here.");
    this._list.show(this._items, this._count);
  }

  async _older() {
    const last = this._items.at(-1);
    if (this._asking || !last) return;
    this._asking = true;
    const answer = await this._fetch(`/history?before=${encodeURIComponent(last.id)}`);
    this._asking = false;
    if (!answer?.items?.length) return;
    this._items = merge(this._items, answer.items, this._count);
    this._list.show(this._items, this._count);
  }

  _row(item) {
    const verdict = item.verdict || "offered";
    const chords = Array.isArray(item.chords) ? item.chords.map((each) => (Array.isArray(each) ? each[1] : each)).join("  ") : item.chords;
    const back = h("button", { type: "button", class: "button small quiet", aria: { label: `Bring back: ${chords}` }, onclick: () => this._send(speak.bringBack(item.id)) }, "Bring back");
    return h("div", { class: "past", data: { verdict }, title: changed(item) ? `Changed: ${item.edits.join(", ")}. ${item.words}` : item.words },
      h("span", { class: "past-sign", aria: { hidden: "true" } }, SIGNS[verdict] ?? "·"),
      h("div", { class: "past-text" }, h("strong", {}, chords ? chords.split("  ").map(signs).join("  ") : "no chords"), h("span", { class: "faint" }, about(item, verdict).filter(Boolean).join(" · "))),
      back);
  }
}

// What the player changed stands before what was special about it: it is the player's too.
const about = (item, verdict) => [WORDS[verdict] ?? verdict, `bar ${item.bar}`, changed(item) ? "changed by you" : "", withSigns(item.words), `by ${item.by}`];
const changed = (item) => Boolean(item.edits?.length);
