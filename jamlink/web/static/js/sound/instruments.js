// Small instruments out of oscillators. Each makes one note into `out` and answers {done, stop(at)}; velocity from
// 0 to 1 changes the colour as well as the loudness, as on the real ones. Nothing is loaded.

const frequency = (pitch) => 440 * 2 ** ((pitch - 69) / 12);
const SILENCE = 0.0001; // exponential ramps cannot reach zero
const SHORTEST = 0.02; // seconds; less is a click
const CUT = 0.008; // how fast a note that must be silent falls: a sixteenth after 11 ms

// An electric piano: a tone that a second one bends (the body), and a short high one (the tine).
export function electricPiano(context, out, pitch, velocity, at) {
  const hertz = frequency(pitch);
  const length = Math.max(1.2, 7 - (pitch - 36) * 0.075); // low strings ring longer
  const gain = envelope(context, out, at, 0.003, 0.09 + 0.25 * velocity ** 1.4, length);
  const body = tone(context, "sine", hertz, at, gain);
  const bend = context.createGain();
  bend.gain.setValueAtTime(hertz * (0.25 + 2.1 * velocity * velocity), at);
  bend.gain.exponentialRampToValueAtTime(hertz * 0.12, at + 0.9);
  const bender = tone(context, "sine", hertz * 1.001, at, bend);
  bend.connect(body.frequency);
  const tine = envelope(context, gain, at, 0.001, 0.1 + 0.35 * velocity, 0.28);
  const tines = hertz * 7 < 9000 ? [tone(context, "sine", hertz * 7, at, tine)] : [];
  return voice(gain, [body, bender, ...tines], at, length, 0.09);
}

// A round bass: triangle and a little saw through a filter that closes.
export function bass(context, out, pitch, velocity, at) {
  const hertz = frequency(pitch);
  const gain = envelope(context, out, at, 0.006, 0.2 + 0.3 * velocity, 4);
  const filter = lowpass(context, 180 + 1500 * velocity, at, gain);
  filter.frequency.exponentialRampToValueAtTime(220 + 240 * velocity, at + 0.35);
  const edge = context.createGain();
  edge.gain.value = 0.22;
  edge.connect(filter);
  return voice(gain, [tone(context, "triangle", hertz, at, filter), tone(context, "sawtooth", hertz, at, edge)], at, 4, 0.06);
}

// A soft pad: two saws a little apart, gently in and slowly out.
export function pad(context, out, pitch, velocity, at) {
  const hertz = frequency(pitch);
  const gain = context.createGain();
  gain.gain.setValueAtTime(SILENCE, at);
  gain.gain.linearRampToValueAtTime(0.04 + 0.07 * velocity, at + 0.05);
  gain.connect(out);
  const filter = lowpass(context, 500 + 1300 * velocity, at, gain);
  const tones = [-4, 5].map((cents) => tone(context, "sawtooth", hertz * 2 ** (cents / 1200), at, filter));
  return voice(gain, tones, at, 60, 0.28);
}

// A mallet, so that the other player's melody is told from the human's piano by ear.
export function mallet(context, out, pitch, velocity, at) {
  const hertz = frequency(pitch);
  const gain = envelope(context, out, at, 0.002, 0.1 + 0.24 * velocity, 1.6);
  const knock = envelope(context, gain, at, 0.001, 0.25 * velocity, 0.12);
  return voice(gain, [tone(context, "sine", hertz, at, gain), tone(context, "sine", hertz * 4, at, knock)], at, 1.6, 0.12);
}

export function click(context, out, strong, at) {
  const gain = envelope(context, out, at, 0.001, strong ? 0.34 : 0.2, 0.05);
  const beep = tone(context, "sine", strong ? 1760 : 1174, at, gain);
  return voice(gain, [beep], at, 0.06, 0.01);
}

function tone(context, type, hertz, at, into) {
  const oscillator = context.createOscillator();
  oscillator.type = type;
  oscillator.frequency.value = hertz;
  oscillator.connect(into);
  oscillator.start(at);
  return oscillator;
}

// Up to `level` within `attack` seconds, then dying away over `length`.
function envelope(context, into, at, attack, level, length) {
  const gain = context.createGain();
  gain.gain.setValueAtTime(SILENCE, at);
  gain.gain.linearRampToValueAtTime(level, at + attack);
  gain.gain.setTargetAtTime(SILENCE, at + attack, length / 4);
  gain.connect(into);
  return gain;
}

function lowpass(context, hertz, at, into) {
  const filter = context.createBiquadFilter();
  filter.type = "lowpass";
  filter.Q.value = 0.8;
  filter.frequency.setValueAtTime(hertz, at);
  filter.connect(into);
  return filter;
}

// `release` is how fast the damper falls; oscillators end by themselves after `length` seconds. `stop` may be asked
// again: the new moment counts. `cut` is silence within a frame, and for a note that has not begun it is no note.
function voice(gain, tones, at, length, release) {
  let ends = Infinity;
  for (const each of tones) each.stop(at + length);
  const made = {
    done: false,
    stop(when, fall = release) {
      const from = Math.max(when, at + SHORTEST);
      hold(gain.gain, Math.min(from, ends));
      gain.gain.setTargetAtTime(0, from, fall / 2);
      for (const each of tones) each.stop(from + fall * 4);
      ends = from;
    },
    cut(now) {
      if (now > at) return made.stop(now, CUT);
      gain.disconnect();
      for (const each of tones) each.stop();
      made.done = true;
    },
  };
  tones[0].onended = () => {
    made.done = true;
    gain.disconnect();
  };
  return made;
}

// From `at` on nothing that was planned for `param` happens, and it stays where it is by then.
function hold(param, at) {
  if (param.cancelAndHoldAtTime) param.cancelAndHoldAtTime(at);
  else param.cancelScheduledValues(at);
}
