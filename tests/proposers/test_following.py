"""Chords for a session that accompanies: causal, ahead, the same after a restart, and never what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamlink.engine.decoder import Floats
from jamlink.errors import Unavailable
from jamlink.music.chord import Chord, Quality
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.proposers import chords_at_once
from jamlink.proposers.base import Accompanies
from jamlink.proposers.chords_at_once import StandIn, cells_in_beat, table
from jamlink.proposers.following import Follower
from jamlink.proposers.foresight import FarSighted
from jamlink.proposers.live_chords import ALL, LiveChords
from jamlink.session.proposal import ChordsRequest
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ns, Ticks
from jamlink.tokens import vocab

TABLE = table()
FOUR = Meter(4, 4)
METERS = (FOUR, Meter(3, 4), Meter(6, 8), Meter(2, 2), Meter(7, 8))


class Reader:
    """A network whose opinion depends on every word that it reads, and on nothing else."""

    limit = 256

    def __init__(self) -> None:
        self.longest = 0

    def prefill(self, ids: Sequence[int]) -> Floats:
        assert 0 < len(ids) <= self.limit
        self.longest = max(self.longest, len(ids))
        seed = sum((i + 1) * word for i, word in enumerate(ids)) % 2**32
        return np.random.default_rng(seed).normal(0, 3, vocab.SIZE).astype(np.float32)


def follower(network=None) -> Follower:
    return Follower("net", lambda meter: FarSighted(network or Reader(), TABLE, meter))


def melody(beats: int, meter: Meter = FOUR, seed: int = 0) -> tuple[Note, ...]:
    dice, beat = np.random.default_rng(seed), meter.beat_ticks
    return tuple(Note(Ticks(i * beat), int(60 + dice.integers(13)), Ticks(beat * 9 // 10)) for i in range(beats))


def request(beat: int, notes: Sequence[Note], *, meter=FOUR, ahead=4, base=0, run=1, avoid=None) -> ChordsRequest:
    start, end = base * meter.beat_ticks, beat * meter.beat_ticks
    heard = tuple(replace(n, duration=Ticks(min(n.end, end) - n.onset)) for n in notes if start <= n.onset < end)
    return ChordsRequest(beat, run, meter, beat, ahead, base, heard, avoid or (None,) * (ahead + 1), Ns(0))


everyone = pytest.mark.parametrize("make", [follower, lambda: StandIn(TABLE)], ids=["network", "stand-in"])


@everyone
@pytest.mark.parametrize("meter", METERS, ids=str)
def test_there_is_a_chord_for_each_beat_asked_for(make, meter):
    who, notes = make(), melody(20, meter)
    assert isinstance(who, Accompanies)
    for beat in range(0, 20, 3):
        for ahead in (0, 1, 5):
            found = who.chords(request(beat, notes, meter=meter, ahead=ahead))
            assert len(found) == ahead + 1
            assert all(chord in ALL for chord in found)


@everyone
@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 20), seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)))
def test_what_sounds_later_changes_nothing_before(make, cut, seeds):
    one, two = (melody(24, seed=seed) for seed in seeds)
    two = one[:cut] + two[cut:]
    first, second = make(), make()
    for beat in range(cut + 1):
        assert first.chords(request(beat, one)) == second.chords(request(beat, two))


@everyone
def test_what_was_refused_is_not_given_however_far_ahead(make):
    notes = melody(30)
    for beat in range(4, 30):
        plain = make().chords(request(beat, notes))
        avoiding = make().chords(request(beat, notes, avoid=plain))
        assert all(a != b for a, b in zip(plain, avoiding, strict=True))


@everyone
@pytest.mark.parametrize("key", [Key(2), Key(9, True), Key(6)], ids=str)
def test_in_a_locked_key_its_own_chords_are_given(make, key):
    who, notes = make(), melody(24)
    own = key.scale | {(key.tonic + 11) % 12}
    found = [chord for beat in range(24) for chord in who.chords(replace(request(beat, notes), key=key))]
    assert sum(chord.pitch_classes <= own for chord in found) > 0.9 * len(found)
    free = [chord for beat in range(24) for chord in make().chords(request(beat, notes))]
    assert sum(chord.pitch_classes <= own for chord in free) < sum(chord.pitch_classes <= own for chord in found)


def test_the_chord_of_now_is_that_of_the_player_who_does_not_look_ahead():
    notes, who, alone = melody(30), follower(), LiveChords(Reader(), TABLE, FOUR)
    for beat in range(30):
        asked = request(beat, notes)
        assert who.chords(asked)[0] == alone.decide(beat, asked.heard)


def test_looking_ahead_changes_no_later_chord():
    notes = melody(24)
    near, far = follower(), follower()
    for beat in range(24):
        assert near.chords(request(beat, notes, ahead=0))[0] == far.chords(request(beat, notes, ahead=6))[0]


@everyone
def test_asked_twice_it_says_the_same(make):
    who, notes = make(), melody(20)
    for beat in range(20):
        assert who.chords(request(beat, notes)) == who.chords(request(beat, notes))


@everyone
def test_who_is_started_in_the_middle_of_a_song_answers_at_once(make):
    notes = melody(200)
    assert len(make().chords(request(190, notes, base=128))) == 5


@everyone
def test_a_new_run_is_a_new_song(make):
    who, notes = make(), melody(40)
    who.chords(request(39, notes))
    fresh = make()
    for beat in range(5):
        assert who.chords(request(beat, notes, run=2)) == fresh.chords(request(beat, notes, run=2))


def test_the_next_window_is_listened_to_beside_before_it_is_asked_for():
    made: list[FarSighted] = []

    def make(meter):
        made.append(FarSighted(Reader(), TABLE, meter))
        return made[-1]

    who, notes = Follower("net", make), melody(64 * 4 + 8)
    for beat in range(64 * 4):
        who.chords(request(beat, notes, ahead=0))
    assert len(made) == 2, "one answers, one listens beside"
    heard = len(made[1]._words)
    assert heard >= 31 * 4 - 1, "it has caught up"
    who.chords(request(64 * 4, notes, base=32 * 4, ahead=0))
    assert len(made) == 2


def test_a_song_longer_than_the_network_reads_goes_on():
    reader, notes = Reader(), tuple(Note(Ticks(i * 240), 60 + i % 7, Ticks(240)) for i in range(64 * 16))
    who = follower(reader)
    for beat in range(0, 120):
        who.chords(request(beat, notes))
    assert reader.longest == reader.limit or reader.longest > reader.limit - 40


def test_a_half_note_beat_has_two_cells():
    assert [cells_in_beat(meter) for meter in METERS] == [1, 1, 1, 2, 1]


def test_a_stand_in_follows_the_harmony():
    notes = tuple(Note(Ticks(i * 480), (60, 64, 67, 72)[i % 4], Ticks(480)) for i in range(32))
    found = StandIn(TABLE).chords(request(16, notes))
    assert found[0] == Chord(0, Quality.MAJOR)


def test_without_its_table_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(chords_at_once, "data_folder", lambda name: tmp_path)
    with pytest.raises(Unavailable, match="Install jamlink again"):
        table()
