"""What a view and its session talk through, handed in from outside."""

from __future__ import annotations

from typing import Protocol


class Connection(Protocol):
    """Whole frames in and out over something that does not wait. One thread."""

    @property
    def closed(self) -> bool:
        """True once the other side is gone; frames that came before are still received."""
        ...

    @property
    def waiting(self) -> int:
        """Bytes that could not be written yet."""
        ...

    def fileno(self) -> int:
        """For select; -1 once closed."""
        ...

    def send(self, frame: bytes) -> bool:
        """False where the frame was refused."""
        ...

    def receive(self) -> list[bytes]:
        """Every whole frame that is there now."""
        ...

    def close(self) -> None:
        """Let go."""
        ...
