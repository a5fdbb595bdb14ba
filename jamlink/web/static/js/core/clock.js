// Musical time from the machine's own clock, never from the arrival of a message. Pings map performance.now() to the
// machine's monotonic nanoseconds by the least round trip; the session's line maps those to ticks.

export const TICKS_PER_QUARTER = 960;
const REMEMBERED = 24; // pings; a minute of them, so that drift is followed

export class Clock {
  constructor(now = () => performance.now()) {
    this.now = now;
    this._samples = [];
    this._best = null;
  }

  get known() {
    return this._best !== null;
  }

  // Half the round trip of the best ping, in ms: how wrong the mapping may be.
  get doubt() {
    return this._best ? this._best.trip / 2 : Infinity;
  }

  // A pong: sent at `sent` and back at `back` (ms of this page), stamped `ns` by the machine in between.
  pong(sent, ns, back = this.now()) {
    const trip = back - sent;
    if (!(trip >= 0) || !Number.isFinite(ns)) return;
    this._samples.push({ trip, offset: ns - ((sent + back) / 2) * 1e6 });
    if (this._samples.length > REMEMBERED) this._samples.shift();
    this._best = this._samples.reduce((best, sample) => (sample.trip <= best.trip ? sample : best));
  }

  // After a lost connection the machine may have slept, or be another one.
  forget() {
    this._samples = [];
    this._best = null;
  }

  nsAt(ms = this.now()) {
    return ms * 1e6 + (this._best?.offset ?? 0);
  }

  msAt(ns) {
    return (ns - (this._best?.offset ?? 0)) / 1e6;
  }

  // The tick at `ms` by the session's line `view` (ClockView); where it stands while stopped.
  tickAt(view, ms = this.now()) {
    if (!view.playing || !this._best) return view.tick_origin;
    return view.tick_origin + ((this.nsAt(ms) - view.ns_origin) * TICKS_PER_QUARTER) / view.tempo_ns;
  }

  // When `tick` will be, in ms of this page; only while playing.
  msOfTick(view, tick) {
    return this.msAt(view.ns_origin + ((tick - view.tick_origin) * view.tempo_ns) / TICKS_PER_QUARTER);
  }
}
