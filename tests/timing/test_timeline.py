"""Laws of musical time, over generated timelines."""

from hypothesis import given
from hypothesis import strategies as st

from jamlink.timing.meter import KNOWN_METERS, BarBeat, Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import FASTEST_BPM, SLOWEST_BPM, Ns, Ticks, bpm_of_tempo, tempo_of_bpm

bpms = st.floats(SLOWEST_BPM, FASTEST_BPM)
moments = st.integers(0, 10**15).map(Ns)
ticks = st.integers(-(10**7), 10**9).map(Ticks)
timelines = st.builds(Timeline, bpms.map(tempo_of_bpm), ticks, moments)
meters = st.sampled_from(KNOWN_METERS).map(lambda m: Meter(*m))


@given(timelines, ticks)
def test_a_tick_survives_the_way_to_the_clock_and_back(line, tick):
    assert line.tick_at(line.ns_at(tick)) == tick


@given(timelines, ticks, st.integers(1, 10**6))
def test_later_ticks_are_later_moments(line, tick, more):
    assert line.ns_at(Ticks(tick + more)) > line.ns_at(tick)


@given(timelines, moments)
def test_a_reached_tick_is_not_in_the_future(line, at):
    tick = line.tick_reached(at)
    assert line.ns_at(tick) <= at < line.ns_at(Ticks(tick + 1))


@given(timelines, bpms, moments)
def test_a_tempo_change_is_continuous_at_its_instant(line, bpm, at):
    new = line.with_tempo(tempo_of_bpm(bpm), at)
    tick = line.tick_reached(at)
    assert new.ns_at(tick) == line.ns_at(tick)
    assert new.tempo == tempo_of_bpm(bpm)


@given(timelines, ticks, moments)
def test_this_is_one_puts_the_tick_on_the_moment(line, tick, at):
    assert line.with_tick_at(tick, at).ns_at(tick) == at


@given(bpms)
def test_bpm_is_a_view_of_tempo(bpm):
    assert abs(bpm_of_tempo(tempo_of_bpm(bpm)) - bpm) < 1e-6 * bpm


@given(meters, ticks)
def test_bar_and_beat_of_a_tick_name_that_tick(meter, tick):
    assert meter.ticks_at(meter.at(tick)) == tick


@given(meters, st.integers(-100, 10000))
def test_a_bar_holds_its_beats_exactly(meter, bar):
    assert meter.beats * meter.beat_ticks == meter.bar_ticks
    assert meter.at(meter.bar_start(bar)) == BarBeat(bar, 0, Ticks(0))


@given(meters, ticks)
def test_the_next_bar_line_is_after_and_at_most_a_bar_away(meter, tick):
    line = meter.next_bar(tick)
    assert 0 < line - tick <= meter.bar_ticks
    assert line % meter.bar_ticks == 0
