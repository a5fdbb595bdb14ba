// Elements out of plain values. Text is always text: nothing that came over the wire becomes markup.

import { parts, spoken } from "../music/chord.js";

// h("button", {class: "x", onclick, data: {do: "accept"}, aria: {label: "…"}}, "text", child, …)
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) assign(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== "" && child !== false));
  return element;
}

function assign(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name === "data") Object.assign(element.dataset, Object.fromEntries(Object.entries(value).filter(([, said]) => said !== undefined)));
  else if (name === "aria") for (const [key, said] of Object.entries(value)) element.setAttribute(`aria-${key}`, said);
  else if (name === "class") element.className = value;
  else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name in element && typeof value !== "string") element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

// Changes text only where it differs: what stays the same costs no layout. The text stays one node, changed in place:
// nothing is left behind for the collector, however often a count-down counts.
export function say(element, text) {
  const only = element.childNodes.length === 1 && element.firstChild.nodeType === Node.TEXT_NODE ? element.firstChild : null;
  if (only ? only.data === text : element.textContent === text) return;
  if (only) only.data = text;
  else element.textContent = text;
}

// An attribute, set only where it differs.
export function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function flag(element, name, on) {
  if (element.classList.contains(name) !== Boolean(on)) element.classList.toggle(name, Boolean(on));
}

export const cap = (text) => (text ? h("kbd", { aria: { hidden: "true" } }, text) : null);

// A chord as it is written on a good chart: root, small accidental, raised quality, bass after a stroke.
export function chord(symbol, props = {}) {
  const found = parts(symbol);
  const label = h("span", { class: "unseen" }, spoken(symbol));
  if (!found) return h("span", { ...props, class: `chord ${props.class ?? ""}` }, h("span", { class: "root", aria: { hidden: "true" } }, symbol), label);
  const ink = h(
    "span",
    { class: "ink", aria: { hidden: "true" } },
    h("span", { class: "root" }, found.root),
    found.accidental && h("span", { class: "over accidental" }, found.accidental),
    found.minor && h("span", { class: "minor" }, found.minor),
    found.quality && h("span", { class: "over" }, found.quality),
    found.bass && h("span", { class: "slash" }, `/${found.bass}`),
  );
  return h("span", { ...props, class: `chord ${props.class ?? ""}` }, ink, label);
}

// Redraws `element` only where `key` says that it is about something else than last time.
export function once(element, key, draw) {
  if (element.__key === key) return;
  element.__key = key;
  element.replaceChildren(...draw());
}
