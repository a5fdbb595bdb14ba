// One animation loop for everything that moves: the beat, the sliding chords, the roll, the count-down. It rests while
// nothing can move and the page is hidden, so that a stopped page costs nothing.

export class Ticker {
  constructor(store, clock) {
    this._store = store;
    this._clock = clock;
    this._drawers = [];
    this._wanted = true;
    requestAnimationFrame(() => this._frame());
    document.addEventListener("visibilitychange", () => this.want());
  }

  // `draw(state, tick, local)` runs in each frame while playing, and once after `want()`.
  add(draw) {
    this._drawers.push(draw);
  }

  want() {
    this._wanted = true;
  }

  _frame() {
    requestAnimationFrame(() => this._frame());
    const { shared, local } = this._store;
    if (!shared || !(shared.clock.playing || this._wanted)) return;
    this._wanted = false;
    const tick = this._clock.tickAt(shared.clock);
    for (const draw of this._drawers) draw(shared, tick, local);
  }
}
