// Who plays the sound, in words: a quiet line that can be put away, and a button at the piano that is always there.

import { whose, wantsSound } from "../sound/whose.js";
import { press } from "./actions.js";
import { h, once, say } from "./dom.js";

const SECTIONS = ["ports", "page", "local.soundWanted", "local.soundOwner", "local.awake"];

// Said while the music stands: on stage the button is enough.
export function watchSound(root, store) {
  const away = h("button", { type: "button", class: "button small quiet", onclick: () => store.set({ putAwaySound: root.dataset.text }) }, "Put away");
  store.watch([...SECTIONS, "ready", "clock", "local.putAwaySound"], (shared, local) => {
    const { words } = whose(shared, local);
    root.dataset.text = words;
    root.hidden = !shared.ready || shared.clock.playing || !worthALine(shared, local) || local.putAwaySound === words;
    if (!root.hidden) once(root, words, () => [h("p", {}, words), away]);
  });
}

function worthALine(shared, local) {
  return (local.soundWanted === "auto" && wantsSound(shared, local)) || (local.soundWanted === "off" && shared.ports?.sound === "page");
}

// Switches this page's sound on and off, and says who plays it now.
export function soundButton(store) {
  const label = h("span", { class: "whose" });
  const button = h("button", { type: "button", class: "button small quiet sound", onclick: () => toggle(store) }, h("span", {}, "Sound", label));
  store.watch(SECTIONS, (shared, local) => {
    const { short, words } = whose(shared, local);
    say(label, `: ${short}`);
    button.setAttribute("aria-label", `Sound: ${short}`);
    button.title = words;
    press(button, wantsSound(shared, local));
  });
  return button;
}

function toggle(store) {
  store.set({ soundWanted: wantsSound(store.shared, store.local) ? "off" : "here" });
  store.set({ says: "" });
  store.set({ says: whose(store.shared, store.local).words });
}
