// A card's small piano roll: its chords as the hands would take them, faint, with melody and bass before them. On the
// chosen card one note can be picked and moved: by dragging, or with the arrow keys; delete takes it away.

import { pitchName } from "../music/chord.js";
import { readInk, sharpen } from "./ink.js";
import { pitchRange, pitchRow } from "./scale.js";

export class MiniRoll {
  // `change(note, pitch)` asks for another pitch of note number `note`, melody first, then bass; null deletes it.
  constructor(change) {
    this._change = change;
    this._picked = -1;
    this._drag = null;
    this._seen = true;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "mini";
    this.canvas.setAttribute("role", "img");
    this._listen();
    new ResizeObserver(([entry]) => this._resized(entry.contentRect)).observe(this.canvas);
  }

  // `chords` are the notes of its chords, where they are known.
  show(card, length, barTicks, editable, flats, chords = []) {
    Object.assign(this, { _card: card, _length: length, _barTicks: barTicks, _editable: editable, _flats: flats, _chords: chords });
    this._notes = [...card.melody.map((note) => ({ ...note, role: "melody" })), ...card.bass.map((note) => ({ ...note, role: "bass" }))];
    this._picked = Math.min(this._picked, this._notes.length - 1);
    this.canvas.tabIndex = editable && this._notes.length ? 0 : -1;
    this.canvas.setAttribute("aria-label", this._label());
    this.draw();
  }

  draw() {
    if (!this._box?.width || !this._card || !this._seen) return;
    const pen = this.canvas.getContext("2d");
    const ink = readInk();
    pen.clearRect(0, 0, this._box.width, this._box.height);
    pen.fillStyle = ink.lineStrong;
    for (let tick = this._barTicks; tick < this._length; tick += this._barTicks) pen.fillRect(Math.round(this._x(tick)), 0, 1, this._box.height);
    this._drawChords(pen, ink);
    this._notes.forEach((note, index) => this._drawNote(pen, ink, note, index));
  }

  _drawChords(pen, ink) {
    pen.fillStyle = ink.lineStrong;
    for (const note of this._chords) {
      const { x, y, width, height } = this._place(note, note.pitch);
      pen.fillRect(x, y + height / 2 - 1, width, 2);
    }
  }

  _drawNote(pen, ink, note, index) {
    const { x, y, width, height } = this._place(note, this._drag?.index === index ? this._drag.pitch : note.pitch);
    pen.fillStyle = note.role === "bass" ? ink.usSoft : ink.us;
    pen.fillRect(x, y, width, height);
    if (note.role === "bass") this._outline(pen, ink.us, x, y, width, height);
    if (index === this._picked && this._editable) this._outline(pen, ink.text, x - 2, y - 2, width + 4, height + 4);
  }

  _outline(pen, colour, x, y, width, height) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), Math.max(1, height - 1));
  }

  _place(note, pitch) {
    const range = pitchRange([...this._notes, ...this._chords].map((each) => each.pitch));
    const row = pitchRow(pitch, range, 3, this._box.height - 3);
    const height = Math.max(3, Math.min(7, row.height));
    return { x: this._x(note.onset), y: row.y + (row.height - height) / 2, width: Math.max(3, this._x(note.onset + note.duration) - this._x(note.onset) - 1), height, row: row.height };
  }

  _x(tick) {
    return (tick / this._length) * this._box.width;
  }

  _resized({ width, height }) {
    this._box = { width, height };
    this.sight(this._seen);
  }

  // Of a hand of thirty only the cards in sight hold a picture.
  sight(seen) {
    this._seen = seen;
    if (seen && this._box) sharpen(this.canvas, this._box);
    else this.canvas.width = this.canvas.height = 0;
    this.draw();
  }

  _label() {
    const kinds = [[this._card.melody.length, "melody"], [this._card.bass.length, "bass"]].filter(([count]) => count);
    const what = kinds.map(([count, name]) => `${count} ${name} notes`).join(", ") || "chords only";
    const note = this._notes[this._picked];
    const how = this._editable && this._notes.length ? ". Arrow keys choose and move a note, delete takes it away" : "";
    return note && this._editable ? `${what}. Note ${this._picked + 1}, ${pitchName(note.pitch, this._flats)}` : what + how;
  }

  _listen() {
    this.canvas.addEventListener("keydown", (event) => this._key(event));
    this.canvas.addEventListener("pointerdown", (event) => this._grab(event));
    this.canvas.addEventListener("pointermove", (event) => this._move(event));
    this.canvas.addEventListener("pointerup", () => this._drop());
    this.canvas.addEventListener("pointercancel", () => this._forget());
    this.canvas.addEventListener("focus", () => this._pick(Math.max(0, this._picked)));
  }

  _key(event) {
    if (!this._editable || !this._notes.length) return;
    const note = this._notes[this._picked];
    const steps = { ArrowUp: 1, ArrowDown: -1 };
    if (event.key === "ArrowRight") this._pick(Math.min(this._notes.length - 1, this._picked + 1));
    else if (event.key === "ArrowLeft") this._pick(Math.max(0, this._picked - 1));
    else if (event.key in steps && note) this._change(this._picked, note.pitch + steps[event.key] * (event.shiftKey ? 12 : 1));
    else if (event.key === "Delete" && note) this._change(this._picked, null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  _pick(index) {
    this._picked = index;
    this.canvas.setAttribute("aria-label", this._label());
    this.draw();
  }

  _grab(event) {
    if (!this._editable) return;
    const index = this._at(event.offsetX, event.offsetY);
    if (index < 0) return;
    event.stopPropagation();
    this.canvas.setPointerCapture(event.pointerId);
    this._drag = { index, y: event.offsetY, pitch: this._notes[index].pitch };
    this._pick(index);
  }

  _move(event) {
    if (!this._drag) return;
    const note = this._notes[this._drag.index];
    this._drag.pitch = note.pitch + Math.round((this._drag.y - event.offsetY) / Math.max(3, this._place(note, note.pitch).row));
    this.draw();
  }

  _drop() {
    const drag = this._drag;
    this._drag = null;
    if (drag && drag.pitch !== this._notes[drag.index].pitch) this._change(drag.index, drag.pitch);
  }

  _forget() {
    this._drag = null;
    this.draw();
  }

  // The note nearest to a point, within a finger's width; -1 for none.
  _at(x, y) {
    const near = this._notes.map((note, index) => {
      const place = this._place(note, note.pitch);
      return { index, far: Math.hypot(Math.max(place.x - x, 0, x - place.x - place.width), Math.max(place.y - y, 0, y - place.y - place.height)) };
    });
    const best = near.sort((a, b) => a.far - b.far)[0];
    return best && best.far < 12 ? best.index : -1;
  }
}
