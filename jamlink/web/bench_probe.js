// What the bench puts into the page: from the moment of a press to the end of the frame that shows what came of it.
// Evaluated from outside; the page itself never loads this.
(() => {
  const store = window.jamlink.store;
  const found = { drawn: [], marked: [], answered: [], saved: [], frames: [] };
  const soon = (then) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = then;
    channel.port2.postMessage(0);
  };
  // Whether animation callbacks of a frame run: what changes then is painted in that frame, and a message that is posted
  // comes after it. What changes at another time waits for the next frame.
  const frames = requestAnimationFrame.bind(window);
  let within = false;
  window.requestAnimationFrame = (run) =>
    frames((now) => {
      if (!within) soon(() => (within = false));
      within = true;
      run(now);
    });
  const afterFrame = (then) => {
    const seen = () => soon(() => then(performance.now()));
    if (within) seen();
    else frames(seen);
  };
  let note = 0;
  let decision = null;
  const noteDrawn = () => {
    if (!note) return;
    const since = note;
    note = 0;
    afterFrame((now) => found.drawn.push(now - since));
  };
  addEventListener("keydown", (event) => {
    if (event.repeat) return;
    if (/^Key[A-L]$/.test(event.code) && !event.ctrlKey) note = event.timeStamp;
    else decision = { at: event.timeStamp, was: store.shared.decision, marked: event.code !== "Enter", answered: false };
  }, true);
  new MutationObserver(noteDrawn).observe(document.getElementById("piano"), { subtree: true, childList: true, attributes: true });
  new MutationObserver(() => {
    if (!decision || decision.marked) return;
    const { at } = decision;
    decision.marked = true;
    afterFrame((now) => found.marked.push(now - at));
  }).observe(document.getElementById("hand"), { subtree: true, childList: true, attributes: true, characterData: true });
  store.watch(["decision", "saved"], (shared) => {
    if (!decision || shared.decision === decision.was) return;
    const { at } = decision;
    if (!decision.answered) {
      decision.answered = true;
      afterFrame((now) => found.answered.push(now - at));
    }
    if (shared.saved >= shared.decision) {
      decision = null;
      afterFrame((now) => found.saved.push(now - at));
    }
  });
  let last = 0;
  let counting = false;
  const frame = (now) => {
    if (counting && last) found.frames.push(now - last);
    last = now;
    if (counting) requestAnimationFrame(frame);
  };
  window.probe = {
    found,
    count(on) {
      counting = on;
      last = 0;
      if (on) requestAnimationFrame(frame);
    },
  };
})();
