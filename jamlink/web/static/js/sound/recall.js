// What a placed idea contains, melody and bass too: the session says its voices; where it does not, the card that it was
// taken from is remembered. Only the newest few: at most two ideas are placed at once.

import { voicesOf } from "./score.js";

const MOST = 8;

export class Recall {
  constructor(store) {
    this._cards = new Map(); // id of the placed idea -> its card
    store.watch(["hand", "taken", "playing"], (shared) => this._learn(shared));
  }

  // The notes of a placed idea, in ticks from its start.
  voices(placed) {
    const known = placed.voices?.length ? placed : (this._cards.get(placed.id) ?? placed);
    return voicesOf(known, placed.end - placed.start);
  }

  _learn({ hand, taken, playing }) {
    for (const card of hand?.cards ?? []) {
      const placed = [taken, playing].find((each) => each && (each.id === card.id || (each === taken && card.state === "scheduled")));
      if (placed) this._cards.set(placed.id, card);
    }
    for (const id of [...this._cards.keys()].slice(0, -MOST)) this._cards.delete(id);
  }
}
