"""What the network is told of the past: a context window as a phrase that ends where the slot begins, or before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from jamlink.music.chord import ChordSpan
from jamlink.music.note import Note
from jamlink.session.context import ContextWindow
from jamlink.session.proposal import ProposalRequest
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab
from jamlink.tokens.encode import prompt
from jamlink.tokens.phrase import Heading, Phrase, places_from, steering_of
from jamlink.tokens.vocab import SLOT_BARS, Task

CONTEXT_BARS = 12
PHRASE_BARS = 8
"""Most music that the network learnt from breathes in phrases of so many bars."""
_LEFT_HAND_BELOW = 55
"""Below G3 notes are taken for the left hand where others lie above."""
_TOGETHER = Ticks(60)
"""Onsets this near are one chord: a thirtieth of a second at 120 bpm."""


MIDDLE = 2
"""The middle level of density: unsaid, the network falls silent beside a player who leaves room."""


def place_of(request: ProposalRequest) -> int:
    """Place of the slot's first bar in its phrase."""
    return (request.slot.start // request.slot.bar_ticks) % PHRASE_BARS


def words_before(request: ProposalRequest, task: Task, context: Phrase, longest: int) -> list[int]:
    """The prompt: heading, the last bars of `context` that fit into `longest` ids, and the slot's steering."""
    heading = _heading(request, task)
    steering = steering_of(request.controls, _steered_bars(request.slot.bars))
    if steering.density is None:
        steering = replace(steering, density=MIDDLE)
    while True:
        ids = prompt(heading, context, steering, place_of(request))
        if len(ids) <= longest or not context.bars:
            return ids
        context = last_bars(context, context.bars - 1)


def bars_told(words: Sequence[int]) -> int:
    """How many bars of the past a prompt tells: each has its BAR, and the slot has one too."""
    return sum(vocab.group_of(word) == "BAR" for word in words) - 1


def _heading(request: ProposalRequest, task: Task) -> Heading:
    context, style = request.context, request.controls.style
    return Heading(task, context.meter, style if style in vocab.STYLES else "", context.tempo, context.key)


def _steered_bars(bars: int) -> int:
    """The steering word for a slot of `bars`: the shortest that covers it, or the longest there is."""
    return next((known for known in SLOT_BARS if known >= bars), SLOT_BARS[-1])


def last_bars(phrase: Phrase, bars: int) -> Phrase:
    """The end of a phrase."""
    cut = Ticks((phrase.bars - bars) * phrase.meter.bar_ticks)
    return Phrase(
        phrase.meter,
        phrase.places[phrase.bars - bars :],
        tuple(_clipped((span.shifted(Ticks(-cut)) for span in phrase.chords), phrase.length)),
        tuple(note.shifted(Ticks(-cut)) for note in phrase.notes if note.onset >= cut),
    )


def phrase_before(request: ProposalRequest, bars: int = CONTEXT_BARS) -> Phrase:
    """Up to `bars` whole bars before the slot, ticks from the first of them.

    Where the present is so far from the slot that nothing is known of the bars between, they are left out. A bar that
    is known at least half counts; a chord lasts until the next one. The melody is our own, where there is one, else
    the highest line of what was heard; none at all where a bar or more before the slot has chords but is not heard yet,
    since the network would take that bar for a rest and go on resting.
    """
    context, bar = request.context, request.slot.bar_ticks
    end = _known_end(request)
    start = Ticks(max(context.start, end - bars * bar))
    if end <= start:
        return Phrase(context.meter, ())
    count = (end - start) // bar
    start = Ticks(end - count * bar)
    spans = [span.shifted(Ticks(-start)) for span in context.chords]
    length = Ticks(end - start)
    return Phrase(
        context.meter,
        places_from((start // bar) % PHRASE_BARS, count, PHRASE_BARS),
        tuple(_clipped(_held_over(spans, length), length)),
        tuple(_inside((note.shifted(Ticks(-start)) for note in _melody_up_to(end, request)), length)),
    )


def _melody_up_to(end: Ticks, request: ProposalRequest) -> tuple[Note, ...]:
    """The line that is known to go on until `end`; empty where a bar or more is missing."""
    context = request.context
    heard_until = max([context.end, *(note.end for note in context.melody)])
    return (context.melody or highest_line(context.heard)) if end - heard_until < request.slot.bar_ticks else ()


def _inside(notes: Iterable[Note], length: Ticks) -> Iterable[Note]:
    """The notes that begin in [0, length)."""
    return (note for note in notes if 0 <= note.onset < length)


def _known_end(request: ProposalRequest) -> Ticks:
    """The bar line up to which something is known, at most the slot's start."""
    context, bar = request.context, request.slot.bar_ticks
    known = max([context.end, *(span.end for span in context.chords), *(note.end for note in context.melody)])
    return Ticks(min(request.slot.start, (known + bar // 2) // bar * bar))


def _held_over(spans: Sequence[ChordSpan], end: Ticks) -> Iterable[ChordSpan]:
    """Each chord until the next, the last until `end`."""
    onsets = [*(span.onset for span in spans[1:]), end]
    for span, until in zip(spans, onsets, strict=False):
        yield ChordSpan(span.onset, Ticks(max(span.end, until) - span.onset), span.chord)


def _clipped(spans: Iterable[ChordSpan], length: Ticks) -> Iterable[ChordSpan]:
    """What lies in [0, length)."""
    for span in spans:
        start, end = max(0, span.onset), min(length, span.end)
        if start < end:
            yield ChordSpan(Ticks(start), Ticks(end - start), span.chord)


def chords_in_slot(request: ProposalRequest) -> tuple[ChordSpan, ...]:
    """The chords that the context already has for the slot, from its start; empty unless they cover it."""
    slot = request.slot
    spans = tuple(_clipped((s.shifted(Ticks(-slot.start)) for s in request.context.chords), slot.length))
    return spans if sum(span.duration for span in spans) == slot.length else ()


def highest_line(notes: Sequence[Note]) -> tuple[Note, ...]:
    """The melody of what two hands played: of each onset the highest note, unless a higher one still sounds.

    Notes of the left hand are left out where the right hand plays too.
    """
    right = [note for note in notes if note.pitch >= _LEFT_HAND_BELOW] or list(notes)
    line: list[Note] = []
    for note in sorted(right):
        last = line[-1] if line else None
        if last and note.onset - last.onset <= _TOGETHER:
            if note.pitch > last.pitch:
                line[-1] = note
        elif last is None or note.pitch > last.pitch or note.onset >= last.end - _TOGETHER:
            line.append(note)
    return tuple(line)


def range_around(context: ContextWindow, default: tuple[int, int], beside: int = 7) -> tuple[int, int]:
    """Lowest and highest pitch of an idea: the melody that was heard and `beside` semitones more, within 48 to 93."""
    pitches = [note.pitch for note in (context.melody or highest_line(context.heard))]
    if not pitches:
        return default
    low = min(max(48, min(pitches) - beside), 81)
    return low, max(low + 12, min(93, max(pitches) + beside))
