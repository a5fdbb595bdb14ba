// The upper lane of the time line: chords as blocks in time, with how sure they are, the line of now, what is already
// fixed, and the last moment to decide.

import { signs } from "../music/chord.js";
import { isOpen, Promised } from "../music/place.js";
import { promisedUntil } from "./scale.js";

const HIGH = 40; // at the usual text size
const INSET = 5;

// Its height in pixels; `unit` is 1 at the usual text size and grows with it.
export const ribbonHeight = (unit) => Math.round(HIGH * unit);

// `box` has width, height and unit.
export function drawRibbon(pen, state, chords, scale, ink, box) {
  const high = ribbonHeight(box.unit);
  fixed(pen, state, scale, ink, box.height);
  for (const block of chords) drawBlock(pen, block, scale, ink, high, box.unit);
  horizon(pen, promisedUntil(chords), chords, scale, ink, box.width, high);
  if (state.hand && state.clock.playing) decideBy(pen, scale.x(state.hand.decide_by), scale.nowX, ink, box, high);
  now(pen, scale.nowX, ink, box);
}

// What has sounded steps back; what is promised is solid; what is not is open, with a broken edge.
function drawBlock(pen, block, scale, ink, high, unit) {
  const [x, end] = [scale.x(block.tick) + 1, scale.x(block.end) - 1];
  const over = end <= scale.nowX;
  const solid = !over && (block.promise === Promised.KEPT || block.promise === Promised.LOOP);
  pen.beginPath();
  pen.roundRect(x, INSET, Math.max(2, end - x), high - 2 * INSET, 4);
  pen.fillStyle = solid ? ink.us : ink.usSoft;
  pen.fill();
  if (solid) sounded(pen, x, Math.min(end, scale.nowX), ink, high);
  else if (!over) dashed(pen, ink.us, block.promise === Promised.SAVING ? [2, 3] : [6, 4]);
  const from = x < scale.nowX && !over ? scale.nowX : x;
  name(pen, block, Math.max(0, from), end, over ? ink.faint : solid ? ink.ground : ink.us, high, unit);
}

// The part of the chord that sounds now which is over already.
function sounded(pen, x, until, ink, high) {
  if (until <= x) return;
  pen.fillStyle = ink.ground;
  pen.globalAlpha = 0.6;
  pen.fillRect(x - 1, INSET, until - x + 1, high - 2 * INSET);
  pen.globalAlpha = 1;
}

function dashed(pen, colour, dash) {
  pen.setLineDash(dash);
  pen.strokeStyle = colour;
  pen.lineWidth = 1.25;
  pen.stroke();
  pen.setLineDash([]);
}

// The name stays in sight while its block slides past now, and never leaves its block.
function name(pen, block, from, end, colour, high, unit) {
  const text = (block.promise === Promised.LOOP ? "↻ " : "") + signs(block.symbol);
  const room = end - from - 14 * unit;
  if (room < 14 * unit) return;
  const size = wide(pen, text, 18 * unit);
  if (size > room * 2) return;
  pen.font = font(size > room ? Math.max(10 * unit, Math.floor((18 * unit * room) / size)) : 18 * unit, 600);
  pen.textAlign = "left";
  pen.fillStyle = colour;
  pen.fillText(text, from + 8 * unit, high / 2 + 6.5 * unit);
}

// To measure costs more than to write, and the same few names come in every frame.
const widths = new Map();

function wide(pen, text, size) {
  const key = `${size} ${text}`;
  if (!widths.has(key)) {
    if (widths.size > 500) widths.clear();
    pen.font = font(size, 600);
    widths.set(key, pen.measureText(text).width);
  }
  return widths.get(key);
}

export const font = (size, weight = 400) => `${weight} ${size.toFixed(1)}px Inter, "Segoe UI", system-ui, sans-serif`;

// What is closer than the commit horizon is on its way to the instrument and changes no more.
function fixed(pen, state, scale, ink, height) {
  if (!state.clock.playing) return;
  const ticks = ((state.clock.horizon_ns ?? 250e6) * 960) / state.clock.tempo_ns;
  pen.fillStyle = ink.now;
  pen.globalAlpha = 0.09;
  pen.fillRect(scale.nowX, 0, ticks * scale.perTick, height);
  pen.globalAlpha = 1;
}

// Where the promised part ends and "if you take it" begins.
function horizon(pen, until, chords, scale, ink, width, high) {
  const open = chords.find((chord) => isOpen(chord.promise) || chord.promise === Promised.SAVING);
  const at = until ?? open?.tick;
  if (at === undefined || at === null || !open) return;
  const x = Math.round(scale.x(at));
  if (x < 0 || x > width) return;
  pen.fillStyle = ink.text;
  pen.fillRect(x - 1, 0, 2, high);
}

function decideBy(pen, x, nowX, ink, { height, unit }, high) {
  if (x < nowX) return;
  pen.strokeStyle = ink.text;
  pen.lineWidth = 1;
  pen.setLineDash([2, 4]);
  pen.beginPath();
  pen.moveTo(Math.round(x) + 0.5, high);
  pen.lineTo(Math.round(x) + 0.5, height);
  pen.stroke();
  pen.setLineDash([]);
  pen.font = font(11.5 * unit);
  pen.textAlign = "left";
  const wide = pen.measureText("decide").width;
  pen.fillStyle = ink.ground;
  pen.fillRect(x + 2 * unit, height - 19 * unit, wide + 6 * unit, 16 * unit);
  pen.fillStyle = ink.text;
  pen.fillText("decide", x + 5 * unit, height - 7 * unit);
}

function now(pen, x, ink, { height, unit }) {
  pen.fillStyle = ink.now;
  pen.fillRect(x - unit, 0, 2 * unit, height);
  pen.beginPath();
  pen.moveTo(x - 6 * unit, 0);
  pen.lineTo(x + 6 * unit, 0);
  pen.lineTo(x, 7 * unit);
  pen.fill();
}
