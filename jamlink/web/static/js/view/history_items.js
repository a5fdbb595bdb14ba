// Two overlapping stretches of history as one, newest first, each idea once and in its newest form. Pure.

export const MOST_KEPT = 10_000; // a long evening; some 2 MB

export function merge(known, fresh, count) {
  const byId = new Map(known.map((item) => [item.id, item]));
  for (const item of fresh) byId.set(item.id, same(byId.get(item.id), item));
  const most = Math.min(MOST_KEPT, Math.max(count, fresh.length));
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, most);
}

// The old object where nothing differs, so that its row need not be drawn again.
function same(old, item) {
  return old && old.verdict === item.verdict && old.words === item.words ? old : item;
}
