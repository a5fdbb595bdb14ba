"""The palette and the few ways in which text is laid on a line. Dark and calm, with one accent colour.

Colour only repeats what a word, a sign or a shape says already: the view reads the same in black and white.
"""

from __future__ import annotations

from rich.text import Text

GROUND = "#0e1113"
RAISED = "#171b1f"
INK = "#d9dde1"
DIM = "#8a939c"
FAINT = "#49525a"
ACCENT = "#f0b34a"

PLAIN = INK
STRONG = f"bold {INK}"
LABEL = f"bold {DIM}"
MARK = f"bold {ACCENT}"
ALARM = "bold #ffffff on #a5260e"
"""For what must never be overlooked: that the network may come in."""
STAMP = f"bold {GROUND} on {ACCENT}"
"""For what must be seen at once: the chosen card's number, trouble."""


def line(*parts: tuple[str, str] | str) -> Text:
    """A line of parts; a bare string is dim."""
    return Text.assemble(*((part, DIM) if isinstance(part, str) else part for part in parts), no_wrap=True)


def cut(text: str, width: int) -> str:
    """At most `width` cells, with a sign that something was left out."""
    return text if len(text) <= width else text[: width - 1] + "…" if width > 0 else ""


def cut_head(text: str, width: int) -> str:
    """At most `width` cells, the end kept."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def fitted(text: Text, width: int) -> Text:
    """Exactly `width` cells."""
    if width <= 0:
        return Text("")
    fresh = text.copy()
    fresh.truncate(width, overflow="ellipsis", pad=True)
    return fresh


def spread(left: Text, right: Text, width: int) -> Text:
    """`left` at the left and `right` at the right of `width` cells; the right one wins where there is no room."""
    room = max(0, width - right.cell_len)
    return Text.assemble(fitted(left, room), right if room else fitted(right, width), no_wrap=True)


def beside(columns: list[list[Text]], widths: list[int], gap: int = 0) -> list[Text]:
    """Columns of lines side by side; shorter ones are padded below."""
    rows = max((len(column) for column in columns), default=0)
    blank = Text("")
    return [
        Text(" " * gap).join(
            fitted(column[row] if row < len(column) else blank, width)
            for column, width in zip(columns, widths, strict=True)
        )
        for row in range(rows)
    ]


def wrapped(text: str, width: int, rows: int) -> list[str]:
    """At most `rows` lines broken between words; the last one shows that something was left out."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > rows:
        lines = [*lines[: rows - 1], cut(" ".join(lines[rows - 1 :]), width)] if rows else []
    return [cut(entry, width) for entry in lines]


def block(lines: list[Text]) -> Text:
    """Lines one under the other."""
    return Text("\n", no_wrap=True).join(lines)
