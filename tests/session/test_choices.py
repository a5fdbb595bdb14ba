"""Any idea of a hand can be chosen, heard, taken, changed and brought back; what cannot be done says why."""

from __future__ import annotations

import pytest

from jamlink.midi.actions import Action
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.note import Note
from jamlink.session import effects as fx
from jamlink.session.effects import Verdict
from jamlink.session.inputs import (
    BringBack,
    Do,
    EditNote,
    Hear,
    MoveChord,
    Repeat,
    ReplaceChord,
    Select,
    SetBars,
    SetChannels,
    SetMeter,
    SetStyle,
    Take,
    Turn,
)
from jamlink.session.proposal import Candidate, State
from jamlink.session.showing import ARRANGED
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ns, Ticks, ms
from tests.session.conftest import SECOND
from tests.session.test_scenarios import BASS, do, score, states, verdicts, when

BAR = 3840


def cards(offline):
    return offline.session.snapshot().hand.cards


def notices(offline):
    return offline.session.snapshot().notices


def history(offline):
    return offline.session.state()["history"]


class Changes:
    """One idea of two bars: C for three beats, then G/B; a bass note under each."""

    name = "changes"

    def propose(self, request, cancelled):
        cut, length = Ticks(2880), request.slot.length
        chords = (
            ChordSpan(Ticks(0), cut, Chord(0, Quality.MAJOR)),
            ChordSpan(cut, Ticks(length - cut), Chord(7, Quality.MAJOR, 11)),
        )
        bass = (Note(Ticks(0), 36, cut), Note(cut, 35, Ticks(length - cut)))
        melody = (Note(Ticks(0), 72, Ticks(960)), Note(Ticks(960), 74, Ticks(960)))
        return [Candidate(chords, melody, bass, 0.0, 0.0, self.name, 1)]


# -- choosing, hearing, taking ----------------------------------------------------------------------------------------


def test_any_idea_can_be_chosen_without_being_taken(jam):
    offline = jam(hand=7)
    offline.at(when(2, 2), Select(6, "page"))
    offline.run_until(when(2, 3))
    assert [card.selected for card in cards(offline)] == [False] * 6 + [True]
    assert verdicts(offline) == []


def test_any_idea_can_be_taken_by_its_place_whatever_the_size_of_the_hand(jam):
    offline = jam(hand=7, **BASS)
    offline.at(when(2, 2), Take(6, "page"))
    offline.run_until(when(6))
    assert score(offline) == ["3.1 bass Gb2 on", "5.1 bass Gb2 off"]


def test_hearing_an_idea_leaves_the_choice_as_it_was(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2.5), Hear(3, "page"))
    offline.run_until(when(2, 4))
    assert score(offline) == ["2.3 preview Eb2 on"]
    assert cards(offline)[0].selected


@pytest.mark.parametrize("gesture", [Select(4, "page"), Hear(4, "page"), Take(4, "page"), EditNote(4, 0, 60, "page")])
def test_a_place_that_the_hand_does_not_have_gets_a_sentence_and_changes_nothing(jam, gesture):
    offline = jam()
    offline.at(when(2, 2), gesture)
    offline.run_until(when(2, 3))
    assert len(notices(offline)) == 1
    assert [card.edits for card in cards(offline)] == [()] * 4
    assert score(offline) == []


def test_an_idea_is_not_taken_twice_and_the_player_is_told(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.at(when(2, 3), do(Action.ACCEPT))
    offline.run_until(when(2, 3.5))
    assert verdicts(offline) == ["accepted"]
    assert notices(offline) == ("That idea is taken already.",)


# -- edits ------------------------------------------------------------------------------------------------------------


def test_a_note_gets_another_pitch_melody_first_then_bass(jam):
    offline = jam()
    offline.at(when(2, 2), EditNote(2, 1, 79, "page"))
    offline.at(when(2, 2.5), EditNote(2, 2, 43, "page"))
    offline.run_until(when(2, 3))
    card = cards(offline)[2]
    assert [note.pitch for note in card.melody] == [74, 79]
    assert [note.pitch for note in card.bass] == [43]
    assert card.edits == ("note 2 became G5", "note 3 became G2")


def test_a_note_is_taken_out(jam):
    offline = jam()
    offline.at(when(2, 2), EditNote(0, 0, None, "page"))
    offline.run_until(when(2, 3))
    assert [note.pitch for note in cards(offline)[0].melody] == [74]


def test_a_chord_of_any_idea_is_replaced(jam):
    offline = jam()
    offline.at(when(2, 2), ReplaceChord(0, "F#m7", "page", 3))
    offline.run_until(when(2, 3))
    assert [card.chords[0][1] for card in cards(offline)][3] == "Gbm7"
    assert cards(offline)[0].selected


@pytest.mark.parametrize(("beats", "onset"), [(-1, 1920), (1, 3840), (0.5, 3360), (-0.25, 2640)])
def test_a_chord_moved_takes_its_bass_note_along_and_the_one_before_gives_way(jam, beats, onset):
    offline = jam(proposer=Changes())
    offline.at(when(2, 2), MoveChord(1, beats, "page"))
    offline.run_until(when(2, 3))
    (card,) = cards(offline)
    assert card.chords == ((0, "C"), (onset, "G/B"))
    assert [(note.onset, note.duration) for note in card.bass] == [(0, onset), (onset, 2 * BAR - onset)]


@pytest.mark.parametrize(
    ("index", "beats", "why"),
    [
        (0, 1, "The first chord begins with the idea."),
        (1, -3, "There is no room for chord 2 there."),
        (1, 5, "There is no room for chord 2 there."),
        (2, 1, "There is no chord 3."),
    ],
)
def test_a_chord_is_not_moved_over_its_neighbours(jam, index, beats, why):
    offline = jam(proposer=Changes())
    offline.at(when(2, 2), MoveChord(index, beats, "page"))
    offline.run_until(when(2, 3))
    assert why in notices(offline)[0]
    assert cards(offline)[0].edits == ()


# -- the history ------------------------------------------------------------------------------------------------------


def test_the_history_names_what_was_offered_newest_first_and_what_became_of_it(jam):
    offline = jam(hand=2)
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.at(when(4, 2), do(Action.REJECT))
    offline.run_until(when(5))
    found = history(offline)
    assert found["count"] == 6
    assert [(item["bar"], item["verdict"]) for item in found["items"]] == [
        (5, "let pass"),
        (5, "let pass"),
        (5, "rejected"),
        (5, "rejected"),
        (3, "let pass"),
        (3, "accepted"),
    ]
    assert found["items"][-1] == {
        "id": found["items"][-1]["id"],
        "bar": 3,
        "chords": ["C"],
        "by": "plain",
        "verdict": "accepted",
        "words": "",
        "edits": [],
    }


def test_a_hand_that_gives_way_without_a_verdict_is_replaced(jam):
    offline = jam(hand=1)
    offline.at(when(2, 2), do(Action.NEXT_HAND))
    offline.run_until(when(2, 3))
    assert [item["verdict"] for item in history(offline)["items"]] == ["offered", "replaced"]


def test_an_idea_brought_back_is_a_hand_of_one_under_a_new_id_and_the_record_says_so(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.REJECT))
    offline.run_until(when(2, 3))
    refused = [item["id"] for item in history(offline)["items"] if item["verdict"] == "rejected"]
    offline.at(when(2, 3), BringBack(min(refused) + 2, "page"))
    offline.run_until(when(2, 3.25))
    (card,) = cards(offline)
    (returned,) = [r.value for r in offline.records if isinstance(r.value, fx.Returned)]
    assert returned == fx.Returned(card.id, min(refused) + 2)
    assert card.selected
    assert history(offline)["items"][0]["id"] == card.id
    offline.at(when(2, 3.5), do(Action.ACCEPT))
    offline.run_until(when(6))
    assert score(offline) == ["3.1 bass D2 on", "5.1 bass D2 off"]
    assert states(offline, card.id)[0] is State.SCHEDULED


def test_an_edited_idea_comes_back_as_it_was_taken_with_its_original_beside_it(jam):
    offline = jam(hand=1)
    offline.at(when(2, 2), ReplaceChord(0, "Am7", "page"))
    offline.at(when(2, 3), do(Action.ACCEPT))
    offline.run_until(when(4, 2))
    taken = next(item for item in history(offline)["items"] if item["verdict"] == "accepted")
    assert taken["chords"] == ["Am7"]
    offline.at(when(4, 2), BringBack(taken["id"], "page"))
    offline.at(when(4, 3), do(Action.ACCEPT))
    offline.run_until(when(5))
    last = [r.value for r in offline.records if isinstance(r.value, fx.Decided)][-1]
    assert last.verdict is Verdict.ACCEPTED
    assert (str(last.content.chords[0].chord), str(last.original.chords[0].chord)) == ("Am7", "C")


def test_what_was_asked_for_is_withdrawn_when_an_idea_is_brought_back(jam):
    offline = jam(thinking=lambda request: ms(1_000), **BASS)
    offline.run_until(when(3, 4.5))
    offline.at(when(4, 1.5), BringBack(history(offline)["items"][0]["id"], "page"))
    offline.run_until(when(4, 3.5))
    assert len(cards(offline)) == 1, "the answer that came late took nothing from the stand"
    assert any(isinstance(effect, fx.CancelRequest) for effect in offline.effects)


def test_an_idea_of_another_length_keeps_its_length_and_nothing_begins_inside_it(jam):
    offline = jam(bars=4, repeat=Repeat.ONCE, **BASS)
    offline.run_until(when(4))
    long = history(offline)["items"][0]["id"]
    offline.at(when(4, 1.5), SetBars(1, "page"))
    offline.at(when(4, 2), BringBack(long, "page"))
    offline.at(when(4, 2.5), do(Action.ACCEPT))
    offline.run_until(when(10))
    assert score(offline) == ["5.1 bass Eb2 on", "9.1 bass Eb2 off"]


def test_an_idea_of_another_meter_is_not_brought_back(jam):
    offline = jam()
    offline.run_until(when(2, 3))
    idea = history(offline)["items"][0]["id"]
    offline.at(when(2, 3), do(Action.PLAY_STOP))
    offline.at(when(2, 3.25), SetMeter(Meter(3, 4), "page"))
    offline.at(when(2, 3.5), BringBack(idea, "page"))
    offline.run_until(when(2, 4))
    assert "made for bars of another length" in notices(offline)[-1]
    assert offline.session.snapshot().hand is None


def test_an_idea_that_never_was_is_not_brought_back(jam):
    offline = jam()
    offline.at(when(1, 2), BringBack(3, "page"))
    offline.at(when(2, 2), BringBack(3, "page"))
    offline.run_until(when(2, 3))
    assert notices(offline)[0] == "Nothing has been offered yet."
    assert "not remembered" in notices(offline)[1]
    assert len(cards(offline)) == 4


# -- style and channels -----------------------------------------------------------------------------------------------


def test_the_style_is_asked_for_from_the_next_hand_on(jam):
    offline = jam()
    offline.at(when(1, 2), SetStyle("jazz", "page"))
    offline.run_until(when(2, 2))
    assert offline.thoughts[0].request.controls.style == "jazz"
    assert offline.session.snapshot().steering.style == "jazz"


def test_another_channel_is_for_what_is_laid_out_next_and_every_note_ends_on_its_own(jam):
    offline = jam(repeat=Repeat.LOOP, **BASS)
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.at(when(3, 2), SetChannels((("bass", 11),), "page"))
    offline.run_until(when(6))
    channels = [(timed.message.data[0] & 0xF0, timed.message.data[0] & 0x0F) for timed in offline.sent]
    assert channels == [(0x90, 2), (0x80, 2), (0x90, 11)]
    assert offline.session.snapshot().channels["bass"] == 12


def test_previews_are_kept_off_the_channels_that_are_recorded(jam):
    offline = jam()
    offline.at(when(1, 2), SetChannels((("preview", 0),), "page"))
    offline.run_until(when(1, 3))
    assert "recorded with the music" in notices(offline)[0]
    assert offline.session.snapshot().channels["preview"] == 16


# -- why not ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("moment", [when(1, 2), when(2, 2), Ns(when(3) - ms(60)), when(3, 2)])
def test_an_action_is_refused_with_just_the_sentence_that_the_view_was_shown(jam, action, moment):
    offline = jam()
    offline.run_until(moment)
    shown = offline.session.snapshot().disabled.get(action.value, "")
    offline.at(moment, do(action))
    offline.run_until(moment)
    assert (shown in notices(offline)) if shown else (action is Action.REJECT or notices(offline) == ())


@pytest.mark.parametrize("action", Action)
def test_while_stopped_too_the_sentence_shown_is_the_sentence_said(jam, action):
    offline = jam(start=False)
    shown = offline.session.snapshot().disabled.get(action.value, "")
    offline.at(Ns(SECOND), do(action))
    offline.run_until(Ns(SECOND))
    assert notices(offline) == ((shown,) if shown else ())


def test_nothing_that_can_be_done_is_shown_as_disabled(jam):
    offline = jam()
    offline.at(when(1, 2), do(Action.NEXT_HAND))
    offline.run_until(when(1, 3))
    shown = offline.session.snapshot().disabled
    assert set(shown) == {"undo", "clear", "meter", "ports"}


def test_start_and_stop_do_what_they_say_and_nothing_twice(jam):
    offline = jam(start=False)
    playing = []
    for at, action in enumerate((Action.STOP, Action.START, Action.START, Action.STOP, Action.STOP, Action.START)):
        offline.at(Ns(at * 1_000_000_000), Do(action, "test"))
        offline.run_until(Ns(at * 1_000_000_000))
        playing.append(offline.session.playing)
    assert playing == [False, True, True, False, False, True]
    assert offline.session.timeline.ns_origin == 5_060_000_000, "a second start moves nothing"


# -- what an idea would sound like -------------------------------------------------------------------------------------


def arranged(offline):
    return offline.session.state()["arranged"]


def laid_out(placed):
    return [(v.onset, v.duration, v.pitch, v.velocity, v.role) for v in placed.voices]


@pytest.mark.parametrize("place", [0, 2])
def test_what_is_shown_of_an_idea_is_what_it_plays_when_it_is_taken(jam, place):
    offline = jam()
    offline.run_until(when(2, 2))
    shown = arranged(offline)[str(cards(offline)[place].id)]
    offline.at(when(2, 2.5), Take(place, "page"))
    offline.run_until(when(2, 3))
    taken = offline.session.snapshot().taken
    assert shown == laid_out(taken)
    assert {role for *_, role in shown} == {"chords", "melody", "bass"}


def test_an_idea_is_laid_out_anew_only_when_it_changes_or_shall_be_played_denser(jam):
    offline = jam()
    offline.run_until(when(2, 2))
    before = arranged(offline)
    offline.at(when(2, 2.25), Select(1, "page"))
    offline.run_until(when(2, 2.5))
    assert arranged(offline) is before
    offline.at(when(2, 2.75), EditNote(1, 0, 90, "page"))
    offline.run_until(when(2, 3))
    edited = arranged(offline)
    assert [edited[id] is before[id] for id in before] == [True, False, True, True]
    assert max(pitch for _, _, pitch, _, _ in edited[str(cards(offline)[1].id)]) == 90
    offline.at(when(2, 3.25), Turn("density", 1.0, "page"))
    offline.run_until(when(2, 3.5))
    denser = arranged(offline)
    assert all(len(denser[id]) > len(edited[id]) for id in denser)


def test_of_a_large_hand_the_first_and_the_chosen_are_laid_out(jam):
    offline = jam(hand=16)
    offline.at(when(2, 2), Select(12, "page"))
    offline.run_until(when(2, 3))
    assert list(arranged(offline)) == [str(card.id) for card in (*cards(offline)[:ARRANGED], cards(offline)[12])]


def test_without_a_hand_nothing_is_laid_out(jam):
    offline = jam()
    offline.run_until(when(2, 2))
    assert arranged(offline)
    offline.at(when(2, 2.5), do(Action.LET_PASS))
    offline.run_until(when(2, 3))
    assert arranged(offline) == {}


def test_the_history_says_what_the_player_changed(jam):
    offline = jam()
    offline.at(when(2, 2), EditNote(0, 0, 79, "page"))
    offline.at(when(2, 2.5), Take(0, "page"))
    offline.run_until(when(2, 3))
    taken = next(item for item in history(offline)["items"] if item["verdict"] == "accepted")
    assert taken["edits"] == ["note 1 became G5"]
    assert [item["edits"] for item in history(offline)["items"] if item is not taken] == [[]] * 3
