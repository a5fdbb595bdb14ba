"""The edges: sentences for the player, the controls, ports and saving, the keys. Pure functions to text."""

from __future__ import annotations

from rich.text import Text

from jamlink.midi.actions import KNOBS, Action, Knob
from jamlink.view import paint
from jamlink.view.bulletin import Sentence
from jamlink.view.cards import about_chosen
from jamlink.view.keys import cap, hints
from jamlink.view.paint import ALARM, DIM, FAINT, MARK, PLAIN, STAMP, STRONG, line
from jamlink.view.picture import Picture, is_saved

_EIGHTHS = " ▏▎▍▌▋▊▉"
_WIDEST_BAR = 12
_ROOMY = 100
"""Columns from which file names are shown whole."""

KNOB_KEYS = {
    Knob.SURPRISE: (Action.SURPRISE_DOWN, Action.SURPRISE_UP),
    Knob.DENSITY: (Action.DENSITY_DOWN, Action.DENSITY_UP),
    Knob.BRIGHTNESS: (Action.BRIGHTNESS_DOWN, Action.BRIGHTNESS_UP),
    Knob.DRIVE: (Action.DRIVE_DOWN, Action.DRIVE_UP),
}


def middle_lines(picture: Picture, sentence: Sentence, width: int, rows: int) -> list[Text]:
    """A sentence for the player, else what is special about the chosen idea; and the controls.

    What needs the player's hand has a mark before it. A long sentence takes the controls' row.
    """
    about = [line(paint.cut(about_chosen(picture), width))] if rows > 1 else []
    said = _said(sentence, width, rows) if sentence.text else about
    said = [paint.fitted(entry, width) for entry in said]
    return [*said, *([Text("")] * (rows - 1 - len(said))), controls_line(picture, width)][:rows]


def _said(sentence: Sentence, width: int, rows: int) -> list[Text]:
    mark = (" ! ", STAMP) if sentence.urgent else (" › ", MARK)
    words = paint.wrapped(sentence.text, width - 4, rows)
    return [line(mark if index == 0 else "   ", " ", (entry, STRONG)) for index, entry in enumerate(words)]


def controls_line(picture: Picture, width: int) -> Text:
    """Safe to bold, sparse to dense, dark to bright, calm to driving, each between its two keys."""
    words = sum(len(low) + len(high) + len(cap(a)) + len(cap(b)) for low, high, a, b in _knobs())
    gaps = 4 * len(KNOBS) + 2 * (len(KNOBS) - 1)
    bar = max(1, min(_WIDEST_BAR, (width - words - gaps) // len(KNOBS)))
    values = picture.steering.controls
    entries = [_control(values.get(knob.value, 0.5), ends, bar) for knob, ends in zip(KNOBS, _knobs(), strict=True)]
    return paint.fitted(Text("  ").join(entries), width)


def _knobs() -> list[tuple[str, str, Action, Action]]:
    return [(*KNOBS[knob], *KNOB_KEYS[knob]) for knob in KNOBS]


def _control(value: float, ends: tuple[str, str, Action, Action], width: int) -> Text:
    low, high, down, up = ends
    return line((cap(down), MARK), f" {low} ", (_bar(value, width), f"{DIM} on {FAINT}"), f" {high} ", (cap(up), MARK))


def _bar(value: float, width: int) -> str:
    eighths = round(max(0.0, min(1.0, value)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def open_line(open_to: str, width: int) -> Text:
    """That others in the network may come in: never overlooked, and never cut before the code, which is at its end."""
    return paint.fitted(line((" ! ", ALARM), (paint.cut_head(f" {open_to}", width - 3), ALARM)), width)


def status_line(picture: Picture, width: int) -> Text:
    """Ports, how late and how much was missed, the session file and whether it is saved."""
    right = _file(picture, width)
    return paint.spread(_ports(picture, max(0, width - right.cell_len)), right, width)


def _file(picture: Picture, width: int) -> Text:
    late = picture.lateness
    lost = f" · lost {late.lost}" if late.lost else ""
    saved = ("✓ saved", PLAIN) if is_saved(picture) else ("… saving", MARK)
    name = picture.file if width >= _ROOMY else paint.cut_head(picture.file, 13)
    return line(f"  late {late.p99_ms:.1f} ms · missed {picture.missed}{lost} · {name} ", saved)


def _ports(picture: Picture, width: int) -> Text:
    roles = [entry.partition(": ") for entry in picture.ports.bound]
    hears = next((port for role, _, port in roles if role == "in"), "")
    plays = list(dict.fromkeys(port for role, _, port in roles if role != "in" and port))
    parts = [f"hears {_short(hears)}" if hears else "hears nothing"]
    parts.append(
        f"plays {_short(plays[0])}{f' +{len(plays) - 1}' if len(plays) > 1 else ''}" if plays else "plays nowhere"
    )
    return line((paint.cut(" · ".join(parts), width), DIM))


def _short(port: str) -> str:
    """ "MPK mini:MPK mini MIDI 1 24:0" is the MPK mini."""
    client, _, rest = port.partition(":")
    return client if client in rest else port


def keys_lines(width: int, rows: int) -> list[Text]:
    """As many gestures as there is room for; how to see all keys and how to leave are always there."""
    tail = _keys([(":", "say"), ("?", "all keys"), ("q", "leave")])
    lines, rest = [], hints()
    for row in range(rows):
        last = row == rows - 1
        room = width - (tail.cell_len + 2 if last else 0)
        text = Text(no_wrap=True)
        while rest and text.cell_len + _keys(rest[:1]).cell_len + 2 <= room:
            text.append_text(_keys([rest.pop(0)])).append("  ")
        lines.append(paint.spread(text, tail, width) if last else paint.fitted(text, width))
    return lines


def _keys(entries: list[tuple[str, str]]) -> Text:
    return Text("  ").join(line((key, STRONG), f" {word}") for key, word in entries)
