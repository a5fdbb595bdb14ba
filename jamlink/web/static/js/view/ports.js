// Where notes come from and go to. The lists follow what is plugged in; a key played anywhere is answered by name.

import { speak } from "../core/protocol.js";
import { heardBySession } from "../input/webmidi.js";
import { whose } from "../sound/whose.js";
import { press } from "./actions.js";
import { h, once, say } from "./dom.js";
import { select } from "./steering.js";

// Takes a device that was just heard as the input; where that must wait it stays, and says why.
export function useButton(port, why, send, store) {
  const use = () => (why ? store.set({ says: why }) : send(speak.ports({ input: port })));
  return h("button", { type: "button", class: `button small ${why ? "refused" : ""}`, title: why, aria: { disabled: String(Boolean(why)) }, onclick: use }, "Use it");
}

const ROLES = ["chords", "melody", "bass", "metronome", "preview"];
const SOUNDS = [["auto", "if nothing else does"], ["here", "always"], ["off", "never"]];

export class Ports {
  constructor({ store, send, midi, sound }) {
    this._store = store;
    this._send = send;
    this._midi = midi;
    this._sound = sound;
    this._heard = h("div", { class: "heard-on", role: "status" });
    this._input = select("Listen to", [], (input) => this._send(speak.ports({ input })));
    this._output = select("Play on", [], (output) => this._send(speak.ports({ output })));
    this._channels = h("div", { class: "channels" });
    this._bound = h("ul", { class: "bound" });
    this._soundWords = h("p", { class: "faint" });
    this._late = h("p", { class: "faint" });
    this._missing = h("p", { class: "faint" });
    this.root = h("div", { class: "ports" }, this._heard, this._input.root, this._output.root, this._soundField(), h("div", { class: "field" }, h("span", { class: "field-name" }, "Channels"), this._channels), this._midiField(), h("h3", {}, "Connected"), this._bound, this._missing, this._late);
    store.watch(["ports", "heard_on", "channels", "disabled", "lateness", "clock", "page", "local.soundWanted", "local.soundOwner", "local.awake", "local.loudness"], (shared, local) => this._draw(shared, local));
  }

  _soundField() {
    this._sounds = SOUNDS.map(([value, label]) => h("button", { type: "button", class: "segment", data: { value }, onclick: () => this._store.set({ soundWanted: value }) }, label));
    this._loud = h("input", { type: "range", min: "0", max: "1", step: "0.05", aria: { label: "How loud this page is" } });
    this._loud.addEventListener("input", () => this._store.set({ loudness: Number(this._loud.value) }));
    const group = h("div", { class: "field", role: "group", aria: { label: "jamlink's part sounds in this page" } }, h("span", { class: "field-name" }, "jamlink's part sounds in this page"), h("div", { class: "segments" }, this._sounds), this._soundWords);
    return h("div", { class: "ports" }, group, h("label", { class: "slider" }, h("span", { class: "ends" }, h("span", {}, "soft"), h("span", {}, "loud")), this._loud));
  }

  _midiField() {
    const words = h("span", { class: "faint", role: "status" });
    const button = h("button", { type: "button", class: "button small", onclick: () => this._midi.open() }, "Let the browser hear keyboards");
    this._midi.onChange(() => say(words, this._midi.words));
    say(words, this._midi.words);
    if (this._midi.possible) return h("div", { class: "field" }, button, words);
    return h("p", { class: "faint" }, "This browser has no Web MIDI; jamlink's own ports work all the same.");
  }

  _draw(shared, local) {
    const ports = shared.ports ?? { inputs: [], outputs: [], bound: [] };
    const why = shared.disabled?.ports ?? (shared.clock.playing ? "Stop first: ports stay while you play." : "");
    for (const [field, names, own, now] of [[this._input, ports.inputs, "jamlink in (its own port)", ports.input], [this._output, ports.outputs, "jamlink's own ports", ports.output]]) {
      once(field.field, names.join("\n"), () => [["", own], ...names.map((name) => [name, name])].map(([value, label]) => h("option", { value }, label)));
      field.choose(now ?? names.find((name) => heardBySession(ports, name)) ?? "");
      field.field.disabled = Boolean(why);
      field.why(why);
    }
    this._drawHeard(shared.heard_on, ports, why);
    once(this._bound, ports.bound.join("\n"), () => (ports.bound.length ? ports.bound.map((entry) => h("li", {}, entry)) : [h("li", { class: "faint" }, "nothing yet")]));
    this._drawChannels(shared.channels ?? {});
    this._drawSound(shared, local);
    say(this._missing, ports.missing ?? "");
    const late = shared.lateness;
    say(this._late, late?.count ? `Notes leave ${late.p50_ms} ms late as a rule, ${late.p99_ms} ms at most (99 of 100); ${late.lost} lost.` : "");
  }

  _drawHeard(heard, ports, why) {
    if (!heard?.port) return once(this._heard, "", () => [h("p", { class: "faint" }, "Play a key on any device: its name appears here.")]);
    const used = heardBySession(ports, heard.port) || !ports.inputs.includes(heard.port);
    once(this._heard, `${heard.port}:${heard.channel}:${used}:${why}`, () => [h("p", {}, "I hear you: ", h("strong", {}, heard.port), `, channel ${heard.channel}`), ...(used ? [] : [useButton(heard.port, why, this._send, this._store)])]);
  }

  _drawChannels(channels) {
    const roles = ROLES.filter((role) => role in channels);
    this._channels.parentElement.hidden = !roles.length;
    once(this._channels, JSON.stringify(channels), () => roles.map((role) => h("label", { class: "channel" }, h("span", {}, role), this._channelField(role, channels[role]))));
  }

  _channelField(role, channel) {
    const field = h("input", { type: "number", min: "1", max: "16", value: String(channel) });
    field.addEventListener("change", () => field.checkValidity() && this._send(speak.channels({ [role]: Number(field.value) })));
    return field;
  }

  _drawSound(shared, local) {
    this._sounds.forEach((button) => press(button, button.dataset.value === local.soundWanted));
    this._loud.value = String(local.loudness);
    this._loud.style.setProperty("--value", String(local.loudness));
    const late = this._sound.latencyMs;
    const heard = late === null ? "" : ` A note is heard ${late.toFixed(0)} ms after its key.`;
    say(this._soundWords, `${whose(shared, local).words}${heard}`);
  }
}
