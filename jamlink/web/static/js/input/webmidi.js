// Keyboards by Web MIDI, where the browser has it and the player allowed it: their notes sound here with no detour.
// A port that jamlink itself listens to is only sounded, not told again: it would be heard twice. A keyboard that is
// pulled out leaves no note behind.

const NOTE_OFF = 0x80;
const NOTE_ON = 0x90;
const CONTROL = 0xb0;
const SUSTAIN = 64;

export class WebMidi {
  constructor(store, piano, midi = navigator.requestMIDIAccess?.bind(navigator)) {
    this._store = store;
    this._piano = piano;
    this._request = midi;
    this.names = [];
    this.refused = "";
    this._held = new Map(); // port -> pitch -> whether the session was told
    this._greeted = new Set();
    this._onChange = () => {};
  }

  // `listener()` hears whenever a keyboard comes or goes, or the browser refuses.
  onChange(listener) {
    this._onChange = listener;
  }

  // One sentence: what the browser hears, or why it hears nothing.
  get words() {
    if (this.refused) return this.refused;
    if (!this._access) return "";
    return this.names.length ? `The browser hears ${this.names.join(", ")}.` : "The browser may hear keyboards, but sees none yet. Plug one in.";
  }

  get possible() {
    return Boolean(this._request);
  }

  // At the start, without a question: only where the player has allowed it before.
  async openIfAllowed() {
    try {
      const permission = await navigator.permissions.query({ name: "midi" });
      if (this.possible && permission.state === "granted") await this.open();
    } catch {
      // a browser that knows no such permission asks when the player asks for it
    }
  }

  // Asks the player once; false with `refused` set where there is none.
  async open() {
    try {
      this._access = await this._request({ sysex: false });
      this.refused = "";
    } catch {
      this.refused = "The browser gave no access to MIDI: allow it at the address bar, then ask again. jamlink's own ports work all the same.";
      this._onChange();
      return false;
    }
    this._access.onstatechange = () => this._attach();
    this._attach();
    return true;
  }

  _attach() {
    const inputs = [...this._access.inputs.values()].filter((input) => input.state !== "disconnected");
    this.names = inputs.map((input) => input.name || "a keyboard");
    for (const input of inputs) input.onmidimessage = (event) => this._message(input.id, input.name || "a keyboard", event.data);
    const there = new Set(inputs.map((input) => input.id));
    for (const id of this._held.keys()) if (!there.has(id)) this._letGo(id);
    this._onChange();
  }

  _message(id, name, [status, first, second]) {
    const kind = status & 0xf0;
    if (kind === NOTE_ON && second) this._press(id, name, first, second, status & 0x0f);
    else if (kind === NOTE_ON || kind === NOTE_OFF) this._release(id, first);
    else if (kind === CONTROL && first === SUSTAIN) this._piano.sustain(second >= 64);
  }

  _press(id, name, pitch, velocity, channel) {
    const told = !heardBySession(this._store.shared?.ports, name);
    const held = this._held.get(id) ?? new Map();
    if (held.has(pitch)) this._release(id, pitch);
    this._held.set(id, held.set(pitch, told));
    this._piano.press(pitch, velocity, told);
    if (told) this._greet(name, channel);
  }

  // The note ends as it began: told where it was told.
  _release(id, pitch) {
    const held = this._held.get(id);
    if (!held?.has(pitch)) return;
    this._piano.release(pitch, held.get(pitch));
    held.delete(pitch);
  }

  _letGo(id) {
    for (const pitch of [...this._held.get(id).keys()]) this._release(id, pitch);
    this._held.delete(id);
  }

  // Once for each device, as the session does for those that it listens to itself.
  _greet(name, channel) {
    if (this._greeted.has(name)) return;
    this._greeted.add(name);
    this._store.set({ says: `I hear you: ${name}, channel ${channel + 1}, by the browser` });
  }
}

// Whether one of the ports that jamlink has bound is this device; systems add words before and behind its name.
export function heardBySession(ports, name) {
  return Boolean(name) && (ports?.bound ?? []).some((entry) => entry.toLowerCase().includes(name.toLowerCase()));
}
