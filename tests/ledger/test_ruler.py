from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jamlink.ledger.ruler import Ruler
from jamlink.session.effects import Clocked
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ns, Tempo, Ticks, tempo_of_bpm

SECOND = 1_000_000_000

# What happens, how long after the thing before, and how: count-in bars, meter, tempo.
happenings = st.lists(
    st.tuples(
        st.sampled_from(["play", "stop", "tempo"]),
        st.integers(1, 30 * SECOND),
        st.integers(0, 2),
        st.sampled_from([Meter(4, 4), Meter(3, 4), Meter(6, 8)]),
        st.integers(250_000_000, 1_500_000_000).map(Tempo),
    ),
    max_size=12,
)
spans = st.lists(st.tuples(st.integers(0, 300 * SECOND), st.integers(1, 5 * SECOND)), min_size=1, max_size=20)


def clocks_of(script) -> list[tuple[Ns, Clocked]]:
    transport = Transport(False, Timeline(tempo_of_bpm(120), Ticks(0), Ns(0)))
    now, clocks = Ns(0), []
    for kind, after, count_in, meter, tempo in [("start", 0, 0, Meter(4, 4), 0), *script]:
        now = Ns(now + after)
        if kind == "play" and not transport.playing:
            transport = transport.with_meter(meter).started(now, count_in)
        elif kind == "stop":
            transport = transport.stopped()
        elif kind == "tempo":
            transport = transport.with_tempo(tempo, now)
        clocks.append((now, Clocked(transport.playing, transport.timeline, str(transport.meter))))
    return clocks


@given(happenings, spans)
def test_what_came_later_never_lies_earlier_on_the_page(script, lengths):
    onsets = sorted(Ns(onset) for onset, _ in lengths)
    ruler = Ruler(clocks_of(script), [(Ns(onset), Ns(onset + length)) for onset, length in lengths])
    assert all(ruler.tick(a) <= ruler.tick(b) for a, b in pairwise(onsets))


@given(happenings, spans)
def test_every_run_begins_on_a_bar_line_after_everything_before_it(script, lengths):
    placed = [(Ns(onset), Ns(onset + length)) for onset, length in lengths]
    clocks = clocks_of(script)
    ruler = Ruler(clocks, placed)
    meters = [(mark.at, mark.meter) for mark in ruler.meters]
    for (_, before), (at, clock) in pairwise(clocks):
        if not clock.playing or before.playing:
            continue
        first = ruler.tick(at)
        mark, meter = [(since, meter) for since, meter in meters if since <= first][-1]
        assert (first - mark) % meter.bar_ticks == 0
        earlier = [ruler.tick(onset) for onset, _ in placed if onset < at]
        assert all(tick <= first for tick in earlier)


@given(happenings, spans)
def test_inside_a_stretch_the_page_keeps_the_clocks_own_time(script, lengths):
    clocks = clocks_of(script)
    ruler = Ruler(clocks, [(Ns(onset), Ns(onset + length)) for onset, length in lengths])
    for (since, clock), (until, _) in pairwise(clocks):
        middle = Ns((since + until) // 2)
        if clock.playing:
            moved = ruler.tick(middle) - ruler.tick(since)
            assert moved == clock.timeline.tick_at(middle) - clock.timeline.tick_at(since)


def test_marks_that_change_nothing_are_left_out():
    clock = Clocked(True, Timeline(tempo_of_bpm(120), Ticks(0), Ns(0)), "4/4")
    ruler = Ruler([(Ns(0), clock), (Ns(SECOND), clock), (Ns(2 * SECOND), clock)], [])
    assert len(ruler.tempos) == len(ruler.meters) == 1
