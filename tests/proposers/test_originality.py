"""The longest run that a line shares with the training music is found, in any key, and what quotes is kept back."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamlink.errors import Nonsense, Unavailable
from jamlink.music.note import Note
from jamlink.proposers.critics import rank
from jamlink.proposers.originality import ANY_STYLE, FILE, PARTS, UNIT, Guard, Index, Lines, Match, code_of, steps_of
from jamlink.proposers.scene import Scene
from jamlink.session.inputs import Ideas
from jamlink.session.proposal import Candidate, Role
from jamlink.session.wire import read_input, record
from jamlink.timing.units import Ticks
from jamlink.training.originality_index import order_of
from tests.proposers.requests import asked

BAR = 3840


def line(*pitches, step=480, start=0):
    return tuple(Note(Ticks(start + i * step), pitch, Ticks(step)) for i, pitch in enumerate(pitches))


def lines_of(*tunes):
    """Lines in 4/4, each of one tune."""
    steps, starts = [], []
    for tune in tunes:
        starts.append(len(steps))
        steps += [*tune, 0]
    codes, every = np.array(steps, np.uint16), np.arange(len(tunes), dtype=np.int32)
    bars = np.full(len(tunes), BAR // UNIT, np.int16)
    return Lines(codes, order_of(codes), np.array(starts, np.int32), every, np.zeros(len(tunes), np.int32), bars)


def index_of(*tunes, band=4):
    bands = {(role, ANY_STYLE): band for role in PARTS} | {(Role.MELODY, "folk"): band + 2}
    names = [f"book\ttune {i}" for i in range(len(tunes))]
    return Index({role: lines_of(*tunes) for role in PARTS}, names, bands)


SCALE = steps_of(line(60, 62, 64, 65, 67, 69, 71, 72))
LEAPS = steps_of(line(60, 67, 60, 69, 62, 71, 64, 72, step=240))


def longest_shared(steps, tunes):
    """By trying every run of every tune."""
    runs = {tuple(t[i:j]) for t in tunes for i in range(len(t)) for j in range(i + 1, len(t) + 1)}
    own = (tuple(steps[i:j]) for i in range(len(steps)) for j in range(i + 1, len(steps) + 1))
    return max((len(run) for run in own if run in runs), default=0)


some_steps = st.lists(st.sampled_from((code_of(0, 480), code_of(2, 480), code_of(2, 240))), max_size=24)


@settings(deadline=None, max_examples=150)
@given(some_steps, st.lists(some_steps, min_size=1, max_size=5))
def test_the_longest_run_is_the_one_that_trying_all_of_them_finds(steps, tunes):
    found = index_of(*tunes).closest_run(steps, Role.MELODY)
    assert (found.steps if found else 0) == longest_shared(steps, tunes)


@given(
    st.lists(st.tuples(st.integers(48, 84), st.sampled_from((240, 320, 480, 960))), max_size=20), st.integers(-12, 12)
)
def test_key_and_place_change_no_step(notes, semitones):
    tick, played = 0, []
    for pitch, wait in notes:
        played.append(Note(Ticks(tick), pitch, Ticks(wait)))
        tick += wait
    moved = [note.transposed(semitones).shifted(Ticks(5 * BAR)) for note in played]
    assert steps_of(moved) == steps_of(played)


def test_a_tune_in_another_key_is_named_with_the_bar_where_the_run_begins():
    index = index_of(SCALE * 3, LEAPS)
    assert index.closest(line(50, 57, 50, 59, 52, 61, 54, 62, step=240)) == Match(7, "tune 1", "book", 1)
    ninth = index.closest(line(70, 72, 74, 75, 77, 79, 81, 82, start=BAR))
    assert ninth is not None
    assert (ninth.steps, ninth.notes, ninth.title) == (7, 8, "tune 0")
    steps = [code_of(-3, 480), code_of(5, 960), code_of(-7, 960), code_of(1, 480)]
    bars = index_of([code_of(0, 960)] * 8 + steps).closest_run(steps, Role.MELODY)
    assert bars == Match(4, "tune 0", "book", 3)


def test_of_notes_struck_together_the_highest_counts():
    chords = [*line(60, 62, 64), *line(52, 53, 55)]
    assert steps_of(sorted(chords)) == steps_of(line(60, 62, 64))


def test_a_line_without_two_notes_is_nobodys():
    index = index_of(SCALE)
    assert index.closest(()) is None
    assert index.closest(line(60)) is None
    assert index.closest(line(60, 48, step=320)) is None


def test_a_run_does_not_go_on_from_one_tune_into_the_next():
    match = index_of(SCALE, LEAPS).closest_run([*SCALE, *LEAPS], Role.MELODY)
    assert match is not None
    assert match.steps == 7


@given(st.lists(some_steps, min_size=1, max_size=4))
def test_places_stand_in_the_order_of_what_follows_them(tunes):
    steps = [step for tune in tunes for step in [*tune, 0]]
    order = order_of(np.array(steps, np.uint16)).tolist()
    behind = [tuple(steps[place : place + 64]) for place in order]
    assert behind == sorted({tuple(steps[i : i + 64]) for i, step in enumerate(steps) if step})


def test_an_index_that_was_written_answers_as_before(tmp_path):
    index = index_of(SCALE, LEAPS)
    index.save(tmp_path)
    again = Index.load(tmp_path)
    assert again.bands == index.bands
    assert again.band(Role.MELODY, "folk") == 6
    assert again.band(Role.MELODY, "jazz") == 4
    for idea in (line(60, 62, 64, 65), line(60, 67, 60, 69, step=240)):
        assert again.closest(idea) == index.closest(idea)


def test_a_missing_or_damaged_index_is_said_with_its_remedy(tmp_path):
    with pytest.raises(Unavailable, match="corpus index"):
        Index.load(tmp_path)
    index_of(SCALE).save(tmp_path)
    data = (tmp_path / FILE).read_bytes()
    for broken in (data[: len(data) // 2], b"not an index", b""):
        (tmp_path / FILE).write_bytes(broken)
        with pytest.raises(Nonsense, match="damaged"):
            Index.load(tmp_path)


# -- keeping back -----------------------------------------------------------------------------------------------------


def candidate(melody=(), bass=()):
    return Candidate((), tuple(melody), tuple(bass), 0.0, 0.0, "test", 1)


def test_what_goes_beyond_the_band_of_its_style_is_kept_back_and_counted():
    guard = Guard(index_of(SCALE, band=4))
    assert guard.passes(line(60, 62, 64, 65, 67), Role.MELODY, "jazz")
    assert not guard.passes(line(60, 62, 64, 65, 67, 69), Role.MELODY, "jazz")
    assert guard.passes(line(60, 62, 64, 65, 67, 69), Role.MELODY, "folk")
    assert (guard.judged, guard.kept_back) == (3, 1)


def test_a_quotation_is_kept_back_however_wide_the_band():
    tune = line(*(60 + i * i % 11 for i in range(30)))
    guard = Guard(index_of(steps_of(tune), band=100))
    assert guard.passes(tune[:24], Role.MELODY, "jazz")
    assert not guard.passes(tune[:25], Role.MELODY, "jazz")


def test_without_an_index_everything_passes_and_nothing_is_named():
    guard, idea = Guard(None), candidate(line(60, 62, 64, 65, 67))
    assert guard.passes(idea.melody, Role.MELODY, "")
    assert guard.named(idea) == idea


def test_a_player_is_told_of_a_long_run_only():
    tune = line(*(60 + i * i % 11 for i in range(14)))
    guard = Guard(index_of(steps_of(tune)))
    assert guard.named(candidate(tune[:10])).closest == ""
    assert guard.named(candidate(tune[:11])).closest == "tune 0, 11 notes"
    assert guard.named(candidate(bass=tune)).closest == ""


def test_the_nearer_to_a_known_melody_the_worse_an_idea_fares():
    guard, scene = Guard(index_of(SCALE, band=4)), Scene.of(asked(roles=frozenset((Role.MELODY,))))
    runs = (line(60, 66, 60), line(60, 62), line(60, 62, 64, 65), line(60, 62, 64, 65, 67, 69, 71, 72))
    assert [guard.nearness(candidate(run), scene) for run in runs] == [0, 0.25, 0.75, 1]
    (free,), (told,) = (rank([candidate(runs[2])], scene.request, also=also) for also in ((), ((0.5, guard.nearness),)))
    assert free.score - told.score == pytest.approx(0.5 * 0.75)


def test_the_proposer_offers_nothing_that_is_kept_back(proposer):
    request = asked(roles=frozenset((Role.CHORDS, Role.MELODY)))
    free = proposer.propose(request, lambda: False)
    quoted = [steps_of(idea.melody) for idea in free]
    assert all(len(steps) > 4 for steps in quoted)
    watched = copy(proposer)
    watched.guard = Guard(index_of(*quoted, band=4))
    hand = watched.propose(request, lambda: False)
    assert hand
    assert watched.guard.kept_back >= len(free)
    assert all(match.steps <= 4 for idea in hand if (match := index_of(*quoted).closest(idea.melody)))
    assert watched.propose(request, lambda: False) == hand


# -- records ----------------------------------------------------------------------------------------------------------


def test_a_recorded_idea_without_a_word_on_likeness_is_written_as_before():
    plain_idea, named = candidate(line(60)), replace(candidate(line(60)), closest="tune 0, 11 notes")
    for idea in (plain_idea, named):
        ideas = Ideas(1, (idea,), False)
        kind, payload = record(ideas)
        assert ("closest" in payload["candidates"][0]) == bool(idea.closest)
        assert read_input(kind, payload) == ideas
