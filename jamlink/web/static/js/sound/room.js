// A small room: eight echoes that feed each other until they have died away, the high notes first (a feedback delay
// network: Stautner and Puckette 1982, with Jot's losses). Of the browser's own nodes and a few kilobytes; a convolver
// sounds no better at this size and takes eight megabytes.

const PATHS_MS = [11.3, 13.7, 16.9, 19.1, 23.3, 26.9, 29.7, 34.1]; // no common measure, or the room has a pitch
const DIES_S = 0.65; // until it is 60 dB down
const BRIGHT_HZ = 5200; // walls swallow what is above
const WET = 0.03;
const EMPTIES = 0.004; // seconds until silence is far below hearing, times five

export class Room {
  constructor(context, dry, out) {
    Object.assign(this, { _context: context, _dry: dry, _out: out });
    this._build();
  }

  // What still sounds in it is gone; it rings again with the next note.
  empty() {
    const [walls, wet] = [this._walls, this._wet];
    wet.gain.setTargetAtTime(0, this._context.currentTime, EMPTIES);
    this._dry.disconnect(walls.door);
    setTimeout(() => [wet, ...walls.all].forEach((node) => node.disconnect()), 200);
    this._build();
  }

  _build() {
    this._walls = walls(this._context);
    this._wet = gain(this._context, WET);
    this._dry.connect(this._walls.door);
    this._walls.sides.connect(this._wet).connect(this._out);
  }
}

// What goes in at `door` comes out of `sides`, left and right. Every echo comes back on its own path, and two eighths
// of all of them are taken from it: so they mix, and nothing is added (a Householder matrix).
function walls(context) {
  const door = gain(context, 1);
  door.channelCount = 1;
  door.channelCountMode = "explicit";
  const shared = gain(context, -2 / PATHS_MS.length);
  const sides = context.createChannelMerger(2);
  const paths = PATHS_MS.map((ms, index) => {
    const [begin, path, wall, loss] = [gain(context, 1), context.createDelay(0.05), context.createBiquadFilter(), gain(context, 10 ** ((-3 * ms) / 1000 / DIES_S))];
    path.delayTime.value = ms / 1000;
    Object.assign(wall, { type: "lowpass" }).frequency.value = BRIGHT_HZ;
    wall.Q.value = -3; // dB: no bump before the fall
    door.connect(begin).connect(path).connect(wall).connect(loss).connect(begin);
    shared.connect(begin);
    loss.connect(shared);
    loss.connect(sides, 0, index % 2);
    return [begin, path, wall, loss];
  });
  return { door, sides, all: [door, shared, sides, ...paths.flat()] };
}

function gain(context, value) {
  const node = context.createGain();
  node.gain.value = value;
  return node;
}
