// The take as ABC text, the words that notation libraries read: one voice, chord symbols above, four bars a line. Pure.

const SHARPS = ["C", "^C", "D", "^D", "E", "F", "^F", "G", "^G", "A", "^A", "B"];
const FLATS = ["C", "_D", "D", "_E", "E", "F", "_G", "G", "_A", "A", "_B", "B"];
const UNIT = 240; // ticks of a sixteenth, the shortest written
const BARS_A_LINE = 4;

// `lead` is the state's section; `clock` gives meter and ticks; `key` and `title` are words.
export function toAbc(lead, clock, key, title) {
  const [beats, of] = clock.meter.split("/").map(Number);
  const barUnits = Math.round((beats * 16) / of);
  const lines = chunk(lead.map((bar) => barText(bar, clock, barUnits, flats(key))), BARS_A_LINE);
  const head = ["X:1", `T:${clean(title)}`, `M:${clock.meter}`, "L:1/16", `Q:1/4=${Math.round(clock.bpm)}`, "K:C"];
  return [...head, ...lines.map((bars) => `${bars.join(" | ")} |`)].join("\n");
}

// Words from the wire could carry commands of the notation; only plain ones pass.
const clean = (text) => text.replace(/[^\p{L}\p{N} .,'–-]/gu, "").slice(0, 80);
const symbolText = (symbol) => symbol.replace(/[^A-Ga-g#b♯♭majdinusMø°+/0-9().Ċ-]/g, "").slice(0, 16);
const flats = (key) => /b|♭|^F |^[CGDF] minor/.test(key ?? "");

function chunk(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));
}

// One bar: the top line of the human's notes on a grid of sixteenths, rests between, chord symbols where they begin.
export function barText(bar, clock, barUnits, inFlats) {
  const start = (bar.bar - 1) * clock.bar_ticks;
  const notes = topLine(bar.notes ?? [], start, barUnits);
  const symbols = new Map((bar.chords ?? []).map((chord) => [Math.round(((chord.beat - 1) * clock.beat_ticks) / UNIT), symbolText(chord.symbol)]));
  const cuts = [...new Set([0, ...notes.flatMap((note) => [note.from, note.to]), ...symbols.keys()])].filter((at) => at < barUnits).sort((a, b) => a - b);
  return cuts.map((from, index) => piece(from, cuts[index + 1] ?? barUnits, notes, symbols, inFlats)).join(" ");
}

function piece(from, to, notes, symbols, inFlats) {
  const note = notes.find((each) => each.from <= from && each.to > from);
  const name = note ? abcPitch(note.pitch, inFlats) : "z";
  const symbol = symbols.has(from) ? `"${symbols.get(from)}"` : "";
  return symbol + lengths(to - from).map((length) => `${name}${length > 1 ? length : ""}`).join(note ? "-" : "") + (note && note.to > to ? "-" : "");
}

// Lengths that have a note value of their own; the rest is tied together.
const VALUES = [16, 12, 8, 6, 4, 3, 2, 1];
export function lengths(units) {
  const found = [];
  for (let left = units; left > 0; left -= found.at(-1)) found.push(VALUES.find((value) => value <= left));
  return found;
}

// The highest note that sounds at each moment; a note ends where a later one begins.
function topLine(notes, start, barUnits) {
  const all = notes.map((note) => ({ pitch: note.pitch, from: Math.round((note.tick - start) / UNIT), to: Math.round((note.tick + note.ticks - start) / UNIT) }));
  const inside = all.filter((note) => note.from < barUnits && note.to > 0).sort((a, b) => a.from - b.from || b.pitch - a.pitch);
  const line = inside.filter((note, index) => index === 0 || note.from !== inside[index - 1].from);
  return line.map((note, index) => ({ ...note, from: Math.max(0, note.from), to: Math.min(Math.max(note.to, note.from + 1), line[index + 1]?.from ?? barUnits, barUnits) }));
}

export function abcPitch(pitch, inFlats) {
  const name = (inFlats ? FLATS : SHARPS)[pitch % 12];
  const octave = Math.floor(pitch / 12) - 1;
  const letter = octave >= 5 ? name.toLowerCase() : name;
  return "=_^".includes(letter[0]) ? letter + marks(octave) : `=${letter}${marks(octave)}`;
}

const marks = (octave) => (octave >= 5 ? "'".repeat(octave - 5) : ",".repeat(4 - octave));
