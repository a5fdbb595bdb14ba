"""Ideas from the trained network: the words come from `tokens`, the numbers from `engine`; here they meet.

A dozen rows are drawn at once from one prompt, at temperatures from safe to bold, each under a grammar that lets it
say only what can be played. What the session asks for becomes one or two passes:

    roles                  first pass                                  second pass
    chords, melody         LEAD
    chords                 CHORDS
    melody                 LEAD, over the chords known for the slot; where none are known the network thinks of
                           some, which are left out of the idea; MELODY where the context has no harmony at all
    bass, with the above   as above                                    BASS over the chords of the first
    bass alone             CHORDS, left out of the idea                BASS

Where chords and melody are wanted in a style of which the network has read charts alone, CHORDS comes before LEAD.
ANSWER stands for LEAD where the player's phrase is answered.

In a meter that the network has hardly read it would say the few songs that it has: there the rules deal, and sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from jamlink.engine.choose import Engine, engine_for
from jamlink.engine.generate import Against, Mask, Row, Sampling, generate
from jamlink.engine.lanes import Lanes
from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.key import Key
from jamlink.nn.checkpoint import Checkpoint
from jamlink.proposers import prompting
from jamlink.proposers.amounts import notes_wanted, push_wanted
from jamlink.proposers.base import Cancelled
from jamlink.proposers.critics import rank
from jamlink.proposers.following import Follower, follower_for
from jamlink.proposers.originality import Guard, Index
from jamlink.proposers.rules import RulesProposer
from jamlink.proposers.scene import Scene
from jamlink.session.proposal import Candidate, ChordsRequest, ProposalRequest, Role, Slot
from jamlink.timing.meter import Meter
from jamlink.timing.units import TICKS_PER_QUARTER
from jamlink.tokens import vocab
from jamlink.tokens.decode import decode_slot
from jamlink.tokens.grammar import Grammar
from jamlink.tokens.phrase import Phrase, places_from
from jamlink.tokens.vocab import Task

FEWEST_ROWS, ROWS_PER_IDEA, FEW_IDEAS, ROWS_PER_FURTHER_IDEA = 12, 3, 8, 2
"""Of so many rows for each idea asked for the best are kept; beyond a few ideas abundance itself is what is wanted."""
SPARE_LINES = 2
"""Bass lines beyond those asked for, since two of them may turn out the same."""
MELODY_RANGE = (52, 88)
"""E3 to E6, where no melody was heard that says better."""
BASS_RANGE = (28, 55)
"""The low E of a bass to G3."""
_SAFE, _BOLD, _SPREAD = 0.55, 1.25, 0.2
"""Temperatures of the middle row for the safest and the boldest player, and how far the outer rows are from it."""
_MIN_P = 0.02
"""Words with less than a fiftieth of the likeliest one's probability are slips, not ideas."""
_IDS_PER_CELL, _MOST_FOR_SLOT = 7, 320
"""Room kept for the slot: what a busy cell needs, and no more than this in all, so that there is a context too."""
_NEAR_WEIGHT = 0.5
"""What an idea loses, in natural logs, that is as near to a known melody as its style allows."""
_SLACK = 2
"""Notes, or push, that a line may be ahead of what was asked for, or behind."""
_FEWER_OR_MORE = (1.0, 0.87, 1.15)
"""Times what was asked for, from row to row: who wants more does not want the same number throughout."""
_AGAIN, _CHARTS = 2, 4
"""The salts of a second draw, and of chords drawn first."""
_CHART_STYLES = frozenset(("pop", "jazz", "blues", "latin", "funk"))
"""Styles that the corpus has chords of and no melodies."""
_STYLED_BARS = 2
"""What a chart is told of the past where a style is asked for. On tunebooks a judge of styles took .67 of the charts
for what they were to be with no bar told, .52 with two, .36 with four, .32 with twelve; people's it knows to .75."""
_STYLE_PULL = 3.0
"""How far choices move away from those without the style. On 24 tunes of the tunebooks a judge knew .38 of the chords
and .38 of the melodies for the style asked for at 0; .50 and .41 at 1; .60 and .47 at 2.5; .65 and .54 at 4; .69 and
.59 at 6. But in the key were .99, .99, .98, .95, .92 of the notes, and the network liked them less and less."""
_ONE_CELL = 12
"""The most ids that one cell takes."""
_DRAWS_KEPT = 8
"""Two passes for each of the last hands that were drawn, asked for or not."""

_ENDS = frozenset((vocab.EOS, *vocab.RANGES["BAR"]))
_RHYTHMS = list(zip(vocab.RANGES["RHYTHM"], vocab.RHYTHMS, strict=True))


def _mask_of(ids: Iterable[int]) -> Mask:
    mask = np.zeros(vocab.SIZE, bool)
    mask[list(ids)] = True
    return mask


_ONSETS = np.zeros(vocab.SIZE, np.int64)
"""How many notes begin with a word."""
_LATER = np.zeros(vocab.SIZE, np.int64)
"""How many of them not at the start of the cell."""
for _word, _rhythm in _RHYTHMS:
    _ONSETS[_word] = _rhythm.onsets
    _LATER[_word] = _rhythm.onsets - _rhythm.pattern.startswith(vocab.ONSET)
_RHYTHM_WORDS = _mask_of(vocab.RANGES["RHYTHM"])
_QUIET = _mask_of([*_ENDS, *(i for i, rhythm in _RHYTHMS if not rhythm.onsets)])
_SOUNDING = ~_mask_of(i for i, rhythm in _RHYTHMS if not rhythm.onsets)
_NO_SILENT_CHORD = ~_mask_of([vocab.chord_id(None)])


@lru_cache(maxsize=len(vocab.KEYS))
def _words_of(key: Key) -> Mask:
    """All but the chords, basses and pitches that are foreign to a key."""
    chords = (i for i in vocab.RANGES["CHORD"] if (chord := vocab.chord_of(i)) and not chord.belongs_to(key))
    basses = (vocab.bass_id(pitch_class) for pitch_class in range(12) if pitch_class not in key.notes)
    pitches = (vocab.pitch_id(pitch) for pitch in vocab.PITCHES if pitch % 12 not in key.notes)
    return ~_mask_of([*chords, *basses, *pitches])


@dataclass(frozen=True, slots=True)
class _Pass:
    """One call of the network. `given` has each row's chords, where they are not the network's to choose."""

    request: ProposalRequest
    task: Task
    context: Phrase
    pitches: tuple[int, int]
    given: tuple[tuple[ChordSpan, ...], ...] | None = None
    salt: int = 0
    """Keeps the draws of one request's passes apart."""

    @property
    def needs_chart(self) -> bool:
        """Whether chords and melody are wanted in a style of which the network has read charts alone."""
        free = self.given is None and self.task in (Task.LEAD, Task.ANSWER)
        return free and self.request.controls.style in _CHART_STYLES and Role.CHORDS in self.request.roles

    @property
    def chord_before(self) -> Chord | None:
        """What sounds when the slot begins."""
        chords = self.context.chords
        return chords[-1].chord if chords and chords[-1].end == self.context.length else None

    @property
    def _goes_on(self) -> bool:
        """Whether what sounds before the slot may sound on in it."""
        before, key = self.chord_before, self.request.key
        return before is not None and (key is None or before.belongs_to(key))

    @property
    def cells(self) -> int:
        """Cells of the slot."""
        return self.request.slot.bars * vocab.cells_in_bar(self.context.meter)

    @property
    def begins(self) -> int:
        """In which cell a line begins at the latest: a bass at once, a melody half-way."""
        return 0 if self.task is Task.BASS else self.cells // 2

    def grammar(self, i: int) -> Grammar:
        """What row i may say."""
        request, given = self.request, self.given[i] if self.given else None
        places = places_from(prompting.place_of(request), request.slot.bars, prompting.PHRASE_BARS)
        opens = given is None and not self._goes_on
        return Grammar(
            self.task, self.context.meter, places, pitches=self.pitches, opens=opens,
            chords=given, chord_before=self.chord_before,
        )  # fmt: skip

    def busy(self) -> tuple[float | None, float | None] | None:
        """How many notes and how much push a quarter are wished for; None for a line without a wish."""
        scene = Scene.of(self.request)
        wished = (notes_wanted(scene), push_wanted(scene))
        free = wished == (None, None) or not self.task.has_notes or self.task is Task.BASS
        return None if free else wished


@dataclass(frozen=True, slots=True)
class _Draw:
    """All that has a say in what a pass draws."""

    words: tuple[int, ...]
    temperatures: tuple[float, ...]
    task: Task
    pitches: tuple[int, int]
    given: tuple[tuple[ChordSpan, ...], ...] | None
    chord_before: Chord | None
    meter: Meter
    slot: Slot
    style: str
    key: Key | None
    """The one that is locked."""
    busy: tuple[float | None, float | None] | None
    """Notes and push a quarter that are wished for; None for a line without a wish."""
    seed: int
    salt: int

    @staticmethod
    def of(work: _Pass, words: tuple[int, ...], temperatures: tuple[float, ...]) -> _Draw:
        """The draw of a pass."""
        request = work.request
        return _Draw(
            words, temperatures, work.task, work.pitches, work.given, work.chord_before, work.context.meter,
            request.slot, request.controls.style, request.key, work.busy(), request.seed, work.salt,
        )  # fmt: skip

    def budgets(self) -> list[_Budget | None]:
        """How busy each row is to be."""
        rows = range(len(self.temperatures))
        if self.busy is None:
            return [None for _ in rows]
        factors = (_FEWER_OR_MORE[i % len(_FEWER_OR_MORE)] for i in rows)
        return [_Budget(self.meter, *(wish and wish * factor for wish in self.busy)) for factor in factors]


@dataclass(frozen=True, slots=True)
class _Idea:
    """What a row said, in ticks from the slot's start; the network's log-probabilities have one number a choice."""

    row: int
    phrase: Phrase
    log_probabilities: tuple[float, ...]
    seed: int


class TransformerProposer:
    """See the module. `name` is the checkpoint's. One thread at a time; what it keeps changes no answer: prompts that
    were read, one for each task, so that another task does not displace them, and the last draws."""

    def __init__(self, checkpoint: Checkpoint, index: Index | None = None, lanes: Lanes | None = None) -> None:
        """`index` is of the music that the network learnt from: ideas that quote it are kept back. `lanes` has a
        second thread."""
        self.name = str(checkpoint.card["name"])
        self._meters = frozenset(checkpoint.card.get("meters", map(str, vocab.METERS)))
        self._elsewhere = RulesProposer()
        self.guard = Guard(index)
        self._engine = engine_for(checkpoint.config, checkpoint.weights)
        self._prompts: dict[tuple[Task, bool], Engine] = {}
        self._draws: dict[_Draw, list[_Idea]] = {}
        self._lanes = lanes
        self._follower: Follower | None = None
        self.slid = 0
        """Prompts that had no room for all that is known of the past, and tell its last whole bars only."""

    def prepare(self, request: ProposalRequest, cancelled: Cancelled) -> None:
        """As `ThinksAhead.prepare`: draws, and keeps what was drawn."""
        if self._knows(request.context.meter):
            self.drafts(request, cancelled)

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """As `Proposer.propose`. Nothing when cancelled."""
        if not self._knows(request.context.meter):
            return self._elsewhere.propose(request, cancelled)
        found = self.drafts(request, cancelled)
        return [] if cancelled() else self.hand(found, request)

    def chords(self, request: ChordsRequest) -> tuple[Chord, ...]:
        """As `Accompanies.chords`, on the same weights with a prompt of its own; none in a meter that it does not know.
        Raises `Unavailable` or `Nonsense` where the table of the key-and-chord model is missing or damaged."""
        if not self._knows(request.meter):
            return ()
        if self._follower is None:
            self._follower = follower_for(self._engine.beside(), self.name)
        return self._follower.chords(request)

    def _knows(self, meter: Meter) -> bool:
        return str(meter) in self._meters

    def hand(self, drafts: Sequence[Candidate], request: ProposalRequest) -> list[Candidate]:
        """The critics' choice of drafts, with the pieces that they are near to."""
        return [self.guard.named(idea) for idea in self._rank(drafts, request)]

    def drafts(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """All that was drawn and quotes nothing, in no order; the critics have not seen it yet."""
        ideas = self._own(request, rows_for(request.count), cancelled)
        if Role.BASS in request.roles:
            return self._with_bass(request, self._ranked(ideas, request), cancelled)
        return [self._candidate(idea, request.roles) for idea in ideas]

    def _rank(self, ideas: Sequence[Candidate], request: ProposalRequest) -> list[Candidate]:
        """The critics' hand; to be near a known melody costs, too."""
        return rank(ideas, request, also=((_NEAR_WEIGHT, self.guard.nearness),))

    def _own(self, request: ProposalRequest, rows: int, cancelled: Cancelled) -> list[_Idea]:
        """The first pass without what quotes; drawn once more where that leaves too few."""
        kept: list[_Idea] = []
        for salt in (0, _AGAIN):
            drawn = self._ideas(request, rows, cancelled, salt)
            own = [idea for idea in drawn if self.guard.passes(idea.phrase.notes, Role.MELODY, request.controls.style)]
            kept += own
            if len(kept) >= request.count or len(own) == len(drawn):
                break
        return kept

    def _ideas(self, request: ProposalRequest, rows: int, cancelled: Cancelled, salt: int) -> list[_Idea]:
        """The first pass."""
        known = prompting.chords_in_slot(request)
        if known and request.roles == {Role.BASS}:
            return [_given(known, request)]
        work, temperatures = replace(_first_pass(request, rows), salt=salt), _temperatures(request, rows)
        if work.needs_chart:
            return self._over_charts(work, temperatures, cancelled)
        return self._draw(work, temperatures, cancelled)

    def _over_charts(self, work: _Pass, temperatures: Sequence[float], cancelled: Cancelled) -> list[_Idea]:
        """Chords first, as charts of the style have them, then a melody over each."""
        context = prompting.last_bars(work.context, min(work.context.bars, _STYLED_BARS))
        chart = replace(work, task=Task.CHORDS, context=context, salt=work.salt + _CHARTS)
        charts = self._draw(chart, temperatures, cancelled)
        given = tuple(found.phrase.chords for found in charts)
        lines = self._draw(replace(work, given=given), temperatures[: len(charts)], cancelled) if charts else []
        return [
            replace(line, log_probabilities=charts[line.row].log_probabilities + line.log_probabilities)
            for line in lines
        ]

    def _ranked(self, ideas: Sequence[_Idea], request: ProposalRequest) -> list[_Idea]:
        """The ideas that deserve a bass line, as far as chords and melody can tell."""
        drafts = [self._candidate(idea, {Role.CHORDS, Role.MELODY}) for idea in ideas]
        by_seed = {idea.seed: idea for idea in ideas}
        return [by_seed[draft.seed] for draft in self._rank(drafts, request)]

    def _with_bass(self, request: ProposalRequest, ideas: Sequence[_Idea], cancelled: Cancelled) -> list[Candidate]:
        """Each idea with the likeliest bass line over its chords; with several lines where there are too few ideas."""
        if not ideas:
            return []
        kept = [ideas[i % len(ideas)] for i in range(request.count + SPARE_LINES)]
        drawn = self._draw(_bass_pass(request, kept), _temperatures(request, len(kept)), cancelled)
        style = request.controls.style
        lines = [line for line in drawn if self.guard.passes(line.phrase.notes, Role.BASS, style)]
        likeliest = sorted(lines, key=lambda line: -float(np.mean(line.log_probabilities or (0.0,))))
        best = {kept[line.row].seed: line for line in reversed(likeliest)}
        chosen = likeliest if len(ideas) < request.count else [line for line in likeliest if line in best.values()]
        return [self._candidate(kept[line.row], request.roles, line) for line in chosen]

    def _draw(self, work: _Pass, temperatures: Sequence[float], cancelled: Cancelled) -> list[_Idea]:
        """What the rows said, without those that did not come to an end. The last few draws are kept."""
        room = min(_MOST_FOR_SLOT, work.cells * _IDS_PER_CELL + _ONE_CELL)
        words = prompting.words_before(work.request, work.task, work.context, self._engine.limit - room)
        self.slid += prompting.bars_told(words) < work.context.bars
        draw = _Draw.of(work, tuple(words), tuple(temperatures))
        if draw not in self._draws:
            found = self._drawn(work, draw, room, cancelled)
            if cancelled():
                return found
            while len(self._draws) >= _DRAWS_KEPT:
                del self._draws[next(iter(self._draws))]
            self._draws[draw] = found
        return self._draws[draw]

    def _drawn(self, work: _Pass, draw: _Draw, room: int, cancelled: Cancelled) -> list[_Idea]:
        most = min(self._engine.limit - len(draw.words), 2 * room)
        free = most - work.cells - work.request.slot.bars - _ONE_CELL
        seeds = _seeds(work.request.seed, work.salt)
        rows = [
            Row(
                _Guide(work.grammar(i), work.begins, free, budget, work.request.key),
                Sampling(next(seeds), temperature, min_p=_MIN_P),
            )
            for i, (temperature, budget) in enumerate(zip(draw.temperatures, draw.budgets(), strict=True))
        ]
        against, engine = self._against(work, room), self._prompt(work.task)
        generate(engine, draw.words, rows, cancelled, against, most=most, lanes=self._lanes)
        return [_read(i, row, work) for i, row in enumerate(rows) if row.finished]

    def _prompt(self, task: Task, plain: bool = False) -> Engine:
        """The engine that has read a prompt for `task`, with or without a style."""
        if (task, plain) not in self._prompts:
            self._prompts[task, plain] = self._engine.beside() if self._prompts else self._engine
        return self._prompts[task, plain]

    def _against(self, work: _Pass, room: int) -> Against | None:
        """The same prompt without the style, to move away from; nothing where no style is asked for."""
        controls = work.request.controls
        if controls.style not in vocab.STYLES:
            return None
        plain = replace(work.request, controls=replace(controls, style=""))
        words = prompting.words_before(plain, work.task, work.context, self._engine.limit - room)
        return Against(self._prompt(work.task, plain=True), words, _STYLE_PULL)

    def _candidate(self, idea: _Idea, roles: Set[Role], line: _Idea | None = None) -> Candidate:
        """An idea, without what was not asked for, its bass from `line`."""
        said = idea.log_probabilities + (line.log_probabilities if line else ())
        score = float(np.mean(said)) if said else 0.0
        return Candidate(
            chords=idea.phrase.chords if Role.CHORDS in roles else (),
            melody=idea.phrase.notes if Role.MELODY in roles else (),
            bass=line.phrase.notes if line else (),
            score=score,
            surprise=-score,
            made_by=self.name,
            seed=idea.seed,
        )


def rows_for(ideas: int) -> int:
    """How many rows are drawn where so many ideas are asked for."""
    few = min(ideas, FEW_IDEAS)
    return max(FEWEST_ROWS, ROWS_PER_IDEA * few + ROWS_PER_FURTHER_IDEA * (ideas - few))


class _Budget:
    """Keeps a line about as busy as was asked: notes, and push (see `amounts`), cell by cell within a slack."""

    __slots__ = ("_beat", "_cell", "_notes", "_notes_said", "_push", "_push_said", "_ticks")

    def __init__(self, meter: Meter, notes: float | None, push: float | None) -> None:
        """`notes` and `push` a quarter; None sets no limit."""
        self._ticks, self._beat = vocab.cell_of(meter).ticks, meter.beat_ticks
        self._notes, self._push = notes, push
        self._cell = self._notes_said = self._push_said = 0

    def allowed(self) -> Iterator[Mask]:
        """What keeps within the notes, and within the push; rhythms aside, all does."""
        quarters = (self._cell + 1) * self._ticks / TICKS_PER_QUARTER
        if self._notes is not None:
            yield _between(_ONSETS, self._notes * quarters - self._notes_said)
        if self._push is not None:
            yield _between(self._pushes(), self._push * quarters - self._push_said)

    def _pushes(self) -> npt.NDArray[np.int64]:
        on_beat = self._cell * self._ticks % self._beat == 0
        return _ONSETS + (_LATER if on_beat else _ONSETS)

    def advance(self, token: int) -> None:
        """A rhythm word follows."""
        self._notes_said += int(_ONSETS[token])
        self._push_said += int(self._pushes()[token])
        self._cell += 1


def _between(amounts: npt.NDArray[np.int64], wanted: float) -> Mask:
    """The words that come near to `wanted`; a word that says nothing of it comes near to any."""
    mask: Mask = abs(amounts - wanted) <= _SLACK
    mask[~_RHYTHM_WORDS] = True
    return mask


class _Guide:
    """A grammar for the engine: what may follow, as a mask.

    On top of the grammar, a line begins in cell `begins` at the latest, since silence is no idea; quiet words only are
    left once `free` ids are said, so that the slot comes to its end; of the words that may end the slot, which belong
    to the bar behind it, there is no choice; and where a key is locked only its words are left.
    """

    __slots__ = ("_begins", "_budget", "_free", "_grammar", "_key")

    def __init__(
        self, grammar: Grammar, begins: int, free: int, budget: _Budget | None = None, key: Key | None = None
    ) -> None:
        self._grammar, self._begins, self._free, self._budget, self._key = grammar, begins, free, budget, key

    @property
    def finished(self) -> bool:
        return self._grammar.finished

    def next(self) -> int | Mask:
        choice = _choice(self._grammar.mask(), self._free <= 0, self._begins == 0, self._key)
        return choice if isinstance(choice, int) or not self._budget else _within(choice, self._budget)

    def advance(self, token: int) -> None:
        group = vocab.group_of(token)
        if group == "PITCH":
            self._begins = -1
        elif group == "RHYTHM":
            self._begins -= 1
            if self._budget:
                self._budget.advance(token)
        self._free -= 1
        self._grammar.advance(token)


@lru_cache(maxsize=1024)
def _choice(allowed: bytes, hushed: bool, begins: bool, key: Key | None = None) -> int | Mask:
    """The only id left, or a mask of several. "No chord" is no idea, unless it is given; nor is what leaves the key."""
    mask = np.frombuffer(allowed, np.uint8).astype(bool)
    wishes = (_NO_SILENT_CHORD, _QUIET if hushed else None, _SOUNDING if begins else None, key and _words_of(key))
    for wish in wishes:
        if wish is not None and (mask & wish).any():
            mask &= wish
    ids = np.flatnonzero(mask)
    if set(ids.tolist()) <= _ENDS:
        return vocab.EOS if mask[vocab.EOS] else int(ids[0])
    return int(ids[0]) if len(ids) == 1 else mask


def _within(choice: Mask, budget: _Budget) -> int | Mask:
    """What of a choice is within the budget; where nothing is, all of it."""
    if not (choice & _RHYTHM_WORDS).any():
        return choice
    for near in budget.allowed():
        if (choice & near).any():
            choice = choice & near
    ids = np.flatnonzero(choice)
    return int(ids[0]) if len(ids) == 1 else choice


def _first_pass(request: ProposalRequest, rows: int) -> _Pass:
    """Everything but the bass."""
    answers = request.answer and Role.MELODY in request.roles
    context = prompting.phrase_before(request, request.slot.bars if answers else prompting.CONTEXT_BARS)
    pitches = prompting.range_around(request.context, MELODY_RANGE)
    if Role.MELODY not in request.roles:
        return _Pass(request, Task.CHORDS, context, pitches)
    task = Task.ANSWER if answers else Task.LEAD
    if Role.CHORDS in request.roles:
        return _Pass(request, task, context, pitches)
    known = prompting.chords_in_slot(request)
    if known:
        return _Pass(request, task, context, pitches, (known,) * rows)
    harmony = any(span.chord for span in context.chords) or Role.BASS in request.roles
    return _Pass(request, task if harmony else Task.MELODY, context, pitches)


def _bass_pass(request: ProposalRequest, ideas: Sequence[_Idea]) -> _Pass:
    """A bass line for each idea. What is known of the past are its chords."""
    context = prompting.phrase_before(request)
    silent = Phrase(context.meter, context.places, context.chords)
    return _Pass(request, Task.BASS, silent, BASS_RANGE, tuple(idea.phrase.chords for idea in ideas), salt=1)


def _temperatures(request: ProposalRequest, rows: int) -> list[float]:
    """From safe to bold, around what the player wants."""
    middle = _SAFE + (_BOLD - _SAFE) * request.controls.surprise
    return [float(t) for t in np.linspace(middle - _SPREAD, middle + _SPREAD, rows)]


def _seeds(seed: int, salt: int) -> Iterator[int]:
    """One seed a row, the same for the same request."""
    sequence = np.random.SeedSequence((abs(seed), salt))
    while True:
        yield int(sequence.spawn(1)[0].generate_state(1, np.uint64)[0])


def _given(chords: tuple[ChordSpan, ...], request: ProposalRequest) -> _Idea:
    """Chords that are known already, as if a row had said them."""
    bars = places_from(prompting.place_of(request), request.slot.bars, prompting.PHRASE_BARS)
    return _Idea(0, Phrase(request.context.meter, bars, chords), (), request.seed)


def _read(i: int, row: Row, work: _Pass) -> _Idea:
    meter, place = work.context.meter, prompting.place_of(work.request)
    phrase = decode_slot(row.ids, work.task, meter, place, work.chord_before)
    return _Idea(i, phrase, tuple(row.log_probabilities), row.sampling.seed)
