// Notes played on this page, wherever from (computer keys, mouse, touch, Web MIDI): sounded here at once and told to
// the session. Every note that was begun is ended, whatever happens in between.

import { speak } from "../core/protocol.js";

export class Piano {
  constructor(store, send, sound) {
    this._store = store;
    this._send = send;
    this._sound = sound;
    this._held = new Map(); // pitch -> how many fingers, keys and cables hold it
    this._byKey = new Map(); // offset -> pitch, since the octave may change in between
    this._listeners = [];
    this._onKey = () => {};
  }

  get held() {
    return this._held;
  }

  onChange(listener) {
    this._listeners.push(listener);
  }

  // `listener()` hears of notes from the computer keys.
  onKey(listener) {
    this._onKey = listener;
  }

  // `told` false: the session hears this note by itself, from the same keyboard.
  press(pitch, velocity = this._store.local.velocity, told = true) {
    if (pitch < 0 || pitch > 127) return;
    const held = this._held.get(pitch) ?? 0;
    this._held.set(pitch, held + 1);
    if (held) return;
    this._sound.noteOn(pitch, velocity);
    if (told) this._send(speak.play(true, pitch, velocity));
    this._changed(pitch, true);
  }

  release(pitch, told = true) {
    const held = this._held.get(pitch) ?? 0;
    if (!held) return;
    if (held > 1) return void this._held.set(pitch, held - 1);
    this._held.delete(pitch);
    this._sound.noteOff(pitch);
    if (told) this._send(speak.play(false, pitch, 0));
    this._changed(pitch, false);
  }

  key(offset, on) {
    if (on) {
      this._onKey();
      const pitch = (this._store.local.octave + 1) * 12 + offset;
      this._byKey.set(offset, pitch);
      this.press(pitch);
    } else if (this._byKey.has(offset)) {
      this.release(this._byKey.get(offset));
      this._byKey.delete(offset);
    }
  }

  adjust(what) {
    const { octave, velocity } = this._store.local;
    if (what === "octave-down") this._store.set({ octave: Math.max(0, octave - 1) });
    if (what === "octave-up") this._store.set({ octave: Math.min(7, octave + 1) });
    if (what === "softer") this._store.set({ velocity: Math.max(16, velocity - 16) });
    if (what === "louder") this._store.set({ velocity: Math.min(127, velocity + 16) });
  }

  sustain(on) {
    this._sound.sustain(on);
    this._store.set({ sustain: on });
  }

  // Nothing is held any more. The connection's loss ends the notes on the other side as well.
  letGo() {
    for (const pitch of [...this._held.keys()]) {
      this._held.set(pitch, 1);
      this.release(pitch);
    }
  }

  _changed(pitch, on) {
    for (const listener of this._listeners) listener(pitch, on);
  }
}
