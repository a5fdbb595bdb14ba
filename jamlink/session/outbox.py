"""What will sound, in ticks, until it is close enough to be promised.

The outbox keeps messages in musical time, so a tempo change moves everything that is not yet promised. `release`
turns what falls within the commit horizon into moments and lets it go. Released moments never run backwards, and the
first after a tempo change is later than the last before it, so a note-off cannot overtake or meet its note-on. Our
clock for others is a row of its own: where it begins anew it does so at once.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from jamlink.session.effects import CLOCK_OUT, ScheduledMessage, Timed
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks

_NOTE_ON = 0x90


class Outbox:
    """One owner: the session. At one tick note-offs go before everything else, then order of adding."""

    def __init__(self) -> None:
        self._heap: list[tuple[Ticks, bool, int, ScheduledMessage]] = []
        self._added = 0
        self._last_due = {False: Ns(0), True: Ns(0)}
        """Of music, and of our clock."""
        self._last_timeline: Timeline | None = None

    def add(self, messages: Iterable[ScheduledMessage]) -> None:
        """Take messages in; any order."""
        for message in messages:
            self._added += 1
            is_on = message.data[0] & 0xF0 == _NOTE_ON
            heapq.heappush(self._heap, (message.at, is_on, self._added, message))

    def cancel(self, owner: int) -> None:
        """Forget what `owner` has here. What was released is the io process's to end."""
        if owner == CLOCK_OUT:
            self._last_due[True] = Ns(0)
        self._heap = [entry for entry in self._heap if entry[3].owner != owner]
        heapq.heapify(self._heap)

    def skip(self, tick: Ticks) -> None:
        """The music jumps to `tick`: forget the notes that would have begun before. Offs of what sounds stay."""
        kept, skipped = [], set()
        for entry in sorted(self._heap):
            at, is_on, _, message = entry
            note = (message.owner, message.out, message.data[0] & 0x0F, message.data[1:2])
            if is_on and at < tick:
                skipped.add(note)
            elif not is_on and note in skipped:
                skipped.remove(note)
            else:
                kept.append(entry)
        self._heap = kept  # sorted, which is a heap

    def clear(self) -> None:
        """Forget everything, also what was promised: the io process forgets it as well."""
        self._heap.clear()
        self._last_due = {False: Ns(0), True: Ns(0)}

    def next_due(self, timeline: Timeline) -> Ns | None:
        """The moment of the earliest message."""
        return timeline.ns_at(self._heap[0][0]) if self._heap else None

    def release(self, timeline: Timeline, until: Ns, now: Ns) -> list[Timed]:
        """Everything due up to and including `until`, in order, none of it before `now`."""
        first = dict.fromkeys(self._last_due, now)
        if timeline != self._last_timeline:
            self._last_timeline = timeline
            first = {kind: max(now, Ns(due + 1)) for kind, due in self._last_due.items()}
        released = []
        while self._heap and timeline.ns_at(self._heap[0][0]) <= until:
            message = heapq.heappop(self._heap)[3]
            kind = message.owner == CLOCK_OUT
            self._last_due[kind] = max(timeline.ns_at(message.at), first[kind], self._last_due[kind])
            released.append(Timed(self._last_due[kind], message))
        return released
