// The upper lane of the time line: chords as blocks in time, with how sure they are, the line of now, what is already
// fixed, and the last moment to decide.

import { signs } from "../music/chord.js";
import { Promised } from "../music/place.js";
import { promisedUntil } from "./scale.js";

export const RIBBON = 46; // its height in pixels
const INSET = 5;

export function drawRibbon(pen, state, chords, scale, ink, { width, height }) {
  fixed(pen, state, scale, ink, height);
  for (const block of chords) drawBlock(pen, block, scale, ink);
  horizon(pen, promisedUntil(chords), chords, scale, ink, width);
  if (state.hand && state.clock.playing) decideBy(pen, scale.x(state.hand.decide_by), scale.nowX, ink, height);
  now(pen, scale.nowX, ink, height);
}

function drawBlock(pen, block, scale, ink) {
  const x = scale.x(block.tick) + 1;
  const wide = (block.end - block.tick) * scale.perTick - 2;
  const solid = block.promise === Promised.KEPT || block.promise === Promised.LOOP;
  pen.beginPath();
  pen.roundRect(x, INSET, Math.max(2, wide), RIBBON - 2 * INSET, 4);
  pen.fillStyle = solid ? ink.us : ink.usSoft;
  pen.globalAlpha = block.promise === Promised.LOOP ? 0.8 : 1;
  pen.fill();
  pen.globalAlpha = 1;
  if (!solid) dashed(pen, ink.us, block.promise === Promised.SAVING ? [2, 3] : [6, 4]);
  name(pen, block, x, wide, scale, solid ? ink.ground : ink.us);
}

function dashed(pen, colour, dash) {
  pen.setLineDash(dash);
  pen.strokeStyle = colour;
  pen.lineWidth = 1.25;
  pen.stroke();
  pen.setLineDash([]);
}

// The name stays readable while its block slides past now, and never leaves its block.
function name(pen, block, x, wide, scale, colour) {
  const text = (block.promise === Promised.LOOP ? "↻ " : "") + signs(block.symbol);
  pen.font = "600 19px Inter, system-ui, sans-serif";
  pen.textAlign = "left";
  pen.fillStyle = colour;
  const room = wide - 14;
  const size = pen.measureText(text).width;
  if (size > room) pen.font = `600 ${Math.max(11, Math.floor((19 * room) / size))}px Inter, system-ui, sans-serif`;
  if (room < 12) return;
  const at = Math.min(Math.max(x + 8, 8), x + Math.max(8, wide - size - 8));
  pen.fillText(text, at, RIBBON / 2 + 7);
}

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
function horizon(pen, until, chords, scale, ink, width) {
  const open = chords.find((chord) => chord.promise === Promised.IDEA || chord.promise === Promised.SAVING);
  const at = until ?? open?.tick;
  if (at === undefined || at === null || !open) return;
  const x = Math.round(scale.x(at));
  if (x < 0 || x > width) return;
  pen.fillStyle = ink.text;
  pen.fillRect(x - 1, 0, 2, RIBBON);
}

function decideBy(pen, x, nowX, ink, height) {
  if (x < nowX) return;
  pen.strokeStyle = ink.text;
  pen.lineWidth = 1;
  pen.setLineDash([2, 4]);
  pen.beginPath();
  pen.moveTo(Math.round(x) + 0.5, RIBBON);
  pen.lineTo(Math.round(x) + 0.5, height);
  pen.stroke();
  pen.setLineDash([]);
  pen.font = "11px Inter, system-ui, sans-serif";
  pen.textAlign = "left";
  pen.fillStyle = ink.text;
  pen.fillText("decide", x + 5, height - 7);
}

function now(pen, x, ink, height) {
  pen.fillStyle = ink.now;
  pen.fillRect(x - 1, 0, 2, height);
  pen.beginPath();
  pen.moveTo(x - 6, 0);
  pen.lineTo(x + 6, 0);
  pen.lineTo(x, 7);
  pen.fill();
}
