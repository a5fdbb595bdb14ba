// The session's state as far as this page knows it: one snapshot, then deltas whose rev counts up by one.
// The same law as Mirror in jamlink/view/protocol.py. Pure: no socket, no clock.

export const Applied = Object.freeze({ CHANGED: "changed", OLD: "old", GAP: "gap", WAITING: "waiting" });

export class Mirror {
  constructor() {
    this.state = null; // null before the first snapshot
    this._rev = -1;
    this._waiting = false;
  }

  // Takes a snapshot or delta in. Answers {applied, sections}: the names of the sections that may have changed.
  // After a gap nothing is taken in until the next snapshot; GAP is told once, so that one resync is asked for.
  apply(message) {
    return message.kind === "snapshot" ? this._snapshot(message) : this._delta(message);
  }

  // A new connection starts its own count: what comes next must be a snapshot.
  reset() {
    this._rev = -1;
    this._waiting = true;
  }

  _snapshot({ rev, state }) {
    const sections = new Set([...Object.keys(this.state ?? {}), ...Object.keys(state)]);
    this.state = state;
    this._rev = rev;
    this._waiting = false;
    return { applied: Applied.CHANGED, sections: [...sections] };
  }

  _delta({ rev, changes, gone = [] }) {
    if (this._rev >= 0 && rev <= this._rev) return { applied: Applied.OLD, sections: [] };
    if (this._rev < 0 || rev !== this._rev + 1) {
      const told = this._waiting;
      this._waiting = true;
      return { applied: told ? Applied.WAITING : Applied.GAP, sections: [] };
    }
    const next = { ...this.state, ...changes };
    for (const name of gone) delete next[name];
    this.state = next;
    this._rev = rev;
    return { applied: Applied.CHANGED, sections: [...Object.keys(changes), ...gone] };
  }
}
