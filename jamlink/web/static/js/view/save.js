// Saving: the take as MIDI, as a lead sheet, and the session itself. The page asks with its token and hands the
// browser a file with a plain name; a path goes nowhere.

import { h, say } from "./dom.js";

const KINDS = [
  ["midi", "MIDI", "mid", "Both players, a track for each role, tempo, meter and chord markers."],
  ["musicxml", "Lead sheet", "musicxml", "For any notation program."],
  ["session", "Session", "jam", "Everything heard, offered, decided and sounded, to replay or to verify."],
];

const UNNAMED = "my jam";

export class Save {
  constructor({ store, fetchFile, print }) {
    this._fetch = fetchFile;
    this._says = h("p", { role: "status" });
    this._name = h("input", { type: "text", maxlength: "64", placeholder: UNNAMED, autocomplete: "off", spellcheck: false });
    this._reasons = new Map();
    this.root = h("div", { class: "save" },
      h("label", { class: "field" }, h("span", { class: "field-name" }, "Name"), this._name),
      KINDS.map((kind) => this._kind(...kind)),
      h("div", { class: "save-kind" }, h("div", {}, h("strong", {}, "Print"), h("p", { class: "faint" }, "The lead sheet on paper, or as PDF.")), h("button", { type: "button", class: "button", onclick: print }, "Print")),
      this._says);
    store.watch(["disabled"], ({ disabled = {} }) => this._draw(disabled));
  }

  _kind(kind, label, suffix, about) {
    const why = h("p", { class: "why" });
    const button = h("button", { type: "button", class: "button", data: { export: kind }, aria: { label: `Save ${label}` }, onclick: () => this._save(kind, suffix) }, "Save");
    this._reasons.set(kind, { why, button });
    return h("div", { class: "save-kind" }, h("div", {}, h("strong", {}, label), h("p", { class: "faint" }, about), why), button);
  }

  _draw(disabled) {
    for (const [kind, { why, button }] of this._reasons) {
      const reason = disabled[`export-${kind}`] ?? disabled.export ?? "";
      say(why, reason);
      button.setAttribute("aria-disabled", String(Boolean(reason)));
      button.dataset.why = reason;
    }
  }

  async _save(kind, suffix) {
    const reason = this._reasons.get(kind).button.dataset.why;
    if (reason) return say(this._says, reason);
    const name = plainName(this._name.value);
    say(this._says, "Saving …");
    const title = this._name.value.trim() && name; // without one it is titled by its day
    const answer = await this._fetch(`/export/${kind}?name=${encodeURIComponent(title)}`);
    if (answer.why) return say(this._says, answer.why);
    hand(answer.blob, `${name}.${suffix}`);
    say(this._says, `${name}.${suffix} is in your downloads.`);
  }
}

// Letters, digits, spaces, - and _: what every file system takes. Never empty.
export const plainName = (text) => text.normalize("NFC").replace(/[^\p{L}\p{N} _-]/gu, "").trim().slice(0, 64) || UNNAMED;

function hand(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
