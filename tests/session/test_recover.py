"""A mistake of ours, made anywhere and at any time: the session goes on, no note stays, and the record replays.

The mistakes are put in by hand: a method that raises once, or from some call on.
"""

from __future__ import annotations

import pytest

from jamlink.ledger.entry import HEADER
from jamlink.ledger.store import Ledger
from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.music.chord import Chord, Quality
from jamlink.runtime.replaying import replay
from jamlink.session import effects as fx
from jamlink.session.accompany import Accompaniment
from jamlink.session.asking import Asking
from jamlink.session.conductor import Conductor
from jamlink.session.core import BROKE, Session
from jamlink.session.inputs import Do, Foreseen, Heard, Ideas, Mode, ProposerIs, Recover, Repeat
from jamlink.session.listener import Listener
from jamlink.session.ours import Ours
from jamlink.session.promised import Promised
from jamlink.session.proposal import Role
from jamlink.session.proposing import Proposing
from jamlink.session.settings import SessionSettings
from jamlink.session.stand import Stand
from jamlink.session.wire import header, record
from jamlink.testing.tracker import NoteTracker
from jamlink.timing.units import Ns, ms, tempo_of_bpm
from tests.session.conftest import PLAIN

SECOND = 1_000_000_000
SETTINGS = SessionSettings(tempo=tempo_of_bpm(120), bars=1, count_in=0, repeat=Repeat.ROLL)
BAR = 2 * SECOND
ACCOMPANIED = SessionSettings(
    tempo=tempo_of_bpm(120), count_in=0, mode=Mode.ACCOMPANY, roles=frozenset({Role.CHORDS, Role.BASS})
)


class Stage:
    """A session with a model, an io process that silences as the real one does, and whoever puts mistakes right."""

    def __init__(self, settings=SETTINGS):
        self.session, self.now, self.mistakes = Session(settings, Ns(0)), Ns(0), 0
        self.records, self.silences, self.queue, self.heard = [], [], [], NoteTracker()
        self.give(ProposerIs(True, "plain"))

    def give(self, item):
        self._carry_out(self._safely(lambda: self.session.handle(item, self.now)))

    def run(self, until):
        """In steps of 50 ms, as a loop that has other things to do."""
        while self.now < until:
            self.now = Ns(self.now + ms(50))
            self._carry_out(self._safely(lambda: self.session.advance(self.now)))

    def _safely(self, work):
        try:
            return work()
        except Exception as bug:
            self.mistakes += 1
            return self.session.handle(Recover(repr(bug)), self.session.now)

    def _carry_out(self, effects):
        for effect in effects:
            match effect:
                case fx.Record():
                    self.records.append(effect)
                case fx.Send():
                    self.queue += [
                        (t.due, t.message.owner, t.message.out.value, t.message.data) for t in effect.messages
                    ]
                case fx.Silence() | fx.Panic():
                    self._end(lambda owner: True)
                    self.silences.append(self.now)
                case fx.Cancel(owner):
                    self._end(lambda other, gone=owner: other == gone)
                case fx.AskChords(request) | fx.AskChordsStandIn(request):
                    chords = tuple(Chord((request.beat + i) % 12, Quality.MAJOR) for i in range(request.ahead + 1))
                    self.give(Foreseen(request.id, chords, "plain", isinstance(effect, fx.AskChordsStandIn)))
                case fx.AskProposer(request) | fx.AskStandIn(request):
                    ideas = tuple(PLAIN.propose(request, lambda: False))
                    self.give(Ideas(request.id, ideas, isinstance(effect, fx.AskStandIn)))

    def _end(self, meant):
        """Nothing of theirs leaves any more, and what sounds is ended."""
        self._leave(self.now)
        self.queue = [entry for entry in self.queue if not meant(entry[1])]
        for note in self.heard.stuck:
            port, owner = note.port.split()
            if meant(int(owner)):
                self.heard.sent(self.now, bytes((0x80 | note.channel, note.pitch, 64)), f"{port} {owner}")

    def _leave(self, until):
        for due, owner, out, data in sorted(e for e in self.queue if e[0] <= until):
            self.heard.sent(due, data, f"{out} {owner}")
        self.queue = [entry for entry in self.queue if entry[0] > until]

    def stopped(self):
        """After a stop, everything that sounded."""
        if self.session.playing:
            self.give(Do(Action.PLAY_STOP, "test"))
        self._leave(Ns(self.now + 60 * SECOND))
        return self.heard


def mistake(monkeypatch, owner, name, first, last):
    """Calls number `first` to `last` of a method raise."""
    calls, right = 0, getattr(owner, name)

    def wrong(*arguments, **options):
        nonlocal calls
        calls += 1
        if first <= calls <= last:
            raise KeyError(name)
        return right(*arguments, **options)

    monkeypatch.setattr(owner, name, wrong)


def play_a_minute(stage):
    stage.give(Do(Action.PLAY_STOP, "test"))
    for beat in range(60):
        stage.run(beat * SECOND // 2)
        at = stage.now
        stage.give(Heard(NoteOn(at, "keys", 0, 60 + beat % 12, 90)))
        stage.give(Heard(NoteOff(at, "keys", 0, 60 + beat % 12)))
        if beat % 7 == 3:
            stage.give(Do(Action.ACCEPT, "test"))
        if beat == 41:
            stage.give(Do(Action.UNDO, "test"))
    stage.run(32 * SECOND)


PLACES = [
    *((Proposing, name) for name in ("_take", "_ask", "_deal", "take_over", "play_out", "move_on", "loop")),
    *((Proposing, name) for name in ("_begin", "_close", "_open", "_retire", "_let_go", "_withdraw_taken")),
    *((Proposing, name) for name in ("_cut_playing", "first_note", "prepare")),
    *((Asking, name) for name in ("ask", "prepare", "withdraw")),
    *((Stand, name) for name in ("how_to_play", "slot_following")),
    (Conductor, "lay_clicks"),
    (Ours, "placed"),
    (Session, "_release"),
    (Listener, "hear"),
    (Listener, "context"),
    (Listener, "feel"),
]


@pytest.mark.parametrize("first", [1, 3, 8])
@pytest.mark.parametrize("lasts", [1, 10_000], ids=["once", "always"])
@pytest.mark.parametrize(("owner", "name"), PLACES, ids=lambda value: getattr(value, "__name__", value))
def test_after_a_mistake_anywhere_nothing_sticks_and_it_plays_again(monkeypatch, owner, name, first, lasts):
    with monkeypatch.context() as broken:
        mistake(broken, owner, name, first, first + lasts - 1)
        stage = Stage()
        play_a_minute(stage)
        assert stage.mistakes <= 1 if lasts == 1 else stage.mistakes < 600, (
            "it does not come more often than it is done"
        )
    before = len(stage.heard.all_notes)
    for _ in range(8):
        stage.run(stage.now + BAR)
        stage.give(Do(Action.ACCEPT, "test"))
    heard = stage.stopped()
    assert len(heard.all_notes) > before, "ideas are taken and sound again"
    heard.check()


ALONG = [
    *((Accompaniment, name) for name in ("decide", "_hear", "_ask", "foreseen", "expire", "_end_phrase", "wake")),
    *((Accompaniment, name) for name in ("stop", "due")),
    *((Promised, name) for name in ("settle", "_keep", "catch_up", "before", "sounding")),
    (Session, "_along_deadlines"),
    (Ours, "settled"),
    (Listener, "notes"),
]


@pytest.mark.parametrize("first", [2, 20])
@pytest.mark.parametrize("lasts", [1, 10_000], ids=["once", "always"])
@pytest.mark.parametrize(("owner", "name"), ALONG, ids=lambda value: getattr(value, "__name__", value))
def test_an_accompaniment_that_breaks_anywhere_is_taken_up_again_and_nothing_sticks(
    monkeypatch, owner, name, first, lasts
):
    stage = Stage(ACCOMPANIED)
    with monkeypatch.context() as broken:
        mistake(broken, owner, name, first, first + lasts - 1)
        play_a_minute(stage)
        assert stage.mistakes <= 1 if lasts == 1 else stage.mistakes < 1500
    before = len(stage.heard.all_notes)
    for beat in range(24):
        stage.give(Heard(NoteOn(stage.now, "keys", 0, 60 + beat % 12, 90)))
        stage.run(stage.now + SECOND // 2)
    heard = stage.stopped()
    assert len(heard.all_notes) > before, "it accompanies again"
    heard.check()


@pytest.mark.parametrize("where", ["hear", "context"])
def test_a_mistake_in_listening_or_preparing_cuts_nothing_that_sounds(monkeypatch, where):
    stage = Stage()
    stage.give(Do(Action.PLAY_STOP, "test"))
    stage.run(5 * SECOND)
    silences = len(stage.silences)
    with monkeypatch.context() as broken:
        mistake(broken, Listener, where, 1, 1)
        stage.give(Heard(NoteOn(stage.now, "keys", 0, 60, 90)))
        stage.run(stage.now + ms(250))
    assert stage.mistakes == 1
    assert len(stage.silences) == silences
    assert BROKE in stage.session.snapshot().notices


def test_without_a_mistake_nothing_is_put_right():
    stage = Stage()
    play_a_minute(stage)
    assert stage.mistakes == 0
    stage.stopped().check()


def broken_session(monkeypatch, folder, owner, name):
    """The file of a session in which calls 3 and 4 of `name` raised."""
    with monkeypatch.context() as broken:
        mistake(broken, owner, name, 3, 4)
        stage = Stage()
        play_a_minute(stage)
        stage.stopped()
    assert 1 <= stage.mistakes <= 2
    ledger = Ledger(folder / "s.jam")
    ledger.append(HEADER, header(SETTINGS, Ns(0), "1", "2026-01-01T10:00:00+00:00"), Ns(0))
    for entry in stage.records:
        ledger.append(*record(entry.value), entry.at)
    assert ledger.close(timeout_s=30)
    return ledger.path


BROKEN = [
    *((Proposing, name) for name in ("_take", "_begin", "_deal", "prepare")),
    (Conductor, "lay_clicks"),
]


@pytest.mark.parametrize(("owner", "name"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_a_session_that_broke_replays_to_the_byte_where_it_breaks_again(monkeypatch, tmp_path, owner, name):
    file = broken_session(monkeypatch, tmp_path, owner, name)
    mistake(monkeypatch, owner, name, 3, 4)
    verdict = replay(file)
    assert verdict.same, verdict.sentence


def test_where_the_mistake_was_mended_since_the_replay_says_that_it_differs(monkeypatch, tmp_path):
    verdict = replay(broken_session(monkeypatch, tmp_path, Proposing, "_deal"))
    assert not verdict.same
    assert verdict.sentence.endswith("A mistake in jamlink came up there, and does not come up again.")
