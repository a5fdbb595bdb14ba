// Chord symbols: taken apart for typesetting, and turned into pitches for a plain voicing. The session owns the real
// reading (jamlink/music/chord.py); here an unknown quality is drawn as it came and sounds as a triad.

const SYMBOL = /^([A-G])([#b♯♭]?)(.*)$/;
const STEPS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const INTERVALS = {
  "": [0, 4, 7], m: [0, 3, 7], dim: [0, 3, 6], aug: [0, 4, 8], sus2: [0, 2, 7], sus4: [0, 5, 7], 6: [0, 4, 7, 9],
  m6: [0, 3, 7, 9], 7: [0, 4, 7, 10], maj7: [0, 4, 7, 11], m7: [0, 3, 7, 10], mMaj7: [0, 3, 7, 11],
  m7b5: [0, 3, 6, 10], dim7: [0, 3, 6, 9],
};

export const signs = (text) => text.replaceAll("#", "♯").replace(/b(?=\d)/g, "♭").replace(/(^|[/\s])([A-G])b/g, "$1$2♭");

// The same in a sentence, where only names of notes have signs: "stays in Eb minor, leans into F#m7".
export const withSigns = (sentence) => sentence.replace(/\b([A-G])(b|#)(?=m|maj|dim|aug|sus|[\d/\s,.;:]|$)/g, (_, root, bend) => root + (bend === "b" ? "♭" : "♯"));

// {root, accidental, minor, quality, bass}: "Bbm7b5/E" is B, ♭, m, 7♭5, E; null where it is no symbol ("N.C."). The m
// of minor stands on the line, what is added is raised.
export function parts(symbol) {
  const found = SYMBOL.exec(symbol);
  if (!found) return null;
  const [head, bass] = splitBass(found[3]);
  const minor = /^m(?!aj)/.test(head) ? "m" : "";
  return { root: found[1], accidental: signs(found[2]).replace("b", "♭"), minor, quality: signs(head.slice(minor.length)), bass: signs(bass) };
}

function splitBass(rest) {
  const at = rest.lastIndexOf("/");
  const bass = at >= 0 ? rest.slice(at + 1) : "";
  return /^[A-G][#b♯♭]?$/.test(bass) ? [rest.slice(0, at), bass] : [rest, ""];
}

// For screen readers, who would say "flat" for nothing in "B♭m7": "B flat minor 7 over E".
const SPOKEN = [[/♯/g, " sharp "], [/♭/g, " flat "], [/mMaj/, " minor major "], [/maj/, " major "], [/m(?!aj|ajor|inor)/, " minor "], [/dim/, " diminished "], [/aug/, " augmented "], [/sus/, " suspended "]];

export function spoken(symbol) {
  const found = parts(symbol);
  if (!found) return symbol === "N.C." ? "no chord" : symbol;
  const quality = SPOKEN.reduce((text, [sign, word]) => text.replace(sign, word), found.minor + found.quality);
  const accidental = found.accidental === "♭" ? " flat" : found.accidental ? " sharp" : "";
  const bass = found.bass ? ` over ${found.bass.replace("♭", " flat").replace("♯", " sharp")}` : "";
  return `${found.root}${accidental} ${quality}${bass}`.replace(/\s+/g, " ").trim();
}

export function pitchClass(name) {
  const step = STEPS[name[0]];
  const bend = /[#♯]/.test(name[1] ?? "") ? 1 : /[b♭]/.test(name[1] ?? "") ? -1 : 0;
  return step === undefined ? null : (step + bend + 12) % 12;
}

// A plain voicing: a low root and the chord around middle C. [] for no chord.
export function voicing(symbol) {
  const found = SYMBOL.exec(symbol);
  if (!found) return [];
  const [quality, bass] = splitBass(found[3]);
  const root = pitchClass(found[1] + found[2]);
  const low = bass ? pitchClass(bass) : root;
  const upper = (INTERVALS[quality] ?? INTERVALS[""]).map((step) => 55 + ((root + step - 55 + 1200) % 12));
  return [36 + low, ...upper.sort((a, b) => a - b)];
}

const SHARP = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const FLAT = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];

export const pitchName = (pitch, flats = true) => `${(flats ? FLAT : SHARP)[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
export const isBlack = (pitch) => [1, 3, 6, 8, 10].includes(pitch % 12);
