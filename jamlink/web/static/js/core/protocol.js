// Every message that a page may send, in one place. The names are those of jamlink/view/protocol.py.

export const VERSION = 1;

export const speak = Object.freeze({
  hello: () => ({ kind: "hello", version: VERSION, app: "jamlink page" }),
  resync: () => ({ kind: "resync" }),
  ping: (t) => ({ kind: "ping", t }),
  play: (on, pitch, velocity = 80) => ({ kind: "play", on, pitch, velocity }),
  act: (action) => ({ kind: "do", action }),
  take: (index) => ({ kind: "take", index }),
  select: (index) => ({ kind: "select", index }),
  hear: (index) => ({ kind: "hear", index }),
  note: (index, note, pitch) => ({ kind: "note", index, note, pitch }),
  chord: (index, symbol) => ({ kind: "chord", index, symbol }),
  moveChord: (index, beats) => ({ kind: "move_chord", index, beats }),
  bringBack: (id) => ({ kind: "bring_back", id }),
  turn: (control, value) => ({ kind: "turn", control, value }),
  tempo: (bpm) => ({ kind: "tempo", bpm }),
  meter: (text) => ({ kind: "meter", text }),
  bars: (bars) => ({ kind: "bars", bars }),
  roles: (roles) => ({ kind: "roles", roles }),
  key: (key) => ({ kind: "key", key }),
  repeat: (repeat) => ({ kind: "repeat", repeat }),
  mode: (mode) => ({ kind: "mode", mode }),
  accompany: (name, value) => ({ kind: "accompany", name, value }),
  style: (style) => ({ kind: "style", style }),
  ports: (chosen) => ({ kind: "ports", ...chosen }), // {input} or {output}; what is left out stays
  channels: (channels) => ({ kind: "channels", channels }),
  learn: (control) => ({ kind: "learn", control }),
});

// The token comes in the fragment, which reaches no log and no Referer; it is kept for reloads of this tab and then
// wiped from the address, so that it is not read over a shoulder or copied along with it.
export const TOKEN_KEPT = "jamlink-token";

export function readToken(place = location, memory = sessionStorage, past = history) {
  const fresh = place.hash.slice(1);
  if (fresh) {
    memory.setItem(TOKEN_KEPT, fresh);
    past.replaceState(null, "", place.pathname + place.search);
  }
  return fresh || memory.getItem(TOKEN_KEPT) || "";
}
