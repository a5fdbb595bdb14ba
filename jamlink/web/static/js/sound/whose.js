// Who makes jamlink's sound now, and the sentence that says so. Pure.

// Whether nothing outside sounds. The session knows who is connected to its outputs; where it does not say, the list
// of outputs is the next best.
export function nobodyElse(ports) {
  if (ports?.sound) return ports.sound === "page";
  return !(ports?.outputs ?? []).length;
}

// Whether this page should make the sound, of all tabs or not.
export function wantsSound(shared, local) {
  if (!shared || local.soundWanted === "off") return false;
  if (local.soundWanted === "here") return true;
  return nobodyElse(shared.ports) && shared.page?.role !== "tablet";
}

export const soundsHere = (shared, local) => wantsSound(shared, local) && local.soundOwner;

// {short, words}: for a button, and as a sentence.
export function whose(shared, local) {
  const alone = nobodyElse(shared?.ports);
  if (!wantsSound(shared, local)) return elsewhere(shared, local, alone);
  if (!local.soundOwner) return { short: "another tab", words: "Another tab of jamlink plays the sound." };
  if (!local.awake) return { short: "this page", words: "This page plays the sound as soon as you press a key or touch it." };
  if (alone) return { short: "this page", words: "No synth or DAW is connected: this page plays the sound." };
  return { short: "this page too", words: "This page plays the sound, and so does what is connected to jamlink." };
}

function elsewhere(shared, local, alone) {
  if (shared?.page?.role === "tablet" && local.soundWanted === "auto") return { short: "the computer", words: "The computer plays the sound; this tablet is silent." };
  if (!alone) return { short: "your synth", words: "Your synth or DAW plays the sound; this page is silent." };
  return { short: "off", words: "This page is silent, and no synth or DAW is connected: jamlink's part is not heard." };
}
