"""Laws of the session, over random jams: a person who does anything at any time, a model that is late or gone."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamlink.midi.actions import Action
from jamlink.midi.events import ControlChange, NoteOff, NoteOn
from jamlink.runtime.offline import Offline
from jamlink.session import effects as fx
from jamlink.session.core import Session
from jamlink.session.effects import Record, Send
from jamlink.session.inputs import (
    BringBack,
    Do,
    EditNote,
    Hear,
    Heard,
    Mode,
    MoveChord,
    ProposerIs,
    Repeat,
    ReplaceChord,
    Select,
    SetBars,
    SetChannels,
    SetMode,
    SetRepeat,
    SetRoles,
    SetStyle,
    SetTempo,
    Take,
    Turn,
)
from jamlink.session.plain import plain, value
from jamlink.session.proposal import Role
from jamlink.session.settings import SessionSettings
from jamlink.session.wire import is_input, read_input, record
from jamlink.timing.units import Ns, ms, tempo_of_bpm
from tests.session.conftest import Plain

MINUTE = 60 * 1_000_000_000
KEYS = st.integers(40, 80)


def heard(make):
    return st.builds(lambda pitch: lambda at: Heard(make(at, pitch)), KEYS)


gestures = st.one_of(
    st.sampled_from(Action).map(lambda a: lambda at: Do(a, "test")),
    st.sampled_from([Action.ACCEPT, Action.PICK_2, Action.REJECT, Action.UNDO, Action.PLAY_STOP]).map(
        lambda a: lambda at: Do(a, "test")
    ),
    heard(lambda at, p: NoteOn(at, "keys", 0, p, 90)),
    heard(lambda at, p: NoteOff(at, "keys", 0, p)),
    st.integers(0, 127).map(lambda v: lambda at: Heard(ControlChange(at, "keys", 0, 64, v))),
    st.floats(40, 240).map(lambda bpm: lambda at: SetTempo(bpm, "test")),
    st.sampled_from([1, 2, 4, 8]).map(lambda bars: lambda at: SetBars(bars, "test")),
    st.sampled_from(Repeat).map(lambda r: lambda at: SetRepeat(r, "test")),
    st.sampled_from(Mode).map(lambda m: lambda at: SetMode(m, "test")),
    st.sets(st.sampled_from(Role), min_size=1).map(lambda r: lambda at: SetRoles(frozenset(r), "test")),
    st.sampled_from(["Am7", "H", "Bb/D"]).map(lambda c: lambda at: ReplaceChord(0, c, "test")),
    st.floats(-1, 2).map(lambda v: lambda at: Turn("surprise", v, "test")),
    st.sampled_from(["", "jazz"]).map(lambda s: lambda at: SetStyle(s, "test")),
    st.tuples(st.sampled_from(["chords", "melody", "bass", "preview", "drums"]), st.integers(0, 16)).map(
        lambda c: lambda at: SetChannels((c,), "test")
    ),
    st.tuples(st.sampled_from([Select, Hear, Take]), st.integers(0, 4)).map(lambda g: lambda at: g[0](g[1], "test")),
    st.integers(16, 60).map(lambda idea: lambda at: BringBack(idea, "test")),
    st.tuples(st.integers(0, 2), st.floats(-4, 4), st.none() | st.integers(0, 4)).map(
        lambda m: lambda at: MoveChord(m[0], m[1], "test", m[2])
    ),
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.none() | st.integers(0, 127)).map(
        lambda n: lambda at: EditNote(*n, "test")
    ),
    st.tuples(st.sampled_from(["Am7", "Bb/D"]), st.integers(0, 4)).map(
        lambda c: lambda at: ReplaceChord(0, c[0], "test", c[1])
    ),
    st.booleans().map(lambda here: lambda at: ProposerIs(here, "plain", "" if here else "gone")),
)
moments = st.integers(0, MINUTE // 2)
scripts = st.lists(st.tuples(moments, gestures), max_size=60)
delays = st.sampled_from([0, 100, 900, 3_000])


def perform(script, delay_ms=0, seed=1, looks=()):
    session = Session(SessionSettings(seed=seed, tempo=tempo_of_bpm(120), bars=2), Ns(0))
    offline = Offline(session, Plain(), Plain("stand-in"), thinking=lambda request: ms(delay_ms))
    offline.at(Ns(0), Do(Action.PLAY_STOP, "test"))
    for at, make in script:
        offline.at(Ns(at), make(Ns(at)))
    for at in sorted(looks):
        offline.run_until(Ns(at))
        offline.session.state()
    offline.run_until(Ns(MINUTE // 2))
    return offline


def stop(offline):
    """Stopped, whatever the script did; a preview that plays while stopped is stopped by playing and stopping."""
    presses = 1 if offline.session.snapshot().clock.playing else 2
    for _ in range(presses):
        offline.at(Ns(MINUTE // 2), Do(Action.PLAY_STOP, "test"))
    offline.run_until(Ns(MINUTE // 2))


slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(scripts, delays)
def test_every_note_on_gets_exactly_one_note_off(script, delay):
    """Counting what the io process would: Cancel and Silence end notes there, and nothing may be ended twice here."""
    offline = perform(script, delay)
    stop(offline)
    offline.run_until(Ns(MINUTE))
    open_notes: dict[int, Counter] = defaultdict(Counter)
    for effect in offline.effects:
        match effect:
            case Send():
                for timed in effect.messages:
                    data, owner = timed.message.data, timed.message.owner
                    note = (data[0] & 0x0F, data[1])
                    if data[0] & 0xF0 == 0x90:
                        open_notes[owner][note] += 1
                    elif data[0] & 0xF0 == 0x80:
                        open_notes[owner][note] -= 1
                        assert open_notes[owner][note] >= 0, "a note-off without its note-on"
            case fx.Cancel(owner):
                open_notes.pop(owner, None)
            case fx.Silence() | fx.Panic():
                open_notes.clear()
    for owner, notes in open_notes.items():
        assert not +notes, f"owner {owner} leaves {+notes} sounding"


@slow
@given(scripts, delays)
def test_nothing_is_sent_into_the_past_or_out_of_order(script, delay):
    offline = perform(script, delay)
    last = 0
    now = 0
    for effect in offline.effects:
        if isinstance(effect, Record):
            assert effect.at >= now
            now = effect.at
        elif isinstance(effect, fx.Silence | fx.Panic):
            last = 0  # the io process forgets what it was promised
        elif isinstance(effect, Send):
            for timed in effect.messages:
                assert timed.due >= last
                last = timed.due
    sent = [r for r in offline.records if isinstance(r.value, fx.Sent)]
    assert all(r.value.due >= r.at for r in sent)


@slow
@given(scripts)
def test_after_stop_nothing_is_owed(script):
    offline = perform(script)
    stop(offline)
    before = len(offline.sent)
    offline.run_until(Ns(MINUTE))
    assert len(offline.sent) == before
    assert offline.session.next_deadline is None
    snapshot = offline.session.snapshot()
    assert (snapshot.taken, snapshot.playing, snapshot.hand) == (None, None, None)


@slow
@given(scripts, delays)
def test_a_recorded_session_replays_to_the_same_effects(script, delay):
    offline = perform(script, delay)
    again = Session(SessionSettings(seed=1, tempo=tempo_of_bpm(120), bars=2), Ns(0))
    effects = []
    for entry in offline.records:
        kind, payload = record(entry.value)
        if is_input(kind):
            effects += again.handle(read_input(kind, payload), entry.at)
    effects += again.advance(Ns(MINUTE // 2))
    assert [record(e.value) for e in effects if isinstance(e, Record)] == [record(r.value) for r in offline.records]
    assert [e for e in effects if isinstance(e, Send)] == [e for e in offline.effects if isinstance(e, Send)]


@slow
@given(scripts, st.lists(st.integers(0, MINUTE // 2), max_size=40))
def test_how_often_time_is_advanced_changes_nothing(script, extra):
    plain_run = perform(script)
    inputs = [(r.at, r.value) for r in plain_run.records if is_input(record(r.value)[0])]
    session = Session(SessionSettings(seed=1, tempo=tempo_of_bpm(120), bars=2), Ns(0))
    effects = []
    stops = sorted(extra)
    for at, item in inputs:
        while stops and stops[0] < at:
            effects += session.advance(Ns(stops.pop(0)))
        effects += session.handle(item, at)
    effects += session.advance(Ns(MINUTE // 2))
    assert [e for e in effects if isinstance(e, Send)] == [e for e in plain_run.effects if isinstance(e, Send)]


@slow
@given(scripts, delays)
def test_every_record_survives_the_way_to_the_ledger(script, delay):
    for entry in perform(script, delay).records:
        kind, payload = record(entry.value)
        if is_input(kind):
            assert read_input(kind, payload) == entry.value
        else:
            assert value(plain(entry.value), type(entry.value)) == entry.value


@slow
@given(scripts, delays, st.lists(st.integers(0, MINUTE // 2), max_size=20))
def test_looking_changes_nothing_and_everything_seen_can_be_told(script, delay, looks):
    plain_run = perform(script, delay)
    looked_at = perform(script, delay, looks=looks)
    assert [record(r.value) for r in looked_at.records] == [record(r.value) for r in plain_run.records]
    assert looked_at.sent == plain_run.sent
    assert json.loads(msgspec.json.encode(looked_at.session.state())) is not None
