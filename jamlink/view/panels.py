"""The upper half of the screen: where we are, what you play, what sounds, what comes next. Pure functions to text.

Every function gives exactly the lines and cells it was asked for.
"""

from __future__ import annotations

from rich.text import Text

from jamlink.music.key import parse_key
from jamlink.music.pitch import pitch_name
from jamlink.session.inputs import Bond, Mode, Repeat, Source
from jamlink.session.snapshot import ClockView
from jamlink.view import paint
from jamlink.view.big import big_chord
from jamlink.view.paint import ACCENT, DIM, FAINT, LABEL, MARK, PLAIN, STRONG, line
from jamlink.view.picture import Coming, Picture, Place, Promise, bar_words, coming, now_and_next, place_of

_BEAT, _REST = "●", "○"
_YOU_WIDTH = 22
_NOW_WIDTH = 25


# -- the top line ------------------------------------------------------------------------------------------------------


def top_line(picture: Picture, tick: int, width: int) -> Text:
    """Beat lights, bar and beat, tempo and meter at the left; key and settings at the right."""
    clock = picture.clock
    place = place_of(clock, tick)
    left = Text.assemble(
        _lights(place, clock.beats, clock.playing), "  ", _position(place, clock.playing), no_wrap=True
    )
    left.append(f"   {clock.bpm:g} bpm  {clock.meter}", PLAIN)
    left.append(leader_words(clock), PLAIN if clock.bond in ("", Bond.LOCKED.value) else MARK)
    return paint.spread(left, _settings(picture), width)


def leader_words(clock: ClockView) -> str:
    """Whose tempo it is, where it is not our own, and how sure."""
    return "" if clock.source == Source.OWN.value else f"  ⇠ {clock.led}"


def _lights(place: Place, beats: int, playing: bool) -> Text:
    text = Text()
    for beat in range(1, beats + 1):
        lit = playing and beat == place.beat
        style = MARK if lit and place.through < 0.5 else ACCENT if lit else FAINT
        text.append((_BEAT if lit else _REST) + " ", style)
    return text


def _position(place: Place, playing: bool) -> tuple[str, str]:
    if not playing:
        return "stopped", LABEL
    if place.counting_in:
        return f"count-in {place.beat}", MARK
    return f"{place.bar}.{place.beat}".ljust(6), STRONG


def _settings(picture: Picture) -> Text:
    set_up = picture.steering
    bars = "1 bar" if set_up.bars == 1 else f"{set_up.bars} bars"
    after = "" if set_up.mode != Mode.PROPOSE.value else _AFTER.get(set_up.repeat, set_up.repeat)
    words = [bars, _ROLES.get(set_up.roles, ", ".join(set_up.roles)), _MODES.get(set_up.mode, ""), after]
    words.append(f"click {set_up.click}")
    return line("  " + " · ".join(word for word in words if word))


_AFTER = {Repeat.ONCE.value: "plays once", Repeat.LOOP.value: "↻ loops", Repeat.ROLL.value: "▶ keeps going"}
_MODES = {Mode.TRADE.value: "⇄ trading", Mode.ACCOMPANY.value: "♫ accompanies"}
_ROLES: dict[tuple[str, ...], str] = {("chords", "melody", "bass"): ""}
"""All of them is what one expects: not worth the room."""


# -- you, now, next ----------------------------------------------------------------------------------------------------


def stage(picture: Picture, tick: int, width: int, rows: int) -> list[Text]:
    """What you play, what we play now, and what comes next, the largest. The first row is for headings."""
    current, following = now_and_next(coming(picture, tick), tick)
    widths = _widths(width)
    columns = [_next(picture, tick, following, widths[-1], rows)]
    if len(widths) > 1:
        columns.insert(0, _now(picture, current, widths[-2], rows))
    if len(widths) > 2:
        columns.insert(0, _you(picture, widths[0], rows))
    return paint.beside(columns, widths)[:rows]


def _widths(width: int) -> list[int]:
    if width < _NOW_WIDTH + 20:
        return [width]
    if width < _YOU_WIDTH + _NOW_WIDTH + 30:
        return [_NOW_WIDTH, width - _NOW_WIDTH]
    you, now = max(_YOU_WIDTH, width * 22 // 100), max(_NOW_WIDTH, width * 28 // 100)
    return [you, now, width - you - now]


def _you(picture: Picture, width: int, rows: int) -> list[Text]:
    locked = " (kept)" if picture.steering.key_lock else ""
    head = line(("YOU ", LABEL), (picture.key + locked if picture.key else "", PLAIN))
    notes = _notes(picture)
    below = [line((notes, PLAIN)) if notes else line("play: I listen" if not picture.key else "")]
    big = big_chord(picture.chord, width - 2, 4, solid=True) if picture.chord else ("",) * 4
    body = [line((entry, PLAIN)) for entry in big]
    spare = max(0, rows - 1 - len(body) - len(below))
    lines = [head, *[Text("")] * (spare // 2), *body, *below]
    return [*lines, *[Text("")] * rows][:rows]


def _notes(picture: Picture) -> str:
    flats = parse_key(picture.key).flats if picture.key else True
    return " ".join(pitch_name(pitch, flats=flats) for pitch in picture.sounding)


def _now(picture: Picture, current: Coming | None, width: int, rows: int) -> list[Text]:
    playing = picture.playing
    maker = playing.made_by if playing else picture.accompany.made_by if picture.accompany else ""
    who = f"{maker} plays" if maker and current else "you alone" if picture.clock.playing else ""
    head = line(("NOW ", LABEL), who)
    return [head, *_letters(current, width - 2, rows - 1, PLAIN, 2 * 7)]


def _next(picture: Picture, tick: int, following: Coming | None, width: int, rows: int) -> list[Text]:
    if following is None:
        return [line(("NEXT ", LABEL)), *_emptiness(picture, width, rows - 1)]
    when = _when(picture, tick, following.tick)
    sign, word, style = _PROMISED[following.promise]
    if following.promise is Promise.IDEA and picture.steering.repeat == Repeat.ROLL.value:
        word = "unless you refuse it"
    head = line(("NEXT ", MARK), (f"{sign} ", style), (f"{following.symbol} ", STRONG), (when, PLAIN))
    if head.cell_len + len(word) < width:
        head.append(f" {word}", DIM)
    return [head, *_letters(following, width, rows - 1, ACCENT, 99)]


_PROMISED = {
    Promise.KEPT: ("✓", "", MARK),
    Promise.SAVING: ("…", "saving", DIM),
    Promise.LOOP: ("↻", "again", PLAIN),
    Promise.IDEA: ("?", "if you take it", DIM),
    Promise.MAYBE: ("~", "may change", DIM),
}
"""Sign and words for how sure a chord is."""


def _letters(chord: Coming | None, width: int, rows: int, style: str, most: int) -> list[Text]:
    """The chord in big letters in the middle of `rows`; `most` rows of pixels bound their size."""
    if chord is None:
        return [Text("")] * rows
    solid = chord.promise in (Promise.KEPT, Promise.LOOP)
    high = min(rows, max(1, most // 2))
    drawn = [line((entry, style)) for entry in big_chord(chord.symbol, width, high, solid=solid)]
    above = (rows - high) // 2
    return [*[Text("")] * above, *drawn, *[Text("")] * (rows - high - above)]


def _when(picture: Picture, tick: int, at: int) -> str:
    """ "bar 9, in 3 beats"."""
    where = bar_words(picture.clock, at)
    where = where if where.startswith("bar") else f"at {where}"
    if not picture.clock.playing:
        return where
    beats = -((tick - at) // picture.clock.beat_ticks)
    return f"{where}, in {beats} beat{'' if beats == 1 else 's'}"


def _emptiness(picture: Picture, width: int, rows: int) -> list[Text]:
    words = paint.wrapped(_what_to_do(picture), width - 2, rows)
    return [*([Text("")] * ((rows - len(words)) // 2)), *[line((entry, PLAIN)) for entry in words], *[Text("")] * rows][
        :rows
    ]


def _what_to_do(picture: Picture) -> str:
    if picture.accompany is not None:
        return picture.accompany.words
    if not picture.clock.playing:
        return "Press space to start, and play. Ideas come before the bar line; enter takes the chosen one."
    if picture.steering.mode == Mode.TRADE.value:
        return "Your turn: play. The answer grows out of your phrase."
    if picture.hand is not None:
        return "This idea has no chords; it goes with yours."
    if picture.playing is not None:
        return f"This plays until {bar_words(picture.clock, picture.playing.end)}; ideas come before that."
    return "Nothing taken. You play alone until you take an idea."


# -- and then ----------------------------------------------------------------------------------------------------------


def then_line(picture: Picture, tick: int, width: int) -> Text:
    """The chords after the next one, each with where it begins; in brackets where it is not promised."""
    chords = coming(picture, tick)
    _, following = now_and_next(chords, tick)
    rest = [chord for chord in chords if following and chord.tick > following.tick]
    text = line(("THEN  ", LABEL)) if rest else line("")
    for chord in rest:
        entry = _then(picture, chord)
        if text.cell_len + entry.cell_len > width:
            break
        text.append_text(entry)
    return paint.fitted(text, width)


def _then(picture: Picture, chord: Coming) -> Text:
    kept = chord.promise in (Promise.KEPT, Promise.LOOP)
    again = "↻" if chord.promise is Promise.LOOP else ""
    name = again + chord.symbol if kept else f"({chord.symbol})"
    return line((name, STRONG if kept else PLAIN), f" {bar_words(picture.clock, chord.tick)}   ")
