"""Three kinds of trouble, told apart by what to do about them.

`Fault` is our bug. `Nonsense` came from outside (a file, a cable, a setting) and will not get better by
trying again. `Unavailable` is gone now and may come back. Each carries one sentence for the player, and the
sentence ends with what to do.
"""


class JamlinkError(Exception):
    """Base of everything jamlink raises on purpose. `remedy` is what the player can do about it."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


class Fault(JamlinkError):
    """A bug in jamlink. Raised in tests; in a jam it is logged once and the music goes on."""


class Nonsense(JamlinkError):
    """Input that means nothing: a broken file, an impossible tempo, an unknown key in a map."""


class Unavailable(JamlinkError):
    """Something that is not there now and may return: a port, a worker, a disk with room."""
