// Three lines for the first time, and the keys for whoever wants them.

import { capOf, capOfPiano } from "../input/keymap.js";
import { press } from "./actions.js";
import { h, once } from "./dom.js";

const TOUCH = globalThis.matchMedia?.("(hover: none) and (pointer: coarse)").matches;

// What to play on is said as it is: the screen, the computer's keys, or the player's own keyboard.
const threeOf = (keysPlay) => TOUCH
  ? [
      ["Play", "starts. One bar of count-in, then play the piano below."],
      ["Take", "takes the idea you see under Next. It starts on its bar."],
      ["Refuse", "asks for others. Doing nothing costs nothing."],
    ]
  : [
      ["Space", `starts. One bar of count-in, then play${keysPlay ? ": keys A to ' are a piano." : " your keyboard."}`],
      ["Enter", "takes the idea you see under Next. It starts on its bar."],
      ["Backspace", "refuses the ideas. Doing nothing costs nothing."],
    ];

function threeLines(store) {
  const list = h("ol", { class: "three" });
  store.watch(["local.keysPlay"], (_, { keysPlay }) => once(list, keysPlay, () => threeOf(keysPlay).map(([key, words]) => h("li", {}, h("kbd", {}, key), h("span", {}, words)))));
  return list;
}

const KEYS = [
  ["play-stop", "start with a count-in, or stop"], ["accept", "take the chosen idea"], ["reject", "refuse the hand"], ["pick-1", "to 9: take that idea"],
  ["next-hand", "other ideas for the same bars"], ["undo", "take back the last decision"], ["tap", "tap the tempo"], ["loop", "loop what is taken"],
  ["preview", "hear the chosen idea"], ["keep-going", "go on by itself"], ["trade", "trade: you play, it answers"], ["accompany", "chords follow your melody"], ["let-pass", "let these bars go by"],
  ["transpose-up", "chosen idea a semitone up"], ["transpose-down", "a semitone down"], ["invert", "turn its chords over"], ["simplify", "make it plainer"],
  ["start", "start, never stop"], ["stop", "stop, never start"], ["half-time", "half the tempo"], ["double-time", "double the tempo"], ["this-is-one", "the bar starts here"], ["metronome", "the click: off, count-in, always"], ["surprise-up", "bolder"], ["surprise-down", "safer"],
  ["density-up", "more notes"], ["density-down", "fewer notes"], ["brightness-up", "brighter"], ["brightness-down", "darker"], ["drive-up", "more driving"], ["drive-down", "calmer"],
  ["count-in", "how many bars are counted in"], ["capture", "keep the last bars as a clip"], ["clear", "forget what was taken, when stopped"], ["keys", "computer keys play, or command"], ["learn", "learn a knob, pad or pedal"], ["panic", "silence everything, now"],
];

export class Help {
  constructor({ store }) {
    this._keys = h("dl", { class: "key-list" });
    this.root = h("div", { class: "help" },
      threeLines(store),
      h("h3", {}, "Keys"), this._keys, looks(store),
      h("p", { class: "faint" }, `← → choose an idea. Tab means other ideas while you are on the stand; Shift+Tab or F6 walks the controls, and Esc comes back. ${capOfPiano(0)} to ${capOfPiano(17)} are notes while computer keys play.`));
    store.watch(["local.keysPlay"], (_, { keysPlay }) => once(this._keys, keysPlay, () => KEYS.flatMap(([act, words]) => [h("dt", {}, h("kbd", {}, capOf(act, keysPlay))), h("dd", {}, words)])));
  }
}

function looks(store) {
  const buttons = [["auto", "as the system"], ["dark", "dark stage"], ["light", "paper"]].map(([value, words]) => h("button", { type: "button", class: "segment", data: { value }, onclick: () => store.set({ theme: value }) }, words));
  store.watch(["local.theme"], (_, { theme }) => buttons.forEach((button) => press(button, button.dataset.value === theme)));
  return h("div", { class: "field", role: "group", aria: { label: "Look" } }, h("span", { class: "field-name" }, "Look"), h("div", { class: "segments" }, buttons));
}

// On the stand, before anything was played: the same three lines, while the music stands and nothing was ever taken.
export class FirstRun {
  constructor(root, store) {
    const done = h("button", { type: "button", class: "button small quiet", onclick: () => store.set({ helpSeen: true }) }, "Got it");
    this._root = h("div", { class: "first-run" }, threeLines(store), done);
    root.append(this._root);
    store.watch(["clock", "decision", "local.helpSeen"], (shared, local) => {
      if (shared.taken && !local.helpSeen) store.set({ helpSeen: true });
      this._root.hidden = local.helpSeen || shared.clock.playing;
      root.classList.toggle("first", !this._root.hidden);
    });
  }
}
