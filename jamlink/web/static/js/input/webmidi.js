// Keyboards by Web MIDI, where the browser has it and the player allowed it: their notes sound here with no detour.
// A port that jamlink itself listens to is only sounded, not told again: it would be heard twice.

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
    } catch {
      this.refused = "The browser gave no access to MIDI. jamlink's own ports work all the same.";
      return false;
    }
    this._access.onstatechange = () => this._attach();
    this._attach();
    return true;
  }

  _attach() {
    const inputs = [...this._access.inputs.values()].filter((input) => input.state !== "disconnected");
    this.names = inputs.map((input) => input.name ?? "keyboard");
    for (const input of inputs) input.onmidimessage = (event) => this._message(input.name ?? "", event.data);
  }

  _message(name, [status, first, second]) {
    const told = !heardBySession(this._store.shared?.ports, name);
    const kind = status & 0xf0;
    if (kind === NOTE_ON && second) this._piano.press(first, second, told);
    else if (kind === NOTE_ON || kind === NOTE_OFF) this._piano.release(first, told);
    else if (kind === CONTROL && first === SUSTAIN) this._piano.sustain(second >= 64);
  }
}

// Whether one of the ports that jamlink has bound is this device; systems add words before and behind its name.
export function heardBySession(ports, name) {
  return Boolean(name) && (ports?.bound ?? []).some((entry) => entry.toLowerCase().includes(name.toLowerCase()));
}
