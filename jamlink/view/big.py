"""Chord symbols in letters large enough to be read from two metres.

Letters are drawn in square pixels, two to a terminal cell, by half blocks. The root is drawn large, what belongs to it
(sharp, minor, seventh) small beside its top, a bass note small beside its foot, as on a lead sheet. What is promised
is drawn solid; what is only an idea is drawn in dots, so that the two differ without any colour.
"""

from __future__ import annotations

from functools import lru_cache

from jamlink.music.chord import NO_CHORD

GLYPH_ROWS = 7
_GAP = 1

_ON_THE_STAND = {"m7b5": "ø7", "mMaj7": "m△7", "maj7": "△7", "dim7": "°7", "dim": "°", "aug": "+", "sus4": "sus"}
"""Qualities as jazz charts write them: shorter, so that they can be larger."""

_FONT = {
    "A": ".###.|#...#|#...#|#####|#...#|#...#|#...#",
    "B": "####.|#...#|#...#|####.|#...#|#...#|####.",
    "C": ".###.|#...#|#....|#....|#....|#...#|.###.",
    "D": "####.|#...#|#...#|#...#|#...#|#...#|####.",
    "E": "#####|#....|#....|####.|#....|#....|#####",
    "F": "#####|#....|#....|####.|#....|#....|#....",
    "G": ".###.|#...#|#....|#.###|#...#|#...#|.###.",
    "N": "#...#|##..#|##..#|#.#.#|#..##|#..##|#...#",
    "b": "#...|#...|#...|###.|#..#|#..#|###.",
    "#": ".#.#.|.#.#.|#####|.#.#.|#####|.#.#.|.#.#.",
    "m": ".....|.....|####.|#.#.#|#.#.#|#.#.#|#.#.#",
    "s": "...|...|.##|#..|.#.|..#|##.",
    "u": "...|...|#.#|#.#|#.#|#.#|###",
    "2": ".##.|#..#|...#|..#.|.#..|#...|####",
    "6": ".##.|#...|#...|###.|#..#|#..#|.##.",
    "7": "####|...#|...#|..#.|..#.|.#..|.#..",
    "△": ".....|..#..|..#..|.#.#.|.#.#.|#...#|#####",
    "ø": "....#|.###.|#.#.#|#.#.#|.###.|#....|.....",
    "°": ".##.|#..#|#..#|.##.|....|....|....",
    "+": ".....|..#..|..#..|#####|..#..|..#..|.....",
    "/": "...#|...#|..#.|..#.|.#..|#...|#...",
    ".": ".|.|.|.|.|.|#",
}

_SOLID = " ▀▄█"
_DOTTED = " ⠛⣤⣿"

Pixels = list[str]
"""Rows of "#" and "."; all of one length."""


@lru_cache(maxsize=256)
def big_chord(symbol: str, width: int, rows: int, *, solid: bool) -> tuple[str, ...]:
    """`rows` lines of at most `width` cells with `symbol` as large as fits; as plain text where no letters fit."""
    for root, rest in _sizes(rows):
        pixels = _draw(_on_the_stand(symbol), root, rest)
        if pixels and len(pixels[0]) <= width and len(pixels) <= 2 * rows:
            return _padded(_cells(pixels, _SOLID if solid else _DOTTED), rows)
    return _padded([symbol[:width] if solid else f"({symbol})"[:width]], rows)


def _on_the_stand(symbol: str) -> str:
    for written, drawn in _ON_THE_STAND.items():
        if written in symbol:
            return symbol.replace(written, drawn)
    return symbol


def _sizes(rows: int) -> list[tuple[int, int]]:
    """Pixels per dot of the root and of the rest, largest first."""
    largest = max(1, 2 * rows // GLYPH_ROWS)
    return [(root, rest) for root in range(largest, 0, -1) for rest in range(max(1, root * 2 // 3), 0, -1)]


def _draw(symbol: str, root: int, rest: int) -> Pixels:
    """The root, what is beside its top, what is beside its foot. Empty where a letter is missing in the font."""
    if not symbol or any(letter not in _FONT for letter in symbol):
        return []
    if symbol == NO_CHORD:
        return _word(symbol, root)
    name, _, bass = symbol.partition("/")
    top = _word(name[1:], rest)
    foot = _word(f"/{bass}", rest) if bass else []
    big = _word(name[:1], root)
    height = max(len(big), len(top) + len(foot) + (_GAP if top and foot and len(big) > 2 * GLYPH_ROWS * rest else 0))
    return _beside(_tall(big, height), _stacked(top, foot, height), root)


def _word(letters: str, unit: int) -> Pixels:
    """Letters side by side, each dot `unit` pixels wide and high."""
    pixels: Pixels = []
    for letter in letters:
        pixels = _beside(pixels, _scaled(_FONT[letter].split("|"), unit), unit)
    return pixels


def _scaled(glyph: Pixels, unit: int) -> Pixels:
    return ["".join(dot * unit for dot in row) for row in glyph for _ in range(unit)]


def _beside(left: Pixels, right: Pixels, gap: int) -> Pixels:
    if not left or not right:
        return left or right
    return [a + "." * gap + b for a, b in zip(left, right, strict=True)]


def _tall(pixels: Pixels, height: int) -> Pixels:
    """Padded below."""
    return pixels + ["." * len(pixels[0])] * (height - len(pixels))


def _stacked(top: Pixels, foot: Pixels, height: int) -> Pixels:
    """`top` at the top and `foot` at the bottom of `height` rows."""
    width = max((len(rows[0]) for rows in (top, foot) if rows), default=0)
    if not width:
        return []
    wide = [row.ljust(width, ".") for row in top], [row.ljust(width, ".") for row in foot]
    return wide[0] + ["." * width] * (height - len(top) - len(foot)) + wide[1]


def _cells(pixels: Pixels, ink: str) -> list[str]:
    """Two rows of pixels to a row of cells."""
    even = pixels + ["." * len(pixels[0])] * (len(pixels) % 2)
    pairs = zip(even[::2], even[1::2], strict=True)
    return ["".join(ink[(a == "#") + 2 * (b == "#")] for a, b in zip(*pair, strict=True)) for pair in pairs]


def _padded(lines: list[str], rows: int) -> tuple[str, ...]:
    """In the middle of `rows` lines."""
    width = max(len(line) for line in lines)
    above = (rows - len(lines)) // 2
    full = [""] * above + lines + [""] * (rows - len(lines) - above)
    return tuple(line.ljust(width) for line in full)
