// Learning: press Ctrl M, press a control of the page, move a knob or hit a pad. The session listens and saves.

import { speak } from "../core/protocol.js";
import { h, say } from "./dom.js";

export class Learn {
  constructor(store, send) {
    this._store = store;
    this._send = send;
    this._words = h("span", {});
    const end = h("button", { type: "button", class: "button small quiet", onclick: () => this.end() }, "Done", h("kbd", { aria: { hidden: "true" } }, "Esc"));
    this._strip = h("div", { class: "learn-strip", role: "status", hidden: true }, this._words, end);
    document.body.append(this._strip);
    document.addEventListener("click", (event) => this._clicked(event), { capture: true });
    document.addEventListener("pointerdown", (event) => this._hold(event), { capture: true });
    store.watch(["learn", "local.learning"], (shared, local) => this._draw(shared.learn, local.learning));
  }

  toggle() {
    if (this._store.local.learning) this.end();
    else this._store.set({ learning: true });
  }

  end() {
    if (!this._store.local.learning) return false;
    this._store.set({ learning: false });
    this._send(speak.learn(""));
    return true;
  }

  // While learning a control is chosen, not carried out.
  _clicked(event) {
    if (!this._store.local.learning) return;
    const control = event.target.closest?.("[data-control]");
    if (!control) return;
    event.preventDefault();
    event.stopPropagation();
    this._send(speak.learn(control.dataset.control));
  }

  _hold(event) {
    if (this._store.local.learning && event.target.closest?.("input[data-control]")) event.preventDefault();
  }

  _draw(learn, learning) {
    document.body.classList.toggle("learning", learning);
    this._strip.hidden = !learning;
    for (const control of document.querySelectorAll("[data-control]")) control.classList.toggle("listening", learning && learn?.control === control.dataset.control);
    say(this._words, words(learn, labelOf(learn?.control)));
  }
}

// What the player reads on the control, or its gesture where nothing is written.
function labelOf(control = "") {
  const at = control && document.querySelector(`[data-control="${control}"]`);
  if (!at) return control.replaceAll("-", " ");
  return at.querySelector(".label")?.textContent ?? at.ariaLabel?.split(",")[0] ?? at.textContent;
}

export function words(learn, name) {
  if (!learn?.control) return "Learn: press a control here, then move the knob, pad or pedal that should do it.";
  if (learn.saved) return `${learn.heard} now does “${name}”. Saved in ${learn.saved}. Press another control, or end.`;
  if (learn.heard) return `Heard ${learn.heard} for “${name}”. Saving …`;
  return `Now move the knob, pad or pedal for “${name}”.`;
}
