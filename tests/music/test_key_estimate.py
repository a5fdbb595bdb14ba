"""The key is heard early, with the doubt it deserves, and does not flap."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.analysis import KeyTracker, estimate_key
from jamlink.music.key import Key, parse_key
from jamlink.music.key_estimate import together
from jamlink.music.note import Note
from jamlink.timing.units import Ticks
from tests.music.nottingham import lead_sheets, needs_nottingham

notes = st.lists(
    st.builds(
        Note, st.integers(0, 15_000).map(Ticks), st.integers(30, 90), st.integers(1, 4_000).map(Ticks), st.just(80)
    ),
    min_size=1,
    max_size=40,
)


def tune(*pitches, step=480):
    return [Note(Ticks(i * step), pitch, Ticks(step)) for i, pitch in enumerate(pitches)]


IN_C = (60, 64, 67, 72, 71, 67, 69, 65, 67, 62, 59, 62, 60)


@pytest.mark.parametrize("up", range(12))
def test_a_tune_moved_up_is_in_the_key_moved_up(up):
    estimate = estimate_key(tune(*(pitch + up for pitch in IN_C)))
    assert estimate.key == Key(up)
    assert estimate.confidence > 0.5


def test_a_minor_tune_with_its_leading_note_is_minor():
    assert estimate_key(tune(69, 72, 71, 69, 68, 69, 76, 74, 72, 71, 69)).key == parse_key("Am")


@given(notes, st.integers(1, 11))
def test_the_chances_turn_with_the_music(found, up):
    low, high = estimate_key(found), estimate_key([n.transposed(up) for n in found])
    for key in range(12):
        assert high.chances[(key + up) % 12] == pytest.approx(low.chances[key])
        assert high.chances[12 + (key + up) % 12] == pytest.approx(low.chances[12 + key])


@given(notes)
def test_chances_are_a_distribution_and_confidence_is_its_top(found):
    estimate = estimate_key(found)
    assert sum(estimate.chances) == pytest.approx(1)
    assert estimate.confidence == max(estimate.chances)


def test_silence_is_in_no_key():
    assert estimate_key([]) is None
    assert KeyTracker().key is None


def test_few_notes_say_little():
    assert estimate_key(tune(60)).confidence < 0.5


@given(notes)
def test_notes_that_strike_at_once_are_one_group(found):
    groups = together(sorted(found))
    assert sorted(found) == [note for group in groups for note in group]
    for before, after in pairwise(groups):
        assert after[0].onset - before[0].onset >= 80


def follow(found):
    tracker, keys = KeyTracker(), []
    for note in found:
        tracker = tracker.updated(note)
        keys.append(tracker.key)
    return keys


def test_a_short_trip_into_another_key_changes_nothing():
    home = tune(*IN_C, *IN_C)
    trip = [n.shifted(home[-1].end) for n in tune(66, 68, 70)]
    back = [n.shifted(trip[-1].end) for n in tune(*IN_C)]
    assert set(follow([*home, *trip, *back])[4:]) == {parse_key("C")}


def test_a_lasting_change_of_key_is_followed():
    home = tune(*IN_C)
    away = [n.shifted(home[-1].end) for n in tune(*(p + 6 for p in IN_C * 5))]
    assert follow([*home, *away])[-1] == parse_key("F#")


@given(st.lists(st.sampled_from([60, 62, 64, 65, 67, 69, 71]), min_size=20, max_size=60))
def test_a_key_never_lasts_less_than_its_rival_needs_to_win(pitches):
    keys = follow(tune(*pitches))[3:]
    changes = [i for i, (a, b) in enumerate(pairwise(keys)) if a != b]
    assert all(b - a >= 4 for a, b in pairwise(changes))


@needs_nottingham
def test_at_least_84_of_100_keys_are_right_after_four_bars_of_melody(capsys):
    shares = {bars: _share_right(bars) for bars in (2, 4, 8)}
    with capsys.disabled():
        figures = ", ".join(f"{bars} bars {share:.1%}" for bars, share in shares.items())
        print(f"\nkeys right on {len(lead_sheets())} Nottingham melodies after {figures}")
    assert shares[4] >= 0.84


@needs_nottingham
def test_the_tracker_is_as_right_as_the_estimate_and_seldom_changes(capsys):
    right = changes = 0
    for sheet in lead_sheets():
        keys = [key for key in follow(_opening(sheet, 8)) if key]
        right += bool(keys) and keys[-1] == sheet.key
        changes += sum(a != b for a, b in pairwise(keys))
    count = len(lead_sheets())
    with capsys.disabled():
        print(f"\ntracked key right after 8 bars: {right / count:.1%}, {changes / count:.2f} changes a tune")
    assert right / count >= 0.86
    assert changes / count < 1


def _opening(sheet, bars):
    return [note for note in sheet.melody if note.onset < (1 + bars) * sheet.meter.bar_ticks]


def _share_right(bars):
    guesses = [estimate_key(_opening(sheet, bars)) for sheet in lead_sheets()]
    right = [g is not None and g.key == sheet.key for g, sheet in zip(guesses, lead_sheets(), strict=True)]
    return sum(right) / len(right)
