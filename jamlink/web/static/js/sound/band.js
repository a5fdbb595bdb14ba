// The machine's part and the click, sounded by this page where nothing is plugged in: notes are handed to the audio
// clock a little ahead of their moment, and taken back at once when what was promised changes.

import { isSaved } from "../music/place.js";
import { due, roundsOf } from "../music/rounds.js";
import { beats, voicesOf } from "./score.js";
import { soundsHere } from "./whose.js";

const EVERY_MS = 40;
const AHEAD_MS = 180; // less than the session's commit horizon, so that nothing is handed over that may still change
const AHEAD_HIDDEN_MS = 1400; // browsers run timers of a hidden tab once a second
const LATE_MS = 60; // a note that could not be handed over in time is still struck within this
const MOVED_MS = 1.5; // a new tempo that moves a note by less leaves it
const CLICK_MS = 100;
const RINGS_MS = 120; // a note whose end has come is not cut; clocks differ by less
const DECIDES = ["clock", "playing", "taken", "accompany", "saved", "decision", "steering", "ports"];

export class Band {
  // `every` and `hidden` stand for the browser's timer and its eye; tests have their own.
  constructor({ store, clock, sound }, { every = (run, ms) => setInterval(run, ms), hidden = () => document.hidden } = {}) {
    Object.assign(this, { _store: store, _clock: clock, _sound: sound, _hidden: hidden });
    this._handed = new Map(); // note id -> {voice, tick, end, begins, ends, round}
    this._hushed = new Set(); // ideas that were silenced here before the session said so
    this._preview = [];
    this._line = "";
    this._known = [];
    store.onNews((shared) => this._news(shared));
    every(() => this.turn(), EVERY_MS);
  }

  // Whether this page makes the machine's sound now.
  get sounding() {
    return soundsHere(this._store.shared, this._store.local);
  }

  // One idea, at once and by itself; hearing another ends it.
  preview(card, clock, bars, arranged) {
    this.endPreview();
    this._sound.wake();
    const msOf = (ticks) => (ticks * clock.tempo_ns) / 960 / 1e6;
    const start = this._clock.now() + 60;
    this._preview = voicesOf(card, bars * clock.bar_ticks, arranged).map((note) =>
      this._sound.schedule(note.role, note.pitch, note.velocity, start + msOf(note.onset), start + msOf(note.onset + note.duration)),
    );
  }

  endPreview() {
    for (const note of this._preview.splice(0)) note?.cut();
  }

  // Everything that was handed over, back; what is placed now stays silent, whenever the session answers. Of an
  // accompaniment that is all there is to do: what follows is new.
  silence() {
    const { playing, taken } = this._store.shared ?? {};
    for (const placed of [playing, taken]) if (placed) this._hushed.add(placed.id);
    this._takeBack(() => true);
    this.endPreview();
  }

  // Hands over what is due soon, and takes back what is not promised any more.
  turn() {
    if (!this._sound.awake) return;
    this._sound.clock.look();
    const state = this._store.shared;
    if (!state?.clock.playing || !this.sounding || !this._clock.known) return this._takeBack(() => true);
    const now = this._clock.now();
    const until = now + (this._hidden() ? AHEAD_HIDDEN_MS : AHEAD_MS);
    const [tick, from, to] = [now, now - LATE_MS, until].map((ms) => this._clock.tickAt(state.clock, ms));
    const rounds = roundsOf(state, isSaved(state), tick).filter(({ placed }) => !this._hushed.has(placed.id));
    this._follow(state.clock, now);
    this._withdraw(rounds, now, tick);
    for (const round of rounds) for (const note of due(round, from, to, state.clock.beat_ticks / 2)) this._hand(state.clock, note);
    this._along(state, from, to, now);
    this._clicks(state, from, to, now);
    this._forget(now);
  }

  // An accompaniment: its notes are settled beat by beat, and one that is held ends later than was known when it began.
  _along(state, from, to, now) {
    const voices = new Map((state.accompany?.voices ?? []).map((voice) => [`along:${voice.id}`, voice]));
    this._takeBack((note) => note.along && note.ends > now + RINGS_MS && !voices.has(note.id));
    for (const [id, voice] of voices) {
      const handed = this._handed.get(id);
      if (!handed && voice.tick >= from && voice.tick < to) this._hand(state.clock, { ...voice, id, along: true });
      else if (handed && handed.end !== voice.end) handed.voice.end((handed.ends = this._ms(state.clock, (handed.end = voice.end))));
    }
  }

  // Only what bears on the sound: lists of history and notes are no reason to look again.
  _news(shared) {
    const known = DECIDES.map((name) => shared?.[name]);
    if (known.some((section, index) => section !== this._known[index])) this.turn();
    this._known = known;
  }

  // A new tempo or a jump moves every moment that was computed with the old line.
  _follow(clock, now) {
    const line = `${clock.tempo_ns}:${clock.ns_origin}:${clock.tick_origin}`;
    if (line === this._line) return;
    this._line = line;
    for (const [id, note] of this._handed) {
      const begins = this._ms(clock, note.tick);
      if (note.begins > now && Math.abs(begins - note.begins) > MOVED_MS) this._cut(id, note);
      else if (note.ends > now) note.voice.end?.((note.ends = this._ms(clock, note.end)));
    }
  }

  // An idea that is no longer placed (undone, replaced, cut) is heard no more; one whose end has come rings out, and has
  // its last notes where another follows it.
  _withdraw(rounds, now, tick) {
    const until = new Map(rounds.map((round) => [round.key, round.until]));
    const followed = new Set(rounds.map((round) => round.start));
    const ranOut = (note) => followed.has(note.roundEnd) || (note.begins <= now && note.roundEnd <= tick + 1);
    this._takeBack((note) => note.round && !(note.tick < until.get(note.round)) && !ranOut(note));
  }

  _takeBack(which) {
    for (const [id, note] of this._handed) if (which(note)) this._cut(id, note);
  }

  _cut(id, note) {
    note.voice.cut();
    this._handed.delete(id);
  }

  _hand(clock, note) {
    if (this._handed.has(note.id)) return;
    const [begins, ends] = [this._ms(clock, note.tick), this._ms(clock, note.end)];
    const voice = this._sound.schedule(note.role, note.pitch, note.velocity, begins, ends);
    if (voice) this._handed.set(note.id, { voice, begins, ends, tick: note.tick, end: note.end, round: note.round, roundEnd: note.roundEnd, id: note.id, along: note.along });
  }

  _clicks(state, from, to, now) {
    const wanted = state.steering.click;
    const silent = (tick) => wanted === "off" || (wanted === "count-in" && tick >= 0);
    this._takeBack((note) => !note.round && !note.along && note.begins > now && silent(note.tick));
    for (const { tick, strong } of beats(state.clock, from, to)) {
      const id = `click:${tick}`;
      if (silent(tick) || this._handed.has(id)) continue;
      const begins = this._ms(state.clock, tick);
      const voice = this._sound.tick(strong, begins);
      if (voice) this._handed.set(id, { voice, begins, ends: begins + CLICK_MS, tick, end: tick });
    }
  }

  _ms(clock, tick) {
    return this._clock.msOfTick(clock, tick);
  }

  _forget(now) {
    for (const [id, note] of this._handed) if (note.ends < now - 2000) this._handed.delete(id);
  }
}

// Of all open tabs one makes the machine's sound: three pages must not play in three-part echo.
export function holdSound(store, locks = navigator.locks) {
  if (!locks) return void store.set({ soundOwner: true });
  locks.request("jamlink-sound", () => {
    store.set({ soundOwner: true });
    return new Promise(() => {}); // until this tab is closed
  });
}
