"""The lead sheet of a session, read back by another program's reader."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from jamlink.errors import Nonsense
from jamlink.ledger.musicxml import KINDS, musicxml, sheet_of
from jamlink.ledger.store import Ledger
from jamlink.ledger.story import Story
from jamlink.music.chord import Quality
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ns, ms

BEAT = 500_000_000
ORDER = {
    "note": ["chord", "pitch", "rest", "duration", "tie", "voice", "type", "dot", "time-modification", "notations"],
    "harmony": ["root", "kind", "bass", "offset"],
    "direction": ["direction-type", "offset", "sound"],
    "attributes": ["divisions", "key", "time", "clef"],
    "score-partwise": ["work", "identification", "part-list", "part"],
}
"""The order of children that the schema of MusicXML 4.0 asks for."""


def when(bar, beat=1.0, beats=4):
    return Ns(ms(60) + round(((bar - 1) * beats + beat - 1) * BEAT))


def read_back(data: bytes):
    """The sheet as music21 reads it. It is of the train extra, as the tests marked torch are."""
    converter = pytest.importorskip("music21.converter")
    return converter.parseData(data.decode(), format="musicxml")


def check_order(element):
    wanted = ORDER.get(element.tag)
    if wanted:
        places = [wanted.index(child.tag) for child in element]
        assert places == sorted(places), [child.tag for child in element]
    for child in element:
        check_order(child)


SCALE = [(when(bar, 1 + i), 60 + step, BEAT - ms(30)) for bar in (1, 2) for i, step in enumerate((0, 2, 4, 5))]


def test_chords_and_melody_stand_where_they_sounded(jam):
    score = read_back(musicxml(jam("C", "Am7", "F#m7b5", "G/B", notes=SCALE)))
    player, ours = score.parts
    assert [(n.measureNumber, n.beat, n.pitch.midi) for n in ours.recurse().notes][:3] == [
        (3, 1.0, 72),
        (3, 2.0, 74),
        (3, 3.0, 76),
    ]
    found = [(h.measureNumber, h.beat, h.root().name, h.chordKind, h.bass().name) for h in player[_harmony()]]
    assert found[-4:] == [
        (3, 1.0, "C", "major", "C"),
        (3, 3.0, "A", "minor-seventh", "A"),
        (4, 1.0, "F#", "half-diminished-seventh", "F#"),
        (4, 3.0, "G", "major", "B"),
    ]
    played = [n for n in player.recurse().notes if not isinstance(n, _harmony())]
    assert [(n.measureNumber, n.beat, n.pitch.midi) for n in played][:4] == [
        (1, 1.0, 60),
        (1, 2.0, 62),
        (1, 3.0, 64),
        (1, 4.0, 65),
    ]


def _harmony():
    return pytest.importorskip("music21.harmony").ChordSymbol


def test_where_we_sounded_nothing_the_players_own_chords_are_written(jam):
    triad = [(when(1), pitch, 4 * BEAT - ms(40)) for pitch in (57, 60, 64)]
    score = read_back(musicxml(jam("C", notes=triad, take=False, until=3)))
    assert [h.figure for h in score.parts[0][_harmony()]][:1] == ["Am"]
    (whole,) = [n for n in score.parts[0].measure(1).notes if not isinstance(n, _harmony())]
    assert sorted(p.midi for p in whole.pitches) == [57, 60, 64]


def test_meter_key_and_tempo_are_on_the_page(jam):
    scale = [(when(1, 1 + i, 3), pitch, BEAT - ms(30)) for i, pitch in enumerate((67, 69, 71, 72, 74, 76, 78, 79))]
    score = read_back(musicxml(jam("G", notes=scale, take=False, meter=Meter(3, 4))))
    first = score.parts[0].measure(1)
    assert first.timeSignature.ratioString == "3/4"
    assert first.keySignature.sharps == 1
    assert [mark.number for mark in score.recurse().getElementsByClass("MetronomeMark")] == [120]


def test_a_note_over_the_bar_line_is_tied_and_triplets_are_triplets(jam):
    third = BEAT // 3
    notes = [
        (when(1, 4), 60, 2 * BEAT),
        *((Ns(when(2, 3) + i * third), 64 + i, third - ms(10)) for i in range(3)),
    ]
    score = read_back(musicxml(jam("C", notes=notes, take=False, until=3)))
    written = [n for n in score.parts[0].recurse().notes if not isinstance(n, _harmony())]
    assert [n.tie.type if n.tie else "" for n in written[:2]] == ["start", "stop"]
    assert [str(n.duration.quarterLength) for n in written[2:5]] == ["1/3"] * 3


@pytest.mark.parametrize("meter", [Meter(3, 4), Meter(5, 4), Meter(6, 8), Meter(2, 2), Meter(7, 8), Meter(12, 8)])
def test_every_bar_is_as_long_as_its_meter_says_and_in_the_schemas_order(jam, meter):
    notes = [(Ns(ms(60) + ms(170) * i), 48 + (i * 5) % 30, ms(40 + 130 * (i % 7))) for i in range(60)]
    root = fromstring(musicxml(jam("C", "G7", notes=notes, meter=meter, until=7)))
    check_order(root)
    for part in root.iter("part"):
        for measure in part.iter("measure"):
            sounding = [note for note in measure.iter("note") if note.find("chord") is None]
            assert sum(int(note.findtext("duration")) for note in sounding) * 80 == meter.bar_ticks


def test_a_session_in_which_nothing_was_played_is_an_empty_sheet():
    root = fromstring(sheet_of(Story()))
    assert [part.get("id") for part in root.iter("part")] == ["P1"]
    assert len(list(root.iter("rest"))) == 1


def test_a_file_that_is_no_session_is_said_to_be_none(tmp_path):
    with pytest.raises(Nonsense):
        musicxml(tmp_path / "none.jam")


def test_a_sheet_can_be_made_while_the_session_is_being_written(jam):
    file = jam("C", notes=SCALE)
    ledger = Ledger(file)
    assert len(fromstring(musicxml(file)).findall("part")) == 2
    assert ledger.close(timeout_s=30)


@pytest.mark.parametrize("quality", Quality)
def test_every_quality_has_its_name(quality):
    assert KINDS[quality]
