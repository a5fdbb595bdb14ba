"""Small jams told as text: who does what, and what sounds where.

One line per message: bar.beat+ticks, output, note. The jam runs at 120 bpm in slots of two bars; bar 1 begins at 60 ms.
"""

from __future__ import annotations

from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.music.pitch import pitch_name
from jamlink.session import effects as fx
from jamlink.session.effects import Out, Verdict
from jamlink.session.inputs import Click, Do, Heard, Mode, Repeat, ReplaceChord, SetTempo
from jamlink.session.proposal import Role, State
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import Ns, Ticks, ms
from tests.session.conftest import SECOND

BEAT = SECOND // 2
BASS = {"roles": frozenset({Role.BASS})}


def when(bar: int, beat: float = 1) -> Ns:
    """The moment of a place at 120 bpm, bars and beats from 1."""
    return Ns(ms(60) + round(((bar - 1) * 4 + beat - 1) * BEAT))


def do(action: Action) -> Do:
    return Do(action, "test")


def score(offline, *outs: Out) -> list[str]:
    """What went out, as text."""
    lines = []
    for timed in offline.sent:
        message = timed.message
        if outs and message.out not in outs:
            continue
        where = COMMON_TIME.at(message.at)
        verb = "on" if message.data[0] & 0xF0 == 0x90 else "off"
        plus = f"+{where.tick}" if where.tick else ""
        lines.append(f"{where}{plus} {message.out.value} {pitch_name(message.data[1])} {verb}")
    return lines


def verdicts(offline) -> list[str]:
    return [r.value.verdict.value for r in offline.records if isinstance(r.value, fx.Decided)]


def states(offline, proposal_id) -> list[State]:
    return [
        r.value.after for r in offline.records if isinstance(r.value, fx.Moved) and r.value.proposal_id == proposal_id
    ]


def test_an_idea_taken_in_time_starts_on_its_bar_and_plays_once(jam):
    offline = jam(**BASS)
    offline.at(when(2, 3), do(Action.PICK_2))
    offline.run_until(when(9))
    assert score(offline) == ["3.1 bass Db2 on", "5.1 bass Db2 off"]


def test_nothing_taken_nothing_sounds(jam):
    offline = jam()
    offline.run_until(when(9))
    assert score(offline) == []
    assert set(verdicts(offline)) == {"let pass"}


def test_an_accept_after_the_last_call_rolls_to_the_next_slot(jam):
    offline = jam(**BASS)
    offline.at(Ns(when(3) - ms(50)), do(Action.ACCEPT))
    offline.run_until(when(9))
    assert score(offline) == ["5.1 bass C2 on", "7.1 bass C2 off"]


def test_a_plain_accept_takes_what_its_maker_likes_best(jam):
    offline = jam(**BASS)
    offline.at(when(2, 3), do(Action.ACCEPT))
    offline.run_until(when(5))
    assert score(offline)[0] == "3.1 bass C2 on"


def test_a_loop_goes_round_until_another_idea_takes_its_place(jam):
    offline = jam(repeat=Repeat.LOOP, **BASS)
    offline.at(when(2, 3), do(Action.ACCEPT))
    offline.at(when(6, 2), do(Action.PICK_3))
    offline.at(when(10, 2), do(Action.PLAY_STOP))
    offline.run_until(when(12))
    assert score(offline) == [
        "3.1 bass C2 on",
        "5.1 bass C2 off",
        "5.1 bass C2 on",
        "7.1 bass C2 off",
        "7.1 bass D2 on",
        "9.1 bass D2 off",
        "9.1 bass D2 on",
    ]


def test_keep_going_takes_the_best_of_each_hand_by_itself(jam):
    offline = jam(repeat=Repeat.ROLL, **BASS)
    offline.run_until(when(6))
    assert score(offline)[:2] == ["3.1 bass C2 on", "5.1 bass C2 off"]
    actors = {
        r.value.actor
        for r in offline.records
        if isinstance(r.value, fx.Decided) and r.value.verdict is Verdict.ACCEPTED
    }
    assert actors == {"jamlink"}


def test_keep_going_does_not_take_what_was_refused(jam):
    offline = jam(repeat=Repeat.ROLL, proposer=None, **BASS)
    offline.at(Ns(when(3) - ms(130)), do(Action.REJECT))
    offline.run_until(when(4))
    taken = [
        r.value for r in offline.records if isinstance(r.value, fx.Decided) and r.value.verdict is Verdict.ACCEPTED
    ]
    refused = [
        r.value for r in offline.records if isinstance(r.value, fx.Decided) and r.value.verdict is Verdict.REJECTED
    ]
    assert {t.proposal_id for t in taken}.isdisjoint({r.proposal_id for r in refused})
    assert refused


def test_a_refused_hand_is_dealt_again_away_from_it(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.REJECT))
    offline.run_until(when(2, 3))
    asked = [thought.request for thought in offline.thoughts]
    assert len(asked) == 2
    assert asked[0].avoid == ()
    assert asked[1].avoid == offline.thoughts[0].ideas.candidates
    assert asked[0].seed != asked[1].seed


def test_the_next_hand_is_other_ideas_without_a_verdict(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.NEXT_HAND))
    offline.run_until(when(2, 3))
    assert len(offline.thoughts) == 2
    assert offline.thoughts[1].request.avoid == ()
    assert verdicts(offline) == []


def test_a_late_model_is_stood_in_for_and_its_answer_is_not_played(jam):
    offline = jam(thinking=lambda request: ms(1_900), **BASS)
    offline.at(when(2, 4), do(Action.ACCEPT))
    offline.run_until(when(6))
    offered = [r.value for r in offline.records if isinstance(r.value, fx.Offered)]
    assert offered[0].made_by[0] == "stand-in"
    assert offered[0].late
    assert offline.session.snapshot().missed >= 1
    assert score(offline) == ["3.1 bass C2 on", "5.1 bass C2 off"]


def test_a_model_that_has_no_idea_is_stood_in_for_at_once(jam):
    class Empty:
        name = "empty"

        def propose(self, request, cancelled):
            return []

    offline = jam(proposer=Empty())
    offline.run_until(when(2, 2))
    offered = [r for r in offline.records if isinstance(r.value, fx.Offered)]
    assert offered[0].at == when(2)
    assert offered[0].value.made_by[0] == "stand-in"


def test_no_model_at_all_still_deals_a_hand(jam):
    offline = jam(proposer=None)
    offline.run_until(when(2, 2))
    hand = offline.session.snapshot().hand
    assert {card.made_by for card in hand.cards} == {"stand-in"}
    assert not hand.late, "nobody was late: there is no model"


def test_undo_before_the_bar_gives_the_idea_back_to_the_hand(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.at(when(2, 3), do(Action.UNDO))
    offline.run_until(when(2, 3.5))
    cards = offline.session.snapshot().hand.cards
    assert [card.state for card in cards] == ["offered"] * 4
    offline.at(when(2, 4), do(Action.ACCEPT))
    offline.run_until(when(6))
    assert score(offline) == ["3.1 bass C2 on", "5.1 bass C2 off"]
    assert verdicts(offline)[:3] == ["accepted", "undone", "accepted"]


def test_undo_while_it_sounds_cuts_it(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.at(when(3, 3), do(Action.UNDO))
    offline.run_until(when(6))
    assert score(offline) == ["3.1 bass C2 on"], "the io process owns and sends the note-off of what is cut"
    assert any(isinstance(effect, fx.Cancel) for effect in offline.effects)


def test_another_pick_before_the_bar_replaces_the_first(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.PICK_1))
    offline.at(when(2, 3), do(Action.PICK_4))
    offline.run_until(when(6))
    assert score(offline) == ["3.1 bass Eb2 on", "5.1 bass Eb2 off"]


def test_a_hand_is_decided_by_a_moment_the_screen_can_name(jam):
    offline = jam(**BASS)
    offline.run_until(when(2, 2))
    hand = offline.session.snapshot().hand
    assert hand.decide_words == "2.4"
    assert hand.slot_words == "bars 3–4"


def test_a_tempo_change_moves_what_is_not_yet_promised(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.at(when(2, 3), SetTempo(60, "test"))
    offline.run_until(Ns(20 * SECOND))
    on, off = offline.sent
    assert on.message.at == COMMON_TIME.bar_start(2)
    assert on.due == when(2, 3) + 2 * SECOND
    assert off.due == on.due + 8 * SECOND


def test_four_taps_set_the_tempo_and_three_do_not(jam):
    offline = jam(start=False)
    for i in range(3):
        offline.at(Ns(SECOND + i * 750_000_000), do(Action.TAP))
    offline.run_until(Ns(3 * SECOND))
    assert offline.session.snapshot().clock.bpm == 120
    offline.at(Ns(SECOND + 3 * 750_000_000), do(Action.TAP))
    offline.run_until(Ns(4 * SECOND))
    assert offline.session.snapshot().clock.bpm == 80


def test_this_is_one_starts_a_bar_now(jam):
    offline = jam(start=False)
    offline.at(Ns(5 * SECOND), do(Action.THIS_IS_ONE))
    offline.run_until(Ns(5 * SECOND))
    clock = offline.session.snapshot().clock
    assert (clock.playing, clock.tick_origin, clock.ns_origin) == (True, 0, 5 * SECOND)


def test_a_count_in_clicks_before_bar_one_and_then_is_quiet(jam):
    offline = jam(count_in=1, click=Click.COUNT_IN, **BASS)
    offline.run_until(when(4))
    clicks = [line for line in score(offline, Out.METRONOME) if line.endswith("on")]
    assert clicks == ["0.1 metronome E5 on", "0.2 metronome F5 on", "0.3 metronome F5 on", "0.4 metronome F5 on"]


def test_a_preview_goes_to_the_preview_output_alone_and_starts_on_a_beat(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2.5), do(Action.PREVIEW))
    offline.run_until(when(6))
    assert score(offline) == ["2.3 preview C2 on", "4.3 preview C2 off"]


def test_in_trading_the_answer_comes_by_itself_in_its_own_bars(jam):
    offline = jam(mode=Mode.TRADE, **BASS)
    offline.run_until(when(9, 2))
    assert score(offline) == ["3.1 bass C2 on", "5.1 bass C2 off", "7.1 bass C2 on", "9.1 bass C2 off"]
    assert all(thought.request.answer for thought in offline.thoughts)


def test_an_answer_is_asked_for_as_late_as_the_last_beats(jam):
    offline = jam(mode=Mode.TRADE, **BASS)
    phrase = [(when(2, 3), 60), (when(2, 3.25), 64)]
    for at, pitch in phrase:
        offline.at(at, Heard(NoteOn(at, "keys", 0, pitch, 80)))
        offline.at(Ns(at + ms(50)), Heard(NoteOff(Ns(at + ms(50)), "keys", 0, pitch)))
    offline.run_until(when(3))
    heard = offline.thoughts[0].request.context.heard
    assert [note.pitch for note in heard] == [60, 64]
    assert offline.thoughts[0].request.context.end >= COMMON_TIME.bar_start(1) + 2 * 960


def test_the_players_notes_reach_the_proposer_in_ticks(jam):
    offline = jam()
    at = when(1, 3)
    offline.at(at, Heard(NoteOn(at, "keys", 0, 67, 90)))
    offline.at(when(1, 4), Heard(NoteOff(when(1, 4), "keys", 0, 67)))
    offline.run_until(when(2, 2))
    (note,) = offline.thoughts[0].request.context.heard
    assert (note.onset, note.duration, note.pitch, note.velocity) == (Ticks(1920), Ticks(960), 67, 90)


def test_an_edited_idea_is_recorded_with_its_original(jam):
    offline = jam()
    offline.at(when(2, 2), ReplaceChord(0, "F#m7", "test"))
    offline.at(when(2, 2.5), do(Action.TRANSPOSE_UP))
    offline.at(when(2, 3), do(Action.ACCEPT))
    offline.run_until(when(3))
    (taken,) = [
        r.value for r in offline.records if isinstance(r.value, fx.Decided) and r.value.verdict is Verdict.ACCEPTED
    ]
    assert str(taken.content.chords[0].chord) == "Gm7"
    assert str(taken.original.chords[0].chord) == "C"
    assert taken.edits == ("chord 1 became F#m7", "moved +1")


def test_a_chord_that_is_none_gets_a_sentence_and_changes_nothing(jam):
    offline = jam()
    offline.at(when(2, 2), ReplaceChord(0, "H7", "test"))
    offline.run_until(when(2, 3))
    assert any("not a chord" in notice for notice in offline.session.snapshot().notices)
    assert offline.session.snapshot().hand.cards[0].edits == ()


def test_panic_ends_everything_and_the_clock_goes_on(jam):
    offline = jam(repeat=Repeat.LOOP, **BASS)
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.at(when(4), do(Action.PANIC))
    offline.run_until(when(8))
    assert score(offline) == ["3.1 bass C2 on"]
    assert any(isinstance(effect, fx.Panic) for effect in offline.effects)
    assert offline.session.playing


def test_a_hand_made_in_a_key_the_player_has_left_is_dealt_anew(jam):
    offline = jam(bars=4)
    scale_c, scale_e = (60, 62, 64, 65, 67, 69, 71, 72), (64, 66, 68, 69, 71, 73, 75, 76)
    for bar, scale in enumerate((scale_c, scale_e, scale_e, scale_e), start=1):
        for i, pitch in enumerate(scale):
            at = when(bar, 1 + i / 2)
            offline.at(at, Heard(NoteOn(at, "keys", 0, pitch, 80)))
            offline.at(Ns(at + ms(200)), Heard(NoteOff(Ns(at + ms(200)), "keys", 0, pitch)))
    offline.run_until(when(9))
    superseded = [r for r in offline.records if isinstance(r.value, fx.Moved) and r.value.after is State.SUPERSEDED]
    keys = [str(thought.request.context.key) for thought in offline.thoughts]
    assert superseded
    assert len(set(keys)) > 1


def test_while_stopped_ideas_can_be_looked_at_but_not_taken(jam):
    offline = jam(start=False)
    offline.at(Ns(SECOND), do(Action.NEXT_HAND))
    offline.at(Ns(2 * SECOND), do(Action.ACCEPT))
    offline.run_until(Ns(60 * SECOND))
    snapshot = offline.session.snapshot()
    assert snapshot.hand is not None
    assert any("Start playing first" in notice for notice in snapshot.notices)
    assert score(offline) == []


def test_asking_for_others_too_late_keeps_the_hand_that_can_still_be_taken(jam):
    offline = jam(**BASS)
    offline.at(Ns(when(3) - ms(100)), do(Action.NEXT_HAND))
    offline.at(Ns(when(3) - ms(50)), do(Action.ACCEPT))
    offline.run_until(when(9))
    assert score(offline) == ["5.1 bass C2 on", "7.1 bass C2 off"]
