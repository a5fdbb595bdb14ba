"""A request is what was played, a copyist is caught, distances are those worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from jamlink.errors import Nonsense
from jamlink.evaluation import originality
from jamlink.evaluation.originality import Copyist, Judge, apart, evaluate, human_pairs, known_tunes, request_at, within
from jamlink.evaluation.songs import Song
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.proposers.likeness import Look
from jamlink.proposers.originality import ANY_STYLE, PARTS, UNIT, Index, Lines, steps_of
from jamlink.session.proposal import Candidate, Role
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import Ticks
from jamlink.tokens.phrase import places_from
from jamlink.training.originality_index import order_of

BAR = COMMON_TIME.bar_ticks
LOOP = ("C", "Am", "F", "G")


def song(name="one", bars=16, by=0, turn=7):
    """A quarter a beat, a chord a bar; `turn` makes the melody another one."""
    melody = tuple(Note(Ticks(960 * i), 60 + by + (i * turn + i * i // 5) % 13, Ticks(960)) for i in range(4 * bars))
    chords = (ChordSpan(Ticks(BAR * i), Ticks(BAR), parse_chord(LOOP[i % 4]).transposed(by)) for i in range(bars))
    return Song(name, COMMON_TIME, places_from(0, bars), melody, tuple(chords))


def index_of(notes, band=8):
    steps = np.array([*steps_of(notes), 0], np.uint16)
    zero = np.zeros(1, np.int32)
    lines = Lines(steps, order_of(steps), zero, zero, zero, np.array([BAR // UNIT], np.int16))
    return Index(dict.fromkeys(PARTS, lines), ["book\ttune"], {(role, ANY_STYLE): band for role in PARTS})


def idea(symbols, melody=()):
    length = 4 * BAR // len(symbols)
    spans = (ChordSpan(Ticks(i * length), Ticks(length), parse_chord(s)) for i, s in enumerate(symbols))
    notes = (Note(Ticks(960 * i), pitch, Ticks(960)) for i, pitch in enumerate(melody))
    return Candidate(tuple(spans), tuple(notes), (), 0.0, 0.0, "test", 1)


def test_a_request_knows_the_bars_before_and_nothing_after():
    one = request_at(song(), 8, seed=1)
    context = one.request.context
    assert (context.start, context.end) == (0, 8 * BAR)
    assert context.heard == song().melody[:32]
    assert [str(span.chord) for span in context.chords] == list(LOOP * 2)
    assert one.human.melody[0] == replace(song().melody[32], onset=Ticks(0))
    assert [str(span.chord) for span in one.human.chords] == list(LOOP)
    assert max(note.end for note in one.human.melody) == 4 * BAR


def test_distances_are_those_worked_out_by_hand():
    request = request_at(song(), 8, seed=1).request
    a, b = idea(LOOP, (60, 62, 64, 65)), idea(("C", "Am", "Dm", "Gm"), (60, 62, 67, 69))
    looks = Look.at(a, request), Look.at(b, request)
    assert apart(*looks, "distance_chords") == pytest.approx(1 - (2 + 0.5) / 4)  # two bars the same, one root the same
    assert apart(*looks, "distance_melody") == pytest.approx(1 - 2 * 2 / 8)
    assert apart(*looks) == pytest.approx(1 - (3 * 0.625 + 1.5 * 0.5) / 4.5)
    assert within([a, b, a], request) == pytest.approx(2 / 3 * apart(*looks))
    assert math.isnan(within([a], request))
    assert math.isnan(apart(looks[0], replace(looks[1], melody=frozenset()), "distance_melody"))


def test_two_songs_that_go_on_alike_in_other_keys_are_no_distance_apart():
    one, same = song(bars=12), song("two", bars=12, by=2)
    row = human_pairs([one, same], "", 0)
    assert row.n == 2  # at bars 5 and 9
    assert row.metrics["distance"] == pytest.approx(0)
    later = tuple(note.transposed(1) if note.onset >= 8 * BAR else note for note in one.melody)
    row = human_pairs([one, replace(one, name="three", melody=later)], "", 0)
    assert row.metrics["distance_melody"] == pytest.approx((0 + 1) / 2)


def test_a_copyist_copies_and_is_caught():
    tune = song(bars=24)
    index = index_of(tune.melody)
    asked = [request_at(tune, 8, seed=1)]
    hand = Copyist(index).propose(asked[0].request, lambda: False)
    assert [(n.onset, n.pitch) for n in hand[0].melody] == [(n.onset, n.pitch) for n in asked[0].human.melody]
    row = Judge(index, "", 0).row("copyist", asked, [hand])
    assert row.metrics["longest_most"] == 15
    assert row.metrics["inside"] == row.metrics["inside_published"] == 0
    assert row.metrics["verbatim"] == 0
    assert Judge(index_of(tune.melody, band=15), "", 0).row("copyist", asked, [hand]).metrics["inside"] == 1
    whole = [[replace(hand[0], melody=tune.melody[:25])]]
    assert Judge(index, "", 0).row("copyist", asked, whole).metrics["verbatim"] == 1
    assert Copyist(index).propose(asked[0].request, lambda: True) == []


def test_a_known_tune_is_sung_as_it_was_learnt():
    tune = song(bars=16)
    index = index_of(tune.melody)
    (one,) = known_tunes(index, 5, seed=1)
    heard = one.request.context.heard
    assert len(heard) == 32
    assert index.closest([*heard, *(note.shifted(Ticks(8 * BAR)) for note in one.human.melody)]).steps == 47
    assert len({a.pitch - b.pitch for a, b in zip(heard, tune.melody, strict=False)}) == 1
    assert index.lines(Role.MELODY) == 1
    assert index.line(Role.MELODY, 0) == (0, BAR // UNIT, steps_of(tune.melody))


def test_windows_of_people_have_a_ninety_ninth_percentile():
    tune = song(bars=16)
    row = Judge(index_of(tune.melody), "", 0).windows("human", [tune, song(turn=5)])
    assert row.n == 2 * (63 // 16)
    assert row.metrics["longest_p99"] == row.metrics["longest_most"] == 16


def test_every_system_is_judged_in_one_run(tmp_path, monkeypatch):
    monkeypatch.setattr(originality, "index_for", lambda folder: index_of(song().melody))
    abc = "X:1\nT:t\nM:4/4\nL:1/4\nK:C\n" + '"C" C D E F | "G7" G F E D | "C" C E G c | "F" A F "G7" G B |\n' * 4
    (tmp_path / "a.abc").write_text(abc)
    result = evaluate(data=tmp_path, model="", say=lambda _: None)
    names = [row.system for row in result.rows]
    assert names[:3] == ["human", "human pairs, like contexts", "human, windows of 16 steps"]
    assert names[3:] == [f"{name}{about}" for about in ("", ", known tunes") for name in ("markov", "rules", "copyist")]
    rules = result.rows[names.index("rules")]
    assert rules.n == 4
    assert 0 < rules.metrics["distance"] <= 1
    assert "NaN" not in result.as_json()


def test_songs_that_are_too_short_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(originality, "index_for", lambda folder: index_of(song().melody))
    (tmp_path / "a.abc").write_text(
        'X:1\nT:t\nM:4/4\nL:1/4\nK:C\n"C" C D E F | "G7" G F E D | "C" C E G c | "F" A F G B |\n'
    )
    with pytest.raises(Nonsense, match="12 bars"):
        evaluate(data=tmp_path, model="", say=lambda _: None)
