// Where the page is put together: the one file that knows all parts. No music and no drawing here.

import { Clock } from "./core/clock.js";
import { Connection } from "./core/connection.js";
import { readToken, speak, TOKEN_KEPT, VERSION } from "./core/protocol.js";
import { Store } from "./core/state.js";
import { keepTidy } from "./core/tidy.js";
import { watchKeys } from "./input/keys_start.js";
import { Piano } from "./input/piano.js";
import { Shortcuts } from "./input/shortcuts.js";
import { WebMidi } from "./input/webmidi.js";
import { Band, holdSound } from "./sound/band.js";
import { Sound } from "./sound/engine.js";
import { watchWaking } from "./sound/waking.js";
import { Actions } from "./view/actions.js";
import { Announcer } from "./view/announce.js";
import { Bar } from "./view/bar.js";
import { keepStageKeys, watchControls } from "./view/controls.js";
import { Hand } from "./view/hand.js";
import { FirstRun, Help } from "./view/help.js";
import { History } from "./view/history.js";
import { Keyboard } from "./view/keyboard.js";
import { Learn } from "./view/learn.js";
import { Panel } from "./view/panel.js";
import { Ports } from "./view/ports.js";
import { Roll } from "./view/roll.js";
import { Save } from "./view/save.js";
import { Sheet } from "./view/sheet.js";
import { Stand } from "./view/stand.js";
import { Steering } from "./view/steering.js";
import { Ticker } from "./view/ticker.js";
import { keepAwake } from "./view/wake.js";
import { watchSound } from "./view/sound_line.js";
import { Veil, watchHeard, watchLan, watchLook, watchTrouble } from "./view/surroundings.js";
import { Gestures } from "./gestures.js";
import { fetcher, pair } from "./core/fetcher.js";

const at = (id) => document.getElementById(id);

function start() {
  const token = readToken();
  const [store, clock, sound] = [new Store(), new Clock(), new Sound()];
  const veil = new Veil(at("veil"), store);
  const connection = connect(store, clock, token, veil);
  const send = (message) => connection.send(message);
  const piano = new Piano(store, send, sound);
  const band = new Band({ store, clock, sound });
  const midi = new WebMidi(store, piano);
  const gestures = new Gestures({ store, send, sound, band, piano, clock });
  veil.onRetry(() => connection.hurry());
  build({ store, clock, sound, send, piano, band, gestures, midi, ...fetcher(token) });
  holdSound(store);
  watchWaking(sound, store);
  watchKeys(store, piano);
  keepAwake(store);
  keepTidy();
  store.watch(["local.loudness"], (_, { loudness }) => sound.loudness(loudness));
  midi.openIfAllowed();
  if (token) connection.open();
  else veil.askCode(comeIn);
  // For the measuring bench and for whoever debugs on stage; nothing on the page reads it.
  window.jamlink = { store, clock, sound, connection };
}

// With the token that a right code brings the page starts anew, as if it had been opened with it.
async function comeIn(code) {
  const { token, why } = await pair(code);
  if (!token) return why || "That code was not understood.";
  sessionStorage.setItem(TOKEN_KEPT, token);
  location.reload();
  return "";
}

function connect(store, clock, token, veil) {
  const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
  const connection = new Connection(address, token, {
    opened: () => {
      clock.forget();
      store.forgetRevision();
      store.set({ connection: "open" });
      veil.draw();
    },
    lost: () => {
      store.set({ connection: "lost" });
      veil.draw();
    },
    message: (message) => receive(message, { store, clock, connection, veil }),
  });
  return connection;
}

function receive(message, { store, clock, connection, veil }) {
  if (message.kind === "pong") clock.pong(message.t, message.now);
  else if (message.kind === "snapshot" || message.kind === "delta") {
    if (store.receive(message)) connection.send(speak.resync());
    veil.draw();
  } else if (message.kind === "hello" && message.version !== VERSION) {
    store.set({ connection: "over", farewell: "This page is of another version of jamlink. Reload it." });
    connection.end();
    veil.draw();
  } else if (message.kind === "notice") store.set({ says: message.text });
  else if (message.kind === "goodbye") {
    store.set({ connection: "over", farewell: message.why });
    connection.end();
    veil.draw();
  }
}

function build(parts) {
  const { store, clock, piano, gestures, send } = parts;
  const act = (name) => (why) => gestures.act(name, why);
  const ticker = new Ticker(store, clock);
  const learn = new Learn(store, send);
  const panel = new Panel(at("panel"), store, panels({ ...parts, act }));
  const open = (name) => panel.toggle(name);
  const bar = new Bar(at("bar"), { store, send, act, open });
  const stand = new Stand(at("stand"));
  const roll = new Roll(at("roll"), clock, piano);
  const hand = new Hand(at("hand"), { store, to: gestures });
  new Actions(at("actions"), { store, act });
  new Keyboard(at("piano"), { store, piano });
  new FirstRun(at("stand"), store);
  new Announcer(at("live"), at("says"), store);
  watchControls(store);
  watchTrouble(at("trouble"), store);
  watchSound(at("calm"), store);
  watchLan(at("lan"), store);
  watchHeard(at("heard"), store, send);
  keepStageKeys();
  gestures.connect({ open, learn });
  new Shortcuts(store, gestures);
  for (const draw of [bar.draw.bind(bar), stand.draw.bind(stand), roll.draw.bind(roll), hand.tick.bind(hand)]) ticker.add(draw);
  roll.onResize = () => ticker.want();
  watchLook(store, () => [roll, hand].forEach((view) => view.refresh()), () => ticker.want());
}

function panels(parts) {
  const print = () => {
    parts.store.set({ panel: "sheet" });
    setTimeout(() => window.print(), 600);
  };
  return {
    steer: () => new Steering(parts),
    sheet: () => new Sheet(parts),
    history: () => new History(parts),
    ports: () => new Ports(parts),
    save: () => new Save({ ...parts, print }),
    help: () => new Help(parts),
  };
}

start();
