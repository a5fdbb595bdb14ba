// Whether computer keys start as a piano: where no keyboard is plugged in, unless the player has chosen. It is decided
// before the first of them is played; under the hands nothing changes its meaning.

export function watchKeys(store, piano) {
  let played = false;
  piano.onKey(() => (played = true));
  store.watch(["ports", "local.keysWanted"], ({ ports, clock }, { keysWanted }) => {
    if (keysWanted !== "auto") store.set({ keysPlay: keysWanted === "on" });
    else if (!played && !clock.playing) store.set({ keysPlay: !hasKeyboard(ports) });
  });
}

export function chooseKeys(store, on) {
  store.set({ keysWanted: on ? "on" : "off", keysPlay: on });
}

// The session says so, since it knows cables that only lead back; where it does not, any input is a keyboard.
export const hasKeyboard = (ports) => ports?.keyboard ?? (ports?.inputs ?? []).length > 0;
