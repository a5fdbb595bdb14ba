// A page that draws sixty times a second leaves rubbish behind, and Chromium lets tens of megabytes of it lie while there
// is work. Asked how much memory a page takes it clears up first, in small steps between frames (the proposed standard
// `performance.measureUserAgentSpecificMemory`, for pages that share their process with nobody). Others know no such
// question, and are not asked.

const EVERY_MS = 20_000;

export function keepTidy(ask = question(), every = (run, ms) => setInterval(run, ms)) {
  if (ask) every(() => ask().catch(() => {}), EVERY_MS); // a browser may refuse: then it tidies when it likes
}

function question() {
  const alone = globalThis.crossOriginIsolated && performance.measureUserAgentSpecificMemory;
  return alone ? () => performance.measureUserAgentSpecificMemory() : null;
}
