// A small room out of noise that dies away; made here, nothing is loaded.

const SECONDS = 0.68; // a little less than 32,768 samples at 48 kHz: from there on a convolver takes twice the memory
const WET = 0.16;
const EMPTIES = 0.004; // seconds until silence is far below hearing, times five

export class Room {
  constructor(context, dry, out) {
    Object.assign(this, { _context: context, _dry: dry, _out: out, _noise: noise(context) });
    this._build();
  }

  // What still sounds in it is gone; it rings again with the next note.
  empty() {
    const [old, wet] = [this._convolver, this._wet];
    wet.gain.setTargetAtTime(0, this._context.currentTime, EMPTIES);
    this._dry.disconnect(old);
    setTimeout(() => wet.disconnect(), 200);
    this._build();
  }

  _build() {
    this._convolver = this._context.createConvolver();
    this._convolver.buffer = this._noise;
    this._wet = this._context.createGain();
    this._wet.gain.value = WET;
    this._dry.connect(this._convolver).connect(this._wet).connect(this._out);
  }
}

function noise(context) {
  const length = Math.round(context.sampleRate * SECONDS);
  const buffer = context.createBuffer(2, length, context.sampleRate);
  for (const channel of [0, 1]) {
    const samples = buffer.getChannelData(channel);
    let smooth = 0;
    for (let i = 0; i < length; i += 1) {
      smooth += 0.35 * (Math.random() * 2 - 1 - smooth);
      samples[i] = smooth * (1 - i / length) ** 2;
    }
  }
  return buffer;
}
