// Two overlapping stretches of history as one, newest first, each idea once and in its newest form. Pure.

export const MOST_KEPT = 10_000; // a long evening; some 2 MB

// `known` is in order. With every hand a few hundred come anew before ten thousand that stay as they are: those are
// neither looked up nor sorted again, or a long evening would leave a megabyte behind with every hand.
export function merge(known, fresh, count) {
  const most = Math.min(MOST_KEPT, Math.max(count, fresh.length));
  const joined = [];
  let at = 0;
  for (const item of [...fresh].sort((a, b) => b.id - a.id)) {
    while (at < known.length && known[at].id > item.id) joined.push(known[at++]);
    joined.push(at < known.length && known[at].id === item.id ? same(known[at++], item) : item);
  }
  return joined.concat(known.slice(at)).slice(0, most);
}

// The old object where nothing differs, so that its row need not be drawn again.
function same(old, item) {
  const unchanged = old.verdict === item.verdict && old.words === item.words && (old.edits ?? []).length === (item.edits ?? []).length;
  return unchanged ? old : item;
}
