// One WebSocket, mended when it is lost. It knows frames and time-outs, nothing of music.

import { speak } from "./protocol.js";

const PATIENCE_MS = [250, 500, 1000, 2000]; // between attempts; the last one for good
const PING_EVERY_MS = 2000;
const PINGS_AT_START = 6; // close together, so that the clock is good from the first second
const SILENT_MS = 7000; // without an answer for this long the line is dead

export class Connection {
  // `on` has opened(), message(object), lost(); `token` may be "".
  constructor(address, token, on) {
    this._address = address;
    this._token = token;
    this._on = on;
    this._socket = null;
    this._tries = 0;
    this._over = false;
    this._pings = 0;
    this._heard = 0;
  }

  open() {
    const words = this._token ? ["jamlink", `token.${this._token}`] : ["jamlink"];
    const socket = new WebSocket(this._address, words);
    this._socket = socket;
    socket.onopen = () => this._opened(socket);
    socket.onmessage = (event) => this._message(event.data);
    socket.onclose = () => this._closed(socket);
  }

  // False where nothing could be sent: a gesture is never kept for later, it would come at the wrong moment.
  send(message) {
    if (this._socket?.readyState !== WebSocket.OPEN) return false;
    this._socket.send(JSON.stringify(message));
    return true;
  }

  // No more attempts: the session has said goodbye.
  end() {
    this._over = true;
    clearTimeout(this._pinging);
    this._socket?.close();
  }

  // Try at once, for a player who does not want to wait.
  hurry() {
    if (this._over || this._socket?.readyState === WebSocket.OPEN) return;
    clearTimeout(this._retry);
    this.open();
  }

  _opened(socket) {
    this._tries = 0;
    this._pings = 0;
    this._heard = performance.now();
    socket.send(JSON.stringify(speak.hello()));
    this._on.opened();
    this._ping();
  }

  _message(text) {
    this._heard = performance.now();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // a broken frame is no news; the next snapshot is
    }
    this._on.message(message);
  }

  _ping() {
    clearTimeout(this._pinging);
    if (performance.now() - this._heard > SILENT_MS) return this._socket.close();
    this.send(speak.ping(performance.now()));
    this._pings += 1;
    this._pinging = setTimeout(() => this._ping(), this._pings < PINGS_AT_START ? 60 : PING_EVERY_MS);
  }

  _closed(socket) {
    if (socket !== this._socket) return;
    clearTimeout(this._pinging);
    if (this._over) return;
    this._on.lost();
    const wait = PATIENCE_MS[Math.min(this._tries, PATIENCE_MS.length - 1)];
    this._tries += 1;
    this._retry = setTimeout(() => this.open(), wait);
  }
}
