"""The hand: what is offered for which bars, until when, and the cards from safe to bold. Pure functions to text."""

from __future__ import annotations

from rich.text import Text

from jamlink.midi.actions import GESTURE_OF, Action
from jamlink.session.snapshot import Card, HandView
from jamlink.view import paint
from jamlink.view.contour import contour
from jamlink.view.keys import cap
from jamlink.view.paint import ACCENT, DIM, FAINT, LABEL, MARK, PLAIN, STAMP, STRONG, line
from jamlink.view.picture import Picture, Standing, bar_words, beats_left, is_late, made_by, standing

NARROWEST = 18
SHOWN = 4
"""Cards side by side; of a larger hand, those around the chosen one."""
_COUNTDOWN = 8
_GAP = 2
_REPEAT = "%"


def hand_head(picture: Picture, tick: int, width: int) -> Text:
    """ "IDEAS for bars 9–12" and how long there is to decide."""
    hand = picture.hand
    if hand is None:
        return paint.fitted(line(("IDEAS ", LABEL), (_without_a_hand(picture), PLAIN)), width)
    deal = f" · hand {hand.deal}" if hand.deal > 1 else ""
    late = " · model was late" if hand.late else ""
    ends = "" if hand.late or hand.deal > 1 else "   safe → bold"
    left = line(("IDEAS ", LABEL), (f"for {hand.slot_words}", STRONG), f"{deal}{late}{ends}")
    return paint.spread(left, _decide_by(picture, hand, tick), width)


def _without_a_hand(picture: Picture) -> str:
    if picture.accompany is not None:
        return f"rest: {picture.accompany.words[0].lower()}{picture.accompany.words[1:]}"
    if picture.asking:
        return "are coming …"
    if not picture.clock.playing:
        return "come while you play"
    return "come by themselves; n asks for some now"


def _decide_by(picture: Picture, hand: HandView, tick: int) -> Text:
    best = max((standing(picture, card) for card in hand.cards), key=_WEIGHT.__getitem__)
    if best is not Standing.OFFERED:
        return line((f"{_SIGNS[best]} {best.value}{_from(picture)}", MARK))
    left = beats_left(picture, tick)
    if left is None:
        return line("no hurry: the clock stands")
    if is_late(hand, tick):
        return line(("too late for these bars: taken now, it starts one idea later", PLAIN))
    lit = min(left, _COUNTDOWN)
    words = f"decide by {hand.decide_words} "
    beats = f" {left} beat{'' if left == 1 else 's'}"
    return line((words, PLAIN), ("●" * lit, MARK if lit > 2 else STAMP), ("○" * (_COUNTDOWN - lit), FAINT), beats)


def _from(picture: Picture) -> str:
    return f", from {bar_words(picture.clock, picture.taken.start)}" if picture.taken else ""


_WEIGHT = {Standing.GONE: 0, Standing.OFFERED: 1, Standing.SOUNDS: 2, Standing.SAVING: 3, Standing.TAKEN: 4}
_SIGNS = {
    Standing.OFFERED: "",
    Standing.SAVING: "…",
    Standing.TAKEN: "✓",
    Standing.SOUNDS: "♪",
    Standing.GONE: "×",
}


def cards(picture: Picture, width: int, rows: int) -> list[Text]:
    """The cards side by side in `rows` lines of `width` cells; without a hand, how to begin while all stands still."""
    hand = picture.hand
    if hand is None:
        return [*([] if picture.clock.playing else _how_to_begin(width)), *[Text(" " * width)] * rows][:rows]
    shown = _shown(hand.cards, max(1, min(SHOWN, (width + _GAP) // (NARROWEST + _GAP))))
    each = (width - _GAP * (len(shown) - 1)) // len(shown)
    widths = [each] * (len(shown) - 1) + [width - (each + _GAP) * (len(shown) - 1)]
    drawn = [_card(picture, hand, card, w, rows) for card, w in zip(shown, widths, strict=True)]
    return paint.beside(drawn, widths, _GAP)


def about_chosen(picture: Picture) -> str:
    """What is special about the chosen card and what it comes near to, in full; empty where there is nothing."""
    card = next((card for card in picture.hand.cards if card.selected), None) if picture.hand else None
    if card is None:
        return ""
    said = [words for words in (_special(card), f"closest: {card.closest}" if card.closest else "") if words]
    return f"{card.place}: {' · '.join(said)}" if said else ""


def _how_to_begin(width: int) -> list[Text]:
    steps = [line((cap(a).rjust(10), MARK), "   ", (GESTURE_OF[a].does, PLAIN)) for a in _FIRST_STEPS]
    return [paint.fitted(entry, width) for entry in (Text(""), *steps)]


_FIRST_STEPS = (Action.PLAY_STOP, Action.ACCEPT, Action.REJECT, Action.SELECT, Action.TAP, Action.PANIC)


def _shown(hand: tuple[Card, ...], count: int) -> tuple[Card, ...]:
    at = next((index for index, card in enumerate(hand) if card.selected), 0)
    first = max(0, min(at - count // 2 if at >= count else 0, len(hand) - count))
    return hand[first : first + count]


def _card(picture: Picture, hand: HandView, card: Card, width: int, rows: int) -> list[Text]:
    """Title, chords by bar, the melody's shape, what is special, who made it. The shape gets the room that is left."""
    bar_ticks = picture.clock.bar_ticks
    inner = width - 2
    chords = _chord_rows(by_bar(card, hand, bar_ticks), inner, 3 if rows > 9 else 2)
    words = paint.wrapped(_special(card), inner, 3 if rows > 10 else 2 if rows > 6 else 1)
    shape = contour(card.melody or card.bass, hand.slot_bars * bar_ticks, inner, rows - 2 - len(chords) - len(words))
    style = STRONG if card.selected else PLAIN
    body = [line((entry, style)) for entry in chords]
    body += [line((entry, ACCENT if card.selected else DIM)) for entry in shape]
    body += [line((entry, PLAIN)) for entry in words]
    body += [line(paint.cut(_maker(picture, card), inner))]
    edge = ("┃ ", MARK) if card.selected else ("│ ", FAINT)
    return [_title(picture, hand, card, width), *[Text.assemble(edge, entry, no_wrap=True) for entry in body]][:rows]


def _title(picture: Picture, hand: HandView, card: Card, width: int) -> Text:
    state = standing(picture, card)
    name = "safe" if card.place == 1 else "bold" if card.place == len(hand.cards) else ""
    number = (f"▶{card.place} ", STAMP) if card.selected else (f" {card.place} ", STRONG)
    left = line(number, (f" {name} ", STRONG if card.selected else DIM))
    right = line((f"{_SIGNS[state]} {state.value}", MARK)) if state is not Standing.OFFERED else line("")
    room = width - left.cell_len - right.cell_len - (1 if right.cell_len else 0)
    return Text.assemble(left, ("━" if card.selected else "─") * max(0, room), " " if right.cell_len else "", right)


def by_bar(card: Card, hand: HandView, bar_ticks: int) -> list[str]:
    """The symbols of each bar; a bar where none begins repeats the one before, as charts write it. Empty: no chords."""
    bars = [" ".join(name for tick, name in card.chords if tick // bar_ticks == bar) for bar in range(hand.slot_bars)]
    return [bar or _REPEAT for bar in bars] if any(bars) else []


def _chord_rows(bars: list[str], width: int, rows: int) -> list[str]:
    """ "C │ Am D7 │ G", broken at bar lines."""
    lines: list[str] = []
    for bar in bars:
        if lines and len(lines[-1]) + 3 + len(bar) <= width:
            lines[-1] += f" │ {bar}"
        else:
            lines.append(bar)
    lines = lines or ["no chords"]
    if len(lines) > rows:
        lines = [*lines[: rows - 1], paint.cut(" │ ".join(lines[rows - 1 :]), width)]
    return [paint.cut(entry, width) for entry in lines]


def _special(card: Card) -> str:
    changed = f"changed: {', '.join(card.edits)}. " if card.edits else ""
    return changed + card.words


def _maker(picture: Picture, card: Card) -> str:
    return f"by {card.made_by}" if card.made_by == picture.model else made_by(picture, card.made_by)
