// A stand that goes dark in the middle of a tune is no stand: while music plays the screen is asked to stay on, where
// the browser can.

export function keepAwake(store, wakeLock = navigator.wakeLock) {
  let held = null;
  const look = async () => {
    const playing = Boolean(store.shared?.clock.playing);
    try {
      if (playing && !held && !document.hidden) {
        held = await wakeLock?.request("screen");
        held?.addEventListener("release", () => (held = null));
      } else if (!playing && held) await held.release();
    } catch {
      held = null; // refused, such as on a low battery: the player's own settings win
    }
  };
  store.watch(["clock"], look);
  document.addEventListener("visibilitychange", look); // a hidden tab loses it
}
