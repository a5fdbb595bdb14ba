"""Critics tell good from bad, double from new, and lay out a hand from safe to bold."""

from dataclasses import replace
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamlink.music.chord import QUALITIES, Chord, ChordSpan, parse_chord
from jamlink.music.key import parse_key
from jamlink.music.note import Note
from jamlink.proposers.critics import JUDGEMENTS, SAME, fit, rank, surprise_of
from jamlink.proposers.likeness import Look, likeness
from jamlink.proposers.scene import Scene
from jamlink.session.proposal import Candidate, Controls
from jamlink.timing.units import Ticks
from tests.proposers.requests import asked, playing, requests, silence

C = parse_key("C")
BAR = 3840


def chart(*symbols, bars=4):
    length = bars * BAR // len(symbols)
    return tuple(ChordSpan(Ticks(i * length), Ticks(length), parse_chord(s)) for i, s in enumerate(symbols))


def line(*pitches, step=960):
    return tuple(Note(Ticks(i * step), pitch, Ticks(step)) for i, pitch in enumerate(pitches))


def idea(chords=(), melody=(), bass=(), score=0.0, surprise=None):
    found = surprise_of(chords, melody, C) if surprise is None else surprise
    return Candidate(tuple(chords), tuple(melody), tuple(bass), score, found, "test", 1)


GOOD = idea(chart("C", "Am", "F", "G"), line(72, 76, 79, 76, 72, 76, 81, 76, 77, 72, 77, 81, 79, 74, 71, 74))

some_chords = st.lists(st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES)), min_size=4, max_size=4)
some_lines = st.lists(st.integers(55, 85), min_size=1, max_size=16)
ideas = st.builds(
    lambda chords, pitches, score: idea(
        tuple(ChordSpan(Ticks(i * BAR), Ticks(BAR), c) for i, c in enumerate(chords)), line(*pitches), score=score
    ),
    some_chords,
    some_lines,
    st.floats(-3, 0),
)


# -- ranking ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(ideas, max_size=14), st.integers(1, 8))
def test_a_hand_is_different_ideas_of_the_given_from_safe_to_bold(given_ideas, count):
    request = asked(count=count)
    hand = rank(given_ideas, request)
    assert len(hand) <= count
    assert (len(hand) == 0) == (len(given_ideas) == 0)
    music = [(i.chords, i.melody, i.bass) for i in given_ideas]
    assert all((i.chords, i.melody, i.bass) in music for i in hand)
    assert all(a.surprise <= b.surprise for a, b in pairwise(hand))
    assert all(likeness(a, b, request) < SAME for i, a in enumerate(hand) for b in hand[i + 1 :])
    assert rank(given_ideas, request) == hand


@settings(deadline=None, max_examples=40)
@given(requests())
def test_with_no_ideas_there_is_no_hand(request):
    assert rank([], request) == []


def test_of_two_ideas_that_sound_the_same_the_better_stays():
    worse = replace(GOOD, score=-1.0)
    (kept,) = rank([worse, GOOD, worse], asked())
    assert kept.score == pytest.approx(fit(GOOD, Scene.of(asked())))


def test_the_own_opinion_of_a_proposer_counts():
    liked, disliked = GOOD, replace(GOOD, chords=chart("C", "Em", "F", "G"), score=-3.0)
    (kept,) = rank([disliked, liked], asked(count=1))
    assert kept.chords == liked.chords


@pytest.mark.parametrize(("wish", "bold"), [(0.0, 0), (0.5, 1), (1.0, 2)])
def test_the_hand_lies_where_the_player_steers_to(wish, bold):
    ladder = [
        idea(chart("C", s, "F", "G"), surprise=i / 10, score=0.0)
        for i, s in enumerate(("Am", "Em", "Dm", "A7", "E7", "Ab", "Eb", "Db7", "F#"))
    ]
    (kept,) = rank(ladder, asked(silence(), count=1, controls=Controls(surprise=wish)))
    assert bold * 0.25 <= kept.surprise <= bold * 0.25 + 0.35


def test_a_hand_of_several_is_varied():
    nearly = [idea(chart("C", "Am", "F", "G"), line(*([72] * i), 76, 79)) for i in range(1, 9)]
    other = idea(chart("Dm", "G", "Em", "Am"))
    assert other.chords in [i.chords for i in rank([*nearly, other], asked(count=3))]


# -- refusing ---------------------------------------------------------------------------------------------------------


def test_a_refused_idea_does_not_come_back():
    other = idea(chart("F", "C", "Dm", "G"))
    assert [i.chords for i in rank([GOOD, other], asked(avoid=(GOOD,)))] == [other.chords]


def test_the_more_an_idea_is_like_a_refused_one_the_worse_it_fares():
    ladder = [chart("C", "Am", "F", "G7"), chart("C", "Am", "Dm", "E7"), chart("F", "Em", "Dm", "E7")]
    refused = idea(chart("C", "Am", "F", "G"))
    request = asked()

    def loss(chords):
        (free,), (told,) = rank([idea(chords)], request), rank([idea(chords)], replace(request, avoid=(refused,)))
        return free.score - told.score

    losses = [loss(chords) for chords in ladder]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 1
    assert losses[-1] == 0


# -- likeness ---------------------------------------------------------------------------------------------------------


@given(ideas, ideas)
def test_likeness_is_a_share_the_same_both_ways_and_whole_with_itself(a, b):
    request = asked()
    assert 0 <= likeness(a, b, request) <= 1
    assert likeness(a, b, request) == pytest.approx(likeness(b, a, request))
    assert likeness(a, a, request) == pytest.approx(1)


def test_ideas_without_a_part_in_common_are_not_alike():
    request = asked()
    assert Look.at(idea(chart("C")), request).likeness(Look.at(idea(melody=line(60, 62)), request)) == 0


# -- judging ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(ideas)
def test_every_complaint_is_a_share(found):
    scene = Scene.of(asked())
    assert all(0 <= judge(found, scene) <= 1 for _, judge in JUDGEMENTS)
    assert fit(found, scene) <= 0


CASES = {
    "notes on the beat that the chord does not have": replace(GOOD, melody=line(*([73, 78] * 8))),
    "leaps": replace(GOOD, melody=line(60, 81, 60, 81, 60, 81, 60, 81)),
    "one note again and again": replace(GOOD, melody=line(*([72] * 16))),
    "too high to sing": replace(GOOD, melody=tuple(n.transposed(24) for n in GOOD.melody)),
    "one chord throughout": replace(GOOD, chords=chart("C")),
    "chords that share no note": replace(GOOD, chords=chart("C", "F#", "C", "F#")),
    "chords of another key": replace(GOOD, chords=chart("C", "Bbm", "Ebm", "G")),
    "chords against what was played": replace(GOOD, chords=chart("B", "Ebm", "Db", "G")),
}


@pytest.mark.parametrize("what", CASES)
def test_critics_complain_of(what):
    scene = Scene.of(asked())
    assert fit(CASES[what], scene) < fit(GOOD, scene) - 0.1


DARK, BRIGHT = replace(GOOD, chords=chart("Cm", "Fm", "Gm", "Cm")), replace(GOOD, chords=chart("C", "F", "G", "C"))
CALM = replace(GOOD, melody=line(72, 76, 79, 77, step=3840))
DRIVING = replace(GOOD, melody=tuple(Note(Ticks(480 * i + 240), 72 + i % 5, Ticks(240)) for i in range(31)))
FEW, MANY = CALM, replace(GOOD, melody=line(*([72, 74, 76, 77] * 8), step=480))
SAFE, BOLD = BRIGHT, replace(GOOD, chords=chart("C", "F#7", "Ebm7", "B"))


@pytest.mark.parametrize(
    ("control", "less", "more"),
    [
        ("brightness", DARK, BRIGHT),
        ("density", FEW, MANY),
        ("drive", CALM, DRIVING),
        ("surprise", SAFE, BOLD),
    ],
)
def test_a_control_that_is_turned_up_favours_more_and_one_turned_down_less(control, less, more):
    def ahead(value):
        scene = Scene.of(asked(controls=Controls(**{control: value})))
        return fit(more, scene) - fit(less, scene)

    gains = [ahead(value) for value in (0.0, 0.25, 0.75, 1.0)]
    assert gains == sorted(gains)
    assert gains[-1] - gains[0] > 1


def test_a_loose_end_matters_most_where_a_phrase_ends():
    open_end, home = replace(GOOD, chords=chart("C", "Am", "F", "Dm")), replace(GOOD, chords=chart("C", "Am", "F", "C"))

    def loss(bars_heard, bars):
        scene = Scene.of(asked(playing(bars=bars_heard), bars=bars))
        complaint = next(judge for _, judge in JUDGEMENTS if judge.__name__ == "_loose_end")
        assert complaint(home, scene) == 0
        return complaint(open_end, scene)

    assert loss(4, 4) > loss(8, 4) > loss(6, 4) > 0


@given(some_chords)
def test_surprise_grows_with_the_distance_from_habit(chords):
    usual = surprise_of(chart("C", "F", "G", "C"), (), C)
    found = surprise_of([ChordSpan(Ticks(i * BAR), Ticks(BAR), c) for i, c in enumerate(chords)], (), C)
    assert 0 < usual <= 0.4
    assert found >= surprise_of(chart("C"), (), C)
    assert found <= 0.86
    assert surprise_of((), line(61, 63), C) == pytest.approx(0.6)
    assert surprise_of((), (), C) == 0


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbols", "words"),
    [
        (("C", "Am", "F", "G"), "your chords again, stays in C, ends on the dominant"),
        (("C", "Am", "F", "C"), "your chords, varied, stays in C, comes home"),
        (("Dm", "Em", "F", "Am"), "stays in C, ends open"),
        (("C", "Fm", "Bb", "C"), "borrows from minor, comes home"),
        (("C", "A7", "Dm", "G"), "your chords, varied, leans into Dm, ends on the dominant"),
        (("C", "Bm7b5", "Am", "G"), "your chords, varied, stays in C, walks down"),
        (("Dm", "Db7", "C", "C"), "slides in from a half step above, comes home"),
        (("E", "Ab", "F#", "B"), "leaves C"),
    ],
)  # fmt: skip
def test_words_name_what_the_harmony_does(symbols, words):
    (said,) = [i.note for i in rank([idea(chart(*symbols))], asked(playing(sings=False)))]
    assert said == words


def test_words_name_what_the_melody_does():
    context = playing()
    heard = Scene.of(asked(context)).line

    def said(melody):
        (ranked,) = rank([idea(melody=melody)], asked(context))
        return ranked.note

    echo = tuple(note.shifted(Ticks(-heard[0].onset)) for note in heard)
    assert said(echo) == "grows from your phrase"
    assert "busier" in said(line(*([72, 74] * 16), step=480))
    assert "sparser" in said(line(76, 72, 74, 79, step=3840))
    assert "higher" in said(tuple(note.transposed(12) for note in echo))
    assert "lower" in said(tuple(note.transposed(-12) for note in echo))


def test_words_are_few():
    hand = rank([GOOD, idea(chart("C", "A7", "Dm", "Fm"), line(84, 86, 88, step=3840))], asked())
    assert fmean(len(i.note.split(", ")) for i in hand) <= 3
