// The time line: chords sliding towards "now" above, and below them what both players played and will play. One
// horizontal scale for everything. Promised is solid, provisional half transparent; the human's notes are rounded and
// filled, the machine's square and hatched, what a human changed in the machine's carries a bar at its left.

import { coming, chosen, isSaved } from "../music/place.js";
import { due, roundsOf } from "../music/rounds.js";
import { voicesOf } from "../sound/score.js";
import { drawRibbon, font, ribbonHeight } from "./ribbon.js";
import { hatch, readInk, sharpen } from "./ink.js";
import { gridLines, pitchRange, pitchRow, timeScale } from "./scale.js";

const SAME_TICKS = 240; // the session's stamp of a note played here differs by the way there, far less than this
const USUAL_TEXT_PX = 15;
const CALM = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");
const LOCAL_KEPT_MS = 1500; // how long a note played here is drawn by this page before the session's word is expected

export class Roll {
  constructor(canvas, clock, piano) {
    this._canvas = canvas;
    this._clock = clock;
    this._context = canvas.getContext("2d");
    this._box = { width: 0, height: 0 };
    this._mine = []; // notes played on this page that the session has not told back yet
    piano.onChange((pitch, on) => this._played(pitch, on));
    new ResizeObserver(([entry]) => this._resized(entry.contentRect)).observe(canvas);
    this._range = pitchRange([]);
  }

  // The theme changed.
  refresh() {
    this._ink = null;
  }

  draw(state, tick) {
    const { width, height } = this._box;
    if (!width || !height) return;
    this._ink ??= this._mix();
    const scale = timeScale(width, state.clock, tick, this._box.unit, CALM?.matches);
    const notes = this._notes(state, tick, scale);
    this._range = pitchRange(notes.map((note) => note.pitch));
    const pen = this._context;
    pen.clearRect(0, 0, width, height);
    this._grid(pen, state.clock, scale);
    for (const note of notes) this._note(pen, note, scale);
    drawRibbon(pen, state, coming(state, scale.first), scale, this._ink, this._box);
  }

  _resized({ width, height }) {
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL_TEXT_PX;
    this._box = { width, height, unit, top: ribbonHeight(unit) };
    sharpen(this._canvas, this._box);
    this._ink = null;
    this.onResize?.();
  }

  _mix() {
    const ink = readInk();
    return { ...ink, hatch: hatch(this._context, ink.us, Math.min(2, devicePixelRatio || 1), this._box.unit) };
  }

  // {tick, end, pitch, who, sure}: played, then promised, then what the chosen idea would bring.
  _notes(state, tick, scale) {
    const played = (state.notes ?? []).filter((note) => note.tick <= tick || note.who === "player").map((note) => ({ ...note, end: note.end ?? tick, sure: 1 }));
    const all = [...played, ...this._mineNow(state, tick), ...aheadOf(state, tick, scale.last), ...alongNotes(state, tick), ...ideaNotes(state)];
    return all.filter((note) => note.end >= scale.first && note.tick <= scale.last);
  }

  _played(pitch, on) {
    const now = performance.now();
    if (on) this._mine.push({ pitch, from: now, until: null });
    else for (const note of this._mine) if (note.pitch === pitch && note.until === null) note.until = now;
    this._mine = this._mine.filter((note) => note.until === null || now - note.until < LOCAL_KEPT_MS);
    this.onResize?.();
  }

  // Drawn at once, in the frame of the key press; the session's own account of the note replaces it.
  _mineNow(state, tick) {
    if (!state.clock.playing) return this._mine.filter((note) => note.until === null).map((note) => ({ pitch: note.pitch, tick: tick - 120, end: tick, who: "player", sure: 1 }));
    const told = (state.notes ?? []).filter((note) => note.who === "player");
    return this._mine
      .map((note) => ({ pitch: note.pitch, tick: this._clock.tickAt(state.clock, note.from), end: note.until === null ? tick : this._clock.tickAt(state.clock, note.until), who: "player", sure: 1 }))
      .filter((note) => !told.some((other) => other.pitch === note.pitch && Math.abs(other.tick - note.tick) < SAME_TICKS));
  }

  _grid(pen, clock, scale) {
    const { width, height, top, unit } = this._box;
    for (let pitch = Math.ceil(this._range.low / 12) * 12; pitch <= this._range.high; pitch += 12) {
      const { y, height: row } = pitchRow(pitch, this._range, top + 6, height - 4);
      pen.fillStyle = this._ink.line;
      pen.fillRect(0, Math.round(y + row), width, 1);
      if (row * 12 < 18 * unit) continue; // lines too close together for names
      pen.fillStyle = this._ink.faint;
      pen.font = font(11 * unit);
      pen.textAlign = "left";
      pen.fillText(`C${pitch / 12 - 1}`, 6, y + row - 3);
    }
    for (const { tick, bar } of gridLines(clock, scale.first, scale.last)) {
      pen.fillStyle = bar === null ? this._ink.line : this._ink.lineStrong;
      pen.fillRect(Math.round(scale.x(tick)), bar === null ? top : 0, 1, height);
    }
  }

  _note(pen, note, scale) {
    const { y, height: row } = pitchRow(note.pitch, this._range, this._box.top + 6, this._box.height - 4);
    const high = Math.max(4, Math.min(row - 1, 14 * this._box.unit));
    const [x, up] = [scale.x(note.tick), y + (row - high) / 2];
    const wide = Math.max(3, (note.end - note.tick) * scale.perTick - 1);
    pen.globalAlpha = note.sure;
    if (note.who === "player") this._human(pen, x, up, wide, high);
    else this._machine(pen, x, up, wide, high, note);
    pen.globalAlpha = 1;
  }

  _human(pen, x, y, wide, high) {
    pen.fillStyle = this._ink.you;
    pen.beginPath();
    pen.roundRect(x, y, wide, high, Math.min(high, wide) / 2);
    pen.fill();
  }

  _machine(pen, x, y, wide, high, note) {
    const { unit } = this._box;
    pen.fillStyle = note.ahead ? this._ink.usSoft : this._ink.hatch;
    pen.fillRect(x, y, wide, high);
    pen.strokeStyle = this._ink.us;
    pen.setLineDash(note.idea ? [3 * unit, 3 * unit] : []);
    pen.lineWidth = 1.25 * unit;
    pen.strokeRect(x + 0.6, y + 0.6, Math.max(1, wide - 1.2), Math.max(1, high - 1.2));
    pen.setLineDash([]);
    if (note.who === "edited") {
      pen.fillStyle = this._ink.edited;
      pen.fillRect(x, y - 1, 4 * unit, high + 2);
    }
  }
}

// What was taken and is not saved yet is drawn, half transparent: the eye may know it before the ear can rely on it.
function aheadOf(state, tick, last) {
  const saved = isSaved(state);
  return roundsOf(state, true, tick).flatMap((round) => {
    const sure = round.placed === state.taken && !saved ? 0.5 : 1;
    return due(round, tick, last).map((note) => ({ ...note, who: round.placed.edited ? "edited" : "jamlink", sure, ahead: true }));
  });
}

// What an accompaniment has settled and will begin; what sounds of it is among the notes that were played.
function alongNotes(state, tick) {
  return (state.accompany?.voices ?? []).filter((voice) => voice.tick > tick).map((voice) => ({ ...voice, who: "jamlink", sure: 1, ahead: true }));
}

// Where a loop goes round it is the loop that will sound; the ribbon says the same.
const loopsOn = (state) => Boolean(state.playing) && state.steering.repeat === "loop" && state.steering.mode === "propose";

function ideaNotes(state) {
  const card = state.taken || loopsOn(state) ? null : chosen(state.hand);
  if (!card || card.state !== "offered") return [];
  const start = state.hand.slot_start;
  return voicesOf(card, state.hand.slot_bars * state.clock.bar_ticks, state.arranged).map((note) => ({
    tick: start + note.onset, end: start + note.onset + note.duration, pitch: note.pitch, who: "jamlink", sure: 0.55, ahead: true, idea: true,
  }));
}
