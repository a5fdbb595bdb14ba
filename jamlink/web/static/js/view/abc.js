// The take as ABC text, the words that notation libraries read: one voice, chord symbols above, four bars a line. Pure.

const SHARPS = ["C", "^C", "D", "^D", "E", "F", "^F", "G", "^G", "A", "^A", "B"];
const FLATS = ["C", "_D", "D", "_E", "E", "F", "_G", "G", "_A", "A", "_B", "B"];
const UNIT = 240; // ticks of a sixteenth, the shortest written
const BARS_A_LINE = 4;

// `lead` is the state's section; `clock` gives meter and ticks; `key` and `title` are words.
export function toAbc(lead, clock, key, title, barsALine = BARS_A_LINE) {
  const [beats, of] = clock.meter.split("/").map(Number);
  const barUnits = Math.round((beats * 16) / of);
  const signature = signatureOf(key);
  const lines = chunk(lead.map((bar) => barText(bar, clock, barUnits, signature)), barsALine);
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

// One bar: the top line on a grid of sixteenths, rests between, chord symbols where they begin. Notes of one beat stand
// together, so that they share a beam; an accidental holds to the end of its bar.
export function barText(bar, clock, barUnits, signature) {
  const beatUnits = Math.round(clock.beat_ticks / UNIT);
  const notes = topLine(bar.notes ?? [], barUnits);
  const symbols = new Map((bar.chords ?? []).map((chord) => [Math.round(((chord.beat - 1) * clock.beat_ticks) / UNIT), symbolText(chord.symbol)]));
  const cuts = [...new Set([0, ...notes.flatMap((note) => [note.from, note.to]), ...silentBeats(notes, beatUnits, barUnits), ...symbols.keys()])].filter((at) => at < barUnits).sort((a, b) => a - b);
  const said = new Map();
  const pieces = cuts.map((from, index) => (from % beatUnits || !index ? "" : " ") + piece(from, cuts[index + 1] ?? barUnits, notes, symbols, signature, said));
  return pieces.join("");
}

// Rests break at the beat, as players read them; a bar of nothing is one rest.
function silentBeats(notes, beatUnits, barUnits) {
  const beats = notes.length ? Array.from({ length: Math.ceil(barUnits / beatUnits) }, (_, beat) => beat * beatUnits) : [];
  return beats.filter((at) => !notes.some((note) => note.from < at && note.to > at));
}

function piece(from, to, notes, symbols, signature, said) {
  const note = notes.find((each) => each.from <= from && each.to > from);
  const symbol = symbols.has(from) ? `"${symbols.get(from)}"` : "";
  const names = lengths(to - from).map((length) => `${note ? abcPitch(note.pitch, signature, said) : "z"}${length > 1 ? length : ""}`);
  return symbol + names.join(note ? "-" : "") + (note && note.to > to ? "-" : "");
}

// Lengths that have a note value of their own; the rest is tied together.
const VALUES = [16, 12, 8, 6, 4, 3, 2, 1];
export function lengths(units) {
  const found = [];
  for (let left = units; left > 0; left -= found.at(-1)) found.push(VALUES.find((value) => value <= left));
  return found;
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
export function abcPitch(pitch, signature, said = new Map()) {
  const written = (signature.flats ? FLATS : SHARPS)[pitch % 12];
  const [accidental, letter] = written.length > 1 ? [written[0], written[1]] : ["=", written];
  const octave = Math.floor(pitch / 12) - 1;
  const place = `${letter}${octave}`;
  const known = said.get(place) ?? signature.altered[letter] ?? "=";
  said.set(place, accidental);
  return (known === accidental ? "" : accidental) + (octave >= 5 ? letter.toLowerCase() : letter) + marks(octave);
}

const marks = (octave) => (octave >= 5 ? "'".repeat(octave - 5) : ",".repeat(4 - octave));
