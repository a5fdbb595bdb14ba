// The colours of the canvas, read from the style sheet so that there is one palette, and the hatch that tells the
// machine's notes from the human's without colour.

const NAMES = ["ground", "line", "line-strong", "text", "faint", "you", "us", "us-soft", "edited", "now"];

let kept = null;

// Kept until the look changes: to ask makes the browser settle the style of everything that changed in this frame.
export function readInk() {
  kept ??= asked(getComputedStyle(document.documentElement));
  return kept;
}

export function forgetInk() {
  kept = null;
}

const asked = (style) => Object.fromEntries(NAMES.map((name) => [name.replace("-s", "S"), style.getPropertyValue(`--${name}`).trim()]));

// Diagonal strokes of `colour` on nothing.
export function hatch(context, colour, ratio, unit = 1) {
  const size = Math.round(6 * ratio * unit);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 1.6 * ratio * unit;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern;
}

// A canvas as sharp as the screen; true where its size changed. `box` is its size in CSS pixels.
export function sharpen(canvas, box, ratio = Math.min(2, devicePixelRatio || 1)) {
  const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
  if (canvas.width === width && canvas.height === height) return false;
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
  return true;
}
