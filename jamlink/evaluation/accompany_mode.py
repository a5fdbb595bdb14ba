"""The whole accompaniment beside the bare player: `python -m jamlink.evaluation.accompany_mode [--data nottingham]`.

Songs to be judged by are played into a session in accompany mode on a hand-moved clock, at each `commit`, and what it
settles and what it sounds are measured as `jamlink eval accompany` measures; in the same run the bare player is asked
for the same beats: for the beat that begins (commit 0 knows 140 ms less), and so many beats ahead. The first eight
beats with notes, in which the mode listens, are left out everywhere, and it never rests. One line each, as JSON.
`--tunebooks` takes songs to tune by in place of those.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from jamlink.engine.choose import Engine, engine_for
from jamlink.evaluation import accompany_metrics as metrics
from jamlink.evaluation.accompany import Heard as Known
from jamlink.evaluation.judged_models import SHIPPED, read_model
from jamlink.evaluation.songs import Song, read_songs
from jamlink.evaluation.tune_accompany import development_songs
from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.music.chord import Chord
from jamlink.proposers.chords_at_once import StandIn, cells_in_beat, table
from jamlink.proposers.following import Follower, follower_for
from jamlink.proposers.live_chords import LiveChords
from jamlink.proposers.rules import RulesProposer
from jamlink.resources import shared_music
from jamlink.runtime.offline import Offline
from jamlink.session import effects as fx
from jamlink.session.core import START_LEAD, Session
from jamlink.session.inputs import Do, Heard, Mode
from jamlink.session.proposal import ChordsRequest, Role
from jamlink.session.settings import AccompanySettings, Click, SessionSettings
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm
from jamlink.tokens import vocab

COMMITS = (0, 2, 4)
LOOK_AHEAD = 4
BPM = 120
Chords: TypeAlias = Sequence[Chord | None]


@dataclass
class Marks:
    """Note-in-chord, coupling and root of one way to play, a value a song."""

    nic: list[float] = field(default_factory=list)
    coupling: list[float] = field(default_factory=list)
    root: list[float] = field(default_factory=list)

    def add(self, song: Song, chords: Chords, sounding: metrics.Values | None = None) -> None:
        """Judge one song, by `sounding` frames where they are given."""
        frames = metrics.frames_judged(song)
        melody = metrics.melody_frames(song.melody, frames)
        heard = metrics.chord_frames(chords, song.meter, frames) if sounding is None else sounding
        self.nic.append(metrics.note_in_chord(melody, heard))
        self.coupling.append(metrics.coupling(melody, heard, song.meter.bar_ticks // metrics.FRAME)[0])
        truth = song.chord_by_cell()[: metrics.cells_judged(song)]
        self.root.append(metrics.agreement(chords, truth)[0])

    def row(self, name: str) -> dict[str, object]:
        """The means."""
        values = {"nic": self.nic, "coupling": self.coupling, "root": self.root}
        return {"who": name, "songs": len(self.nic)} | {k: round(float(np.nanmean(v)), 3) for k, v in values.items()}


class Named:
    """A follower as a proposer, for a session that asks nobody for ideas."""

    def __init__(self, follower: Follower) -> None:
        self.name, self._follower = follower.name, follower

    def chords(self, request: ChordsRequest) -> tuple[Chord, ...]:
        """As the follower."""
        return self._follower.chords(request)

    def propose(self, request: object, cancelled: Callable[[], bool]) -> list[object]:
        """Nothing."""
        return []


def bare(network: Engine, song: Song, ahead: int) -> Chords:
    """What the player alone decides for each cell, so many cells before it."""
    follower, ticks = follower_for(network, "bare"), vocab.cell_of(song.meter).ticks
    known, chords, each = Known(song.melody), list[Chord](), cells_in_beat(song.meter)
    for beat in range(-(-metrics.cells_judged(song) // each)):
        heard = tuple(known.up_to(beat * each * ticks))
        request = ChordsRequest(beat, 1, song.meter, beat, LOOK_AHEAD, 0, heard, (None,) * (LOOK_AHEAD + 1), Ns(0))
        found = follower.chords(request)
        chords += found[len(chords) - beat : ahead + 1]
    return [chord for chord in chords for _ in range(each)][: metrics.cells_judged(song)]


def newest(network: Engine, song: Song) -> Chords:
    """As `jamlink eval accompany` judges: each cell when it begins."""
    player, known, ticks = LiveChords(network, table(), song.meter), Known(song.melody), vocab.cell_of(song.meter).ticks
    return [player.decide(cell, known.up_to(cell * ticks)) for cell in range(metrics.cells_judged(song))]


def through_the_mode(network: Engine, song: Song, commit: int) -> tuple[Chords, metrics.Values]:
    """The same through a session: the chord of each cell, and (frames, 12) what sounds of chords and bass."""
    own = AccompanySettings(look_ahead=LOOK_AHEAD, commit=commit, rest=0)
    setup = SessionSettings(
        tempo=tempo_of_bpm(BPM), meter=song.meter, mode=Mode.ACCOMPANY, accompany=own, count_in=0, click=Click.OFF,
        roles=frozenset({Role.CHORDS, Role.BASS}),
    )  # fmt: skip
    session = Session(setup, Ns(0))
    offline = Offline(session, Named(follower_for(network, "jam")), RulesProposer(), chords=StandIn(table()))  # type: ignore[arg-type]
    offline.at(Ns(0), Do(Action.PLAY_STOP, "eval"))
    line = Timeline(setup.tempo, Ticks(0), START_LEAD)
    for note in song.melody:
        begins, ends = line.ns_at(note.onset), line.ns_at(note.end)
        offline.at(begins, Heard(NoteOn(begins, "song", 0, note.pitch, 80)))
        offline.at(ends, Heard(NoteOff(ends, "song", 0, note.pitch)))
    offline.run_until(line.ns_at(song.length))
    return _settled(offline, song), _sounding(offline, song)


def _settled(offline: Offline, song: Song) -> Chords:
    chords: list[Chord | None] = [None] * metrics.cells_judged(song)
    ticks = vocab.cell_of(song.meter).ticks
    for entry in offline.records:
        if isinstance(entry.value, fx.Chorded):
            for cell in range(entry.value.at // ticks, (entry.value.at + entry.value.duration) // ticks):
                if cell < len(chords):
                    chords[cell] = entry.value.chord
    return chords


def _sounding(offline: Offline, song: Song) -> metrics.Values:
    frames = metrics.frames_judged(song)
    heard, held = np.zeros((frames, 12)), dict[tuple[int, str, int], Ticks]()
    for timed in offline.sent:
        message = timed.message
        key = (message.owner, message.out.value, message.data[1])
        if message.data[0] & 0xF0 == 0x90:
            held[key] = message.at
        elif key in held:
            first, last = round(held.pop(key) / metrics.FRAME), round(message.at / metrics.FRAME)
            heard[first:last, key[2] % 12] = 1.0
    for (_, _, pitch), at in held.items():
        heard[round(at / metrics.FRAME) :, pitch % 12] = 1.0
    return heard


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=SHIPPED)
    parser.add_argument("--data", default="openewld-pd", help="a folder of data-eval")
    parser.add_argument("--songs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tunebooks", action="store_true", help="songs to tune by, in place of those to be judged by")
    args = parser.parse_args()
    checkpoint = read_model(args.model)
    network = engine_for(checkpoint.config, checkpoint.weights)
    for row in judged(network, _songs(args.data, args.songs, args.seed, args.tunebooks)):
        print(json.dumps({"data": "tunebooks" if args.tunebooks else args.data} | row), flush=True)


def _songs(data: str, count: int, seed: int, tunebooks: bool) -> Sequence[Song]:
    if tunebooks:
        return random.Random(seed).sample(development_songs(shared_music()), count)
    return read_songs(shared_music() / Path("data-eval") / data, songs=count, seed=seed).songs


def judged(network: Engine, songs: Sequence[Song]) -> list[dict[str, object]]:
    """Every way to play, on the same songs."""
    marks: dict[str, Marks] = {}
    for song in songs:
        played = {commit: through_the_mode(network, song, commit) for commit in COMMITS}
        first = next(cell for cell, chord in enumerate(played[0][0]) if chord)
        alone = {"bare, when its beat begins": newest(network, song)}
        alone |= {f"bare, {commit} ahead": bare(network, song, commit) for commit in COMMITS}
        for name, own in alone.items():
            marks.setdefault(name, Marks()).add(song, [*[None] * first, *own[first:]])
        for commit, (chords, sounding) in played.items():
            marks.setdefault(f"mode, commit {commit}: settled", Marks()).add(song, chords)
            marks.setdefault(f"mode, commit {commit}: sounding", Marks()).add(song, chords, sounding)
    return [own.row(name) for name, own in marks.items()]


if __name__ == "__main__":
    main()
