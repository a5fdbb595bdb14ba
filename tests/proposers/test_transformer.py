"""Every idea of the network can be played where it was asked for."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations, count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamlink.engine.lanes import Lanes
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.nn.checkpoint import Checkpoint
from jamlink.proposers import transformer
from jamlink.proposers.amounts import notes_wanted
from jamlink.proposers.prompting import bars_told
from jamlink.proposers.scene import Scene
from jamlink.proposers.transformer import _FEWER_OR_MORE, _SLACK, BASS_RANGE, TransformerProposer
from jamlink.session.context import ContextWindow
from jamlink.session.proposal import Controls, ProposalRequest, Role, Slot
from jamlink.testing.proposers import check_proposer
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm
from jamlink.tokens import vocab

ROLES = [frozenset(roles) for roles in chain(*(combinations(Role, n) for n in (1, 2, 3)))]
MIDDLE = Controls()
law = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def asked(
    roles: frozenset[Role] = frozenset({Role.CHORDS, Role.MELODY}),
    meter: Meter = COMMON_TIME,
    *,
    before: int = 4,
    gap: int = 0,
    bars: int = 2,
    symbols: str = "C Am F G7",
    ideas: int = 4,
    seed: int = 1,
    controls: Controls = MIDDLE,
    answer: bool = False,
) -> ProposalRequest:
    """A request after `before` bars of a scale over one chord a bar, `gap` bars ahead."""
    bar, names = meter.bar_ticks, symbols.split()
    chords = tuple(
        ChordSpan(Ticks(i * bar), bar, parse_chord(names[i % len(names)])) for i in range(before if names else 0)
    )
    heard = tuple(Note(Ticks(i * 480 + 7), 60 + i % 12, Ticks(400), 70) for i in range(before * bar // 480))
    context = ContextWindow(
        Ticks(0), Ticks(before * bar), meter, tempo_of_bpm(100), Key(0) if before else None, heard, chords
    )
    slot = Slot(Ticks((before + gap) * bar), bars, bar)
    return ProposalRequest(1, slot, roles, context, controls, seed, ideas, Ns(0), answer)


@pytest.mark.parametrize("meter", [Meter(*known) for known in KNOWN_METERS], ids=str)
@pytest.mark.parametrize("before", [0, 4])
def test_every_meter_with_and_without_a_past_gets_ideas_that_fit(
    proposer: TransformerProposer, meter: Meter, before: int
) -> None:
    assert len(check_proposer(proposer, asked(frozenset(Role), meter, before=before))) == 4


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "+".join(sorted(roles)))
@pytest.mark.parametrize("past", ["chords and notes", "notes", "nothing"])
def test_every_set_of_roles_is_answered_with_exactly_these(
    proposer: TransformerProposer, roles: frozenset[Role], past: str
) -> None:
    request = asked(roles, before=0 if past == "nothing" else 4, symbols="C Am" if "chords" in past else "")
    assert check_proposer(proposer, request)


@law
@given(
    st.sampled_from(ROLES), st.sampled_from([Meter(*known) for known in KNOWN_METERS]),
    st.integers(0, 16), st.integers(0, 8), st.integers(1, 8), st.sampled_from(["", "C", "N.C. F#m7b5/C"]),
    st.integers(1, 8), st.integers(-(2**63), 2**63), st.booleans(),
)  # fmt: skip
def test_any_request_gets_ideas_that_keep_the_contract(
    proposer: TransformerProposer,
    roles: frozenset[Role],
    meter: Meter,
    before: int,
    gap: int,
    bars: int,
    symbols: str,
    ideas: int,
    seed: int,
    answer: bool,
) -> None:
    request = asked(
        roles, meter, before=before, gap=gap, bars=bars, symbols=symbols, ideas=ideas, seed=seed, answer=answer
    )
    assert check_proposer(proposer, request)


def test_eight_busy_bars_of_the_longest_meter_come_to_an_end(proposer: TransformerProposer) -> None:
    dense = Controls(surprise=1.0, density=1.0)
    request = asked(frozenset(Role), Meter(7, 4), before=16, bars=8, controls=dense)
    assert len(check_proposer(proposer, request)) == 4


def test_another_seed_gives_other_ideas(proposer: TransformerProposer) -> None:
    one, other = (proposer.propose(asked(seed=seed), lambda: False) for seed in (1, 2))
    assert not {idea.melody for idea in one} & {idea.melody for idea in other}


def test_what_was_asked_before_changes_no_answer(proposer: TransformerProposer) -> None:
    first = proposer.propose(asked(), lambda: False)
    proposer.propose(asked(frozenset(Role), Meter(6, 8), seed=9), lambda: False)
    assert proposer.propose(asked(), lambda: False) == first


def test_a_refused_idea_does_not_come_again(proposer: TransformerProposer) -> None:
    first = proposer.propose(asked(), lambda: False)
    again = proposer.propose(replace(asked(), avoid=tuple(first)), lambda: False)
    assert len(again) == 4
    assert not {idea.melody for idea in again} & {idea.melody for idea in first}


@pytest.mark.parametrize("steps", [0, 1, 5, 20, 60])
def test_a_cancelled_request_takes_no_further_step(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    looks = count()
    asked_late = []
    forks = []
    engine = type(proposer._engine)
    fork = engine.fork

    def watched(*arguments: object) -> object:
        made = fork(*arguments)
        forks.append((made, made.room))
        return made

    def steps_taken() -> int:
        return sum(room - one.room for one, room in forks)

    def cancelled() -> bool:
        stopped = next(looks) >= steps
        asked_late.append(steps_taken())
        return stopped

    monkeypatch.setattr(engine, "fork", watched)
    assert proposer.propose(asked(frozenset(Role)), cancelled) == []
    assert steps_taken() <= steps + 1
    assert len(set(asked_late[steps:])) == 1


def test_what_was_prepared_is_not_drawn_again_and_says_the_same(
    checkpoint: Checkpoint, proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = TransformerProposer(checkpoint).propose(asked(frozenset(Role)), lambda: False)
    proposer.prepare(asked(frozenset(Role)), lambda: False)
    monkeypatch.setattr(transformer, "generate", None)
    request = replace(asked(frozenset(Role)), id=77, deadline=Ns(12))
    assert proposer.propose(request, lambda: False) == fresh


def test_a_thought_that_was_cut_short_is_not_kept(checkpoint: Checkpoint, proposer: TransformerProposer) -> None:
    for steps in (0, 3, 20, 40):
        looks = count()
        proposer.prepare(asked(frozenset(Role)), lambda looks=looks, steps=steps: next(looks) >= steps)
        fresh = TransformerProposer(checkpoint).propose(asked(frozenset(Role)), lambda: False)
        assert proposer.propose(asked(frozenset(Role)), lambda: False) == fresh


def test_a_helper_changes_nothing_that_is_said(checkpoint: Checkpoint, proposer: TransformerProposer) -> None:
    lanes = Lanes()
    assert lanes.helps(12)
    helped = TransformerProposer(checkpoint, lanes=lanes).propose(asked(frozenset(Role)), lambda: False)
    lanes.close()
    assert proposer.propose(asked(frozenset(Role)), lambda: False) == helped


def test_a_bass_plays_low_over_the_chords_of_its_own_idea(proposer: TransformerProposer) -> None:
    for idea in proposer.propose(asked(frozenset(Role)), lambda: False):
        assert all(BASS_RANGE[0] <= note.pitch <= BASS_RANGE[1] for note in idea.bass)
        assert idea.chords


def test_no_idea_is_silence_or_no_chord(proposer: TransformerProposer) -> None:
    for seed in range(5):
        for idea in proposer.propose(asked(before=0, seed=seed), lambda: False):
            assert all(span.chord for span in idea.chords)
            assert idea.melody


def test_a_melody_is_written_over_chords_that_are_known(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = COMMON_TIME.bar_ticks
    request = asked(frozenset({Role.MELODY}))
    decided = tuple(ChordSpan(Ticks((4 + i) * bar), bar, parse_chord(name)) for i, name in enumerate(("Bb", "Eb7")))
    context = replace(request.context, chords=(*request.context.chords, *decided))
    said = words_said(proposer, monkeypatch, replace(request, context=context))
    chords = [[vocab.NAMES[i] for i in ids if vocab.group_of(i) == "CHORD"] for ids in said]
    assert chords == [["CHORD A#", "CHORD D#7"]] * len(chords)


def test_an_answer_is_asked_for_as_such_and_hears_just_the_phrase_before(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = []
    prefill = proposer._engine.prefill
    monkeypatch.setattr(proposer._engine, "prefill", lambda ids: prompts.append(ids) or prefill(ids))
    proposer.propose(asked(answer=True), lambda: False)
    (words,) = ([vocab.NAMES[i] for i in ids] for ids in prompts)
    assert words[1] == "TASK answer"
    assert [word for word in words if word.startswith("BAR")] == ["BAR 2", "BAR 3", "BAR 4"]


def test_who_asks_for_a_style_is_led_away_from_what_comes_without_it(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(
        transformer, "generate", lambda decoder, prompt, *more, **how: seen.append((decoder, prompt, more[-1]))
    )
    proposer.propose(asked(controls=Controls(style="hymn")), lambda: False)
    proposer.propose(asked(), lambda: False)
    (engine, wish, against), (_, _, nothing) = seen[0], seen[-1]
    assert [word for word in wish if word not in against.prompt] == [vocab.style_id("hymn")]
    assert against.engine is not engine
    assert nothing is None


def test_the_bold_player_gets_hotter_rows_and_the_steering_words(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def generate(decoder, prompt, rows, cancelled, against, **how) -> None:
        seen.append((np.array([row.sampling.temperature for row in rows]), [vocab.NAMES[i] for i in prompt]))

    monkeypatch.setattr(transformer, "generate", generate)
    for surprise in (0.0, 1.0):
        proposer.propose(asked(controls=Controls(surprise=surprise, brightness=1.0, style="jazz")), lambda: False)
    (safe, safe_words), (bold, bold_words) = seen
    assert np.all(safe < bold)
    assert safe_words[-3:] == ["BRIGHT 4", "DENSITY 2", "SURPRISE 0"]
    assert bold_words[-3:] == ["BRIGHT 4", "DENSITY 2", "SURPRISE 4"]
    assert "STYLE jazz" in bold_words


@pytest.mark.parametrize("meter", [COMMON_TIME, Meter(6, 8), Meter(2, 2)], ids=str)
@pytest.mark.parametrize("density", [0.0, 0.25, 0.75, 1.0])
def test_a_line_never_has_many_more_or_fewer_notes_than_were_asked_for(
    proposer: TransformerProposer, meter: Meter, density: float
) -> None:
    request = asked(meter=meter, bars=4, controls=Controls(density=density))
    wanted = notes_wanted(Scene.of(request)) * meter.bar_ticks / 960
    for idea in proposer.drafts(request, lambda: False):
        for bars in range(1, 5):
            found = sum(note.onset < bars * meter.bar_ticks for note in idea.melody)
            assert wanted * bars * min(_FEWER_OR_MORE) - _SLACK <= found <= wanted * bars * max(_FEWER_OR_MORE) + _SLACK


def test_the_calm_play_on_the_beat_and_the_driving_off_it(proposer: TransformerProposer) -> None:
    def off_beat(drive: float) -> float:
        ideas = proposer.drafts(asked(bars=4, controls=Controls(density=0.6, drive=drive)), lambda: False)
        notes = [note for idea in ideas for note in idea.melody]
        return sum(note.onset % COMMON_TIME.beat_ticks != 0 for note in notes) / len(notes)

    assert off_beat(0.0) < 0.35 < 0.6 < off_beat(1.0)


def test_nothing_is_asked_of_a_line_that_no_control_speaks_of(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformer, "_Budget", None)
    assert proposer.propose(asked(controls=Controls(surprise=1.0, brightness=0.0)), lambda: False)


def tasks_of(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch, request: ProposalRequest
) -> list[tuple[str, int]]:
    """The task of each pass, and how many bars it was told of."""
    seen = []
    generate = transformer.generate

    def watched(decoder, prompt, rows, cancelled, against, **how) -> None:
        names = [vocab.NAMES[i] for i in prompt]
        seen.append((names[1].removeprefix("TASK "), sum(name.startswith("BAR ") for name in names) - 1))
        generate(decoder, prompt, rows, cancelled, against, **how)

    monkeypatch.setattr(transformer, "generate", watched)
    proposer.propose(request, lambda: False)
    return seen


def test_a_style_of_charts_gets_a_chart_first_and_a_melody_over_it(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    jazz = asked(controls=Controls(style="jazz"))
    assert tasks_of(proposer, monkeypatch, jazz) == [("chords", 2), ("lead", 4)]
    for idea in proposer.propose(jazz, lambda: False):
        assert idea.melody
        assert sum(span.duration for span in idea.chords) == jazz.slot.length


@pytest.mark.parametrize(
    ("roles", "style", "tasks"),
    [
        ({Role.CHORDS, Role.MELODY}, "hymn", ["lead"]),
        ({Role.CHORDS, Role.MELODY}, "", ["lead"]),
        ({Role.CHORDS}, "jazz", ["chords"]),
        ({Role.MELODY}, "jazz", ["lead"]),
    ],
)
def test_other_requests_take_one_pass(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch, roles: set[Role], style: str, tasks: list[str]
) -> None:
    request = asked(frozenset(roles), controls=Controls(style=style))
    assert [task for task, _ in tasks_of(proposer, monkeypatch, request)] == tasks


def words_said(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch, request: ProposalRequest
) -> list[list[int]]:
    """The ids of each row of the first pass."""
    kept = []
    generate = transformer.generate
    monkeypatch.setattr(
        transformer, "generate",
        lambda decoder, prompt, rows, *more, **how: kept.extend(rows) or generate(decoder, prompt, rows, *more, **how),
    )  # fmt: skip
    proposer.propose(request, lambda: False)
    return [row.ids for row in kept]


def test_a_bass_alone_gets_several_lines_over_the_chords_that_are_known(proposer: TransformerProposer) -> None:
    bar = COMMON_TIME.bar_ticks
    request = asked(frozenset({Role.BASS}))
    decided = ChordSpan(Ticks(4 * bar), Ticks(2 * bar), parse_chord("Bb"))
    context = replace(request.context, chords=(*request.context.chords, decided))
    assert len(check_proposer(proposer, replace(request, context=context))) == 4


def test_of_a_past_beyond_the_window_the_last_whole_bars_are_told_and_that_is_counted(
    proposer: TransformerProposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setattr(transformer, "generate", lambda engine, prompt, *more, **options: told.append(list(prompt)))
    short = asked(before=2, bars=1, seed=77)
    before = proposer.slid
    proposer.propose(short, lambda: False)
    assert proposer.slid == before
    assert bars_told(told[-1]) == 2
    long = asked(meter=Meter(7, 4), before=12, bars=8, seed=77)
    dense = tuple(Note(Ticks(i * 240 + 7), 60 + i % 12, Ticks(200), 70) for i in range(12 * 28))
    proposer.propose(replace(long, context=replace(long.context, heard=dense)), lambda: False)
    assert proposer.slid > before
    assert 0 < bars_told(told[-1]) < 12
    assert len(told[-1]) <= proposer._engine.limit
    words = [vocab.NAMES[i] for i in told[-1]]
    last = [word for word in words if word.startswith("BAR")][-2:]
    assert last == ["BAR 3", "BAR 4"], "the bar before the slot is told, and the slot's own"
