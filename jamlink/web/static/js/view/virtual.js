// A list of any length of which only the rows in sight exist. `visible` is pure; the rest is its hands.

import { h } from "./dom.js";

const SPARE = 6; // rows kept ready above and below

// The rows to draw: first (inclusive) to last (exclusive).
export function visible(scroll, height, row, count) {
  const first = Math.max(0, Math.floor(scroll / row) - SPARE);
  return { first: Math.min(first, count), last: Math.min(count, Math.ceil((scroll + height) / row) + SPARE) };
}

export class VirtualList {
  // `draw(item, index)` answers an element; `near(index)` is told when the end of what is known comes into sight.
  constructor(rowHeight, draw, near = () => {}) {
    this._row = rowHeight;
    this._draw = draw;
    this._near = near;
    this._items = [];
    this._made = new Map(); // index -> {item, element}
    this._space = h("div", { class: "virtual-space", role: "list" });
    this.root = h("div", { class: "virtual", tabindex: "0", aria: { label: "List" } }, this._space);
    this.root.addEventListener("scroll", () => this._update(), { passive: true });
    new ResizeObserver(() => this._update()).observe(this.root);
  }

  show(items, count = items.length) {
    this._items = items;
    this._count = count;
    this._space.style.height = `${items.length * this._row}px`;
    this._update();
  }

  _update() {
    const { first, last } = visible(this.root.scrollTop, this.root.clientHeight, this._row, this._items.length);
    for (const [index, { element }] of this._made) if (index < first || index >= last) this._remove(index, element);
    for (let index = first; index < last; index += 1) this._place(index);
    if (last >= this._items.length && this._items.length < this._count) this._near(this._items.length);
  }

  _remove(index, element) {
    element.remove();
    this._made.delete(index);
  }

  _place(index) {
    const item = this._items[index];
    const made = this._made.get(index);
    if (made?.item === item) return;
    const element = this._draw(item, index);
    element.classList.add("virtual-row");
    element.setAttribute("role", "listitem");
    element.setAttribute("aria-setsize", String(this._count));
    element.setAttribute("aria-posinset", String(index + 1));
    element.style.top = `${index * this._row}px`;
    element.style.height = `${this._row}px`;
    if (made) made.element.replaceWith(element);
    else this._space.append(element);
    this._made.set(index, { item, element });
  }
}
