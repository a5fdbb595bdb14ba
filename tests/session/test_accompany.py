"""The accompaniment on a hand-moved clock: nothing is known early, nothing promised changes, no silence by accident."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.music.chord import Chord, Quality
from jamlink.music.key import Key
from jamlink.runtime.offline import Offline
from jamlink.session import effects as fx
from jamlink.session.core import START_LEAD, Session
from jamlink.session.effects import Out, Send
from jamlink.session.inputs import Do, Heard, LockKey, Mode, ProposerIs, SetAccompany, SetMode, SetRoles, SetTempo
from jamlink.session.promised import ENDED_BY
from jamlink.session.proposal import ChordsRequest, Role
from jamlink.session.settings import AccompanySettings, SessionSettings
from jamlink.session.wire import is_input, read_input, record
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ns, Ticks, ms, tempo_of_bpm
from tests.session.conftest import SECOND, Plain

BEAT = SECOND // 2
"""At 120 bpm."""
KINDS = (Quality.MAJOR, Quality.MINOR)


class Listening(Plain):
    """Chords that depend on every note that is told, so that a note known too early shows."""

    def __init__(self, name: str = "plain", shift: int = 0) -> None:
        super().__init__(name)
        self.asked: list[ChordsRequest] = []
        self._shift = shift

    def chords(self, request: ChordsRequest) -> tuple[Chord, ...]:
        self.asked.append(request)
        told = sum(note.pitch * 7 + note.onset + note.duration for note in request.heard) + self._shift
        wanted = [Chord((told + request.beat + i) % 12, KINDS[told % 2]) for i in range(request.ahead + 1)]
        return tuple(
            Chord((c.root + 1) % 12, c.quality) if c == unwanted else c
            for c, unwanted in zip(wanted, request.avoid, strict=True)
        )


class Jam:
    """A jam in accompany mode; its first beat is at 60 ms."""

    def __init__(
        self, *, model=True, late_ms=0, stand_in=True, start=True, roles=(Role.CHORDS, Role.BASS), **own
    ) -> None:
        more = {name: own.pop(name) for name in ("meter", "tempo", "count_in", "bars") if name in own}
        more = {"tempo": tempo_of_bpm(120), "count_in": 0, "bars": 2, **more}
        self.session = Session(
            SessionSettings(mode=Mode.ACCOMPANY, accompany=AccompanySettings(**own), roles=frozenset(roles), **more),
            Ns(0),
        )
        self.model, self.stand_in = Listening(), Listening("quick", 5)
        self.offline = Offline(
            self.session, self.model if model else None, Plain("rules"), thinking=lambda request: ms(late_ms),
            chords=self.stand_in if stand_in else None,
        )  # fmt: skip
        if start:
            self.do(0, Action.PLAY_STOP)

    def do(self, at, action):
        self.offline.at(Ns(round(at)), Do(action, "test"))

    def note(self, beat: float, pitch: int, length: float = 0.9):
        """A note at a beat, in a bar of quarters at 120."""
        at = START_LEAD + round(beat * BEAT)
        self.offline.at(Ns(at), Heard(NoteOn(Ns(at), "keys", 0, pitch, 90)))
        end = Ns(at + round(length * BEAT))
        self.offline.at(end, Heard(NoteOff(end, "keys", 0, pitch)))

    def melody(self, beats: int, first: int = 0):
        for beat in range(first, first + beats):
            self.note(beat, 60 + (beat * 5) % 12)

    def until(self, beat: float):
        self.offline.run_until(Ns(START_LEAD + round(beat * BEAT)))
        return self

    @property
    def records(self):
        return [(entry.at, entry.value) for entry in self.offline.records]

    @property
    def chorded(self):
        return [value for _, value in self.records if isinstance(value, fx.Chorded)]

    @property
    def notices(self):
        return [effect.text for effect in self.offline.effects if isinstance(effect, fx.Notice)]

    @property
    def view(self):
        return self.session.snapshot().accompany

    def beats_with_sound(self, until: int) -> set[int]:
        """Beats during all of which chords or bass sound, but for the breath before a stroke."""
        return {
            beat
            for beat in range(until)
            if any(on <= beat + 0.01 and end >= beat + 0.9 for on, end, _ in self.sounding())
        }

    def sounding(self):
        """(onset, end, pitch) in beats of what left for the io process."""
        found, held = [], {}
        for timed in self.offline.sent:
            data, at = timed.message.data, (timed.due - START_LEAD) / BEAT
            if timed.message.out not in (Out.CHORDS, Out.BASS):
                continue
            key = (timed.message.owner, timed.message.out, data[1])
            if data[0] & 0xF0 == 0x90:
                held[key] = at
            elif key in held:
                found.append((held.pop(key), at, data[1]))
        return found + [(on, 10_000, key[2]) for key, on in held.items()]


# -- what it does -----------------------------------------------------------------------------------------------------


def test_it_listens_for_eight_beats_and_then_plays_without_a_gap():
    jam = Jam()
    jam.melody(24)
    jam.until(24)
    assert jam.beats_with_sound(23) == set(range(8, 23))
    assert [value.at for value in jam.chorded][:3] == [8 * 960, 9 * 960, 10 * 960]
    assert {value.made_by for value in jam.chorded} == {"plain"}


def test_listening_begins_with_the_first_note():
    jam = Jam()
    jam.melody(20, first=6)
    jam.until(20)
    assert min(jam.beats_with_sound(20)) == 14


def test_who_plays_in_the_count_in_has_been_heard():
    jam = Jam(count_in=1)
    jam.note(2, 67)
    jam.melody(20, first=10)
    jam.until(20)
    assert min(jam.beats_with_sound(20)) == 4 + 8
    assert all(note.onset >= 0 for request in jam.model.asked for note in request.heard)


@pytest.mark.parametrize("commit", [0, 1, 2, 4, 8])
def test_a_beat_is_settled_so_many_beats_before_it(commit):
    jam = Jam(commit=commit, look_ahead=8)
    jam.melody(24)
    jam.until(22)
    for at, value in jam.records:
        if isinstance(value, fx.Chorded) and value.at > 9 * 960:
            ahead = (START_LEAD + value.at // 960 * BEAT - at) / BEAT
            assert commit <= ahead <= commit + 0.3
            assert value.heard_until <= value.at - commit * 960


@pytest.mark.parametrize("listen", [0, 3])
@pytest.mark.parametrize("commit", [0, 4])
@pytest.mark.parametrize("count_in", [0, 1])
def test_with_little_or_no_listening_it_is_there_at_once(listen, commit, count_in):
    jam = Jam(listen=listen, commit=commit, count_in=count_in)
    first = 4 * count_in
    jam.melody(12, first)
    jam.until(first + 12)
    assert jam.beats_with_sound(first + 11) == set(range(first + listen, first + 11))


def test_what_is_thought_of_beyond_the_promise_is_shown_as_such():
    jam = Jam(commit=2, look_ahead=4)
    jam.melody(24)
    jam.until(16.5)
    kept = [chord for chord in jam.view.chords if chord.promised]
    open_ = [chord for chord in jam.view.chords if not chord.promised]
    assert kept[-1].end == 19 * 960
    assert (open_[0].start, open_[-1].end) == (19 * 960, 21 * 960)
    assert jam.view.phase == "following"


def test_the_stand_in_decides_where_the_model_is_late_and_says_so():
    jam = Jam(late_ms=2_000)
    jam.melody(20)
    jam.until(19)
    assert {(value.made_by, value.stand_in) for value in jam.chorded} == {("quick", True)}
    assert jam.beats_with_sound(19) == set(range(8, 19))
    assert jam.session.snapshot().missed > 0
    asked = [value.to for _, value in jam.records if isinstance(value, fx.AskedChords)]
    assert asked[:2] == ["model", "stand-in"]


def test_without_a_model_the_stand_in_decides_at_once():
    jam = Jam(model=False)
    jam.melody(20)
    jam.until(19)
    assert {value.made_by for value in jam.chorded} == {"quick"}
    assert jam.session.snapshot().missed == 0


def test_a_model_that_goes_is_replaced_within_its_beat():
    jam = Jam(late_ms=10_000)
    jam.melody(24)
    jam.offline.at(Ns(START_LEAD + 10 * BEAT + ms(20)), ProposerIs(False, "", "gone"))
    jam.until(20)
    assert jam.beats_with_sound(20) == set(range(8, 20))


def test_where_nobody_decides_what_sounds_goes_on():
    jam = Jam(model=False, stand_in=False)
    jam.melody(20)
    jam.until(19)
    assert jam.beats_with_sound(19) == set(range(8, 19))
    assert {(value.chord, value.held) for value in jam.chorded} == {(jam.chorded[0].chord, True)}


def test_after_two_bars_without_a_note_the_phrase_ends_at_home_and_the_next_note_brings_it_back():
    jam = Jam()
    jam.melody(16)
    for beat in range(40, 50):
        jam.note(beat, 67)
    jam.until(50)
    silent = set(range(8, 49)) - jam.beats_with_sound(49)
    assert silent, "it rests"
    assert max(silent) <= 40, "it is back with the beat after the first note"
    ended = [value for value in jam.chorded if value.made_by == ENDED_BY and value.chord]
    assert [value.at // 960 for value in ended] == list(range(ended[0].at // 960, ended[0].at // 960 + 4))
    assert ended[0].at % (4 * 960) == 0
    assert len({value.chord for value in ended}) == 1
    assert any("You have stopped" in notice for notice in jam.notices)
    assert min(silent) == ended[0].at // 960 + 4


def test_rest_zero_never_ends():
    jam = Jam(rest=0)
    jam.melody(9)
    jam.until(60)
    assert jam.beats_with_sound(60) == set(range(8, 60))


def test_a_held_key_is_no_rest():
    jam = Jam()
    jam.melody(8)
    jam.note(8, 60, length=40)
    jam.until(40)
    assert jam.beats_with_sound(40) == set(range(8, 40))


# -- decisions --------------------------------------------------------------------------------------------------------


def test_reject_means_not_that_chord_and_is_on_record():
    jam = Jam(commit=0)
    jam.model.chords = lambda request: tuple(Chord(7, Quality.MAJOR) for _ in range(request.ahead + 1))
    jam.melody(24)
    jam.do(START_LEAD + 12.5 * BEAT, Action.REJECT)
    jam.until(20)
    by_beat = {value.at // 960: value.chord for value in jam.chorded}
    assert by_beat[12] == Chord(7, Quality.MAJOR)
    assert all(by_beat[beat] != by_beat[12] for beat in range(13, 17))
    assert by_beat[17] == by_beat[12], "for a bar"
    (decided,) = [value for _, value in jam.records if isinstance(value, fx.Decided)]
    assert (decided.verdict, decided.actor, decided.via) == (fx.Verdict.REJECTED, "player", "test")
    assert decided.content.chords[0].chord == by_beat[12]


def test_whoever_is_asked_after_a_reject_is_told_what_is_not_wanted():
    jam = Jam(commit=2)
    jam.melody(24)
    jam.do(START_LEAD + 12.5 * BEAT, Action.REJECT)
    jam.until(20)
    refused = next(value.chord for value in jam.chorded if value.at == 12 * 960)
    (request,) = [request for request in jam.model.asked if request.beat == 13]
    assert request.avoid[2] == refused
    assert all(value.chord != refused for value in jam.chorded if 15 <= value.at // 960 < 19)


def test_a_locked_key_is_told():
    jam = Jam()
    jam.melody(20)
    jam.offline.at(Ns(START_LEAD + 6 * BEAT), LockKey(Key(2), "test"))
    jam.until(16)
    assert {request.key for request in jam.model.asked if request.beat > 6} == {Key(2)}


@pytest.mark.parametrize("action", [Action.LOOP, Action.KEEP_GOING])
def test_hold_keeps_the_chord_until_it_is_pressed_again(action):
    jam = Jam(commit=0)
    jam.melody(40)
    jam.do(START_LEAD + 12.5 * BEAT, action)
    jam.do(START_LEAD + 20.5 * BEAT, action)
    jam.until(30)
    by_beat = {value.at // 960: value.chord for value in jam.chorded}
    assert {by_beat[beat] for beat in range(12, 21)} == {by_beat[12]}
    assert len({by_beat[beat] for beat in range(21, 29)}) > 1
    assert jam.beats_with_sound(29) == set(range(8, 29))


def test_accept_makes_the_last_bars_go_round_until_undo():
    jam = Jam(commit=0, bars=2)
    jam.melody(60)
    jam.do(START_LEAD + 17.5 * BEAT, Action.ACCEPT)
    jam.do(START_LEAD + 36.5 * BEAT, Action.UNDO)
    jam.until(50)
    by_beat = {value.at // 960: value.chord for value in jam.chorded}
    for beat in range(20, 37):
        assert by_beat[beat] == by_beat[8 + (beat - 20) % 8]
    assert [by_beat[beat] for beat in range(37, 45)] != [by_beat[8 + (beat - 20) % 8] for beat in range(37, 45)]
    (decided,) = [value for _, value in jam.records if isinstance(value, fx.Decided)]
    assert decided.verdict is fx.Verdict.ACCEPTED
    assert decided.slot.bars == 2


def test_what_cannot_be_decided_is_refused_in_words():
    jam = Jam()
    jam.until(2)
    session = jam.session
    for control in ("accept", "reject", "loop", "undo", "pick-1", "next-hand", "preview"):
        assert session.why_not(control), control
    assert "no ideas to choose from" in session.why_not("next-hand")
    jam.melody(20, first=3)
    jam.until(20)
    assert session.why_not("reject") == session.why_not("accept") == session.why_not("loop") == ""
    assert session.snapshot().hand is None


def test_the_mode_comes_and_goes_while_playing():
    jam = Jam()
    jam.melody(44)
    jam.do(START_LEAD + 16.5 * BEAT, Action.ACCOMPANY)
    jam.do(START_LEAD + 30.5 * BEAT, Action.ACCOMPANY)
    jam.until(44)
    assert jam.beats_with_sound(40) == {*range(8, 21), *range(31, 40)}, (
        "it plays what it has promised, and is back at once"
    )
    jam.do(START_LEAD + 44.2 * BEAT, Action.PLAY_STOP)
    jam.until(50)
    assert jam.session.next_deadline is None


def test_a_melody_role_alone_cannot_accompany():
    with pytest.raises(Nonsense, match="melody"):
        SessionSettings(mode=Mode.ACCOMPANY, roles=frozenset({Role.MELODY}))
    jam = Jam()
    jam.offline.at(Ns(ms(100)), SetRoles(frozenset({Role.MELODY}), "test"))
    jam.until(1)
    assert any("Arm chords or bass" in notice for notice in jam.notices)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"look_ahead": 17, "commit": 0}, "look-ahead = 17"),
        ({"commit": -1}, "commit = -1"),
        ({"listen": 65}, "Choose 0 to 64 beats"),
        ({"rest": 33}, "0 to 32 bars"),
        ({"look_ahead": 2, "commit": 4}, "no shorter than the commit"),
    ],
)
def test_settings_that_cannot_be_are_said_in_a_sentence(wrong, words):
    with pytest.raises(Nonsense, match=words):
        AccompanySettings(**wrong)


def test_settings_change_while_it_plays():
    jam = Jam()
    jam.melody(40)
    jam.offline.at(Ns(START_LEAD + round(12.5 * BEAT)), SetAccompany("commit", 1, "test"))
    jam.offline.at(Ns(START_LEAD + round(20.5 * BEAT)), SetAccompany("commit", 8, "test"))
    jam.until(32)
    assert jam.beats_with_sound(32) == set(range(8, 32))
    steering = jam.session.snapshot().steering.accompany
    assert steering == {"look_ahead": 8, "commit": 8, "listen": 8, "rest": 2}


def test_panic_is_silent_and_then_listens_anew():
    jam = Jam()
    jam.melody(40)
    jam.do(START_LEAD + 16.5 * BEAT, Action.PANIC)
    jam.until(38)
    later = [(on, end) for on, end, _ in jam.sounding() if on > 17.1]  # what was due at 17 had left, and is silenced
    again = {beat for beat in range(17, 38) if any(on <= beat + 0.01 and end >= beat + 0.9 for on, end in later)}
    assert again == set(range(24, 38)), "eight beats from that of the note that was held then"


@pytest.mark.parametrize("meter", ["3/4", "6/8", "2/2", "5/4"])
def test_other_meters_count_in_their_own_beats(meter):
    top, bottom = map(int, meter.split("/"))
    jam = Jam(meter=Meter(top, bottom), listen=2, commit=1)
    jam.melody(40)
    jam.until(30)
    beat = Meter(top, bottom).beat_ticks
    onsets = [value.at for value in jam.chorded]
    assert onsets == [beat * i for i in range(2, 2 + len(onsets))]


def test_the_hands_keep_out_of_the_players_register():
    low, high = [Jam(commit=1) for _ in range(2)]
    for jam, base in ((low, 50), (high, 72)):
        for beat in range(40):
            jam.note(beat, base + beat % 5)
        jam.until(40)

    def inside(jam, base):
        found = [pitch for _, _, pitch in jam.sounding() if pitch >= 48]
        return sum(base <= pitch <= base + 4 for pitch in found) / len(found)

    assert inside(low, 50) < 0.1
    assert inside(high, 72) < 0.1


# -- laws -------------------------------------------------------------------------------------------------------------

notes = st.lists(st.tuples(st.integers(0, 160), st.integers(48, 84), st.integers(1, 12)), min_size=1, max_size=60)
ways = st.fixed_dictionaries(
    {"commit": st.sampled_from([0, 1, 2, 4]), "listen": st.sampled_from([0, 2, 8]), "rest": st.sampled_from([0, 1, 2])}
)
gestures = st.lists(
    st.tuples(
        st.integers(0, 160),
        st.sampled_from([Action.REJECT, Action.LOOP, Action.ACCEPT, Action.UNDO, Action.PANIC, Action.THIS_IS_ONE]),
    ),
    max_size=6,
)
slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def perform(melody, own, late_ms=0, model=True, acts=(), beats=44):
    jam = Jam(late_ms=late_ms, model=model, **own)
    for at, pitch, length in melody:
        jam.note(at / 4, pitch, length / 4 - 0.05)
    for at, action in acts:
        jam.do(START_LEAD + at / 4 * BEAT + ms(7), action)
    return jam.until(beats)


@slow
@given(notes, notes, st.integers(0, 160), ways, st.sampled_from([0, 40, 3_000]))
def test_what_is_played_later_changes_nothing_that_was_settled_before(melody, other, cut, own, late):
    """Two melodies that are the same up to a moment have the same chords and notes settled by then."""
    before = [note for note in melody if note[0] + note[2] < cut]
    moment = START_LEAD + cut / 4 * BEAT
    one = perform(before + [note for note in melody if note[0] >= cut], own, late)
    two = perform(before + [note for note in other if note[0] >= cut], own, late)

    def settled(jam):
        return [record(value) for at, value in jam.records if at < moment and isinstance(value, fx.Chorded | fx.Sent)]

    assert settled(one) == settled(two)


@slow
@given(notes, ways, st.sampled_from([0, 40, 3_000]), gestures)
def test_a_beat_is_settled_once_and_then_never_again(melody, own, late, acts):
    acts = [(at, action) for at, action in acts if action not in (Action.PANIC, Action.THIS_IS_ONE)]
    jam = perform(melody, own, late, acts=acts)
    onsets = [value.at for value in jam.chorded if value.chord]
    assert onsets == sorted(set(onsets))
    for at, value in jam.records:
        if isinstance(value, fx.Chorded) and value.chord and not value.held:
            assert START_LEAD + value.at / 960 * BEAT > at, "settled before it begins"
            assert value.heard_until <= value.at


@slow
@given(notes, ways, st.sampled_from([0, 40, 3_000]), st.booleans())
def test_there_is_no_silence_but_on_purpose(melody, own, late, model):
    """From the entry on something sounds, but where the player has rested: found from the notes alone."""
    jam = perform(melody, {**own, "rest": 0}, late, model)
    first = 0 if own["listen"] == 0 else min(at for at, _, _ in melody) // 4 + own["listen"]
    entry = first if own["listen"] else 0
    assert jam.beats_with_sound(40) >= set(range(entry, 40))


@slow
@given(notes, ways, st.sampled_from([0, 3_000]), gestures)
def test_every_note_on_gets_exactly_one_note_off(melody, own, late, acts):
    jam = perform(melody, own, late, acts=acts)
    jam.do(START_LEAD + 44 * BEAT, Action.PLAY_STOP)
    jam.until(50)
    held: dict[int, set] = defaultdict(set)
    for effect in jam.offline.effects:
        match effect:
            case Send(messages):
                for timed in messages:
                    data, owner = timed.message.data, timed.message.owner
                    if owner < fx.FIRST_PROPOSAL:
                        continue
                    note = (data[0] & 0x0F, data[1])
                    if data[0] & 0xF0 == 0x90:
                        assert note not in held[owner], "struck twice"
                        held[owner].add(note)
                    else:
                        assert note in held[owner], "an end without a beginning"
                        held[owner].remove(note)
            case fx.Cancel(owner):
                held.pop(owner, None)
            case fx.Silence() | fx.Panic():
                held.clear()
    assert not any(held.values())


@slow
@given(notes, ways, st.sampled_from([0, 40, 3_000]), gestures)
def test_a_recorded_session_replays_to_the_byte(melody, own, late, acts):
    jam = perform(melody, own, late, acts=acts)
    again = Session(replace(jam.session._settings, accompany=AccompanySettings(**own)), Ns(0))
    effects = []
    for entry in jam.offline.records:
        kind, payload = record(entry.value)
        if is_input(kind):
            effects += again.handle(read_input(kind, payload), entry.at)
    effects += again.advance(jam.session.now)
    assert [record(e.value) for e in effects if isinstance(e, fx.Record)] == [
        record(r.value) for r in jam.offline.records
    ]
    assert [e for e in effects if isinstance(e, Send)] == [e for e in jam.offline.effects if isinstance(e, Send)]


@slow
@given(notes, ways, st.lists(st.integers(0, 44 * 8), max_size=20), st.integers(60, 200))
def test_looking_and_other_tempos_change_no_promise(melody, own, looks, bpm):
    plain, looked = (Jam(**own) for _ in range(2))
    for jam in (plain, looked):
        for at, pitch, length in melody:
            jam.note(at / 4, pitch, length / 4 - 0.05)
        jam.offline.at(Ns(START_LEAD + 10 * BEAT + 5), SetTempo(float(bpm), "test"))
    for look in sorted(looks):
        looked.until(look / 8)
        looked.session.state()
    plain.until(44)
    looked.until(44)
    assert [record(v) for _, v in looked.records] == [record(v) for _, v in plain.records]
    onsets = [value.at for value in plain.chorded if value.chord]
    assert onsets == sorted(set(onsets))


def test_a_note_of_the_accompaniment_has_its_author_on_record():
    jam = Jam(late_ms=0)
    jam.melody(30)
    jam.until(20)
    made = {value.proposal_id: value.made_by for value in jam.chorded}
    sent = [v for _, v in jam.records if isinstance(v, fx.Sent) and v.out in (Out.CHORDS, Out.BASS)]
    assert sent
    assert {made[value.owner] for value in sent} == {"plain"}


def test_ticks_of_a_view_are_whole_beats():
    jam = Jam()
    jam.melody(20)
    jam.until(14)
    assert all(chord.start % 960 == 0 and chord.end > chord.start for chord in jam.view.chords)
    assert all(voice.end > voice.tick for voice in jam.view.voices)
    assert Ticks(jam.view.chords[0].start) <= 14 * 960
    assert SetMode(Mode.PROPOSE, "x").mode is Mode.PROPOSE
