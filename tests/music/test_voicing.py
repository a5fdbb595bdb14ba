"""Voicings are playable, say their chord, and move little."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from jamlink.music.chord import QUALITIES, Chord, ChordSpan, parse_chord
from jamlink.music.feel import Feel
from jamlink.music.voicing import HIGHEST, LOWEST, WIDEST, comp, voice
from jamlink.timing.meter import KNOWN_METERS, Meter
from jamlink.timing.units import Ticks

chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES))
progressions = st.lists(st.one_of(chords, st.none()), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(progressions)
def test_every_voicing_is_playable_and_says_its_chord(progression):
    for chord, voicing in zip(progression, voice(progression), strict=True):
        if chord is None:
            assert voicing == ()
            continue
        assert LOWEST <= voicing[0] <= voicing[-1] <= HIGHEST
        assert voicing[-1] - voicing[0] <= WIDEST
        named = {pitch % 12 for pitch in voicing}
        assert named <= chord.pitch_classes
        assert chord.pitch_classes - named <= {(chord.root + 7) % 12}


@settings(max_examples=30, deadline=None)
@given(st.lists(chords, min_size=2, max_size=6))
def test_the_hands_move_less_than_with_root_positions(progression):
    def travel(voicings):
        return sum(sum(min(abs(p - q) for q in a) for p in b) for a, b in pairwise(voicings))

    roots = [tuple(48 + c.root + i for i in c.quality.intervals) for c in progression]
    assert travel(voice(progression)) <= travel(roots) + 3 * len(progression)


def test_two_five_one_moves_by_step_as_in_every_book():
    two, five, one = voice([parse_chord(c) for c in ("Dm7", "G7", "Cmaj7")])
    for before, after in ((two, five), (five, one)):
        assert max(min(abs(p - q) for q in before) for p in after) <= 2


@settings(max_examples=60, deadline=None)
@given(chords, st.integers(0, 3))
def test_an_inversion_has_its_bass_lowest(chord, turn):
    tones = [(chord.root + i) % 12 for i in chord.quality.intervals]
    inverted = Chord(chord.root, chord.quality, tones[turn % len(tones)])
    (voicing,) = voice([inverted])
    if inverted.bass != inverted.root:
        assert voicing[0] % 12 == inverted.bass


def test_the_hands_go_on_from_what_they_hold():
    high = (64, 67, 72)
    low = (48, 52, 55)
    chord = [parse_chord("F")]
    assert sum(voice(chord, previous=high)[0]) > sum(voice(chord, previous=low)[0])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(chords, min_size=1, max_size=4),
    st.sampled_from(KNOWN_METERS),
    st.floats(0, 1),
    st.floats(0, 6),
)
def test_comping_starts_each_chord_and_stays_inside_it(progression, meter, density, busy):
    meter = Meter(*meter)
    spans = [ChordSpan(meter.bar_start(i), meter.bar_ticks, chord) for i, chord in enumerate(progression)]
    notes = comp(spans, voice(progression), Feel(busy=busy), meter, density)
    for span in spans:
        inside = [n for n in notes if span.onset <= n.onset < span.end]
        assert inside
        assert min(n.onset for n in inside) == span.onset
        assert all(n.end <= span.end for n in inside)


def test_denser_comping_strikes_more_often():
    span = [ChordSpan(Ticks(0), Ticks(4 * 3840), parse_chord("C"))]
    meter = Meter(4, 4)
    counts = [len(comp(span, voice([parse_chord("C")]), Feel(), meter, d / 10)) for d in range(11)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
