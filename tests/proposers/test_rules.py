"""The rules proposer keeps the proposers' contract, does as it is steered, and grows out of what was played."""

from dataclasses import replace
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import HealthCheck, given, settings

from jamlink.music.chord import parse_chord
from jamlink.music.key import parse_key
from jamlink.music.pulse import MID_BAR, strength
from jamlink.proposers.critics import SAME, surprise_of
from jamlink.proposers.likeness import likeness
from jamlink.proposers.rules import RulesProposer
from jamlink.session.proposal import Controls, Role
from jamlink.testing.proposers import check_proposer
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter
from tests.proposers.requests import asked, playing, requests, silence

RULES = RulesProposer()
C = parse_key("C")


def propose(request):
    return RULES.propose(request, lambda: False)


def hands(seeds=range(12), **asking):
    return [idea for seed in seeds for idea in propose(asked(seed=seed, **asking))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests())
def test_every_request_is_answered_within_the_contract(request):
    assert check_proposer(RULES, request)


@pytest.mark.parametrize("numbers", KNOWN_METERS)
@pytest.mark.parametrize("bars", [1, 2, 4, 8])
def test_every_meter_and_slot_gets_a_full_hand(numbers, bars):
    assert len(check_proposer(RULES, asked(playing(meter=Meter(*numbers)), bars=bars))) == 4


def test_with_nothing_heard_there_is_a_hand_in_c():
    for idea in propose(asked(silence(), controls=Controls(surprise=0.0))):
        assert all(span.chord.pitch_classes <= C.scale for span in idea.chords)


def test_melody_and_bass_stay_in_their_registers():
    for idea in hands():
        assert all(55 <= note.pitch <= 88 for note in idea.melody)
        assert all(28 <= note.pitch <= 52 for note in idea.bass)


def test_the_bass_plays_the_bass_of_each_chord():
    for idea in hands():
        first = {note.onset: note.pitch % 12 for note in idea.bass}
        assert all(first[span.onset] == span.chord.bass for span in idea.chords)


def test_strong_melody_notes_are_notes_of_the_chord():
    for idea in hands(controls=Controls(surprise=0.0, drive=0.0)):
        for note in idea.melody:
            if strength(note.onset, COMMON_TIME) >= MID_BAR:
                chord = next(s.chord for s in idea.chords if s.onset <= note.onset < s.end)
                assert note.pitch % 12 in chord.pitch_classes


def test_a_loop_is_among_the_safe_ideas():
    hand = propose(asked(controls=Controls(surprise=0.0)))
    assert any([str(s.chord) for s in idea.chords] == ["C", "Am", "F", "G"] for idea in hand)


def test_settled_chords_are_kept_under_a_new_melody():
    context = playing(("D", "A", "G", "A"), bars=8, key="D")
    context = replace(context, end=context.chords[3].end, heard=tuple(n for n in context.heard if n.onset < 15360))
    for idea in propose(asked(context, roles=frozenset({Role.MELODY}), controls=Controls(surprise=0.0, drive=0.0))):
        assert idea.chords == ()
        for note in idea.melody:
            if note.onset % COMMON_TIME.bar_ticks == 0:
                chord = next(s.chord for s in context.chords if s.onset == 15360 + note.onset)
                assert note.pitch % 12 in chord.pitch_classes


def test_an_answer_is_made_of_the_players_phrase():
    hand = propose(asked(roles=frozenset({Role.MELODY}), answer=True, controls=Controls(surprise=0.2)))
    rhythm = {note.onset % 3840 for note in asked().context.heard if note.pitch >= 67 and note.velocity == 90}
    for idea in hand:
        assert fmean(note.onset % 3840 in rhythm for note in idea.melody) > 0.6


def test_the_key_of_the_player_is_the_key_of_the_ideas():
    for key, loop in (("Eb", ("Eb", "Cm", "Ab", "Bb")), ("F#m", ("F#m", "D", "A", "E"))):
        for idea in propose(asked(playing(loop, key=key), controls=Controls(surprise=0.0))):
            assert surprise_of(idea.chords, (), parse_key(key)) < 0.45


# -- steering ---------------------------------------------------------------------------------------------------------

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


def grows(measure, control, slack=0.0, **asking):
    """The mean of `measure` over many hands, for each step of a control; asserts that it rises from step to step."""
    means = [fmean(map(measure, hands(controls=Controls(**{control: step}), **asking))) for step in STEPS]
    assert all(b >= a - slack for a, b in pairwise(means)), means
    return means


def test_bolder_is_rarer_and_further_from_the_key():
    rare = grows(lambda idea: surprise_of(idea.chords, (), C), "surprise")
    assert rare[-1] > rare[0] + 0.15

    def outside(idea):
        return fmean(not span.chord.pitch_classes <= C.scale for span in idea.chords)

    foreign = grows(outside, "surprise")
    assert foreign[0] == 0
    assert foreign[-1] > 0.3


def test_bolder_melodies_have_more_notes_outside_the_key():
    foreign = grows(lambda idea: fmean(n.pitch % 12 not in C.scale for n in idea.melody), "surprise", slack=0.01)
    assert foreign[0] == 0
    assert foreign[-1] > 0.1


def test_denser_has_more_notes_and_no_fewer_chords():
    notes = grows(lambda idea: len(idea.melody), "density")
    assert notes[-1] > 2 * notes[0]
    assert grows(lambda idea: len(idea.chords), "density", slack=0.3)


def test_more_drive_has_more_bass_and_more_off_beats():
    bass = grows(lambda idea: len(idea.bass), "drive")
    assert bass[-1] > 2 * bass[0]
    assert grows(lambda idea: fmean(n.onset % 960 != 0 for n in idea.melody), "drive", slack=0.02)


def test_brighter_has_more_major_and_lies_higher():
    context = silence()
    light = grows(
        lambda idea: fmean(not s.chord.quality.minor_third for s in idea.chords), "brightness", 0.03, context=context
    )
    assert light[-1] > light[0] + 0.2
    assert grows(lambda idea: fmean(n.pitch for n in idea.melody), "brightness", 0.6, context=context)


# -- refusing ---------------------------------------------------------------------------------------------------------


SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_refused_does_not_come_back(seed):
    request = asked(seed=seed)
    refused = propose(request)
    again = propose(replace(request, avoid=tuple(refused)))
    assert len(again) == 4
    assert max(likeness(a, b, request) for a in again for b in refused) < SAME


def test_the_hand_after_a_refusal_moves_away():
    request = asked()

    def nearest(hand, refused):
        return fmean(max(likeness(a, b, request) for b in refused) for a in hand)

    first = [propose(asked(seed=seed)) for seed in SEEDS]
    told = fmean(
        nearest(propose(asked(seed=s + 50, avoid=tuple(hand))), hand) for s, hand in zip(SEEDS, first, strict=True)
    )
    not_told = fmean(nearest(propose(asked(seed=s + 50)), hand) for s, hand in zip(SEEDS, first, strict=True))
    assert told < 0.75 * not_told


def test_refusing_twelve_ideas_still_leaves_ideas():
    refused = ()
    for _ in range(3):
        refused += tuple(propose(asked(avoid=refused)))
    assert len(propose(asked(avoid=refused))) >= 3


def test_the_words_say_what_is_there():
    for idea in hands(seeds=range(4)):
        inside = all(span.chord.pitch_classes <= C.scale for span in idea.chords)
        assert ("stays in C" in idea.note) == inside
        if idea.chords[-1].chord.root == parse_chord("G").root and "ends" in idea.note:
            assert "ends on the dominant" in idea.note
