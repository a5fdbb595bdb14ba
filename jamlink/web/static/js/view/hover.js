// A mouse that rests on an idea's notes, or on "Hear", hears it; leaving ends it. Passing over is not resting, a press
// means something else, and fingers do not hover.

const REST_MS = 450;

export function hoverToHear(elements, hear, hush, later = setTimeout, never = clearTimeout) {
  let [waiting, hears] = [0, false];
  const end = () => {
    never(waiting);
    if (hears) hush();
    [waiting, hears] = [0, false];
  };
  const begin = (event) => {
    if (event.pointerType !== "mouse" || event.buttons) return;
    end();
    waiting = later(() => {
      hears = true;
      hear();
    }, REST_MS);
  };
  for (const element of elements) {
    element.addEventListener("pointerenter", begin);
    element.addEventListener("pointerleave", end);
    element.addEventListener("pointerdown", () => never(waiting));
  }
}
