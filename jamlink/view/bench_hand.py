"""How long from asking for other ideas until a view has them: the whole way through the session and model processes.

The session is a real one that plays, joined as any view joins it. "n" is pressed while nothing else waits; the clock
stops when the view's picture shows a hand that was dealt later. Painting the screen is not in it.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import dataclass

from jamlink.errors import Unavailable
from jamlink.midi.actions import Action
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns, ms
from jamlink.view import protocol
from jamlink.view.client import Client
from jamlink.view.connection import Connection
from jamlink.view.picture import beats_left, showing_tick

PATIENCE = Ns(60 * NS_PER_SECOND)
REST = ms(150)
"""Between a hand and the next press, so that presses do not queue up."""


@dataclass(frozen=True, slots=True)
class HandTimes:
    """Spans from press to hand in ms; `by_model` says how many of them the model answered, not a stand-in."""

    spans_ms: tuple[float, ...]
    by_model: int


def measure(connection: Connection, clock: Clock, presses: int, tell: Callable[[str], None]) -> HandTimes:
    """Press `presses` times. Raises `Unavailable` where no hand comes. Leaves the session."""
    view = _View(Client(connection, clock), connection, clock)
    view.until(lambda: view.client.picture is not None and view.client.picture.model != "")
    view.until(lambda: view.dealt > 0)
    spans, by_model = [], 0
    for number in range(presses):
        tell(f"hand {number + 1} of {presses}")
        view.rest()
        view.until(lambda: view.beats_to_decide >= 2)
        before, began = view.hand, clock.now()
        view.press(Action.NEXT_HAND)
        view.until(lambda before=before: view.dealt > 0 and view.hand != before)  # type: ignore[misc]
        spans.append((clock.now() - began) / 1e6)
        by_model += not view.by_stand_in
    view.client.leave()
    view.until(lambda: view.client.end is not None)
    return HandTimes(tuple(spans), by_model)


def follow(connection: Connection, clock: Clock, beats: int, tell: Callable[[str], None]) -> None:
    """Look on while a session plays `beats` beats. Raises `Unavailable` where it does not. Leaves the session."""
    view = _View(Client(connection, clock), connection, clock)
    view.until(lambda: view.client.picture is not None and view.client.picture.clock.playing)
    for beat in range(beats):
        tell(f"beat {beat + 1} of {beats}")
        view.until(lambda beat=beat: view.beat > beat)  # type: ignore[misc]
    view.client.leave()
    view.until(lambda: view.client.end is not None)


class _View:
    """A view that only waits."""

    def __init__(self, client: Client, connection: Connection, clock: Clock) -> None:
        self.client = client
        self._connection = connection
        self._clock = clock

    @property
    def hand(self) -> tuple[int, ...]:
        """The numbers of the ideas on the stand."""
        picture = self.client.picture
        return tuple(card.id for card in picture.hand.cards) if picture and picture.hand else ()

    @property
    def dealt(self) -> int:
        """How many ideas are on the stand."""
        return len(self.hand)

    @property
    def beat(self) -> int:
        """The beat that is played."""
        picture = self.client.picture
        return showing_tick(picture, self._clock.now()) // picture.clock.beat_ticks if picture else 0

    @property
    def beats_to_decide(self) -> int:
        """Beats until these bars can no longer be dealt for; 0 without a hand."""
        picture = self.client.picture
        return (beats_left(picture, showing_tick(picture, self._clock.now())) or 0) if picture else 0

    @property
    def by_stand_in(self) -> bool:
        """Whether somebody else than the model made the hand."""
        picture = self.client.picture
        return bool(picture and picture.hand and picture.hand.late)

    def press(self, action: Action) -> None:
        """A key."""
        self.client.send(protocol.Do(action.value))

    def rest(self) -> None:
        """A pause with open eyes."""
        end = Ns(self._clock.now() + REST)
        while self._clock.now() < end:
            self._look(end)

    def until(self, happened: Callable[[], bool]) -> None:
        """Look until it has happened."""
        end = Ns(self._clock.now() + PATIENCE)
        while not happened():
            if self._clock.now() >= end or self._connection.closed:
                raise Unavailable("The session did not deal a hand.", "See its log beside the session file.")
            self._look(end)

    def _look(self, end: Ns) -> None:
        wait = min(0.05, max(0, end - self._clock.now()) / 1e9)
        if self._connection.fileno() >= 0:
            select.select([self._connection], [], [], wait)
        self.client.poll()
