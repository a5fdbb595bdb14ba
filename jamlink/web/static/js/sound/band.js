// The machine's part and the click, sounded by this page where nothing is plugged in: notes are handed to the audio
// clock a little ahead of their moment, and taken back when what was promised changes.

import { isSaved } from "../music/place.js";
import { beats, due, voicesOf } from "./score.js";

const EVERY_MS = 40;
const AHEAD_MS = 180;
const AHEAD_HIDDEN_MS = 1400; // browsers run timers of a hidden tab once a second

export class Band {
  constructor(store, clock, sound, recall) {
    this._store = store;
    this._clock = clock;
    this._sound = sound;
    this._recall = recall;
    this._handed = new Map(); // note id -> {cancel, endMs}
    this._preview = [];
    this._line = "";
    setInterval(() => this._turn(), EVERY_MS);
  }

  // Whether this page makes the machine's sound now.
  get sounding() {
    const { shared, local } = this._store;
    if (!shared || local.soundWanted === "off" || !local.soundOwner) return false;
    if (local.soundWanted === "here") return true;
    return soundsHere(shared.ports) && shared.page?.role !== "tablet";
  }

  // One idea, at once and by itself; hearing another ends it.
  preview(card, clock, bars) {
    this.endPreview();
    this._sound.wake();
    const msOf = (ticks) => (ticks * clock.tempo_ns) / 960 / 1e6;
    const start = this._clock.now() + 60;
    this._preview = voicesOf(card, bars * clock.bar_ticks).map((note) =>
      this._sound.schedule(note.role, note.pitch, note.velocity, start + msOf(note.onset), start + msOf(note.onset + note.duration)),
    );
  }

  endPreview() {
    for (const note of this._preview.splice(0)) note?.cancel();
  }

  // Everything that was handed over, back.
  silence() {
    for (const note of this._handed.values()) note.cancel();
    this._handed.clear();
    this.endPreview();
  }

  _turn() {
    if (!this._sound.awake) return;
    this._sound.clock.look();
    const state = this._store.shared;
    if (!state?.clock.playing || !this.sounding || !this._clock.known) return this._handed.size ? this.silence() : undefined;
    this._newLine(state.clock);
    const now = this._clock.now();
    const until = now + (document.hidden ? AHEAD_HIDDEN_MS : AHEAD_MS);
    const [from, to] = [this._clock.tickAt(state.clock, now - EVERY_MS), this._clock.tickAt(state.clock, until)];
    this._withdraw(state);
    this._notes(state, from, to);
    this._clicks(state, from, to);
    this._forget(now);
  }

  // A new tempo or a jump moves every moment that was computed with the old line.
  _newLine(clock) {
    const line = `${clock.tempo_ns}:${clock.ns_origin}:${clock.tick_origin}`;
    const now = this._clock.now();
    if (line !== this._line) this._takeBack((id, note) => note.begins > now);
    this._line = line;
  }

  // An idea that is no longer placed (undone, replaced, cut) is heard no more; one that has run out is over by itself.
  _withdraw(state) {
    const kept = new Set([state.playing, state.taken].filter(Boolean).map((placed) => `${placed.id}:${placed.start}`));
    const soon = this._clock.now() + 30;
    this._takeBack((id, note) => note.placed && !kept.has(note.placed) && note.ends > soon);
  }

  _takeBack(which) {
    for (const [id, note] of this._handed) {
      if (!which(id, note)) continue;
      note.cancel();
      this._handed.delete(id);
    }
  }

  _notes(state, from, to) {
    for (const note of due(state, isSaved(state), from, to, (placed) => this._recall.voices(placed))) {
      if (this._handed.has(note.id)) continue;
      const [begins, ends] = [this._ms(state, note.tick), this._ms(state, note.end)];
      const handed = this._sound.schedule(note.role, note.pitch, note.velocity, begins, ends);
      if (handed) this._handed.set(note.id, { ...handed, begins, ends, placed: note.id.split(":").slice(0, 2).join(":") });
    }
  }

  _clicks(state, from, to) {
    const wanted = state.steering.click;
    for (const { tick, strong } of beats(state.clock, from, to)) {
      const id = `click:${tick}`;
      if (wanted === "off" || (wanted === "count-in" && tick >= 0) || this._handed.has(id)) continue;
      const begins = this._ms(state, tick);
      const handed = this._sound.tick(strong, begins);
      if (handed) this._handed.set(id, { ...handed, begins, ends: begins + 100 });
    }
  }

  _ms(state, tick) {
    return this._clock.msOfTick(state.clock, tick);
  }

  _forget(now) {
    for (const [id, note] of this._handed) if (note.ends < now - 2000) this._handed.delete(id);
  }
}

// Whether nothing outside sounds: then the page does.
export function soundsHere(ports) {
  if (ports?.sound) return ports.sound === "page";
  return !(ports?.outputs ?? []).length;
}

// Of all open tabs one makes the machine's sound: three pages must not play in three-part echo.
export function holdSound(store, locks = navigator.locks) {
  if (!locks) return void store.set({ soundOwner: true });
  locks.request("jamlink-sound", () => {
    store.set({ soundOwner: true });
    return new Promise(() => {}); // until this tab is closed
  });
}
