"""A chord that is played is named; a line implies a harmony; spans cover what was asked for."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.analysis import chords_of, recognise_chord
from jamlink.music.chord import QUALITIES, Chord, parse_chord
from jamlink.music.key import Key, parse_key
from jamlink.music.note import Note
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter
from jamlink.timing.units import Ticks
from tests.music.nottingham import lead_sheets, needs_nottingham

C = parse_key("C")
chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES))
keys = st.one_of(st.none(), st.builds(Key, st.integers(0, 11), st.booleans()))
notes = st.lists(
    st.builds(
        Note, st.integers(0, 30_000).map(Ticks), st.integers(30, 90), st.integers(1, 4_000).map(Ticks), st.just(80)
    ),
    max_size=40,
)


def sounding(chord):
    """The bass below, the chord above it."""
    return [36 + chord.bass, *(60 + pc for pc in sorted(chord.pitch_classes))]


def played(chord, onset, duration):
    return [Note(Ticks(onset), pitch, Ticks(duration)) for pitch in sounding(chord)]


@pytest.mark.parametrize("root", range(12))
@pytest.mark.parametrize("quality", QUALITIES)
def test_every_chord_in_root_position_is_named(root, quality):
    chord = Chord(root, quality)
    assert recognise_chord(dict.fromkeys(sounding(chord), 1.0)).chord == chord


@pytest.mark.parametrize("symbol", ["C/E", "F/C", "G7/B", "Am/C", "Dm/F", "Cmaj7/E"])
def test_inversions_are_named_by_their_bass(symbol):
    assert recognise_chord(dict.fromkeys(sounding(parse_chord(symbol)), 1.0), C).chord == parse_chord(symbol)


def test_a_chord_without_its_third_is_guessed_from_the_key_and_with_doubt():
    fifth = dict.fromkeys((50, 57), 1.0)
    in_c, in_d = recognise_chord(fifth, C), recognise_chord(fifth, parse_key("D"))
    assert (in_c.chord.symbol(), in_d.chord.symbol()) == ("Dm", "D")
    assert in_c.confidence < recognise_chord(dict.fromkeys((50, 57, 65), 1.0), C).confidence


def test_one_note_gives_less_confidence_than_a_chord():
    alone, full = recognise_chord({60: 1.0}, C), recognise_chord(dict.fromkeys((48, 64, 67), 1.0), C)
    assert alone.confidence < full.confidence / 2


def test_silence_is_no_chord():
    assert recognise_chord({}) is None
    assert chords_of([], COMMON_TIME, Ticks(0), Ticks(3840)) == ()


@given(chords, keys)
def test_confidence_is_a_share(chord, key):
    assert 0 < recognise_chord(dict.fromkeys(sounding(chord), 1.0), key).confidence <= 1


@pytest.mark.parametrize("numbers", KNOWN_METERS)
def test_a_progression_of_a_chord_a_bar_is_read_back(numbers):
    meter = Meter(*numbers)
    names = ("C", "Am7", "F", "G7", "Em7", "A7", "Dm7", "G7")
    music = [n for i, s in enumerate(names) for n in played(parse_chord(s), meter.bar_start(i), meter.bar_ticks)]
    spans = chords_of(music, meter, Ticks(0), meter.bar_start(8), C)
    assert [(span.onset, span.chord.symbol()) for span in spans] == [
        (meter.bar_start(i), s) for i, s in enumerate(names)
    ]


def test_arpeggios_are_heard_as_their_chord():
    figure = [(0, 48), (240, 60), (480, 64), (720, 67)]
    roots = [0, 9, 5, 7]
    music = [
        Note(
            Ticks(bar * 3840 + beat * 960 + onset),
            pitch + (roots[bar] - 12 if roots[bar] > 6 else roots[bar]),
            Ticks(240),
        )
        for bar in range(4)
        for beat in range(4)
        for onset, pitch in figure
    ]
    spans = chords_of(music, COMMON_TIME, Ticks(0), Ticks(4 * 3840), C)
    assert [span.chord.root for span in spans] == roots


def test_passing_notes_do_not_change_the_chord():
    run = [Note(Ticks(i * 240), pitch, Ticks(240)) for i, pitch in enumerate((72, 74, 76, 77, 79, 77, 76, 74) * 2)]
    spans = chords_of([*played(parse_chord("C"), 0, 3840), *run], COMMON_TIME, Ticks(0), Ticks(3840), C)
    assert [span.chord for span in spans] == [parse_chord("C")]


@given(notes, st.sampled_from(KNOWN_METERS), st.integers(0, 4), st.integers(1, 8), keys)
def test_spans_follow_each_other_and_cover_what_was_asked(found, numbers, first, bars, key):
    meter = Meter(*numbers)
    start, end = meter.bar_start(first), meter.bar_start(first + bars)
    spans = chords_of(found, meter, start, end, key)
    assert spans == chords_of(found, meter, start, end, key)
    if not any(note.end > start and note.onset < end for note in found):
        assert spans == ()
        return
    assert (spans[0].onset, spans[-1].end) == (start, end)
    for before, after in itertools.pairwise(spans):
        assert before.end == after.onset
        assert before.chord != after.chord


@given(notes, st.integers(1, 11))
def test_harmony_moves_with_the_music(found, up):
    low = chords_of(found, COMMON_TIME, Ticks(0), Ticks(30_720), C)
    high = chords_of([n.transposed(up) for n in found], COMMON_TIME, Ticks(0), Ticks(30_720), C.transposed(up))
    assert [(s.onset, s.chord and s.chord.root) for s in high] == [
        (s.onset, s.chord and (s.chord.root + up) % 12) for s in low
    ]


def test_a_silent_bar_has_no_chord():
    music = [*played(parse_chord("C"), 0, 3840), *played(parse_chord("F"), 2 * 3840, 3840)]
    spans = chords_of(music, COMMON_TIME, Ticks(0), Ticks(3 * 3840), C)
    assert [span.chord and span.chord.symbol() for span in spans] == ["C", None, "F"]


@needs_nottingham
def test_chords_of_lead_sheets_are_agreed_with(capsys):
    with_chords, alone = _agreement(_with_chords), _agreement(lambda sheet: list(sheet.melody))
    with capsys.disabled():
        for what, (root, exact) in (("melody and chords", with_chords), ("melody alone", alone)):
            print(f"\nNottingham, {what}: root right {root:.1%} of the time, chord right {exact:.1%}")
    assert with_chords[0] > 0.97
    assert with_chords[1] > 0.93
    assert alone[0] > 0.62
    assert alone[1] > 0.52


def _with_chords(sheet):
    return [*sheet.melody, *(n for s in sheet.chords if s.chord for n in played(s.chord, s.onset, s.duration))]


def _agreement(render, every=4):
    """Shares of time, by half beats, in which root and chord are as in the book, over each fourth tune."""
    seen = roots = exact = 0
    for sheet in lead_sheets()[::every]:
        meter = sheet.meter
        end = meter.next_bar(max(note.end for note in sheet.melody) - 1)
        spans = chords_of(render(sheet), meter, Ticks(0), end, sheet.key)
        for truth in sheet.chords:
            for tick in range(max(0, truth.onset), min(end, truth.end), meter.beat_ticks // 2):
                heard = next(span.chord for span in spans if span.onset <= tick < span.end)
                if truth.chord:
                    seen += 1
                    roots += heard is not None and heard.root == truth.chord.root
                    exact += heard is not None and (heard.root, heard.quality) == (
                        truth.chord.root,
                        truth.chord.quality,
                    )
    return roots / seen, exact / seen
