// From this page's milliseconds to the audio clock's seconds. `currentTime` moves in blocks and is read late, never
// early, so the largest difference seen lately is the true one. Pure but for the two clocks handed in.

const REMEMBERED = 64;

export class AudioClock {
  constructor(context, now = () => performance.now()) {
    this._context = context;
    this._now = now;
    this._seen = [];
  }

  // Call now and then, so that the guess stays good.
  look() {
    this._seen.push(this._context.currentTime - this._now() / 1000);
    if (this._seen.length > REMEMBERED) this._seen.shift();
  }

  // The audio time at which something must start so that it is heard at `ms`.
  at(ms) {
    if (!this._seen.length) this.look();
    const late = this._context.outputLatency || this._context.baseLatency || 0;
    return ms / 1000 + Math.max(...this._seen) - late;
  }
}
