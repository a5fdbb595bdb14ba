"""Examples to listen to: a file says what its page says."""

from __future__ import annotations

from jamlink.evaluation.listen import CONTEXT_BARS, IDEA_BARS, Example, page, score_of
from jamlink.midi.smf import parse_score, score_bytes
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.session.proposal import Candidate
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks, tempo_of_bpm
from jamlink.tokens.phrase import Phrase, places_from

METER = Meter(3, 4)
BAR = METER.bar_ticks


def chords(text: str) -> tuple[ChordSpan, ...]:
    """A chord a bar."""
    return tuple(ChordSpan(Ticks(i * BAR), BAR, parse_chord(name)) for i, name in enumerate(text.split()))


def example() -> Example:
    context = Phrase(METER, places_from(0, CONTEXT_BARS), chords("C F G C Am F G C"), (Note(Ticks(0), 72, Ticks(960)),))
    human = Phrase(
        METER, places_from(0, IDEA_BARS), (*chords("F G C")[:2], ChordSpan(Ticks(2 * BAR), Ticks(2 * BAR), None))
    )
    ideas = tuple(
        Candidate(chords(text), (Note(Ticks(0), pitch, Ticks(480)),), (), -1.0, 1.0, "jam-s", 7, "comes home")
        for text, pitch in (("F G C C", 77), ("Dm G7 Am Am", 74))
    )
    return Example("A tune (m21-folk)", Key(0), tempo_of_bpm(100), context, human, ideas)


def test_each_idea_stands_behind_the_same_bars_and_a_marker():
    score = parse_score(score_bytes(score_of(example())))
    length = (CONTEXT_BARS + IDEA_BARS + 1) * BAR
    marks = {marker.text: marker.at for marker in score.markers}
    assert marks["idea 1 by jam-s"] == CONTEXT_BARS * BAR
    assert marks["idea 2 by jam-s"] == length + CONTEXT_BARS * BAR
    melody = next(part for part in score.parts if part.name == "melody").notes
    assert [(n.onset, n.pitch) for n in melody] == [
        (0, 72), (CONTEXT_BARS * BAR, 77), (length, 72), (length + CONTEXT_BARS * BAR, 74),
    ]  # fmt: skip


def test_the_page_lists_every_idea_beside_what_the_piece_did():
    text = page([example()], "jam-s", 3)
    assert "| idea 2 (comes home) | Dm / G7 / Am / Am | 1 |" in text
    assert "| what the piece did next | F / G / none / % | 0 |" in text
    assert "01.mid" in text
    assert "seed 3" in text
