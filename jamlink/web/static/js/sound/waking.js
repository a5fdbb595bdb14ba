// Browsers let a page sound only after a key or a touch: the first one wakes the sound, wherever it lands.

export function watchWaking(sound, store, target = window) {
  const wake = () => sound.wake();
  for (const name of ["pointerdown", "keydown"]) target.addEventListener(name, wake, { capture: true });
  sound.onState((awake) => {
    store.set({ awake });
    if (awake) for (const name of ["pointerdown", "keydown"]) target.removeEventListener(name, wake, { capture: true });
  });
}
