"""A JACK server of one's own, without a sound card: for measuring and for tests.

Its name is nobody else's, so that several can run side by side and none touches a musician's own. Every process that
is to see it needs `JACK_DEFAULT_SERVER` set to that name. Three things are there for good reason:

* `-S` (synchronous): without it a client that is late loses messages silently.
* `-p 256` before the driver (ports): a server with the usual 2048 ports needs over 100 MB of /dev/shm and dies where a
  container has 64.
* A machine has room for eight servers, and one that was killed keeps its place until a server of the same name starts.
  So the names come from a short list and are used again; a lock held by the server itself says which are taken.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

from jamlink.errors import Unavailable
from jamlink.ports.jack_ports import load_jack
from jamlink.timing.units import NS_PER_SECOND, Ns

_PRIORITY = 10
_PORTS_MOST = 256
_ANSWERS_WITHIN_S = 5.0
_LOOK_EVERY_S = 0.02
_NAMES = tuple(f"jamlink-own-{number}" for number in range(1, 8))


@dataclass(frozen=True, slots=True)
class JackServer:
    """A running server. `realtime` is False where the machine gave it no real-time priority: then its time stumbles
    under load, and no measurement made on it says anything about timing.
    """

    name: str
    realtime: bool
    period_frames: int
    rate: int
    process: subprocess.Popen[bytes]

    @property
    def period(self) -> Ns:
        """The length of one period."""
        return Ns(round(self.period_frames * NS_PER_SECOND / self.rate))

    def stop(self) -> None:
        """Ends the server; its clients are told."""
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_jack_server(period_frames: int = 128, rate: int = 48_000, name: str = "") -> JackServer:
    """Starts a server, with real-time priority if that is allowed. Raises `Unavailable` where none can be had.

    `name` starts one again that was used and has ended.
    """
    if shutil.which("jackd") is None:
        raise Unavailable("The JACK server (jackd) is not installed.", "Install jackd2.")
    with _claim((name,) if name else _NAMES) as (claimed, lock):
        for realtime in (True, False):
            process = _launch(claimed, realtime, period_frames, rate, lock)
            if _answers(claimed, process):
                return JackServer(claimed, realtime, period_frames, rate, process)
            process.kill()
            process.wait()
    raise Unavailable("The JACK server does not start.", "See what `jackd -d dummy` says.")


@contextlib.contextmanager
def _claim(names: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """A name that nobody uses, and the descriptor whose lock says so for as long as anybody holds it open."""
    import fcntl  # not on Windows, where there is no jackd to start either

    for name in names:
        path = os.path.join(tempfile.gettempdir(), f"{name}-{os.getuid()}.lock")  # JACK's names are per user too
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield name, lock
            return
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
    raise Unavailable("All private JACK servers of this machine are in use.", "Wait until a measurement ends.")


def _launch(name: str, realtime: bool, period_frames: int, rate: int, lock: int) -> subprocess.Popen[bytes]:
    priority = ["-R", "-P", str(_PRIORITY)] if realtime else ["-r"]
    server = ["jackd", "-n", name, *priority, "-S", "-p", str(_PORTS_MOST)]
    driver = ["-d", "dummy", "-r", str(rate), "-p", str(period_frames)]
    return subprocess.Popen(
        [*server, *driver],
        env={**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(lock,),
    )


def _answers(name: str, process: subprocess.Popen[bytes]) -> bool:
    jack = load_jack()
    for _ in range(round(_ANSWERS_WITHIN_S / _LOOK_EVERY_S)):
        if process.poll() is not None:
            return False
        with contextlib.suppress(jack.JackError):
            jack.Client("looking", no_start_server=True, servername=name).close()
            return True
        time.sleep(_LOOK_EVERY_S)
    return False


@contextlib.contextmanager
def private_jack_server(period_frames: int = 128, rate: int = 48_000) -> Iterator[JackServer]:
    """A server for the length of a `with`; this process and its children see it as theirs meanwhile."""
    server = start_jack_server(period_frames, rate)
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = server.name
    try:
        yield server
    finally:
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before
        server.stop()
