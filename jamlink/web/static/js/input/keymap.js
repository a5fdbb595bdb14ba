// Which computer key means what. Pure: a key press in, what it asks for out; the same table writes the keys on the
// controls, so that what is written there is what works.
//
// Letters clash: two rows of them are a piano in every DAW, and T and L are commands. While the keys are a piano a
// letter command takes shift; otherwise the bare letter works. `capOf` says whichever is true now.

// By place on the keyboard, not by what is printed, so that the rows are a piano on every layout.
const PIANO = {
  KeyA: 0, KeyW: 1, KeyS: 2, KeyE: 3, KeyD: 4, KeyF: 5, KeyT: 6, KeyG: 7, KeyY: 8, KeyH: 9, KeyU: 10, KeyJ: 11,
  KeyK: 12, KeyO: 13, KeyL: 14, KeyP: 15, Semicolon: 16, Quote: 17,
};
const PIANO_EXTRA = { KeyZ: "octave-down", KeyX: "octave-up", KeyC: "softer", KeyV: "louder" };
const PIANO_CAPS = { Semicolon: ";", Quote: "'" };
const PEDAL = "KeyQ"; // held like a pedal

const LETTERS = {
  t: "tap", l: "loop", n: "next-hand", p: "preview", u: "undo", m: "metronome", k: "keep-going", r: "trade", a: "accompany",
  o: "this-is-one", e: "count-in", w: "capture", i: "invert", s: "simplify", c: "clear", b: "brightness-up", d: "brightness-down",
  h: "half-time", g: "double-time", y: "start", x: "stop",
};
const SIGNS = {
  0: "let-pass", "+": "transpose-up", "-": "transpose-down", "]": "surprise-up", "[": "surprise-down",
  ".": "density-up", ",": "density-down", ">": "drive-up", "<": "drive-down",
};
const NAMED = { Enter: "accept", Backspace: "reject", Tab: "next-hand", " ": "play-stop" };
const CAPS = {
  accept: "Enter", reject: "⌫", "play-stop": "Space", "next-hand": "Tab", undo: "Ctrl Z", panic: "Esc Esc", learn: "Ctrl M",
  "pick-1": "1", "pick-2": "2", "pick-3": "3", "pick-4": "4", keys: "`",
};

const LETTER_OF = Object.fromEntries(Object.entries(LETTERS).map(([key, action]) => [action, key]));
const SIGN_OF = Object.fromEntries(Object.entries(SIGNS).map(([key, action]) => [action, key]));

export const PIANO_KEYS = 18;

// The key that works now, as written on a control; "" where there is none.
export function capOf(action, keysPlay) {
  if (CAPS[action]) return CAPS[action];
  if (SIGN_OF[action]) return SIGN_OF[action];
  const letter = LETTER_OF[action]?.toUpperCase();
  return letter ? (keysPlay ? `⇧${letter}` : letter) : "";
}

// What is printed on the piano key `offset` semitones above the low C; "" beyond the two rows.
export function capOfPiano(offset) {
  const code = Object.keys(PIANO).find((name) => PIANO[name] === offset);
  return code ? (PIANO_CAPS[code] ?? code.replace("Key", "")) : "";
}

export const pianoOffset = (code) => PIANO[code] ?? null;

export const isPedal = (code) => code === PEDAL;
export const PEDAL_CAP = "Q";

// What a press asks for: {act}, {pick}, {step}, {offset}, {piano}, {pedal}, {page}, or null where it is none of ours.
export function meaning(press, keysPlay) {
  if (press.ctrlKey || press.metaKey) return withControl(press);
  if (press.altKey) return null;
  if (press.key === "Escape") return { page: "escape" };
  if (press.key === "F12") return { act: "panic" };
  if (press.key === "F6") return { page: press.shiftKey ? "region-back" : "region" };
  if (press.code === "Backquote") return { page: "keys" };
  if (press.key === "?") return { page: "help" };
  if (press.key === "Tab" && press.shiftKey) return null; // walks the controls, as everywhere
  if (NAMED[press.key]) return { act: NAMED[press.key] };
  if (press.key === "ArrowRight" || press.key === "ArrowLeft") return { step: press.key === "ArrowRight" ? 1 : -1 };
  if (/^[1-9]$/.test(press.key)) return { pick: Number(press.key) - 1 };
  return letterOrNote(press, keysPlay);
}

function letterOrNote(press, keysPlay) {
  if (keysPlay && !press.shiftKey) {
    if (press.code in PIANO) return { offset: PIANO[press.code] };
    if (press.code in PIANO_EXTRA) return { piano: PIANO_EXTRA[press.code] };
    if (isPedal(press.code)) return { pedal: true };
  }
  const action = LETTERS[press.key.toLowerCase()] ?? SIGNS[press.key];
  return action ? { act: action } : null;
}

function withControl(press) {
  const letter = press.key.toLowerCase();
  if (letter === "z" && !press.shiftKey) return { act: "undo" };
  return letter === "m" ? { page: "learn" } : null;
}
