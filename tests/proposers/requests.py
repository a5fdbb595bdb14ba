"""Requests for tests: a player who comps a loop and sings over it, and hypothesis over everything that can be asked."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.key import Key, parse_key
from jamlink.music.motif import pitch_of, step_of
from jamlink.music.note import Note
from jamlink.session.context import ContextWindow
from jamlink.session.proposal import Candidate, Controls, ProposalRequest, Role, Slot
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm

ALL_ROLES = frozenset(Role)
NEUTRAL = Controls()
POP = ("C", "Am", "F", "G")


def playing(
    names: Sequence[str] = POP, bars: int = 4, meter: Meter = COMMON_TIME, key: str | None = "C", sings: bool = True
) -> ContextWindow:
    """`bars` bars of the loop `names`, a chord a bar, with a line of the key over it."""
    notes, spans = [], []
    parsed = parse_key(key) if key else None
    for bar in range(bars):
        chord = parse_chord(names[bar % len(names)])
        spans.append(ChordSpan(meter.bar_start(bar), meter.bar_ticks, chord))
        pitches = [36 + chord.bass, *(55 + (pc - 55) % 12 for pc in sorted(chord.pitch_classes))]
        notes += [Note(meter.bar_start(bar), pitch, meter.bar_ticks, 66) for pitch in pitches]
        if sings:
            notes += _sung(meter, bar, chord.root, parsed or Key(0))
    end = meter.bar_start(bars)
    return ContextWindow(Ticks(0), end, meter, tempo_of_bpm(110), parsed, tuple(sorted(notes)), tuple(spans))


def _sung(meter: Meter, bar: int, root: int, key: Key) -> list[Note]:
    """A step, a step and a third up from the root, the last note long."""
    first = step_of(67 + (root - 67) % 12, key)
    places = [t for t in (0, 480, 960, 1920) if t < meter.bar_ticks]
    return [
        Note(Ticks(meter.bar_start(bar) + t), pitch_of(first + s, key), Ticks(400), 90)
        for t, s in zip(places, (0, 1, 2, 4), strict=False)
    ]


def silence(meter: Meter = COMMON_TIME) -> ContextWindow:
    """Nothing was heard yet."""
    return ContextWindow(Ticks(0), Ticks(0), meter, tempo_of_bpm(100), None, (), ())


def asked(
    context: ContextWindow | None = None, bars: int = 4, count: int = 4, seed: int = 1,
    roles: frozenset[Role] = ALL_ROLES, controls: Controls = NEUTRAL, answer: bool = False,
    avoid: tuple[Candidate, ...] = (), lock: Key | None = None,
) -> ProposalRequest:  # fmt: skip
    """A request for the next `bars` bars."""
    context = context or playing()
    meter = context.meter
    start = Ticks(-(-context.end // meter.bar_ticks) * meter.bar_ticks)
    slot = Slot(start, bars, meter.bar_ticks)
    return ProposalRequest(1, slot, roles, context, controls, seed, count, Ns(0), answer, avoid, lock)


_share = st.sampled_from((0.0, 0.25, 0.5, 0.75, 1.0))
_any_note = st.builds(
    Note, st.integers(0, 20_000).map(Ticks), st.integers(21, 108), st.integers(1, 4_000).map(Ticks), st.integers(1, 127)
)


@st.composite
def requests(draw: st.DrawFn) -> ProposalRequest:
    """Every meter, slot, set of roles and steering; contexts from nothing to anything."""
    meter = Meter(*draw(st.sampled_from(KNOWN_METERS)))
    context = draw(st.sampled_from((silence(meter), playing(meter=meter), playing(meter=meter, key=None, bars=3))))
    if draw(st.booleans()):
        wild = tuple(sorted(draw(st.lists(_any_note, max_size=30))))
        key = draw(st.one_of(st.none(), st.builds(Key, st.integers(0, 11), st.booleans())))
        end = Ticks(draw(st.integers(20_000, 30_000)))
        context = ContextWindow(Ticks(0), end, meter, context.tempo, key, wild, context.chords if context.end else ())
    controls = Controls(draw(_share), draw(_share), draw(_share), draw(_share), draw(st.sampled_from(("", "jazz"))))
    roles = frozenset(draw(st.sets(st.sampled_from(tuple(Role)), min_size=1)))
    return asked(
        context, draw(st.sampled_from((1, 2, 4, 8))), draw(st.sampled_from((1, 4, 8))), draw(st.integers(0, 2**31)),
        roles, controls, draw(st.booleans()),
    )  # fmt: skip
