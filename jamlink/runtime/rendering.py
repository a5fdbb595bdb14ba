"""A whole jam over a musician's file: the file goes in, the file with the accepted material comes out.

The clock of the session follows the file's own tempo bar by bar, so that a rubato performance keeps its bar lines.
How long the proposer really took is measured and reported beside the deadline it would have had on stage; it does not
change the music, so the same file, seed and model give the same result on every machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from jamlink.errors import Nonsense, Unavailable
from jamlink.ledger.entry import HEADER
from jamlink.ledger.export import export
from jamlink.ledger.store import Ledger
from jamlink.midi.actions import Action
from jamlink.midi.score import MidiScore, performance
from jamlink.midi.smf import read_score
from jamlink.music.chord import NO_CHORD, Chord
from jamlink.music.key import Key
from jamlink.proposers.base import Accompanies, Cancelled, Proposer
from jamlink.runtime.offline import Offline
from jamlink.session import effects as fx
from jamlink.session.core import START_LEAD, Session
from jamlink.session.inputs import Do, Heard, Input, SetTempo
from jamlink.session.proposal import Candidate, ChordsRequest, ProposalRequest, Role
from jamlink.session.settings import SessionSettings
from jamlink.session.wire import record
from jamlink.timing.meter import Meter
from jamlink.timing.units import FASTEST_BPM, SLOWEST_BPM, Ns, Tempo, Ticks, bpm_of_tempo, ms, tempo_of_bpm

REACTION = ms(300)
"""How long after a hand was dealt the person of a render decides."""
FILE_PORT = "file"
_PICKS = (Action.PICK_1, Action.PICK_2, Action.PICK_3, Action.PICK_4)

Chooser = Callable[[int], int | None]
"""From the size of a hand to the place taken, from 0; -1 takes the one that is selected, None takes nothing."""


class Watched:
    """A proposer with a stop-watch: `took` has how long each request took, in ns of wall time."""

    def __init__(self, inner: Proposer) -> None:
        self._inner = inner
        self.name = inner.name
        self.took: dict[int, int] = {}

    def chords(self, request: ChordsRequest) -> tuple[Chord, ...]:
        """As the proposer inside; nothing where it does not accompany."""
        began = time.perf_counter_ns()
        found = self._inner.chords(request) if isinstance(self._inner, Accompanies) else ()
        self.took[request.id] = time.perf_counter_ns() - began
        return found

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """As the proposer inside."""
        began = time.perf_counter_ns()
        candidates = self._inner.propose(request, cancelled)
        self.took[request.id] = time.perf_counter_ns() - began
        return candidates


def settings_for(score: MidiScore, wanted: SessionSettings) -> SessionSettings:
    """`wanted` with the meter and the first tempo of the file. Raises `Nonsense` for a meter we do not count."""
    meter = score.meters[0].meter
    return replace(wanted, meter=meter, tempo=_bar_tempos(score, meter, 1)[0], count_in=0)


def inputs_of(score: MidiScore, meter: Meter) -> list[tuple[Ns, Input]]:
    """The performance as a session hears it: play, the notes, and the tempo of each bar."""
    bars = int(score.end // meter.bar_ticks) + 1
    events: list[tuple[Ns, Input]] = [(Ns(0), Do(Action.PLAY_STOP, "render"))]
    at, tempos = START_LEAD, _bar_tempos(score, meter, bars)
    for before, tempo in pairwise(tempos):
        at = Ns(at + before * meter.bar_ticks // 960)
        if tempo != before:
            events.append((at, SetTempo(bpm_of_tempo(tempo), "file")))
    events += [(Ns(e.at + START_LEAD), Heard(_shifted(e))) for e in performance(score, FILE_PORT)]
    return sorted(events, key=lambda item: item[0])


def _shifted(event: Any) -> Any:
    return replace(event, at=Ns(event.at + START_LEAD))


def _bar_tempos(score: MidiScore, meter: Meter, bars: int) -> list[Tempo]:
    """The mean tempo of each bar, held inside what jamlink plays."""
    lines = [score.ns_at(meter.bar_start(bar)) for bar in range(bars + 1)]
    spans = [(b - a) * 960 // meter.bar_ticks for a, b in pairwise(lines)]
    slowest, fastest = tempo_of_bpm(SLOWEST_BPM), tempo_of_bpm(FASTEST_BPM)
    return [Tempo(min(slowest, max(fastest, span))) for span in spans]


def doubts(score: MidiScore, meter: Meter) -> list[str]:
    """Where the session's bars part from the file's, a sentence each for the first other meter and the first bar
    whose tempo jamlink does not count."""
    other = (
        mark for mark in score.meters if (mark.numerator, mark.denominator) != (meter.numerator, meter.denominator)
    )
    found = [
        f"From bar {mark.at // meter.bar_ticks + 1} the file is in {mark.numerator}/{mark.denominator}; jamlink goes "
        f"on in {meter}. Cut the file there."
        for mark in other
        if mark.at < score.end
    ]
    spans = [score.ns_at(meter.bar_start(bar + 1)) - score.ns_at(meter.bar_start(bar)) for bar in _bars(score, meter)]
    tempos = [bpm_of_tempo(Tempo(span * 960 // meter.bar_ticks)) for span in spans]
    strange = [
        f"Bar {bar} is at {bpm:.0f} bpm; jamlink counts {SLOWEST_BPM:g} to {FASTEST_BPM:g}, and its bars part from the "
        "file's there. Change the tempo in the file."
        for bar, bpm in enumerate(tempos, 1)
        if not SLOWEST_BPM - 0.5 <= bpm <= FASTEST_BPM + 0.5
    ]
    return found[:1] + strange[:1]


def _bars(score: MidiScore, meter: Meter) -> range:
    return range(-(-score.end // meter.bar_ticks))


class Rendering:
    """One render. Raises `Nonsense` for files that cannot be played, `Unavailable` where the disk refuses."""

    def __init__(
        self,
        source: Path,
        wanted: SessionSettings,
        proposer: Proposer | None,
        stand_in: Proposer,
        chords: Accompanies | None = None,
    ) -> None:
        self._score = read_score(source)
        if not any(part.notes for part in self._score.parts):
            raise Nonsense(f"{source.name} has no notes.", "Choose a file with a performance in it.")
        self._settings = settings_for(self._score, wanted)
        self._proposer = Watched(proposer) if proposer is not None else None
        self._stand_in = Watched(stand_in)
        self._chords = chords

    def run(self, target: Path, choose: Chooser, header: Callable[[SessionSettings, Ns], Any]) -> dict[str, Any]:
        """Play it through, write `target` and the session file beside it, and report."""
        session = Session(self._settings, Ns(0))
        offline = Offline(
            session,
            self._proposer,
            self._stand_in,
            person_taking(choose, self._settings.meter.next_bar(self._score.end)),
            chords=self._chords,
        )
        offline.play(inputs_of(self._score, self._settings.meter))
        end = Ns(self._score.length + START_LEAD + self._slot_ns())
        offline.at(end, Do(Action.PLAY_STOP, "render"))
        offline.run_until(Ns(end + ms(1_000)))
        file = target.with_suffix(".render.jam")  # never the name of a jam that was played
        self._write(offline, file, header(self._settings, Ns(0)))
        export(file, target)
        return {
            "session": str(file),
            "output": str(target),
            "doubts": doubts(self._score, self._settings.meter),
            "slots": list(self._slots(offline)),
            "along": list(self._along(offline)),
        }

    def _slot_ns(self) -> Ns:
        """Room for the last accepted idea to be heard."""
        return Ns(self._settings.bars * self._settings.meter.bar_ticks * self._settings.tempo // 960)

    def _write(self, offline: Offline, file: Path, header: Any) -> None:
        file.unlink(missing_ok=True)
        ledger = Ledger(file)
        ledger.append(HEADER, header, Ns(0))
        for entry in offline.records:
            ledger.append(*record(entry.value), entry.at, durable=False)
        if not ledger.close():
            raise Unavailable(f"{file} could not be written whole: {ledger.trouble}", "Make room and render again.")

    def _slots(self, offline: Offline) -> Iterator[dict[str, Any]]:
        """One row for each hand."""
        took = {**self._stand_in.took, **(self._proposer.took if self._proposer else {})}
        budgets: dict[int, int] = {}
        keys = {thought.request.id: thought.request.context.key for thought in offline.thoughts}
        decided = {e.value.proposal_id: e.value for e in offline.records if isinstance(e.value, fx.Decided)}
        for entry in offline.records:
            if isinstance(entry.value, fx.Asked):
                budgets[entry.value.request_id] = entry.value.deadline - entry.at
            elif isinstance(entry.value, fx.Offered):
                number = entry.value.request_id
                yield self._row(entry.value, decided, keys[number], took[number], budgets[number])

    def _along(self, offline: Offline) -> Iterator[dict[str, Any]]:
        """One row for each bar that was accompanied."""
        took = {**self._stand_in.took, **(self._proposer.took if self._proposer else {})}
        settled = [e.value for e in offline.records if isinstance(e.value, fx.Chorded) and e.value.chord]
        asked = [e.value for e in offline.records if isinstance(e.value, fx.AskedChords)]
        key = offline.session.key
        for bar, beats in groupby(settled, key=lambda beat: beat.at // self._settings.meter.bar_ticks):
            row = list(beats)
            names = [chord.symbol_in(key) if key else chord.symbol() for beat in row if (chord := beat.chord)]
            first, last = row[0].at // row[0].duration, row[-1].at // row[-1].duration
            times = [took[a.request_id] for a in asked if a.request_id in took and first <= a.beat <= last]
            yield {
                "bar": bar + 1,
                "chords": " ".join(name if i == 0 or name != names[i - 1] else "." for i, name in enumerate(names)),
                "by": sorted({beat.made_by for beat in row}),
                "longest_ms": round(max(times, default=0) / 1e6, 2),
            }

    def _row(
        self, offered: fx.Offered, decided: dict[int, fx.Decided], key: Key | None, took: int, budget: int
    ) -> dict[str, Any]:
        """Where a hand was refused or passed, the row shows what had been its best idea."""
        ends = [decided[p] for p in offered.proposals if p in decided]
        taken = [d for d in ends if d.verdict is fx.Verdict.ACCEPTED]
        shown = (taken or sorted(ends, key=lambda d: -d.content.score))[:1]
        spans = [span.chord for d in shown for span in d.content.chords]
        chords = " ".join(NO_CHORD if c is None else c.symbol_in(key) if key else c.symbol() for c in spans)
        return {
            "bar": offered.slot.start // offered.slot.bar_ticks + 1,
            "bars": offered.slot.bars,
            "roles": [role.value for role in Role if role in self._settings.roles],
            "proposer": offered.made_by[0],
            "hand": len(offered.proposals),
            "score": round(shown[0].content.score, 4) if shown else None,
            "verdict": shown[0].verdict.value if shown else "the file ended",
            "chords": chords,
            "notes": sum(len(d.content.melody) for d in taken),
            "took_ms": round(took / 1e6, 2),
            "budget_ms": round(budget / 1e6, 2),
            "deadline_met": took <= budget,
        }


def person_taking(choose: Chooser, last: Ticks) -> Callable[[fx.Offered], Iterable[tuple[Ns, Input]]]:
    """Somebody who takes an idea of every hand, or none; nothing for slots that begin after `last`."""

    def decide(offered: fx.Offered) -> Iterable[tuple[Ns, Input]]:
        place = choose(len(offered.proposals))
        if place is not None and offered.slot.start <= last:
            action = Action.ACCEPT if place < 0 else _PICKS[min(place, len(_PICKS) - 1)]
            yield REACTION, Do(action, "render")

    return decide
