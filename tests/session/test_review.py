"""Corners of a jam that a musician turns into: lengths changed while a loop goes round, picks in the last moment,
a new one in the middle of a bar, a model that hangs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.music.note import Note
from jamlink.session import effects as fx
from jamlink.session.effects import Out
from jamlink.session.inputs import Click, Heard, LockKey, Mode, Repeat, SetBars
from jamlink.timing.units import Ns, Ticks, ms
from tests.session.conftest import PLAIN, SECOND
from tests.session.test_laws import delays, perform, scripts, slow
from tests.session.test_scenarios import BASS, do, score, when

JUST_TOO_LATE = ms(60)
"""Before the slot: after the last call."""


def starts(offline, *outs: Out) -> list[str]:
    return [line for line in score(offline, *outs) if line.endswith(" on")]


def test_a_loop_goes_on_when_the_slots_become_longer(jam):
    offline = jam(repeat=Repeat.LOOP, **BASS)
    offline.at(when(2, 3), do(Action.ACCEPT))
    offline.at(when(3, 2), SetBars(8, "test"))
    offline.run_until(when(9, 2))
    assert starts(offline) == [f"{bar}.1 bass C2 on" for bar in (3, 5, 7, 9)]


def test_a_loop_goes_on_when_the_slots_become_shorter_and_still_gives_way_to_one_idea(jam):
    offline = jam(bars=4, repeat=Repeat.LOOP, **BASS)
    offline.at(when(4, 3), do(Action.ACCEPT))
    offline.at(when(6, 2), SetBars(2, "test"))
    offline.at(when(12, 2), do(Action.PICK_3))
    offline.run_until(when(16))
    assert score(offline)[:7] == [
        "5.1 bass C2 on",
        "9.1 bass C2 off",
        "9.1 bass C2 on",
        "13.1 bass C2 off",
        "13.1 bass D2 on",
        "15.1 bass D2 off",
        "15.1 bass D2 on",
    ]


def test_what_was_accepted_is_heard_out_when_the_slots_become_shorter(jam):
    offline = jam(bars=4, **BASS)
    offline.at(when(4, 3), do(Action.ACCEPT))
    offline.at(when(4, 3.5), SetBars(1, "test"))
    offline.at(when(8, 2), do(Action.PICK_2))
    offline.run_until(when(12))
    assert score(offline) == ["5.1 bass C2 on", "9.1 bass C2 off", "9.1 bass Db2 on", "10.1 bass Db2 off"]


def test_a_late_pick_leaves_alone_what_is_about_to_start(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.PICK_1))
    offline.at(Ns(when(3) - JUST_TOO_LATE), do(Action.PICK_4))
    offline.run_until(when(9))
    assert score(offline) == ["3.1 bass C2 on", "5.1 bass C2 off", "5.1 bass Eb2 on", "7.1 bass Eb2 off"]


def test_undo_of_a_late_pick_leaves_the_one_before(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.PICK_1))
    offline.at(Ns(when(3) - JUST_TOO_LATE), do(Action.PICK_4))
    offline.at(Ns(when(3) - JUST_TOO_LATE + ms(20)), do(Action.UNDO))
    offline.run_until(when(9))
    assert score(offline) == ["3.1 bass C2 on", "5.1 bass C2 off"]


def test_undo_in_the_last_moment_lets_the_loop_go_on(jam):
    offline = jam(repeat=Repeat.LOOP, **BASS)
    offline.at(when(2, 2), do(Action.PICK_1))
    offline.at(when(4, 3), do(Action.PICK_2))
    offline.at(Ns(when(5) - JUST_TOO_LATE), do(Action.UNDO))
    offline.run_until(when(6))
    assert starts(offline)[0] == "3.1 bass C2 on"
    assert starts(offline)[-1] == "5.1 bass C2 on"


def test_in_trading_a_model_that_hangs_does_not_leave_the_answer_out(jam):
    offline = jam(mode=Mode.TRADE, thinking=lambda request: 30 * SECOND, **BASS)
    offline.run_until(when(6))
    assert score(offline) == ["3.1 bass C2 on", "5.1 bass C2 off"]
    assert offline.sent[0].due == when(3)


def test_keep_going_does_not_take_what_was_just_undone(jam):
    offline = jam(repeat=Repeat.ROLL, **BASS)
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.at(when(2, 3), do(Action.UNDO))
    offline.run_until(when(4))
    assert score(offline) == []


def test_panic_ends_keep_going_for_the_bars_at_hand(jam):
    offline = jam(repeat=Repeat.ROLL, **BASS)
    offline.at(when(4, 3), do(Action.PANIC))
    offline.run_until(when(6))
    assert starts(offline) == ["3.1 bass C2 on"]


def test_a_new_one_leaves_out_the_notes_it_skips(jam):
    """Bar 3 begins early: the note between here and there is not thrown in at once, and what sounds ends on the one."""

    class OffBeat:
        name = "off-beat"

        def propose(self, request, cancelled):
            notes = (Note(Ticks(0), 40, Ticks(3840), 80), Note(Ticks(3360), 45, Ticks(960), 80))
            return [replace(c, bass=notes) for c in PLAIN.propose(request, cancelled)]

    offline = jam(proposer=OffBeat(), bars=1, **BASS)
    offline.at(when(1, 2), do(Action.ACCEPT))
    offline.at(when(2, 3.25), do(Action.THIS_IS_ONE))
    offline.run_until(when(6))
    assert score(offline) == ["2.1 bass E2 on", "3.1 bass E2 off"]
    assert offline.sent[-1].due == when(2, 3.25)


def test_a_new_one_is_clicked(jam):
    offline = jam(click=Click.ON, count_in=0, **BASS)
    offline.at(when(2, 3.25), do(Action.THIS_IS_ONE))
    offline.run_until(when(5))
    clicks = starts(offline, Out.METRONOME)
    assert clicks.count("3.1 metronome E5 on") == 1
    assert [line for line in clicks if line.startswith("3.")] == [
        "3.1 metronome E5 on",
        "3.2 metronome F5 on",
        "3.3 metronome F5 on",
        "3.4 metronome F5 on",
    ]


def test_after_a_stop_in_the_last_moment_ideas_can_be_asked_for(jam):
    offline = jam(**BASS)
    offline.at(Ns(when(3) - JUST_TOO_LATE), do(Action.PLAY_STOP))
    offline.at(when(4), do(Action.NEXT_HAND))
    offline.run_until(when(5))
    assert offline.session.snapshot().hand is not None


def test_a_hand_that_the_player_has_changed_is_not_dealt_anew_for_its_key(jam):
    offline = jam(bars=4)
    scale_c, scale_e = (60, 62, 64, 65, 67, 69, 71, 72), (64, 66, 68, 69, 71, 73, 75, 76)
    for bar, scale in enumerate((scale_c, scale_e, scale_e, scale_e), start=1):
        for i, pitch in enumerate(scale):
            at = when(bar, 1 + i / 2)
            offline.at(at, Heard(NoteOn(at, "keys", 0, pitch, 80)))
            offline.at(Ns(at + ms(200)), Heard(NoteOff(Ns(at + ms(200)), "keys", 0, pitch)))
    offline.at(when(3, 2), do(Action.TRANSPOSE_UP))
    offline.run_until(when(4, 2))
    assert any(card.edits for card in offline.session.snapshot().hand.cards)


def test_an_original_is_found_though_ideas_share_a_seed(jam):
    class SameSeed:
        name = "same"

        def propose(self, request, cancelled):
            return [replace(c, seed=5) for c in PLAIN.propose(request, cancelled)]

    offline = jam(proposer=SameSeed(), **BASS)
    offline.at(when(2, 2), do(Action.SELECT))
    offline.at(when(2, 2.5), do(Action.TRANSPOSE_UP))
    offline.at(when(2, 3), do(Action.ACCEPT))
    offline.run_until(when(3))
    (taken,) = [r.value for r in offline.records if isinstance(r.value, fx.Decided) and r.value.edits]
    assert taken.original.bass[0].pitch == taken.content.bass[0].pitch - 1


@slow
@given(scripts, delays)
def test_two_ideas_never_sound_at_once(script, delay):
    sounding: dict[int, set] = {}
    for effect in perform(script, delay).effects:
        match effect:
            case fx.Send():
                for message in (timed.message for timed in effect.messages if timed.message.owner >= fx.FIRST_PROPOSAL):
                    note = (message.out, message.data[1])
                    if message.data[0] & 0xF0 == 0x90:
                        sounding.setdefault(message.owner, set()).add(note)
                        assert not any(notes for owner, notes in sounding.items() if owner != message.owner)
                    else:
                        sounding.get(message.owner, set()).discard(note)
            case fx.Cancel(owner):
                sounding.pop(owner, None)
            case fx.Silence() | fx.Panic():
                sounding.clear()


def test_a_hand_made_before_its_key_was_locked_is_dealt_anew(jam):
    offline = jam(bars=4)
    for bar in (1, 2, 3, 4):
        for i, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72)):
            at = when(bar, 1 + i / 2)
            offline.at(at, Heard(NoteOn(at, "keys", 0, pitch, 80)))
            offline.at(Ns(at + ms(200)), Heard(NoteOff(Ns(at + ms(200)), "keys", 0, pitch)))
    offline.run_until(when(3, 2))
    heard = offline.session.key
    assert offline.thoughts[-1].request.key is None
    offline.at(when(3, 3), LockKey(heard, "test"))
    offline.run_until(when(4, 2))
    assert offline.thoughts[-1].request.key == heard
    assert offline.session.snapshot().hand.deal == 2
