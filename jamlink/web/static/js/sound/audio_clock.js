// From this page's milliseconds to the audio clock's seconds. `currentTime` moves in blocks and is read late, never
// early, so the largest difference seen lately is the true one. Pure but for the two clocks handed in.

const REMEMBERED = 256; // some ten seconds: drift is far below a millisecond, and notes of one idea agree
const OTHER_DEVICE = 0.012; // seconds; a browser's guess of the output's delay wavers by less

export class AudioClock {
  constructor(context, now = () => performance.now()) {
    this._context = context;
    this._now = now;
    this._seen = [];
    this._late = -1;
  }

  // Call now and then, so that the guess stays good.
  look() {
    this._seen.push(this._context.currentTime - this._now() / 1000);
    if (this._seen.length > REMEMBERED) this._seen.shift();
    this._ahead = Math.max(...this._seen);
    const late = this._context.outputLatency || this._context.baseLatency || 0;
    if (this._late < 0 || Math.abs(late - this._late) > OTHER_DEVICE) this._late = late;
  }

  // The audio time at which something must start so that it is heard at `ms`.
  at(ms) {
    if (!this._seen.length) this.look();
    return ms / 1000 + this._ahead - this._late;
  }
}
