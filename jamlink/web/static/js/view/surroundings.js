// Around the stand: troubles that last, the veil while there is no connection, light or dark.

import { heardBySession } from "../input/webmidi.js";
import { wantsSound } from "../sound/whose.js";
import { h, once, say } from "./dom.js";
import { forgetInk } from "./ink.js";
import { useButton } from "./ports.js";

// One line per part that has trouble now, with its remedy. Read once it can be put away, until something else is wrong.
export function watchTrouble(root, store) {
  const away = h("button", { type: "button", class: "button small quiet", onclick: () => store.set({ putAway: root.dataset.text }) }, "Put away");
  store.watch(["trouble", "ports", "page", "local.soundWanted", "local.putAway"], (shared, local) => {
    const [trouble, { putAway }] = [toActOn(shared, local), local];
    root.dataset.text = trouble.join("\n");
    root.hidden = !trouble.length || putAway === root.dataset.text;
    once(root, root.dataset.text, () => [h("div", {}, trouble.map((sentence) => h("p", {}, h("span", { class: "sign", aria: { hidden: "true" } }, "!"), sentence))), away]);
  });
}

// That no MIDI system is there is no trouble while this page plays the sound; the quiet line says so.
function toActOn(shared, local) {
  const missing = wantsSound(shared, local) ? shared.ports?.missing : "";
  return (shared.trouble ?? []).filter((sentence) => sentence !== missing);
}

// What must not be overlooked: jamlink is open to the network. And what a tablet need not see.
export function watchLan(root, store) {
  store.watch(["page"], ({ page }) => {
    document.body.dataset.role = page?.role ?? "player";
    root.classList.toggle("shown", Boolean(page?.lan));
    once(root, `${page?.lan}${page?.code}`, () => (page?.lan ? [h("span", { class: "sign", aria: { hidden: "true" } }, "!"), h("span", {}, `Open to your network at ${page.lan}`), h("span", {}, "pairing code ", h("strong", {}, page.code))] : []));
  });
}

// A key on a device that is not listened to: its name, and the offer to use it. One that is in use is greeted once.
export function watchHeard(root, store, send) {
  let greeted = "";
  store.watch(["heard_on", "ports", "disabled", "local.passed", "local.panel"], ({ heard_on: heard, ports, disabled }, { passed, panel }) => {
    const used = heard?.port && heardBySession(ports, heard.port);
    const said = panel === "ports"; // the panel says the same, in its own place
    if (used && greeted !== heard.port && !said) store.set({ says: `I hear you: ${heard.port}, channel ${heard.channel}` });
    if (used) greeted = heard.port;
    root.hidden = said || !heard?.port || used || passed === heard.port || !(ports?.inputs ?? []).includes(heard.port);
    if (root.hidden) return;
    const why = disabled?.ports ?? "";
    once(root, `${heard.port}:${heard.channel}:${why}`, () => [
      h("span", {}, "I hear you: ", h("strong", {}, heard.port), `, channel ${heard.channel}`),
      h("span", {}, useButton(heard.port, why, send, store), h("button", { type: "button", class: "button small quiet", onclick: () => store.set({ passed: heard.port }) }, "Not now")),
    ]);
  });
}

const WORDS = {
  opening: ["Finding jamlink …", "The page opens as soon as it answers."],
  lost: ["Lost jamlink", "The music goes on without the page. Looking for it … Started anew? Open the address that it shows."],
  stranger: ["Who are you?", "Enter the code that jamlink shows on the computer's screen."],
  over: ["The jam is over", "Everything is silent and saved. Start jamlink again to go on."],
};

// A small notice over a stand that is still there: what was last known stays readable.
export class Veil {
  constructor(root, store) {
    this._root = root;
    this._store = store;
    this._title = h("strong", {});
    this._words = h("p", {});
    this._retry = h("button", { type: "button", class: "button small", onclick: () => this._again?.() }, "Look now");
    this._code = h("input", { type: "text", inputmode: "numeric", maxlength: "6", autocomplete: "one-time-code", data: { typing: "" }, aria: { label: "Pairing code" } });
    this._pair = h("form", { class: "pair", hidden: true }, this._code, h("button", { type: "submit", class: "button small" }, "Pair"));
    this._pair.addEventListener("submit", (event) => this._submit(event));
    root.append(this._title, this._words, this._retry, this._pair);
    this.draw();
  }

  // Without a token nobody is let in; `pair(code)` answers one sentence where the code is wrong.
  askCode(pair) {
    this._ask = pair;
    this._store.set({ connection: "stranger" });
    this.draw();
    this._pair.hidden = false;
    this._code.focus();
  }

  async _submit(event) {
    event.preventDefault();
    const why = await this._ask(this._code.value.trim());
    this._pair.hidden = !why;
    if (why) say(this._words, why);
  }

  onRetry(again) {
    this._again = again;
  }

  draw() {
    const { connection, farewell } = this._store.local;
    const words = WORDS[connection === "open" && !this._store.shared ? "opening" : connection];
    this._root.hidden = !words;
    document.body.classList.toggle("unlinked", Boolean(words));
    if (!words) return;
    say(this._title, words[0]);
    say(this._words, farewell || words[1]);
    this._retry.hidden = connection !== "lost";
  }
}

// Colours change with the system's theme, its contrast and the player's choice; the canvas must follow. And a stopped
// stand is drawn again whenever the state changes.
export function watchLook(store, refresh, want) {
  const changed = () => {
    forgetInk();
    refresh();
    want();
  };
  for (const query of ["(prefers-color-scheme: light)", "(prefers-contrast: more)"]) matchMedia(query).addEventListener("change", changed);
  store.watch(["local.theme"], (_, { theme }) => {
    document.documentElement.dataset.theme = theme;
    changed();
  });
  store.watch(["clock", "hand", "taken", "playing", "notes", "saved", "decision", "chord", "steering", "arranged"], want);
}
