// What abcjs makes of a tune: its warnings, title, meter, chords, and every note that it would play. For the tests.
//   node abc_reader.js ABCJS-FILE < TUNE
const abcjs = require(process.argv[2]);
const [tune] = abcjs.parseOnly(require("fs").readFileSync(0, "utf8"));
const chords = [];
for (const line of tune.lines)
  for (const staff of line.staff || [])
    for (const voice of staff.voices)
      for (const element of voice) for (const chord of element.chord || []) chords.push(chord.name);
const tracks = tune.setUpAudio({ chordsOff: true }).tracks.map((track) =>
  track.filter((event) => event.cmd === "note").map((event) => [event.pitch, event.start, event.duration]),
);
const { title } = tune.metaText;
console.log(JSON.stringify({ warnings: tune.warnings || [], title, meter: tune.getMeterFraction(), chords, tracks }));
