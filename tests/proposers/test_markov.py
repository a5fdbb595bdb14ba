"""The chain goes on as songs do and as the player does, and its table is read, checked and refused like any file."""

import json
import random
import shutil
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamlink.errors import Nonsense, Unavailable
from jamlink.music.chord import QUALITIES, Chord, parse_chord
from jamlink.music.key import Key, parse_key
from jamlink.music.line import turns
from jamlink.proposers.critics import SAME, surprise_of
from jamlink.proposers.likeness import likeness
from jamlink.proposers.markov import MarkovProposer, rhythm
from jamlink.proposers.markov_table import Chart, build, load, load_published, save
from jamlink.proposers.scene import Scene
from jamlink.resources import data_folder
from jamlink.session.proposal import Controls, Role
from jamlink.testing.proposers import check_proposer
from jamlink.timing.meter import KNOWN_METERS, Meter
from tests.proposers.requests import asked, playing, requests, silence

FOLDER = data_folder("models") / "markov"
SHIPPED = FOLDER / "chords.json"
MARKOV = MarkovProposer()
C = parse_key("C")
chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES))
songs = st.lists(chords, min_size=1, max_size=12).map(
    lambda found: tuple(a for a, b in pairwise([*found, None]) if a != b)
)
lengths = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 16)), max_size=6).map(tuple)
any_charts = st.lists(
    st.builds(Chart, st.just("song"), st.builds(Key, st.integers(0, 11), st.booleans()), songs, lengths), max_size=5
)
charts = any_charts.filter(lambda found: len(build(found).degrees.get((), {})) > 1)
"""Charts from which a table can be made: they have two degrees."""


def named(*symbols):
    return [parse_chord(symbol) for symbol in symbols]


def propose(request):
    return MARKOV.propose(request, lambda: False)


# -- the table --------------------------------------------------------------------------------------------------------


@given(any_charts, songs, st.integers(0, 11))
def test_chances_are_chances_and_nothing_follows_itself(known, before, tonic):
    found = build(known).chances(before, Key(tonic))
    assert sum(p for _, p in found) <= 1 + 1e-9
    assert all(p > 0 for _, p in found)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert len({chord for chord, _ in found}) == len(found)
    assert before[-1] not in dict(found)


@given(any_charts, songs, st.integers(0, 11))
def test_a_song_moved_up_goes_on_moved_up(known, before, up):
    table = build(known)
    low = table.chances(before, C)
    high = dict(table.chances([chord.transposed(up) for chord in before], C.transposed(up)))
    assert {chord.transposed(up): p for chord, p in low} == pytest.approx(high)


@given(charts)
def test_what_is_saved_is_what_is_loaded(tmp_path_factory, known):
    path = tmp_path_factory.mktemp("table") / "chords.json"
    table = build(known)
    save(table, path)
    assert load(path) == table
    assert load(path).plain() == table.plain()


def test_a_longer_past_that_was_met_decides():
    song = Chart("song", C, tuple(named("C", "F", "G", "C", "Am", "F", "Dm", "C", "F", "G")))
    table = build([song] * 2)
    assert table.chances(named("C", "Am", "F"), C)[0][0] == parse_chord("Dm")
    assert table.chances(named("C", "F"), C)[0][0] == parse_chord("G")


def test_a_chorus_sung_again_counts_once():
    once = build([Chart("a", C, tuple(named("C", "F", "C", "G")))])
    often = build([Chart("a", C, tuple(named("C", "F", "C", "G") * 6))])
    assert once.degrees[()] == often.degrees[()]
    assert once.charts == often.charts == 1


def test_the_shipped_table_knows_its_songs():
    assert SHIPPED.stat().st_size <= 1_000_000
    table = load(SHIPPED)
    assert table.charts > 1000
    assert table.chances(named("Dm7", "G7"), C)[0][0].root == 0
    assert table.chances(named("C", "Am", "Dm7"), C)[0][0].root == 7


WHOLE = {
    "format": 2,
    "charts": 1,
    "qualities": [q.symbol for q in QUALITIES],
    "degrees": {"": {"1": 1, "2": 1}},
    "motions": {},
    "lengths": {"4": {"2": 1}},
}


def test_a_small_table_is_a_table(tmp_path):
    (tmp_path / "chords.json").write_text(json.dumps(WHOLE))
    assert len(load(tmp_path / "chords.json").chances((), C)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"format": 99}),
        json.dumps({**WHOLE, "degrees": {"999": {}}}),
        json.dumps({**WHOLE, "degrees": {"": {"1": -1, "2": 1}}}),
        json.dumps({**WHOLE, "degrees": []}),
        json.dumps({**WHOLE, "degrees": {}}),
        json.dumps({**WHOLE, "degrees": {"": {"1": 1}}}),
        json.dumps({**WHOLE, "motions": {"": 7}}),
        json.dumps({**WHOLE, "lengths": {"4": {"0": 1}}}),
        json.dumps({**WHOLE, "qualities": ["major"]}),
    ],
)
def test_a_broken_table_is_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "chords.json"
    path.write_text(text)
    with pytest.raises(Nonsense, match=r"no chord table.*Build it again"):
        load(path)


def test_a_missing_table_is_said(tmp_path):
    with pytest.raises(Unavailable, match=r"cannot be read.*Install jamlink again"):
        load(tmp_path / "nowhere.json")
    with pytest.raises(Unavailable, match=r"cannot be read.*Install jamlink again"):
        load_published(tmp_path)


def test_a_table_that_is_not_the_published_one_is_refused(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "markov")
    assert load_published(folder) == load(SHIPPED)
    (folder / "chords.json").write_text(json.dumps(WHOLE))
    with pytest.raises(Nonsense, match=r"not the one that was published.*Install jamlink again"):
        load_published(folder)
    (folder / "model.json").write_text("[]")
    with pytest.raises(Nonsense, match=r"does not describe a chord table.*Install jamlink again"):
        load_published(folder)


# -- the proposer -----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests())
def test_every_request_is_answered_within_the_contract(request):
    assert check_proposer(MARKOV, request)


@pytest.mark.parametrize("numbers", KNOWN_METERS)
@pytest.mark.parametrize("bars", [1, 2, 4, 8])
def test_every_meter_and_slot_gets_ideas(numbers, bars):
    found = check_proposer(MARKOV, asked(playing(meter=Meter(*numbers)), bars=bars))
    assert len(found) == 4


def test_a_chain_that_knows_one_song_plays_that_song():
    table = build([Chart("song", C, tuple(named("C", "E", "Am", "D") * 3))] * 20)
    hand = MarkovProposer(table).propose(asked(playing(("C", "E", "Am", "D")), count=8), lambda: False)
    assert ["C", "E", "Am", "D"] in [[str(span.chord) for span in idea.chords] for idea in hand]
    assert {span.chord.quality.symbol for idea in hand for span in idea.chords} <= {"", "m"}


def test_bolder_is_rarer():
    means = [
        fmean(
            surprise_of(idea.chords, (), C)
            for seed in range(8)
            for idea in propose(asked(seed=seed, controls=Controls(surprise=step)))
        )
        for step in (0.0, 0.5, 1.0)
    ]
    assert means == sorted(means)
    assert means[-1] > means[0] + 0.1


def test_safe_melodies_are_made_of_the_players_turns():
    request = asked(roles=frozenset({Role.MELODY}), controls=Controls(surprise=0.0, drive=0.0))
    theirs = set(Scene.of(request).turns)
    shares = [fmean(turn in theirs for turn in turns(idea.melody)) for idea in propose(request)]
    strange = asked(playing(sings=False), roles=frozenset({Role.MELODY}), controls=Controls(surprise=0.0, drive=0.0))
    without = [fmean(turn in theirs for turn in turns(idea.melody)) for idea in propose(strange)]
    assert fmean(shares) > 0.25
    assert fmean(shares) > fmean(without)


@pytest.mark.parametrize("seed", range(6))
def test_what_was_refused_does_not_come_back(seed):
    refused = propose(asked(seed=seed))
    request = asked(seed=seed, avoid=tuple(refused))
    again = propose(request)
    assert again
    assert max(likeness(a, b, request) for a in again for b in refused) < SAME


@pytest.mark.parametrize("seed", range(6))
def test_an_answer_begins_with_the_rhythm_of_the_players_last_bar(seed):
    calm = Controls(drive=0.0)
    context = playing()
    wanted = [note.onset % 3840 for note in Scene.of(asked(context)).line if note.onset >= 3 * 3840]
    hand = propose(asked(context, roles=frozenset({Role.MELODY}), seed=seed, controls=calm, answer=True))
    for idea in hand:
        assert [note.onset for note in idea.melody if note.onset < 3840] == wanted
        assert any(note.onset >= 3840 for note in idea.melody)
    plain = propose(asked(context, roles=frozenset({Role.MELODY}), seed=seed, controls=calm))
    assert [idea.melody for idea in plain] != [idea.melody for idea in hand]


# -- how long chords last ---------------------------------------------------------------------------------------------


@given(
    st.dictionaries(st.integers(1, 16), st.integers(1, 99), min_size=1),
    st.sampled_from(KNOWN_METERS),
    st.sampled_from([1, 2, 4, 8]),
    st.floats(0.25, 32),
    st.floats(0, 1),
    st.integers(),
)
def test_chords_follow_each_other_on_beats_and_never_straddle_a_bar_line(counts, numbers, bars, wanted, boldness, seed):
    meter = Meter(*numbers)
    places = rhythm(counts, meter, bars, wanted, boldness, random.Random(seed))
    assert places == rhythm(counts, meter, bars, wanted, boldness, random.Random(seed))
    assert [on for on, _ in places] == [0, *(on + length for on, length in places)][:-1]
    assert sum(places[-1]) == bars * meter.bar_ticks
    for on, length in places:
        assert on % meter.beat_ticks == length % meter.beat_ticks == 0
        assert length > 0
        if on % meter.bar_ticks or length % meter.bar_ticks:
            assert on // meter.bar_ticks == (on + length - 1) // meter.bar_ticks


def test_a_player_who_changes_every_bar_gets_changes_every_bar():
    for idea in propose(asked()):
        assert all(span.onset % 3840 == 0 for span in idea.chords)


def test_drive_brings_changes_sooner_where_nobody_has_played():
    counts = [
        fmean(len(idea.chords) for seed in range(12) for idea in propose(asked(silence(), seed=seed, controls=drive)))
        for drive in (Controls(drive=0.0), Controls(drive=1.0))
    ]
    assert counts[1] > counts[0] + 0.5


def test_bold_changes_are_less_regular():
    counts = MARKOV._table.lengths[4]
    kinds = [
        fmean(len({n for _, n in rhythm(counts, Meter(4, 4), 8, 4.0, b, random.Random(i))}) for i in range(30))
        for b in (0.0, 1.0)
    ]
    assert kinds[1] > kinds[0]
