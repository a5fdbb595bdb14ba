// The drawer at the side: one panel at a time, built when it is first asked for. Focus goes in with it and comes back.

import { h } from "./dom.js";

const TITLES = { steer: "Steer", sheet: "Lead sheet", history: "History", ports: "Ports", save: "Save", help: "Help" };

export class Panel {
  // `makers` has for each name a function that answers {root, shown?(), hidden?()}
  constructor(root, store, makers) {
    this._root = root;
    this._store = store;
    this._makers = makers;
    this._made = new Map();
    this._open = "";
    this._back = null; // who opened it by keyboard
    this._title = h("h2", { id: "panel-title", tabindex: "-1" });
    this._body = h("div", { class: "panel-body", tabindex: "0", role: "region", aria: { labelledby: "panel-title" } });
    const close = h("button", { type: "button", class: "button small quiet", onclick: () => this.toggle("") }, "Close", h("kbd", { aria: { hidden: "true" } }, "Esc"));
    root.setAttribute("aria-labelledby", "panel-title");
    root.append(h("header", { class: "panel-head" }, this._title, close), this._body);
    store.watch(["local.panel"], (_, { panel }) => this._show(panel));
  }

  toggle(name) {
    const opened = this._store.local.panel === name ? "" : name;
    if (opened) this._back = keyboardFocus();
    this._store.set({ panel: opened });
  }

  _show(name) {
    if (name === this._open) return;
    this._made.get(this._open)?.hidden?.();
    this._open = name;
    this._root.hidden = !name;
    document.body.dataset.panel = name;
    if (!name || !TITLES[name]) return this._leave();
    if (!this._made.has(name)) this._made.set(name, this._makers[name]());
    this._title.textContent = TITLES[name];
    this._body.replaceChildren(this._made.get(name).root);
    this._made.get(name).shown?.();
    if (this._back) this._title.focus();
  }

  _leave() {
    if (this._back?.isConnected) this._back.focus();
    this._back = null;
  }
}

// Who opened by mouse or finger goes on with the stage's own keys: there enter takes the idea.
function keyboardFocus() {
  const at = document.activeElement;
  return at !== document.body && at?.matches(":focus-visible") ? at : null;
}
