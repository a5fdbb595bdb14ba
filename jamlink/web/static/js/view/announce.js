// For screen readers, politely: a new hand, the chosen idea, decisions once they are saved, what the session says.
// One sentence at a time, the newest; nothing is said for every beat.

import { spoken } from "../music/chord.js";
import { barWords, chosen, isSaved } from "../music/place.js";

const SAYS_MS = 5200; // how long a sentence stays on the screen

export class Announcer {
  constructor(live, says, store) {
    this._live = live;
    this._says = says;
    this._store = store;
    this._notices = null;
    store.watch(["hand"], ({ hand }) => this._hand(hand));
    store.watch(["taken", "playing", "decision", "saved"], (shared) => this._decided(shared));
    store.watch(["notices"], ({ notices }) => this._told(notices ?? []));
    store.watch(["local.says"], (_, local) => local.says && this.say(local.says));
  }

  // Seen and heard.
  say(text) {
    this._read(text);
    this._says.textContent = text;
    this._says.classList.add("shown");
    clearTimeout(this._fading);
    this._fading = setTimeout(() => {
      this._says.classList.remove("shown");
      this._store.set({ says: "" });
    }, SAYS_MS);
  }

  _read(text) {
    this._live.textContent = text;
  }

  _hand(hand) {
    if (!hand) return void (this._dealt = "");
    const card = chosen(hand);
    const dealt = `${hand.slot_start}:${hand.deal}`;
    const about = card ? describe(card) : "";
    if (dealt !== this._dealt) this._read(`${hand.cards.length} ideas for ${hand.slot_words}, decide by ${hand.decide_words}. Chosen: ${about}`);
    else if (about !== this._about) this._read(about);
    this._dealt = dealt;
    this._about = about;
  }

  _decided(shared) {
    const taken = shared.taken && isSaved(shared) ? `${shared.taken.id}:${shared.taken.start}` : "";
    if (taken && taken !== this._taken) this._read(`Taken, from ${barWords(shared.clock, shared.taken.start)}.`);
    if (this._taken && !taken && shared.playing?.id !== Number(this._taken.split(":")[0]) && shared.clock.playing) this._read("Taken back.");
    this._taken = taken;
  }

  _told(notices) {
    const fresh = this._notices === null ? [] : newNotices(this._notices, notices);
    this._notices = notices;
    if (fresh.length) this.say(fresh.at(-1));
  }
}

function describe(card) {
  return `Idea ${card.place}: ${card.chords.map(([, symbol]) => spoken(symbol)).join(", ") || "no chords"}. ${card.words}`;
}

// Both are the newest few, so the end of the one overlaps the start of the other.
export function newNotices(before, after) {
  for (let overlap = Math.min(before.length, after.length); overlap >= 0; overlap -= 1) {
    if (after.slice(0, overlap).every((text, index) => text === before[before.length - overlap + index])) return after.slice(overlap);
  }
  return after;
}
