"""The parts of the session by themselves: what each yields and owns, with nothing around but a moment."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import accumulate, count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Fault, Nonsense
from jamlink.midi.actions import Action
from jamlink.midi.events import CLOCK, START, STOP, NoteOff, NoteOn
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.note import Note
from jamlink.session import effects as fx
from jamlink.session import inputs
from jamlink.session.around import Around
from jamlink.session.asking import PREPARE_AFTER, PREPARE_EVERY, STAND_IN_ROOM, Asking
from jamlink.session.conductor import Conductor
from jamlink.session.deeds import Drop, Lay, Place, moving
from jamlink.session.edits import ACTIONS, asked_for, place_of
from jamlink.session.inputs import Click, Ideas, Mode, Repeat, Source
from jamlink.session.journal import Journal
from jamlink.session.listener import Listener
from jamlink.session.ours import Ours
from jamlink.session.promised import Promised
from jamlink.session.proposal import Candidate, Controls, Happening, Proposal, Role, Slot, State
from jamlink.session.proposing import Proposing
from jamlink.session.settings import SessionSettings
from jamlink.session.slots import ask_at, decide_by, slot_after
from jamlink.session.stand import Stage, Stand
from jamlink.session.steering import STEPS, SWITCHES, changed, steered, toggled
from jamlink.timing.meter import COMMON_TIME, Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ns, Ticks, ms, tempo_of_bpm
from tests.session.conftest import PLAIN, SECOND

BEAT, BAR = 960, 3840
SETTINGS = SessionSettings(tempo=tempo_of_bpm(120), bars=2, count_in=0)
LINE = Timeline(SETTINGS.tempo, Ticks(0), Ns(0))
C, F = Chord(0, Quality.MAJOR), Chord(5, Quality.MAJOR)


def around(bar=1, *, playing=True, model=True, ours=None, **settings):
    """At the beginning of bar `bar` (from 1) of a run at 120 bpm."""
    now = Ns((bar - 1) * 2 * SECOND)
    made = replace(SETTINGS, **settings)
    transport = Transport(playing, LINE, COMMON_TIME)
    return Around(now, transport, Listener(None, LINE), made, Controls(), model, ours or Ours())


def kinds(deeds):
    return [type(deed).__name__ for deed in deeds]


def idea(chords=(C,), melody=(), bass=()):
    length = BAR * 2 // len(chords) if chords else 0
    spans = tuple(ChordSpan(Ticks(i * length), Ticks(length), chord) for i, chord in enumerate(chords))
    return Candidate(spans, tuple(melody), tuple(bass), 0.0, 0.0, "plain", 1)


# -- slots ------------------------------------------------------------------------------------------------------------

ticks = st.integers(-4 * BAR, 200 * BAR).map(Ticks)
meters = st.sampled_from([COMMON_TIME, Meter(3, 4), Meter(6, 8)])
ways = st.tuples(st.sampled_from([1, 2, 4, 8]), st.sampled_from([Mode.PROPOSE, Mode.TRADE]))


@given(ticks, meters, ways)
def test_the_slot_after_a_tick_is_the_first_one_that_starts_later(tick, meter, way):
    settings = replace(SETTINGS, bars=way[0], mode=way[1])
    slot = slot_after(tick, meter, settings)
    period = (2 if way[1] is Mode.TRADE else 1) * slot.length
    assert slot.start > tick
    assert slot.start - period <= max(tick, slot.length - 1), "and there is none between"
    assert (slot.start - slot.length) % period == 0, "the first bars of a run and of a trade are the player's"


@given(ticks, meters, ways, st.integers(40, 240))
def test_a_slot_is_asked_for_before_it_is_decided_and_decided_before_it_begins(tick, meter, way, bpm):
    slot = slot_after(tick, meter, replace(SETTINGS, bars=way[0], mode=way[1]))
    line = Timeline(tempo_of_bpm(bpm), Ticks(0), Ns(0))
    assert ask_at(slot, meter) < decide_by(slot, meter, line) < slot.start


# -- ours -------------------------------------------------------------------------------------------------------------


def test_what_we_laid_out_is_remembered_where_it_sounds_and_forgotten_from_where_it_is_dropped():
    ours = Ours()
    ours.placed(idea((C, F), [Note(Ticks(0), 72, Ticks(480)), Note(Ticks(BAR), 74, Ticks(480))]), Ticks(2 * BAR))
    assert [(span.onset, span.chord) for span in ours.chords] == [(2 * BAR, C), (3 * BAR, F)]
    ours.forget_from(Ticks(3 * BAR))
    assert [span.chord for span in ours.chords] == [C]
    assert [note.onset for note in ours.melody] == [2 * BAR]
    ours.clear()
    assert not ours.chords
    assert not ours.melody


@given(st.lists(st.sampled_from([C, F, None]), max_size=24))
def test_beats_of_an_accompaniment_become_chords_that_last(beats):
    ours = Ours()
    for i, chord in enumerate(beats):
        ours.settled(fx.Chorded(16, Ticks(i * BEAT), Ticks(BEAT), chord, "plain", False, Ticks(0)))
    told = {span.onset + i: span.chord for span in ours.chords for i in range(0, span.duration, BEAT)}
    assert told == {i * BEAT: chord for i, chord in enumerate(beats) if chord}
    assert all(a.chord != b.chord or a.end < b.onset for a, b in zip(ours.chords, [*ours.chords][1:], strict=False))


# -- the journal ------------------------------------------------------------------------------------------------------


def test_the_journal_keeps_the_order_counts_records_and_makes_decisions_durable():
    journal, now = Journal(), around()
    proposal = Proposal(16, Slot(Ticks(0), 2, Ticks(BAR)), frozenset({Role.CHORDS}), idea())
    journal.emit(fx.Publish())
    journal.record(fx.Moved(16, State.OFFERED, Happening.ACCEPT, State.SCHEDULED), now)
    journal.record(fx.Decided.about(proposal, fx.Verdict.ACCEPTED, fx.PLAYER, "test"), now)
    journal.notice("Hello.")
    effects = journal.drain()
    assert kinds(effects) == ["Publish", "Record", "Record", "Notice", "Publish"]
    assert [effect.durable for effect in effects[1:3]] == [False, True]
    assert journal.decision == 2
    assert journal.drain() == []


def test_only_the_last_sentences_stay_on_the_screen():
    journal = Journal()
    for i in range(7):
        journal.notice(str(i))
    assert list(journal.notices) == ["2", "3", "4", "5", "6"]


# -- the conductor ----------------------------------------------------------------------------------------------------


def bars_with_clicks(conductor, click, bars):
    laid = []
    for _ in range(bars):
        for deed in conductor.lay_clicks(around(click=click)):
            laid += [message.at // BAR for message in deed.messages]
    return sorted(set(laid))


@pytest.mark.parametrize(("click", "bars"), [(Click.OFF, []), (Click.COUNT_IN, [-2, -1]), (Click.ON, [-2, -1, 0, 1])])
def test_the_metronome_clicks_in_the_bars_it_is_set_for(click, bars):
    conductor = Conductor(SETTINGS, Ns(0))
    conductor.runs_from(conductor.starts(Ns(0), count_in=2))
    assert bars_with_clicks(conductor, click, 4) == bars


def test_clicks_are_due_two_horizons_before_their_bar():
    conductor = Conductor(SETTINGS, Ns(0))
    conductor.runs_from(conductor.starts(ms(60), count_in=1))
    list(conductor.lay_clicks(around()))
    assert conductor.clicks_due(ms(250)) == ms(60) + 2 * SECOND - 2 * ms(250)


def test_four_taps_set_the_tempo_and_the_same_again_changes_nothing():
    conductor = Conductor(SETTINGS, Ns(0))
    told = [conductor.taps(Ns(i * SECOND)) for i in range(6)]
    assert told == [False, False, False, True, False, False]
    assert conductor.transport.timeline.tempo == conductor.following.own_tempo == tempo_of_bpm(60)
    assert conductor.following.view.source == Source.TAP.value


def test_half_and_double_time_undo_one_another_and_no_tempo_that_cannot_be_is_taken():
    conductor = Conductor(SETTINGS, Ns(0))
    assert conductor.feels(0.5, Ns(0))
    assert conductor.feels(2.0, Ns(0))
    assert conductor.transport.timeline.tempo == SETTINGS.tempo
    with pytest.raises(Nonsense):
        conductor.sets(0.0, Source.OWN, Ns(0))
    assert conductor.transport.timeline.tempo == SETTINGS.tempo


def test_only_who_is_to_send_a_clock_sends_one():
    silent, sending = (Conductor(replace(SETTINGS, send_clock=sends), Ns(0)) for sends in (False, True))
    assert silent.pulses_due(ms(250)) is None
    for conductor in (silent, sending):
        conductor.runs_from(conductor.starts(ms(60), count_in=0))
    at = Ns(0)
    assert [*silent.send_anew(at, Ticks(0)), *silent.lay_pulses(around()), *silent.send_end(at)] == []
    cancel, lay = sending.send_anew(at, Ticks(0))
    assert cancel == fx.Cancel(fx.CLOCK_OUT)
    assert [message.data for message in lay.messages][:2] == [START, CLOCK]
    (end,) = sending.send_end(at)
    assert [message.data for message in end.messages] == [STOP]
    sending.stops()
    assert [*sending.send_on(at), *sending.send_end(at)] == [], "while stopped there is nothing to end"


# -- asking -----------------------------------------------------------------------------------------------------------


def asking_and_stand():
    return Asking(count(16).__next__, Ns(0)), Stand(slot_after(Ticks(0), COMMON_TIME, SETTINGS))


def test_the_model_is_asked_and_once_it_is_late_the_stand_in_answers_the_same_request():
    asking, stand = asking_and_stand()
    asked, effect = asking.ask(stand, around(2))
    assert (asked.to, type(effect)) == ("model", fx.AskProposer)
    request = asking.request
    gone, cancel, again, stand_in = asking.expire(around(2))
    assert (gone.after, cancel.request_id, again.to) == (State.EXPIRED, request.id, "stand-in")
    assert stand_in == fx.AskStandIn(request)
    assert asking.request.deadline > request.deadline


def test_without_a_model_the_stand_in_is_asked_at_once():
    asking, stand = asking_and_stand()
    asked, effect = asking.ask(stand, around(2, model=False))
    assert (asked.to, type(effect)) == ("stand-in", fx.AskStandIn)


def test_a_deadline_leaves_the_stand_in_room_before_the_last_call():
    asking, stand = asking_and_stand()
    now = around(2)._replace(now=Ns(2 * SECOND + ms(1_000)))
    list(asking.ask(stand, now))
    assert asking.request.deadline == LINE.ns_at(decide_by(stand.slot, COMMON_TIME, LINE)) - STAND_IN_ROOM


def test_the_model_is_told_soon_and_not_too_often_and_never_while_it_is_asked():
    asking, stand = asking_and_stand()
    asking.soon(Ns(0))
    asking.soon(ms(10))
    assert asking.prepare_at == PREPARE_AFTER
    assert kinds(asking.prepare(stand, around(1))) == ["Prepare"]
    assert asking.prepare_at is None
    asking.soon(ms(1))
    assert asking.prepare_at == PREPARE_EVERY
    list(asking.ask(stand, around(2)))
    assert list(asking.prepare(stand, around(2))) == []


@pytest.mark.parametrize("changes", [{"model": False}, {"mode": Mode.ACCOMPANY}])
def test_nobody_is_told_where_nobody_will_be_asked(changes):
    asking, stand = asking_and_stand()
    assert list(asking.prepare(stand, around(1, **changes))) == []


def test_a_withdrawn_request_is_cancelled_once():
    asking, stand = asking_and_stand()
    list(asking.ask(stand, around(2)))
    assert kinds(asking.withdraw(Happening.STOP)) == ["CancelRequest", "Moved"]
    assert list(asking.withdraw(Happening.STOP)) == []


# -- proposing --------------------------------------------------------------------------------------------------------


def offered(now=None, **settings):
    """A proposer with a hand of four for the slot of bar 3, and what it yielded."""
    now = now or around(2, **settings)
    proposing = Proposing(count(16).__next__, slot_after(Ticks(0), COMMON_TIME, SETTINGS), Ns(0))
    list(proposing.move_on(now))
    request = proposing.asking.request
    answer = Ideas(request.id, tuple(PLAIN.propose(request, None)), stand_in=False)
    return proposing, list(proposing.answered(answer, now))


def test_a_hand_is_dealt_with_the_best_idea_selected_and_an_answer_nobody_waits_for_is_left():
    proposing, deeds = offered()
    assert kinds(deeds) == ["Offered", "Publish"]
    assert proposing.asking.request is None
    assert proposing.stand.choice.content.score == 0.0
    assert list(proposing.answered(Ideas(16, (idea(),), False), around(2))) == []


def test_an_idea_that_is_taken_is_decided_told_and_placed_in_this_order():
    proposing, _ = offered()
    deeds = list(proposing.take(0, "test", around(2)))
    assert kinds(deeds) == ["Moved", "Decided", "Taken", "Place", "Publish"]
    assert deeds[3] == Place(proposing.stand.taken)
    assert proposing.stand.taken.start == 2 * BAR


def test_an_idea_that_is_taken_in_place_of_another_drops_it_and_offers_it_again_under_a_new_name():
    proposing, _ = offered()
    list(proposing.take(0, "test", around(2)))
    first = proposing.stand.taken.proposal
    deeds = list(proposing.take(1, "test", around(2)))
    assert deeds[1] == Drop(first.id, Ticks(2 * BAR))
    again = proposing.stand.hand.proposals[0]
    assert (again.state, again.content) == (State.OFFERED, first.content)
    assert again.id != first.id


def test_a_pick_after_the_last_call_waits_for_the_slot_after_where_something_starts_in_this_one():
    proposing, _ = offered()
    list(proposing.take(0, "test", around(2)))
    list(proposing.move_on(around(2)))
    assert proposing.stand.stage is Stage.CLOSED
    assert list(proposing.take(1, "test", around(2))) == []
    assert proposing.stand.rolled == (1, "test")
    list(proposing.take_over(around(3)))
    list(proposing.move_on(around(3)))
    assert proposing.stand.taken.start == 4 * BAR


def test_keeping_going_takes_the_best_at_the_last_call_unless_the_player_took_it_back():
    proposing, _ = offered(repeat=Repeat.ROLL)
    decided = [deed for deed in proposing.move_on(around(2, repeat=Repeat.ROLL)) if isinstance(deed, fx.Decided)]
    assert [(deed.actor, deed.verdict) for deed in decided] == [(fx.MACHINE, fx.Verdict.ACCEPTED)]
    proposing, _ = offered(repeat=Repeat.ROLL)
    list(proposing.take(0, "test", around(2, repeat=Repeat.ROLL)))
    list(proposing.act(Action.UNDO, "test", around(2, repeat=Repeat.ROLL)))
    assert list(proposing.move_on(around(2, repeat=Repeat.ROLL))) == []


def test_what_plays_goes_round_only_where_it_is_to_and_nothing_comes_after_it():
    proposing, _ = offered()
    list(proposing.take(0, "test", around(2)))
    list(proposing.take_over(around(3)))
    transport, loops = around(3).transport, replace(SETTINGS, repeat=Repeat.LOOP)
    assert proposing.loop_at(transport, SETTINGS) is None
    assert proposing.loop_at(transport, loops) < 4 * BAR
    assert [deed.placed.start for deed in proposing.loop(around(4, repeat=Repeat.LOOP))] == [4 * BAR]


def test_after_a_stop_nothing_is_on_the_stand():
    proposing, _ = offered()
    list(proposing.take(0, "test", around(2)))
    list(proposing.stop(around(2)))
    stand = proposing.stand
    assert (stand.hand, stand.taken, stand.playing, stand.stage) == (None, None, None, Stage.WAITING)
    assert stand.slot.start == 2 * BAR


def test_a_step_that_life_does_not_have_is_a_fault_and_leaves_no_record():
    rejected = replace(Proposal(16, Slot(Ticks(0), 2, Ticks(BAR)), frozenset(), idea()), state=State.REJECTED)
    with pytest.raises(Fault):
        list(moving(rejected, Happening.ACCEPT))


# -- promised ---------------------------------------------------------------------------------------------------------


def settle(promised, beat, chord, now, made_by="plain"):
    return list(promised.settle(beat, chord, made_by, False, beat, now))


def test_a_chord_that_goes_on_keeps_its_owner_and_another_one_gets_its_own():
    promised, now = Promised(count(16).__next__), around()
    for beat, chord in enumerate((C, C, F, F, C), start=1):
        settle(promised, beat, chord, now)
    assert [each.owner for each in promised.settled] == [16, 16, 17, 17, 18]
    assert promised.open == 6


def test_a_chord_that_is_refused_gives_way_to_its_relative_until_it_is_welcome_again():
    promised, now = Promised(count(16).__next__), around()
    promised.refuse(C, 3)
    for beat in (1, 2, 3):
        settle(promised, beat, C, now)
    assert [each.chord for each in promised.settled] == [Chord(9, Quality.MINOR)] * 2 + [C]
    promised.refuse(C, 9)
    promised.refuse_nothing()
    assert promised.unwanted(4) is None


def test_beats_that_nobody_decided_in_time_go_on_with_what_sounds():
    promised, now = Promised(count(16).__next__), around()
    settle(promised, 1, C, now)
    later = around(2)
    held = [deed for deed in promised.catch_up(promised.open, 4, later) if isinstance(deed, fx.Chorded)]
    assert [(deed.at // BEAT, deed.chord, deed.held) for deed in held] == [(2, C, True), (3, C, True), (4, C, True)]
    assert promised.open == 5


def test_silence_is_recorded_ends_every_note_and_is_not_gone_on_from():
    promised, now = Promised(count(16).__next__), around()
    on = [m for deed in settle(promised, 1, C, now) if isinstance(deed, Lay) for m in deed.messages]
    recorded, lay = promised.fall_silent(1, now)
    assert recorded.chord is None
    messages = [*on, *lay.messages]
    assert sum(m.data[0] & 0xF0 == 0x90 for m in messages) == sum(m.data[0] & 0xF0 == 0x80 for m in messages) > 0
    assert promised.before(2) is None


def test_cut_ends_each_owner_once():
    promised, now = Promised(count(16).__next__), around()
    settle(promised, 1, C, now)
    settle(promised, 2, F, now)
    deeds = list(promised.cut(now))
    assert [deed.owner for deed in deeds if isinstance(deed, fx.Cancel)] == [16, 17]
    promised.go_to(5)
    assert list(promised.cut(now)) == []


# -- steering and edits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [field.name for field in fields(Controls) if field.name != "style"])
@given(st.floats(-2, 3))
def test_a_control_stays_within_its_ends_and_moves_no_other(name, value):
    after = steered(Controls(), inputs.Turn(name, value, "test"))
    assert getattr(after, name) == min(1.0, max(0.0, value))
    assert replace(after, **{name: 0.5}) == Controls()


@pytest.mark.parametrize(("up", "down"), [(a, b) for a, b in zip(*[iter(STEPS)] * 2, strict=True)])
def test_a_step_up_and_one_down_cancel(up, down):
    assert STEPS[down](STEPS[up](Controls())) == Controls()
    assert STEPS[up](Controls()) != Controls()


@pytest.mark.parametrize(("action", "presses"), [(Action.METRONOME, 3), (Action.COUNT_IN, 3), (Action.LOOP, 2)])
def test_a_switch_comes_round(action, presses):
    press = SWITCHES[action]
    seen = [*accumulate(range(presses), lambda settings, _: press(settings), initial=SETTINGS)]
    assert seen[-1] == SETTINGS
    assert len({(s.click, s.count_in, s.repeat) for s in seen}) == presses


def test_a_mode_is_left_by_the_gesture_that_entered_it():
    for wanted in (Mode.TRADE, Mode.ACCOMPANY):
        assert toggled(toggled(Mode.PROPOSE, wanted), wanted) is Mode.PROPOSE


def test_a_change_that_cannot_be_says_why():
    with pytest.raises(Nonsense, match="bars"):
        changed(SETTINGS, inputs.SetBars(3, "test"))
    with pytest.raises(Nonsense, match="Arm chords or bass"):
        changed(replace(SETTINGS, mode=Mode.ACCOMPANY), inputs.SetRoles(frozenset({Role.MELODY}), "test"))
    with pytest.raises(Nonsense, match="no control called"):
        steered(Controls(), inputs.Turn("style", 0.5, "test"))


def test_an_edit_is_put_in_words_and_remembers_what_the_idea_was_before_the_first():
    proposal = Proposal(16, Slot(Ticks(0), 2, Ticks(BAR)), frozenset({Role.CHORDS}), idea())
    once = asked_for(inputs.ReplaceChord(0, "F", "test"), COMMON_TIME).of(proposal)
    twice = ACTIONS[Action.TRANSPOSE_UP](COMMON_TIME).of(once)
    assert once.content.chords[0].chord == F
    assert twice.edits == ("chord 1 became F", "moved +1")
    assert twice.original == once.original == proposal.content


def test_an_edit_is_for_the_selected_idea_unless_it_names_another():
    assert place_of(inputs.ReplaceChord(0, "F", "test"), 2) == 2
    assert place_of(inputs.MoveChord(0, 1.0, "test", 0), 2) == 0
    assert place_of(inputs.EditNote(3, 0, 60, "test"), 2) == 3


# -- around -----------------------------------------------------------------------------------------------------------


def test_what_is_around_is_looked_at_live():
    now = around(2)
    assert (now.tick, now.beat, now.key) == (BAR, 4, None)
    now.listener.hear(NoteOn(Ns(0), "keys", 0, 60, 90))
    now.listener.hear(NoteOff(Ns(SECOND), "keys", 0, 60))
    assert [note.pitch for note in now.listener.notes(Ticks(0), Ticks(BAR), now.now)] == [60]


def test_a_commit_that_cannot_be_is_refused_as_a_commit_not_as_the_look_ahead_that_goes_along():
    with pytest.raises(Nonsense, match=r"commit = 99 is not possible\. Choose 0 to 16 beats"):
        changed(SETTINGS, inputs.SetAccompany("commit", 99, "test"))
