"""The chain goes on as songs do and as the player does, and its table is read, checked and refused like any file."""

import json
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.music.chord import QUALITIES, Chord, parse_chord
from jamlink.music.key import Key, parse_key
from jamlink.music.line import turns
from jamlink.proposers.critics import SAME, surprise_of
from jamlink.proposers.likeness import likeness
from jamlink.proposers.markov import MarkovProposer
from jamlink.proposers.markov_table import Chart, MarkovTable, build, load, save
from jamlink.proposers.scene import Scene
from jamlink.resources import data_folder
from jamlink.session.proposal import Controls, Role
from jamlink.testing.proposers import check_proposer
from jamlink.timing.meter import KNOWN_METERS, Meter
from tests.proposers.requests import asked, playing, requests

SHIPPED = data_folder("models") / "markov" / "chords.json"
MARKOV = MarkovProposer(load(SHIPPED))
C = parse_key("C")
chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES))
songs = st.lists(chords, min_size=1, max_size=12).map(
    lambda found: tuple(a for a, b in pairwise([*found, None]) if a != b)
)
charts = st.lists(
    st.builds(Chart, st.just("song"), st.builds(Key, st.integers(0, 11), st.booleans()), songs), max_size=5
)


def named(*symbols):
    return [parse_chord(symbol) for symbol in symbols]


def propose(request):
    return MARKOV.propose(request, lambda: False)


# -- the table --------------------------------------------------------------------------------------------------------


@given(charts, songs, st.integers(0, 11))
def test_chances_are_chances_and_nothing_follows_itself(known, before, tonic):
    found = build(known).chances(before, Key(tonic))
    assert sum(p for _, p in found) <= 1 + 1e-9
    assert all(p > 0 for _, p in found)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert len({chord for chord, _ in found}) == len(found)
    assert before[-1] not in dict(found)


@given(charts, songs, st.integers(0, 11))
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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"format": 99}),
        json.dumps({"format": 1, "qualities": [q.symbol for q in QUALITIES], "degrees": {"999": {}}, "motions": {}}),
        json.dumps(
            {
                "format": 1,
                "qualities": [q.symbol for q in QUALITIES],
                "degrees": {"": {"1": -1}},
                "motions": {},
                "charts": 1,
            }
        ),
        json.dumps(
            {"format": 1, "qualities": [q.symbol for q in QUALITIES], "degrees": [], "motions": {}, "charts": 1}
        ),
    ],
)
def test_a_broken_table_is_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "chords.json"
    path.write_text(text)
    with pytest.raises(Nonsense, match=r"no chord table.*Build it again"):
        load(path)


def test_a_missing_table_is_said():
    with pytest.raises(Nonsense, match="cannot be read"):
        load(SHIPPED.parent / "nowhere.json")


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


def test_an_empty_table_is_no_table_to_play_from():
    with pytest.raises(IndexError):
        MarkovProposer(MarkovTable({}, {}, 0)).propose(asked(), lambda: False)
