// The decisions, as buttons with their keys: what the hands need most first.

import { actionButton } from "./controls.js";
import { flag, h, say } from "./dom.js";

export class Actions {
  constructor(root, { store, act }) {
    const button = (name, label, options) => actionButton(name, label, act(name), options);
    const loop = button("loop", "Loop", { kind: "quiet", hint: "What is taken plays once, or loops until replaced." });
    const roll = button("keep-going", "Keep going", { kind: "quiet", hint: "The best of each hand is taken unless you refuse it." });
    root.append(
      h("div", { class: "group decide-group" },
        button("accept", "Take", { kind: "primary", sign: "✓", hint: "The chosen idea; it starts on its bar." }),
        button("reject", "Refuse", { sign: "×", hint: "Throw this hand away; the next one moves away from it." }),
        button("next-hand", "Others", { hint: "Other ideas for the same bars." }),
        button("preview", "Hear", { sign: "♪", hint: "The chosen idea, on the preview channel only." }),
        button("undo", "Undo", { hint: "Take back the last decision." })),
      h("div", { class: "group change-group", role: "group", aria: { label: "Change the chosen idea" } },
        h("span", { class: "group-name" }, "Change"),
        button("simplify", "Plainer", { kind: "quiet" }),
        button("transpose-down", "Lower", { kind: "quiet", hint: "A semitone down." }),
        button("transpose-up", "Higher", { kind: "quiet", hint: "A semitone up." }),
        button("invert", "Turn over", { kind: "quiet", hint: "The next inversion." })),
      h("div", { class: "group after-group", role: "group", aria: { label: "What a taken idea does" } },
        button("let-pass", "Let pass", { kind: "quiet", hint: "Let these bars go by without an idea." }), loop, roll),
    );
    const along = { accept: "Go round", reject: "Not that", loop: "Hold" };
    store.watch(["steering", "accompany"], ({ steering, accompany }) => {
      const labels = steering.mode === "accompany" ? along : { accept: "Take", reject: "Refuse", loop: "Loop" };
      for (const [act, words] of Object.entries(labels)) say(root.querySelector(`[data-do="${act}"] .label`), words);
      press(loop, accompany ? accompany.phase === "going round" : steering.repeat === "loop");
      press(roll, steering.repeat === "keep going");
    });
  }
}

export function press(button, on) {
  flag(button, "on", on);
  button.setAttribute("aria-pressed", String(on));
}
