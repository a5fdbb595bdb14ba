"""What a jam is put together from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jamlink.ledger.store import Ledger
from jamlink.midi.events import MidiEvent
from jamlink.midi.maps import Bindings
from jamlink.proposers.base import Accompanies, Proposer
from jamlink.runtime.clips import Clips
from jamlink.runtime.demo import Demo
from jamlink.runtime.io_link import IoLink
from jamlink.runtime.link_peer import LinkPeer
from jamlink.runtime.model_link import ModelLink
from jamlink.runtime.port_choice import PortChoice
from jamlink.runtime.teaching import Teacher
from jamlink.session.core import Session
from jamlink.session.effects import Out
from jamlink.session.inputs import Gesture, Input
from jamlink.session.wishes import Wish
from jamlink.sync.follower import Follower
from jamlink.timing.clock import Clock
from jamlink.timing.units import Ns


class Views(Protocol):
    """Everybody who looks: terminal, page. No method waits."""

    def filenos(self) -> Sequence[int]:
        """What to wait on for gestures."""
        ...

    def receive(self) -> Iterable[Gesture]:
        """Gestures that came in since the last call."""
        ...

    def played(self, at: Ns) -> Iterable[MidiEvent]:
        """Notes played on views since the last call, as heard at `at`."""
        ...

    def wishes(self) -> Iterable[tuple[Wish, str]]:
        """What was asked of this process since the last call, each with the name of the view that asked."""
        ...

    def tell(self, via: str, sentence: str) -> None:
        """A sentence for the view of that name alone."""
        ...

    def publish(self, state: dict[str, Any]) -> None:
        """Show this."""
        ...

    def goodbye(self, why: str = "") -> None:
        """Everything is silent and saved; let the views go."""
        ...

    @property
    def leaving(self) -> bool:
        """Whether the player has asked to quit, or the last view is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a jam is put together from. `file` is the session file's name for the screen."""

    session: Session
    io: IoLink
    model: ModelLink | None
    stand_in: Proposer
    chords: Accompanies
    """Who finds chords for a melody at once where the model does not."""
    ledger: Ledger
    bindings: Callable[[str], Bindings]
    views: Views
    clock: Clock
    file: str
    opening: tuple[Input, ...] = ()
    """What happens at once, as if the player had done it."""
    demo: Demo | None = None
    styles: tuple[str, ...] = ()
    """The styles that ideas can be asked for in."""
    ports: PortChoice | None = None
    """Which ports to have of those that are there. Not asked while playing."""
    teacher: Teacher | None = None
    """Where pads and knobs are learned."""
    follower: Follower | None = None
    """Who listens to clocks from outside."""
    link: LinkPeer | None = None
    """Who talks Ableton Link, where that is wanted."""
    clips: Clips | None = None
    """Where what was taken and captured is kept as files."""
    offsets: Mapping[Out, Ns] = field(default_factory=dict)
    """How much later than the clock (below 0: earlier) what an output plays leaves."""
    programs: Mapping[str, int] = field(default_factory=dict)
    """General MIDI programs (from 0) by role, where the player asked for them."""
