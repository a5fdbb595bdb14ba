"""Clips on the disk: whole files under names of their own, off the session's thread."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from jamlink.errors import Nonsense, Unavailable
from jamlink.midi import files
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.midi.smf import read_score
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.runtime.clips import Clips, ClipSettings
from jamlink.session.effects import Clocked, Out, Taken
from jamlink.session.inputs import Heard
from jamlink.session.proposal import Slot
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm

TEMPO = tempo_of_bpm(120)
LINE = Timeline(TEMPO, Ticks(0), Ns(0))
BEAT = 500_000_000
TAKEN = Taken(
    17,
    Slot(Ticks(8 * 3840), 1, Ticks(3840)),
    (ChordSpan(Ticks(0), Ticks(3840), parse_chord("C/E")),),
    ((Out.CHORDS, 0, (Note(Ticks(0), 60, Ticks(960), 70),)),),
    None,
    TEMPO,
    COMMON_TIME,
)


@pytest.fixture
def clips(tmp_path):
    return Clips(ClipSettings(tmp_path / "clips" / "today", 2), Ns(0), LINE, "4/4")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_each_idea_is_a_file_and_one_name_is_never_used_twice(clips, tmp_path):
    for _ in range(3):
        clips.idea(TAKEN)()
    folder = tmp_path / "clips" / "today"
    assert names(folder) == ["bar 009 - C-E (2).mid", "bar 009 - C-E (3).mid", "bar 009 - C-E.mid"]
    assert read_score(folder / clips.written).parts[0].notes == TAKEN.notes[0][2]


def test_nothing_is_written_before_the_work_is_done(clips, tmp_path):
    work = clips.idea(TAKEN)
    assert not (tmp_path / "clips").exists()
    assert clips.written == ""
    work()
    assert clips.written == "bar 009 - C-E.mid"


def test_whoever_watches_the_folder_sees_a_whole_file_or_none(clips, tmp_path, monkeypatch):
    folder, seen, rename = tmp_path / "clips" / "today", [], os.replace

    def watched(part, path):
        seen.append([name for name in names(folder) if not name.startswith(".")])
        read_score(Path(part))  # whole before it gets its name
        rename(part, path)

    monkeypatch.setattr(files.os, "replace", watched)
    clips.idea(TAKEN)()
    clips.idea(TAKEN)()
    assert seen == [[], ["bar 009 - C-E.mid"]]
    assert [name for name in names(folder) if name.startswith(".")] == []


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_disk_that_refuses_in_the_middle_leaves_nothing_and_the_next_clip_is_written(clips, tmp_path, fails):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as refusing:
        refusing.setattr(files.os, fails, full)
        with pytest.raises(Unavailable, match="no space left"):
            clips.idea(TAKEN)()
    assert names(tmp_path / "clips" / "today") == []
    assert clips.written == ""
    clips.idea(TAKEN)()
    assert names(tmp_path / "clips" / "today") == ["bar 009 - C-E.mid"]


def test_a_bridge_gets_the_idea_at_once(clips):
    clips.idea(TAKEN)
    assert clips.newest == {"id": 17, "name": "bar 009 - C-E", "quarters": 4, "notes": [["chords", 0, 960, 60, 70]]}


def test_a_folder_that_cannot_be_made_is_one_sentence_and_leaves_nothing(tmp_path):
    (tmp_path / "clips").write_text("in the way")
    clips = Clips(ClipSettings(tmp_path / "clips" / "today"), Ns(0), LINE, "4/4")
    with pytest.raises(Unavailable, match="Clips cannot be kept"):
        clips.idea(TAKEN)()
    assert names(tmp_path) == ["clips"]


def test_clips_that_are_off_are_not_written_and_capture_says_so(tmp_path):
    clips = Clips(ClipSettings(None), Ns(0), LINE, "4/4")
    assert clips.idea(TAKEN) is None
    with pytest.raises(Nonsense, match="switched off"):
        clips.capture(Ns(0))


def test_capture_before_a_note_is_one_sentence(clips):
    with pytest.raises(Nonsense, match="Nothing was played"):
        clips.capture(Ns(0))


@pytest.mark.parametrize(
    ("beats", "name", "onsets"),
    [
        (2, "bar 001", [0, 960]),
        (6, "bars 001-002", [0, 960, 1920, 2880, 3840, 4800]),
        (12, "bars 002-003", [0, 960, 1920, 2880, 3840, 4800, 5760, 6720]),
    ],
)
def test_capture_is_the_last_bars_as_counted_and_no_more_than_were_played(clips, tmp_path, beats, name, onsets):
    clips.keep(Ns(0), Clocked(True, LINE, "4/4"))
    for beat in range(beats):
        for event in (NoteOn(Ns(beat * BEAT), "keys", 0, 60, 80), NoteOff(Ns(beat * BEAT + 1000), "keys", 0, 60)):
            clips.keep(event.at, Heard(event))
    clips.keep(Ns(20 * BEAT), Clocked(False, LINE, "4/4"))
    clips.capture(Ns(21 * BEAT))()
    score = read_score(tmp_path / "clips" / "today" / clips.written)
    assert clips.written.startswith(name + " ") or clips.written == f"{name}.mid"
    assert [note.onset for note in score.parts[0].notes] == onsets
