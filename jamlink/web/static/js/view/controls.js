// Buttons for gestures. Each shows the key that works now; one that would be refused stays reachable and says why,
// when it is pressed, hovered or read out.

import { capOf } from "../input/keymap.js";
import { cap, flag, h, say } from "./dom.js";

const made = new Set();
let reasons = 0;

// `act` is an Action's name; `press` what to do. Labels are musical words.
export function actionButton(act, label, press, { kind = "", sign = "", hint = "" } = {}) {
  reasons += 1;
  const reason = h("span", { class: "unseen", id: `why-${reasons}` });
  const key = h("kbd", { aria: { hidden: "true" } });
  const button = h(
    "button",
    { type: "button", class: `button ${kind}`, data: { do: act, control: act }, title: hint, aria: { describedby: reason.id } },
    sign && h("span", { class: "sign", aria: { hidden: "true" } }, sign),
    h("span", { class: "label" }, label),
    key,
    reason,
  );
  button.addEventListener("click", () => press(button.dataset.why ?? ""));
  made.add({ act, button, key, reason, hint });
  return button;
}

// Keeps every button's key and reason true.
export function watchControls(store) {
  store.watch(["disabled", "bindings", "page", "local.keysPlay", "local.connection"], (shared, local) => {
    for (const control of made) redraw(control, shared, local);
  });
}

function redraw({ act, button, key, reason, hint }, shared, local) {
  const why = whyNot(act, shared, local);
  const bound = shared.bindings?.[act] ?? "";
  const text = capOf(act, local.keysPlay);
  say(key, text);
  flag(key, "none", !text);
  flag(button, "refused", why);
  button.setAttribute("aria-disabled", String(Boolean(why)));
  button.setAttribute("aria-keyshortcuts", text.replace("⇧", "Shift+").replace("⌫", "Backspace").replace("Ctrl ", "Control+"));
  button.title = why || [hint, bound && `Also on ${bound}.`].filter(Boolean).join(" ");
  say(reason, why ? `Not now: ${why}` : bound ? `Also on ${bound}` : "");
  if (why) button.dataset.why = why;
  else delete button.dataset.why;
}

export function whyNot(act, shared, local) {
  if (local.connection !== "open" && act !== "panic") return "The page has lost jamlink and is looking for it; the music goes on.";
  if (shared.page?.role === "tablet" && !TABLET.has(act)) return "A tablet can choose, hear, take, refuse, take back and silence; for the rest go to the computer.";
  return shared.disabled?.[act] ?? "";
}

// What a paired tablet may do; the page's process holds it to this (jamlink/web/pages.py).
const TABLET = new Set(["accept", "reject", "select", "next-hand", "preview", "undo", "let-pass", "panic", "take", "hear", "pick-1", "pick-2", "pick-3", "pick-4"]);

// Keyboard users keep the focus where it is; after a mouse or finger it returns to the stage, so that space and enter
// mean play and take again.
export function keepStageKeys(root = document) {
  root.addEventListener("click", (event) => {
    const at = event.target.closest?.("button, summary");
    if (at && event.detail > 0 && document.activeElement === at) at.blur();
  });
  root.addEventListener("pointerup", (event) => {
    if (event.target.matches?.("input[type=range]")) event.target.blur();
  });
  root.addEventListener("change", (event) => {
    if (event.target.matches?.("select, input[type=checkbox], input[type=radio]")) event.target.blur();
  });
}

export { cap };
