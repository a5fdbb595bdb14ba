// The one place with state. `shared` is the session's (read only here), `local` is this page's own: which panel is
// open, whether computer keys play notes, what was sent and not answered yet. Views say what they are drawn from;
// whatever changes within a frame is drawn once.

import { Applied, Mirror } from "./mirror.js";

// What is remembered; nothing of the music. A tab keeps how it looks over a reload, the browser what its player likes.
const KEPT = "jamlink-page";
const OF_TAB = ["panel", "pianoShown", "octave", "velocity", "putAway", "putAwaySound"];
const OF_PLAYER = ["keysWanted", "soundWanted", "loudness", "theme", "helpSeen"];

const LOCAL = {
  connection: "opening", // opening, open, lost, over
  farewell: "", // why the session ended, in a sentence
  panel: "", // the open panel, "" for none
  pianoShown: true,
  keysPlay: true, // computer keys are a piano
  keysWanted: "auto", // auto (where no keyboard is plugged in), on, off: what the player chose
  octave: 4, // the C under the A key is C4
  velocity: 80,
  sustain: false,
  soundWanted: "auto", // auto, here, off
  loudness: 0.8,
  soundOwner: false, // this tab holds the sound of all tabs
  awake: false, // the browser lets this page sound: after the first key or touch
  pending: null, // a decision on its way: {what, index, decision, at}
  learning: false,
  editing: null, // the chord or note of a card that is being changed
  theme: "auto",
  putAway: "", // the troubles that were read and put away
  putAwaySound: "", // the same of who plays the sound
  helpSeen: false,
  passed: "", // the device whose offer was turned down
  says: "", // the newest sentence for the player
};

export class Store {
  // `later` runs a function before the next frame; `tab` and `player` have getItem and setItem. Tests have their own.
  constructor(later = (run) => requestAnimationFrame(run), tab = storage("sessionStorage"), player = storage("localStorage")) {
    this._later = later;
    this._memories = [[tab, OF_TAB], [player, OF_PLAYER]];
    this._heeding = [];
    this._mirror = new Mirror();
    this._views = [];
    this._dirty = new Set();
    this._waiting = false;
    this.local = Object.assign({ ...LOCAL }, ...this._memories.map(([memory, names]) => remembered(memory, names)));
  }

  get shared() {
    return this._mirror.state;
  }

  // `draw(shared, local)` runs in the next frame after any of `sections` changed; local ones are written "local.NAME".
  watch(sections, draw) {
    this._views.push({ sections: new Set(sections), draw });
    this._touch(sections);
  }

  // Takes a message of the session in; true where a resync must be asked for.
  receive(message) {
    const { applied, sections } = this._mirror.apply(message);
    this._touch(sections);
    if (applied === Applied.CHANGED) for (const run of this._heeding) run(this.shared);
    return applied === Applied.GAP;
  }

  // `run(shared)` runs with each piece of news, at once: for what is heard, which waits for no frame.
  onNews(run) {
    this._heeding.push(run);
  }

  // A connection was lost: what is shown stays, what comes next must be a snapshot.
  forgetRevision() {
    this._mirror.reset();
  }

  set(changes) {
    const changed = Object.keys(changes).filter((name) => this.local[name] !== changes[name]);
    if (!changed.length) return;
    Object.assign(this.local, changes);
    this._touch(changed.map((name) => `local.${name}`));
    for (const [memory, names] of this._memories) if (changed.some((name) => names.includes(name))) this._remember(memory, names);
  }

  _touch(sections) {
    for (const name of sections) this._dirty.add(name);
    if (this._waiting || !this._dirty.size) return;
    this._waiting = true;
    this._later(() => this._draw());
  }

  _draw() {
    this._waiting = false;
    if (this.shared === null) return; // what is marked waits for the first snapshot
    const dirty = this._dirty;
    this._dirty = new Set();
    for (const view of this._views) {
      if ([...view.sections].some((name) => dirty.has(name))) view.draw(this.shared, this.local);
    }
  }

  _remember(memory, names) {
    const kept = Object.fromEntries(names.map((name) => [name, this.local[name]]));
    try {
      memory?.setItem(KEPT, JSON.stringify(kept));
    } catch {
      // private windows may refuse to keep anything; the page then starts afresh, no more
    }
  }
}

// Private windows may refuse even to look.
function storage(name) {
  try {
    return globalThis[name];
  } catch {
    return null;
  }
}

function remembered(memory, names) {
  try {
    const kept = JSON.parse(memory?.getItem(KEPT) ?? "{}");
    return Object.fromEntries(names.filter((name) => typeof kept[name] === typeof LOCAL[name]).map((name) => [name, kept[name]]));
  } catch {
    return {};
  }
}
