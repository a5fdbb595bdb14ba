"""What the session process itself has to say on every view, and when the views get a new picture. One thread."""

from __future__ import annotations

from collections.abc import Sequence

from jamlink.timing.units import Ns, ms

FRAME = ms(40)
"""Views get at most one picture in this time; a decision, and that it is saved, are shown at once."""


class Screen:
    """See the module."""

    def __init__(self) -> None:
        self._troubles: dict[str, str] = {}
        self._told: tuple[list[str], str] = ([], "")
        self._changed = True
        self._at_once = False
        self._next_frame = Ns(0)
        self._saved = self._decided = -1

    def changed(self) -> None:
        """There is something new to show."""
        self._changed = True

    def decided(self, number: int) -> None:
        """Entry `number` is a decision, which is shown at once, and again when it is saved."""
        self._decided, self._at_once = number, True

    def trouble(self, part: str, sentence: str) -> None:
        """`part` has trouble, or none where the sentence is empty."""
        if sentence == self._troubles.get(part, ""):
            return
        if sentence:
            self._troubles[part] = sentence
        else:
            del self._troubles[part]
        self._changed = True

    def trouble_of(self, part: str) -> str:
        """What is wrong with `part`; empty where nothing is."""
        return self._troubles.get(part, "")

    @property
    def troubles(self) -> list[str]:
        """What is wrong now; five roles on one lost port are one trouble."""
        return list(dict.fromkeys(self._troubles.values()))

    def tell(self, sentence: str, notices: Sequence[str]) -> None:
        """A sentence for every view, beside the session's `notices`, until the session says something new."""
        self._told = list(notices), sentence
        self._changed = True

    def notices(self, notices: Sequence[str]) -> Sequence[str]:
        """The session's notices, with what was told beside them."""
        beside, sentence = self._told
        return (*notices, sentence) if sentence and beside == list(notices) else notices

    @property
    def next_frame(self) -> Ns | None:
        """When a picture is due, if one is."""
        return self._next_frame if self._changed else None

    def is_due(self, now: Ns, saved: int) -> bool:
        """Whether a picture is due now that entries up to `saved` are; it counts as shown then."""
        if not self._changed and self._saved == saved:
            return False
        if now < self._next_frame and not self._at_once and not self._saved < self._decided <= saved:
            return False
        self._changed = self._at_once = False
        self._next_frame, self._saved = Ns(now + FRAME), saved
        return True
