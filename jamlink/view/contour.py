"""A melody as a small picture: time to the right, pitch upwards, in braille dots (two by four to a cell)."""

from __future__ import annotations

from collections.abc import Sequence

from jamlink.session.snapshot import NoteView

_BLANK = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot, by row from the top and column (Unicode, block Braille Patterns)."""
_THINNEST = 2
"""Dots: one alone is hard to see from a distance."""
_NARROWEST = 12
"""Semitones: a line that hardly moves looks as if it hardly moves."""


def contour(notes: Sequence[NoteView], length: int, width: int, rows: int) -> list[str]:
    """`rows` lines of `width` cells for notes within `length` ticks. Notes keep a gap before the next one."""
    if not notes or length <= 0 or width <= 0 or rows <= 0:
        return [" " * width] * rows
    cells = [[0] * width for _ in range(rows)]
    low, high = _range(notes)
    thick = max(_THINNEST, rows // 2)
    for note in notes:
        top = (high - note.pitch) * (4 * rows - thick) // (high - low)
        first = min(2 * width - 1, note.onset * 2 * width // length)
        last = max(first + 1, min(2 * width, (note.onset + note.duration) * 2 * width // length))
        for x in range(first, max(first + 1, last - (last - first > 2))):
            for y in range(top, top + thick):
                cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    return ["".join(chr(_BLANK + cell) if cell else " " for cell in row) for row in cells]


def _range(notes: Sequence[NoteView]) -> tuple[int, int]:
    low, high = min(note.pitch for note in notes), max(note.pitch for note in notes)
    spare = max(0, _NARROWEST - (high - low))
    return low - spare // 2, high + spare - spare // 2
