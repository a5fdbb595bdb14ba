"""What was played and sounded last, always kept in memory: what "capture" reaches back into.

Told by the session's own records. At least the last 65,536 of them and at least the last ten minutes stay, whichever is
more, up to a quarter of a million; a take that is longer is in the session file, whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import takewhile

from jamlink.ledger.story import Story, retell
from jamlink.midi.events import NoteOn
from jamlink.session.effects import FIRST_PROPOSAL, Chorded, Clocked, Decided, Moved, Offered, Recorded, Sent
from jamlink.session.inputs import Heard
from jamlink.timing.meter import parse_meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import NS_PER_SECOND, Ns, Ticks

KEPT_EVENTS = 65_536
KEPT_SPAN = Ns(10 * 60 * NS_PER_SECOND)
MOST_EVENTS = 4 * KEPT_EVENTS
"""Ten minutes of 437 events a second, which no hands play; about 40 MB."""
KEPT_CLOCKS = 4_096
BEFORE = Ns(30 * NS_PER_SECOND)
"""A note that sounds into what is asked for began no longer before it than this."""


class Tape:
    """One owner: the session's thread. What `since` returns belongs to whoever asked and may be told on any thread."""

    def __init__(self, began: Ns, clock: Clocked) -> None:
        self._events: deque[tuple[Ns, Recorded]] = deque(maxlen=MOST_EVENTS)
        self._clocks: deque[tuple[Ns, Clocked]] = deque([(began, clock)], maxlen=KEPT_CLOCKS)
        self._last: Ns | None = None

    @classmethod
    def of(cls, began: Ns, timeline: Timeline, meter: str) -> Tape:
        """An empty tape of a session that begins stopped."""
        return cls(began, Clocked(False, timeline, meter))

    def __len__(self) -> int:
        return len(self._events)

    def clock(self, at: Ns) -> Clocked:
        """As it ran at `at`."""
        return next((clock for since, clock in reversed(self._clocks) if since <= at), self._clocks[0][1])

    @property
    def last(self) -> Ns | None:
        """When a note began last, the player's or ours; None where none did."""
        return self._last

    def keep(self, at: Ns, value: Recorded) -> None:
        """Take in a record, if it is one of those that sound or explain."""
        if isinstance(value, Clocked):
            self._clocks.append((at, value))
        elif isinstance(value, Heard | Offered | Decided | Moved | Chorded) or _is_music(value):
            self._events.append((at, value))
            self._last = max(self._last or at, began) if (began := _note_began(value)) is not None else self._last
            while len(self._events) > KEPT_EVENTS and at - self._events[0][0] > KEPT_SPAN:
                self._events.popleft()

    def since(self, moment: Ns, now: Ns) -> Callable[[], Story]:
        """The story from a while before `moment` until `now`. Asking takes the time of a copy; the telling is left to
        the call of what is returned."""
        first = Ns(moment - BEFORE)
        events = list(takewhile(lambda item: item[0] >= first, reversed(self._events)))[::-1]
        clocks = list(self._clocks)
        began = clocks[0][0]

        def tell() -> Story:
            """May take a while for long spans."""
            merged = sorted([*events, *clocks[1:]], key=lambda item: item[0])
            return retell(began, clocks[0][1], merged, now)

        return tell

    def reach(self, bars: int, now: Ns) -> Ns:
        """The moment `bars` bars before `now`, by the clock's runs as they were."""
        clock_at, clock = self._clocks[-1]
        left, until = Ticks(bars * _bar_ticks(clock.meter)), now
        for clock_at, clock in reversed(self._clocks):
            span = clock.timeline.span_ns(left)
            if until - span >= clock_at:
                return Ns(until - span)
            left = Ticks(left - (clock.timeline.tick_at(until) - clock.timeline.tick_at(clock_at)))
            until = clock_at
        return clock_at


def _note_began(value: Recorded) -> Ns | None:
    """The moment of a note-on; None for everything else."""
    if isinstance(value, Heard):
        return value.event.at if isinstance(value.event, NoteOn) else None
    is_on = isinstance(value, Sent) and value.data[0] & 0xF0 == _NOTE_ON
    return value.due if is_on and isinstance(value, Sent) else None


_NOTE_ON = 0x90


def _is_music(value: Recorded) -> bool:
    return isinstance(value, Sent) and value.owner >= FIRST_PROPOSAL


def _bar_ticks(meter: str) -> Ticks:
    return parse_meter(meter).bar_ticks
