// The page's own sound: one audio context, a little room, voices that are counted and let go. It starts with the first
// gesture, as browsers ask. The player's own notes start at once; the machine's are handed over with their moment.

import { AudioClock } from "./audio_clock.js";
import { bass, click, electricPiano, mallet, pad } from "./instruments.js";
import { Room } from "./room.js";

const MOST_VOICES = 56;
const FULL = 1.25; // gain of the whole at full loudness; the limiter rounds what is above
const BY_ROLE = { chords: pad, melody: mallet, bass };
const LEVEL = { chords: 0.8, melody: 0.9, bass: 1 };

export class Sound {
  constructor(makeContext = () => new AudioContext({ latencyHint: "interactive" })) {
    this._makeContext = makeContext;
    this._voices = [];
    this._mine = new Map(); // pitch -> the voice under the player's finger
    this._kept = []; // voices that the pedal holds
    this._pedal = false;
    this._level01 = 0.8;
    this._onState = () => {};
    this.context = null;
  }

  // `listener(awake)` hears whenever the browser lets this page sound, or no longer does.
  onState(listener) {
    this._onState = listener;
  }

  // In a gesture's own handler, or the browser refuses.
  wake() {
    if (!this.context) this._build();
    if (this.context.state === "suspended") this.context.resume();
  }

  get awake() {
    return this.context?.state === "running";
  }

  // From 0 to 1, as the ear has it.
  loudness(level) {
    this._level01 = level;
    this._out?.gain.setTargetAtTime(level * level * FULL, this.context.currentTime, 0.02);
  }

  // How long after its key a note is heard, in ms; null before there is sound.
  get latencyMs() {
    if (!this.awake) return null;
    return ((this.context.outputLatency || 0) + (this.context.baseLatency || 0)) * 1000;
  }

  noteOn(pitch, velocity) {
    this.wake();
    this._end(this._mine.get(pitch), this.context.currentTime);
    this._mine.set(pitch, this._add(electricPiano(this.context, this._out, pitch, velocity / 127, this.context.currentTime)));
  }

  noteOff(pitch) {
    const voice = this._mine.get(pitch);
    if (!voice) return;
    this._mine.delete(pitch);
    if (this._pedal) this._kept.push(voice);
    else this._end(voice, this.context.currentTime);
  }

  sustain(on) {
    this._pedal = on;
    if (on || !this.context) return;
    for (const voice of this._kept.splice(0)) this._end(voice, this.context.currentTime);
  }

  // A note of the machine's, heard from `ms` until `untilMs`; answers {cut(), end(ms)}, or null where nothing can sound.
  schedule(role, pitch, velocity, ms, untilMs) {
    if (!this.awake) return null;
    const [at, until] = [this.clock.at(ms), this.clock.at(untilMs)];
    if (until <= this.context.currentTime) return null;
    const begin = Math.max(at, this.context.currentTime);
    const voice = this._add(BY_ROLE[role](this.context, this._levels[role], pitch, velocity / 127, begin));
    voice.stop(until);
    return { cut: () => this._cut(voice), end: (endMs) => voice.stop(this.clock.at(endMs)) };
  }

  tick(strong, ms) {
    if (!this.awake) return null;
    const at = this.clock.at(ms);
    if (at < this.context.currentTime - 0.02) return null;
    const voice = click(this.context, this._out, strong, Math.max(at, this.context.currentTime));
    return { cut: () => this._cut(voice) };
  }

  // Everything, now, and what the room still holds of it.
  silence() {
    if (!this.context) return;
    for (const voice of this._voices.splice(0)) this._cut(voice);
    this._mine.clear();
    this._kept = [];
    this._room.empty();
  }

  _build() {
    const context = this._makeContext();
    this.context = context;
    context.onstatechange = () => this._onState(this.awake);
    this.clock = new AudioClock(context);
    this._out = context.createGain();
    this._out.gain.value = this._level01 ** 2 * FULL;
    const limit = context.createWaveShaper(); // unlike a compressor it delays nothing
    limit.curve = softCurve();
    this._out.connect(limit).connect(context.destination);
    this._room = new Room(context, this._out, limit);
    this._levels = Object.fromEntries(Object.entries(LEVEL).map(([role, level]) => [role, this._level(level)]));
  }

  _level(level) {
    const gain = this.context.createGain();
    gain.gain.value = level;
    gain.connect(this._out);
    return gain;
  }

  _add(voice) {
    this._voices.push(voice);
    if (this._voices.length > MOST_VOICES) this._voices = this._voices.filter((each) => !each.done);
    if (this._voices.length > MOST_VOICES) this._cut(this._voices.shift());
    return voice;
  }

  _cut(voice) {
    voice.cut(this.context.currentTime);
  }

  _end(voice, at) {
    voice?.stop(at);
  }
}

// Straight in the middle, rounded at the ends.
function softCurve() {
  return Float32Array.from({ length: 1025 }, (_, i) => Math.tanh((i / 512 - 1) * 1.2) / Math.tanh(1.2));
}
