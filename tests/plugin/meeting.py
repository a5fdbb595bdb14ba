"""jamlink's end of the plug-in, without a jam round it."""

from __future__ import annotations

from collections.abc import Callable

from jamlink.errors import Unavailable
from jamlink.ports.base import Direction, HeardBytes, Outgoing, PortSpec, Written
from jamlink.ports.plugin_ports import NAME, PluginPorts
from jamlink.runtime.io_link import OUTPUT_NAMES
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.runtime.scheduler import Scheduler
from jamlink.timing.units import Ns
from tests.plugin.host import Host
from tests.realtime.conftest import wait_until

CLOCK = MonotonicClock()
CHORDS, MELODY, BASS, CLICK, PREVIEW = range(5)
STANDS = b"\xfc"


class Meeting:
    """A jamlink's end, and the plug-ins that have come to it."""

    def __init__(self) -> None:
        self.queue = Scheduler()
        self.ports = PluginPorts(CLOCK)
        self.heard: list[HeardBytes] = []
        self.written: list[Written] = []

    def turn(self) -> None:
        self.ports.pump(CLOCK.now())
        self.heard += self.ports.heard()
        self.written += self.ports.written()

    def start_with(self, *hosts: Host) -> None:
        """Waits for the plug-ins, and opens every port."""

        def all_there() -> bool:
            for host in hosts:
                host.run()
            return all(host.linked for host in hosts)

        self.start(all_there)
        for host in hosts:  # the parts and the length of a block are told
            host.run()
        wait_until(lambda: self.turn() or self.parts == {int(host.part.value) for host in hosts})

        def it_was_asked_where_it_is() -> bool:
            for host in hosts:
                host.run()
            self.turn()
            return bool(self.heard)

        wait_until(it_was_asked_where_it_is)
        if [h.data for h in self.heard] == [STANDS]:  # a rolling host's answer is what a test is about
            self.heard.clear()

    def start(self, all_there: Callable[[], bool] = lambda: True) -> None:
        """Waits until one plug-in is there, and `all_there` too; opens every port."""

        def met() -> bool:
            there = all_there()
            try:
                self.ports.start(self.queue)
            except Unavailable:
                return False
            return there

        wait_until(met)
        self.ports.bind(Direction.IN, 0, PortSpec("in", NAME), NAME)
        for number, name in enumerate(OUTPUT_NAMES):
            self.ports.bind(Direction.OUT, number, PortSpec(name, NAME), NAME)

    @property
    def parts(self) -> set[int]:
        return {instance.part for instance in self.ports._instances}

    def play(self, *messages: tuple[Ns, int, bytes]) -> None:
        self.queue.push([Outgoing(due, output, 1, data) for due, output, data in messages])
