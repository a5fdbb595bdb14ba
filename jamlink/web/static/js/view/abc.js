// The take as ABC text, the words that notation libraries read: one voice, chord symbols above, four bars a line. Pure.

import { isBlack, pitchClass } from "../music/chord.js";

const SHARPS = ["C", "^C", "D", "^D", "E", "F", "^F", "G", "^G", "A", "^A", "B"];
const FLATS = ["C", "_D", "D", "_E", "E", "F", "_G", "G", "_A", "A", "_B", "B"];
const UNIT = 240; // ticks of a sixteenth, the shortest written
const BARS_A_LINE = 4;

// `lead` is the state's section; `clock` gives meter and ticks; `key` and `title` are words.
export function toAbc(lead, clock, key, title, barsALine = BARS_A_LINE) {
  const [beats, of] = clock.meter.split("/").map(Number);
  const barUnits = Math.round((beats * 16) / of);
  const signature = signatureOf(key);
  const lines = chunk(lead.map((bar, index) => barText(bar, clock, barUnits, signature, lastSymbol(lead.slice(0, index)))), barsALine);
  const head = ["X:1", `T:${clean(title)}`, `M:${clock.meter}`, "L:1/16", `Q:1/4=${Math.round(clock.bpm)}`, `K:${signature.name}`];
  return [...head, ...lines.map((bars) => `${bars.join(" | ")} |`)].join("\n");
}

// {name, flats, altered}: how the key is written, how it spells, and its altered letters.
const FIFTHS = { C: 0, G: 1, D: 2, A: 3, E: 4, B: 5, "F#": 6, F: -1, Bb: -2, Eb: -3, Ab: -4, Db: -5, Gb: -6, "C#": 7, "D#": 9, "G#": 8 };
const ORDER = ["F", "C", "G", "D", "A", "E", "B"];

export function signatureOf(key) {
  const [root, mode] = (key || "C major").replace("♭", "b").replace("♯", "#").split(" ");
  const fifths = (FIFTHS[root] ?? 0) - (mode === "minor" ? 3 : 0);
  if (Math.abs(fifths) > 7) return { name: "C", flats: false, altered: {} };
  const letters = fifths >= 0 ? ORDER.slice(0, fifths) : ORDER.toReversed().slice(0, -fifths);
  const altered = Object.fromEntries(letters.map((letter) => [letter, fifths > 0 ? "^" : "_"]));
  return { name: `${root}${mode === "minor" ? "m" : ""}`, flats: fifths < 0, altered };
}

// Words from the wire could carry commands of the notation; only plain ones pass.
const clean = (text) => text.replace(/[^\p{L}\p{N} .,'–-]/gu, "").slice(0, 80);
const symbolText = (symbol) => symbol.replace(/[^A-Ga-z#♯♭Mø°+/0-9().-]/g, "").slice(0, 16);

function chunk(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));
}

const lastSymbol = (bars) => bars.findLast((bar) => bar.chords?.length)?.chords.at(-1).symbol ?? "";

// Where the beams of a bar begin, in sixteenths, and where it ends: by quarters, by dotted quarters, 7/8 as 2 + 2 + 3.
export function beams(meter) {
  const [beats, of] = meter.split("/").map(Number);
  const groups = of === 8 ? eighths(beats).map((count) => count * 2) : Array.from({ length: Math.ceil((beats * 4) / of) }, (_, beat) => Math.min(4, (beats * 16) / of - beat * 4));
  return groups.reduce((starts, units) => [...starts, starts.at(-1) + units], [0]);
}

function eighths(beats) {
  if (beats % 3 === 0) return Array(beats / 3).fill(3);
  const twos = Array(Math.floor(beats / 2)).fill(2);
  return beats % 2 ? [...twos.slice(1), 3] : twos;
}

// One bar: the top line on a grid of sixteenths, rests between, chord symbols where they begin. Notes of one beam stand
// together, and one that sounds on into the next is written there, too, and tied; an accidental holds to the end of its
// bar. `before` is the chord that the bar begins under.
export function barText(bar, clock, barUnits, signature, before = "") {
  const notes = topLine(bar.notes ?? [], barUnits);
  const symbols = new Map((bar.chords ?? []).map((chord) => [Math.round(((chord.beat - 1) * clock.beat_ticks) / UNIT), chord.symbol]));
  if (!notes.length && [...symbols.keys()].every((at) => at === 0)) return `${written(symbols.get(0))}z${barUnits}`;
  const groups = beams(clock.meter);
  const cuts = [...new Set([0, ...notes.flatMap((note) => [note.from, note.to]), ...silentBeats(notes, groups), ...symbols.keys()])].filter((at) => at < barUnits).sort((a, b) => a - b);
  const said = new Map();
  let under = before;
  const pieces = cuts.map((from, index) => {
    under = symbols.get(from) ?? under;
    return written(symbols.get(from)) + piece(from, cuts[index + 1] ?? barUnits, notes, groups, (note) => abcPitch(note.pitch, signature, said, (note.under ??= under)));
  });
  return pieces.map((text, index) => (index && groups.includes(cuts[index]) ? " " : "") + text).join("");
}

const written = (symbol) => (symbol ? `"${symbolText(symbol)}"` : "");

// Rests break where a beam does, as players read them.
function silentBeats(notes, groups) {
  return groups.filter((at) => !notes.some((note) => note.from < at && note.to > at));
}

function piece(from, to, notes, groups, name) {
  const note = notes.find((each) => each.from <= from && each.to > from);
  let at = from;
  const names = lengths(from, to, groups).map((length) => {
    const space = at > from && groups.includes(at) ? " " : "";
    at += length;
    return `${space}${note ? name(note) : "z"}${length > 1 ? length : ""}`;
  });
  return names.join(note ? "-" : "") + (note && note.to > to ? "-" : "");
}

// From one sixteenth to another in lengths that have a note value of their own; what begins inside a beam ends with it,
// what begins with one may last over several, or be a dotted quarter.
const VALUES = [16, 12, 8, 6, 4, 3, 2, 1];
export function lengths(from, to, groups) {
  const found = [];
  for (let at = from; at < to; at += found.at(-1)) found.push(longest(at, to, groups));
  return found;
}

function longest(at, to, groups) {
  const next = groups.find((start) => start > at) ?? to;
  const dotted = next - at === 4 && to - at === 6 ? to : 0;
  const whole = groups.includes(at) ? groups : [];
  return VALUES.find((value) => at + value <= to && (at + value <= next || whole.includes(at + value) || (whole.length && at + value === dotted)));
}

// Ticks are from the bar's start. The highest note that sounds at each moment; a note ends where a later one begins, and
// reaches it where the gap is only how it was played, not a rest.
const BREATH = 2; // sixteenths
function topLine(notes, barUnits) {
  const all = notes.map((note) => ({ pitch: note.pitch, from: Math.round(note.tick / UNIT), to: Math.round((note.tick + note.ticks) / UNIT) }));
  const inside = all.filter((note) => note.from < barUnits && note.to >= 0).sort((a, b) => a.from - b.from || b.pitch - a.pitch);
  const line = inside.filter((note, index) => index === 0 || note.from !== inside[index - 1].from);
  return line.map((note, index) => ({ ...note, from: Math.max(0, note.from), to: endOf(note, Math.min(line[index + 1]?.from ?? barUnits, barUnits)) }));
}

function endOf(note, next) {
  const end = Math.max(note.to, note.from + 1);
  return next - end <= BREATH ? next : end;
}

// The note's name; its accidental only where the signature and the bar so far do not say it already (`said`).
export function abcPitch(pitch, signature, said = new Map(), symbol = "") {
  const [accidental, letter] = spelled(pitch % 12, signature, symbol);
  const octave = Math.floor((pitch - BENDS[accidental]) / 12) - 1;
  const place = `${letter}${octave}`;
  const known = said.get(place) ?? signature.altered[letter] ?? "=";
  said.set(place, accidental);
  return (known === accidental ? "" : accidental) + (octave >= 5 ? letter.toLowerCase() : letter) + marks(octave);
}

// A note is named as what it is of its chord: under D♭6 the fifth is A♭, under E7 the third is G♯. What would need a
// double sign, and what is no step of the chord, is named by the key.
const BENDS = { "^": 1, "=": 0, _: -1 };
const LETTERS = "CDEFGAB";
const DEGREES = [0, 1, 1, 2, 2, 3, null, 4, 5, 5, 6, 6]; // by semitones above the root

function spelled(step, signature, symbol) {
  const [root] = /^[A-G][#b♯♭]?/.exec(symbol) ?? [""];
  const degree = root ? degreeOf((step - pitchClass(root) + 12) % 12, symbol) : null;
  const letter = degree === null ? "" : LETTERS[(LETTERS.indexOf(root[0]) + degree) % 7];
  const bend = Object.keys(BENDS).find((sign) => letter && (pitchClass(letter) + BENDS[sign] + 12) % 12 === step);
  if (bend && (bend === "=" || isBlack(step) || !isPassing((step - pitchClass(root) + 12) % 12, symbol))) return [bend, letter];
  const flats = root.length > 1 ? /[b♭]/.test(root) : signature.flats;
  const name = (flats ? FLATS : SHARPS)[step];
  return name.length > 1 ? [name[0], name[1]] : ["=", name];
}

// A lowered second, third or sixth that the chord does not have: no F♭ for it.
const isPassing = (above, symbol) => [1, 3, 8].includes(above) && !(above === 3 && /^.[#b♯♭]?m(?!aj)|dim|[°ø]/.test(symbol));

function degreeOf(above, symbol) {
  if (above === 6 && /dim|[b♭]5|[°ø]/.test(symbol)) return 4;
  if (above === 8 && /aug|[#♯]5|\+/.test(symbol)) return 4;
  return DEGREES[above];
}

const marks = (octave) => (octave >= 5 ? "'".repeat(octave - 5) : ",".repeat(4 - octave));
