"""The screen's pieces: they fill exactly their room, say only what is so, and read the same without colour."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamlink.midi.actions import GESTURES
from jamlink.session.inputs import Mode, Repeat
from jamlink.session.snapshot import ClockView, NoteView
from jamlink.view import cards, foot, panels
from jamlink.view.bulletin import Sentence
from jamlink.view.contour import contour
from jamlink.view.picture import Along, AlongChord, Ports
from tests.view.pictures import BAR, CLOCK, card, hand, picture, placed, steering

GOLDEN = Path(__file__).parent / "golden"
STOPPED = ClockView(False, 92.0, "4/4", 4, 960, BAR, 0, 0, 652_173_913)

QUIET = Sentence()

PICTURES = {
    "offered": (picture(), 2 * BAR + 1000),
    "saving": (
        picture(hand=hand(card(1), card(2, state="scheduled", selected=True)), taken=placed(4 * BAR), decision=21),
        3 * BAR,
    ),
    "taken": (picture(hand=hand(card(1), card(2, state="scheduled", selected=True)), taken=placed(4 * BAR)), 3 * BAR),
    "playing": (
        picture(hand=None, playing=placed(4 * BAR), steering=steering(repeat=Repeat.LOOP.value)),
        5 * BAR + 2000,
    ),
    "stopped": (picture(hand=None, clock=STOPPED, key="", chord="", sounding=()), 0),
    "no model": (
        picture(
            hand=hand(card(1, made_by="rules"), card(2, selected=True, made_by="rules"), late=True, deal=2),
            missed=1,
            trouble=("The disk is full.",),
        ),
        BAR,
    ),
    "trading": (picture(hand=None, steering=steering(mode=Mode.TRADE.value)), 0),
}


def plain(lines):
    return [line.plain for line in lines]


def screen(shown, tick, width, sentence=QUIET):
    """The whole face as one text, as the terminal puts it together."""
    lines = [
        panels.top_line(shown, tick, width),
        *panels.stage(shown, tick, width, 8),
        panels.then_line(shown, tick, width),
        cards.hand_head(shown, tick, width),
        *cards.cards(shown, width, 8),
        *foot.middle_lines(shown, sentence, width, 2),
        foot.status_line(shown, width),
        *foot.keys_lines(width, 2),
    ]
    return "\n".join(line.plain.rstrip() for line in lines) + "\n"


# -- room -------------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    st.sampled_from(list(PICTURES)),
    st.integers(-2 * BAR, 12 * BAR),
    st.integers(1, 200),
    st.integers(1, 30),
    st.text(max_size=200),
)
def test_every_piece_fills_its_rows_and_never_leaves_its_columns(name, tick, width, rows, words):
    shown, _ = PICTURES[name]
    pieces = {
        "top": ([panels.top_line(shown, tick, width)], 1),
        "stage": (panels.stage(shown, tick, width, rows), rows),
        "then": ([panels.then_line(shown, tick, width)], 1),
        "hand": ([cards.hand_head(shown, tick, width)], 1),
        "cards": (cards.cards(shown, width, rows), rows),
        "middle": (foot.middle_lines(shown, Sentence(words), width, rows), rows),
        "status": ([foot.status_line(shown, width)], 1),
        "keys": (foot.keys_lines(width, rows), rows),
    }
    assert {piece: len(lines) for piece, (lines, _) in pieces.items()} == {p: n for p, (_, n) in pieces.items()}
    assert {
        piece: max(line.cell_len for line in lines) <= width for piece, (lines, _) in pieces.items()
    } == dict.fromkeys(pieces, True)


@pytest.mark.parametrize("name", PICTURES)
def test_the_face_at_80_columns_is_as_agreed(name):
    shown, tick = PICTURES[name]
    sentence = Sentence(shown.trouble[0], urgent=True) if shown.trouble else Sentence()
    assert screen(shown, tick, 78, sentence) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


# -- what is so -------------------------------------------------------------------------------------------------------


def test_nothing_is_called_taken_before_it_is_saved():
    for name, is_saved in (("saving", False), ("taken", True)):
        text = screen(*PICTURES[name], 78)
        assert ("✓ taken" in text) is is_saved
        assert ("saving" in text) is not is_saved
        assert ("NEXT ✓" in text) is is_saved


def test_a_promise_and_an_idea_differ_without_any_colour():
    idea, promise = (screen(*PICTURES[name], 78) for name in ("offered", "taken"))
    assert "NEXT ? Gmaj7" in idea
    assert "NEXT ✓ Gmaj7" in promise
    assert "⣿" in idea
    assert "⣿" not in "".join(promise.splitlines()[:9])
    assert "(Bm7)" in idea
    assert "(Bm7)" not in promise


def test_a_stand_in_is_called_one_and_the_model_is_not():
    assert "stand-in: rules" in screen(*PICTURES["no model"], 78)
    assert "model was late" in screen(*PICTURES["no model"], 78)
    assert "stand-in" not in screen(*PICTURES["offered"], 78)


@given(st.integers(0, 4 * BAR))
def test_the_countdown_counts_beats_and_then_says_that_it_is_late(tick):
    head = cards.hand_head(picture(), tick, 118).plain
    left = -((tick - (4 * BAR - 240)) // 960)
    if tick > 4 * BAR - 240:
        assert "too late" in head
    else:
        assert f" {left} beat" in head
        assert head.count("●") == min(left, 8)


@given(st.integers(-BAR, 8 * BAR))
def test_exactly_one_beat_is_lit_while_the_clock_runs_and_none_while_it_stands(tick):
    running, standing = (panels.top_line(picture(clock=clock), tick, 78).plain for clock in (CLOCK, STOPPED))
    assert running[:8].replace(" ", "").index("●") == tick % BAR // 960
    assert running[:8].count("●") == 1
    assert "●" not in standing


def test_of_a_large_hand_the_chosen_card_is_always_seen():
    for chosen in range(1, 33):
        shown = picture(hand=hand(*(card(place, selected=place == chosen) for place in range(1, 33))))
        assert f"▶{chosen} " in cards.cards(shown, 78, 8)[0].plain


def test_a_narrow_terminal_shows_fewer_cards_and_always_the_chosen_one():
    for width in range(18, 80, 7):
        assert "▶2" in cards.cards(picture(), width, 8)[0].plain


def test_what_the_player_changed_is_said_on_the_card():
    shown = picture(hand=hand(card(1, selected=True, edits=("moved +2",))))
    assert "changed: moved +2" in foot.middle_lines(shown, Sentence(), 78, 2)[0].plain


def test_ports_are_named_by_the_device_and_missing_ones_are_said():
    assert "hears MPK mini 3 · plays FLUID Synth" in foot.status_line(picture(), 118).plain
    nothing = picture(ports=Ports(bound=("in", "chords")))
    assert "hears nothing · plays nowhere" in foot.status_line(nothing, 118).plain


def test_lost_notes_are_shown_only_when_there_are_any():
    assert "lost" not in foot.status_line(picture(), 118).plain
    lost = picture().lateness.__class__(p99_ms=12.34, lost=3)
    assert "late 12.3 ms · missed 0 · lost 3" in foot.status_line(picture(lateness=lost), 118).plain


@given(st.floats(0, 1))
def test_a_control_is_filled_as_far_as_it_stands(value):
    line = foot.controls_line(picture(steering=steering(controls={"surprise": value})), 118).plain
    bar = line[line.index("safe ") + 5 : line.index(" bold")]
    assert abs(bar.count("█") - value * len(bar)) <= 1


def test_the_screen_speaks_music_and_nothing_else():
    words = " ".join(screen(*PICTURES[name], width) for name in PICTURES for width in (78, 118)).lower()
    assert not re.findall(r"token|logit|temperature|proposal|candidate|snapshot|p99|tick|none|null|\{|\[\]", words)


# -- keys -------------------------------------------------------------------------------------------------------------


def test_the_most_needed_keys_are_seen_at_80_columns_and_leaving_and_help_always():
    text = " ".join(plain(foot.keys_lines(78, 2)))
    for hint in ("space play/stop", "enter take", "bksp refuse", "1–4 take that one", "u undo", "esc panic"):
        assert hint in text
    for width, rows in ((78, 2), (40, 1), (118, 2)):
        assert "? all keys  q leave" in plain(foot.keys_lines(width, rows))[-1]


def test_every_knob_has_its_two_keys_beside_it():
    line = foot.controls_line(picture(), 118).plain
    for gesture in GESTURES:
        if gesture.action.value.endswith(("-up", "-down")) and "transpose" not in gesture.action.value:
            assert gesture.key in line


# -- the shape of a melody --------------------------------------------------------------------------------------------

NOTES = st.lists(
    st.builds(NoteView, st.integers(0, 4 * BAR + 10), st.integers(1, 2 * BAR), st.integers(0, 127)), max_size=40
)


@given(NOTES, st.integers(0, 4 * BAR), st.integers(0, 60), st.integers(0, 8))
def test_a_contour_fills_its_room_whatever_the_notes(notes, length, width, rows):
    lines = contour(notes, length, width, rows)
    assert [len(line) for line in lines] == [width] * rows


@given(st.integers(0, 126), st.integers(1, 127))
def test_a_higher_note_is_never_drawn_lower(low, step):
    high = min(127, low + step)

    def row_of(lines, column):
        return next(index for index, line in enumerate(lines) if line[column] != " ")

    lines = contour([NoteView(0, 100, low), NoteView(BAR - 100, 100, high)], BAR, 10, 4)
    assert row_of(lines, 9) <= row_of(lines, 0)


def test_an_octave_up_and_down_again():
    notes = [NoteView(n * 960, 960, pitch) for n, pitch in enumerate((60, 64, 67, 72, 67, 64, 60, 60))]
    assert contour(notes, 8 * 960, 16, 3) == [
        "      ⠛⠃        ",
        "  ⣤⡄⠛⠃  ⠛⠃⣤⡄    ",
        "⣤⡄          ⣤⡄⣤⡄",
    ]


# -- charts -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 4 * 8 - 1), unique=True, max_size=12))
def test_a_chart_has_every_bar_once_and_every_chord_in_its_bar(places):
    chords = tuple((place * BAR // 8, f"C{n}") for n, place in enumerate(sorted(places)))
    chart = cards.by_bar(replace(card(1), chords=chords), hand(), BAR)
    if not chords:
        assert chart == []
    else:
        assert len(chart) == 4
        assert [(bar, name) for bar, names in enumerate(chart) for name in names.split() if name != "%"] == [
            (tick // BAR, name) for tick, name in chords
        ]


def test_a_bar_without_a_new_chord_repeats_the_one_before_as_charts_write_it():
    sparse = replace(card(1), chords=((0, "G"), (2 * BAR, "D7")))
    assert cards.by_bar(sparse, hand(), BAR) == ["G", "%", "D7", "%"]


# -- what to do -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "tick", "words"),
    [
        (picture(hand=None), BAR, "you take an idea."),
        (picture(hand=None, playing=placed(4 * BAR)), 7 * BAR + 2000, "This plays until bar 9;"),
        (picture(hand=hand(replace(card(1, selected=True), chords=()))), BAR, "This idea has no chords;"),
    ],
)
def test_where_nothing_is_next_a_sentence_says_how_it_goes_on(shown, tick, words):
    assert words in re.sub(r"\s+", " ", " ".join(plain(panels.stage(shown, tick, 60, 8))))


ALONG = picture(
    hand=None,
    steering=steering(mode=Mode.ACCOMPANY.value),
    accompany=Along(
        "following",
        "Follows you.",
        "jam-s",
        (AlongChord(4 * BAR, 5 * BAR, "C", True), AlongChord(5 * BAR, 6 * BAR, "G7", False)),
    ),
)


def test_an_accompaniment_shows_what_is_promised_and_what_may_change():
    stage = "\n".join(line.plain for line in panels.stage(ALONG, 4 * BAR + 10, 100, 9))
    assert "jam-s plays" in stage
    assert "~ G7" in stage
    assert "may change" in stage
    assert "♫ accompanies" in panels.top_line(ALONG, 4 * BAR, 100).plain
    assert "follows you" in cards.hand_head(ALONG, 4 * BAR, 80).plain
    waiting = picture(hand=None, accompany=Along("listening", "Listens for 3 beats more.", "", ()))
    assert "Listens for 3 beats more." in "\n".join(line.plain for line in panels.stage(waiting, 0, 100, 9))


def test_an_idea_that_will_be_taken_by_itself_says_so():
    rolling = picture(steering=steering(repeat=Repeat.ROLL.value))
    assert "unless you refuse it" in panels.stage(rolling, BAR, 118, 8)[0].plain
    assert "if you take it" in panels.stage(picture(), BAR, 118, 8)[0].plain


def test_the_chosen_idea_says_what_it_comes_near_to_and_others_keep_quiet():
    near = replace(card(1, selected=True), closest="The Rakes of Mallow, 11 notes")
    assert cards.about_chosen(picture(hand=hand(near, card(2)))).endswith(" · closest: The Rakes of Mallow, 11 notes")
    assert "closest" not in cards.about_chosen(
        picture(hand=hand(replace(near, selected=False), card(2, selected=True)))
    )
    bare = replace(near, words="", edits=())
    assert cards.about_chosen(picture(hand=hand(bare))) == "1: closest: The Rakes of Mallow, 11 notes"
