"""The chords of a session as a chart for iReal Pro: a link in its open form, `irealbook://`.

Facts from "iReal Pro Custom Chord Chart Protocol" and "iReal Pro File Format" (irealpro.com): title, composer (last
name first), style, key, the letter n and the chart, joined by "="; more songs follow in the same way. A chart is rows
of 16 cells, 12 at most; a chord takes a cell, a space is an empty one; T34 before a bar is its meter; bars are
parted by |, a chart begins with [ and ends with Z.

A chart cannot say more than one chord a beat or a chord between beats: it is written on its beat, the last of a beat
wins. A take that is longer than a chart goes on in a second one of the same link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from jamlink.ledger.sheet import Sheet, sheet_from
from jamlink.ledger.story import Story, tell
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.key import Key
from jamlink.music.notation import Bar
from jamlink.timing.meter import Meter

CELLS = 16 * 12
COMPOSER = "jamlink"
STYLE = "Medium Swing"
"""How the app draws and plays it until somebody chooses another."""

QUALITIES: dict[Quality, str] = {
    Quality.MAJOR: "",
    Quality.MINOR: "-",
    Quality.DIMINISHED: "o",
    Quality.AUGMENTED: "+",
    Quality.SUS2: "2",
    Quality.SUS4: "sus",
    Quality.MAJOR_6: "6",
    Quality.MINOR_6: "-6",
    Quality.DOMINANT_7: "7",
    Quality.MAJOR_7: "^7",
    Quality.MINOR_7: "-7",
    Quality.MINOR_MAJOR_7: "-^7",
    Quality.HALF_DIMINISHED: "h7",
    Quality.DIMINISHED_7: "o7",
}
NO_CHORD = "n"
SAME = "x"
"""Repeats the bar before."""


def ireal(path: Path) -> bytes:
    """The link of the session at `path`. Any thread. Raises `Nonsense` for a file that is no session."""
    return link_of(tell(path)).encode() + b"\n"


def link_of(story: Story) -> str:
    """The link of a story."""
    sheet = sheet_from(story)
    charts = list(_charts(sheet))
    songs = []
    for number, chart in enumerate(charts, 1):
        title = sheet.title if len(charts) == 1 else f"{sheet.title} ({number} of {len(charts)})"
        songs.append("=".join((_plain(title), COMPOSER, STYLE, _key(sheet.key), "n", chart)))
    return "irealbook://" + quote("=".join(songs), safe="=:")


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isprintable()).replace("=", "-")


def _key(key: Key) -> str:
    return key.name(key.tonic) + ("-" if key.minor else "")


def _charts(sheet: Sheet) -> Iterator[str]:
    """As many charts as the take needs."""
    words: list[str] = []
    room, meter, before = CELLS, None, ""
    for bar in sheet.bars:
        cells = bar.meter.beats
        if cells > room:
            yield f"[{'|'.join(words)}Z"
            words, room, meter, before = [], CELLS, None, ""
        text = _bar(bar, sheet.chords, sheet.key)
        sign = "" if meter == bar.meter else _meter(bar.meter)
        same = before and text == before and not sign and text.strip()
        words.append(sign + (SAME + " " * (cells - 1) if same else text))
        room, meter, before = room - cells, bar.meter, text
    yield f"[{'|'.join(words)}Z"


def _meter(meter: Meter) -> str:
    """T44; 12/8 is T12."""
    return "T12" if meter.numerator == 12 else f"T{meter.numerator}{meter.denominator}"


def _bar(bar: Bar, chords: Sequence[ChordSpan], key: Key) -> str:
    """A cell for each beat; a bar that goes on with a chord from before names it again on its first beat."""
    cells = [" "] * bar.meter.beats
    sounding = [span for span in chords if span.onset < bar.end and span.end > bar.start]
    for span in sounding:
        cells[max(0, span.onset - bar.start) // bar.meter.beat_ticks] = _chord(span.chord, key)
    return "".join(cells)


def _chord(chord: Chord | None, key: Key) -> str:
    if chord is None:
        return NO_CHORD
    bass = "" if chord.bass == chord.root else f"/{key.name(chord.bass)}"
    return key.name(chord.root) + QUALITIES[chord.quality] + bass
