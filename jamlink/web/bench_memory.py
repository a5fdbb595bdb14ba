"""How much memory a page takes: all of its renderer, not only what its script holds, beside an empty page's.

Linux only: what is asked is /proc. `pss` counts what is shared with other processes by its part, and is what a page
costs; `rss` counts it whole, in every process anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from jamlink.errors import Unavailable

SAMPLE_S = 1.0
_SPIN_MS = 250
_SPIN = f"(() => {{ const end = performance.now() + {_SPIN_MS}; while (performance.now() < end); }})()"
_KB = 1024


def renderer_of(browser: Any, page: Any) -> int:
    """The number of the process that runs `page`: the one that works while the page does, and did not just before, as
    a page that is being closed may. Raises `Unavailable`."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    renderers = [process["id"] for process in processes if process["type"] == "renderer"]
    first = {pid: _worked(pid) for pid in renderers}
    page.wait_for_timeout(_SPIN_MS)
    second = {pid: _worked(pid) for pid in renderers}
    page.evaluate(_SPIN)
    busiest = max(renderers, key=lambda pid: _worked(pid) - second[pid] - (second[pid] - first[pid]), default=0)
    if not busiest or not Path(f"/proc/{busiest}/smaps_rollup").exists():
        raise Unavailable("The page's process was not found.", "Memory is measured on Linux only.")
    return int(busiest)


def _worked(pid: int) -> int:
    """Clock ticks that a process has computed; 0 for one that is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    user, system = stat.rpartition(")")[2].split()[11:13]
    return int(user) + int(system)


def memory(pid: int) -> dict[str, float]:
    """`pss_mb`, `rss_mb` and `private_mb` (nobody else's) of a process now, in 10^6 bytes. Raises `Unavailable`."""
    try:
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        raise Unavailable(f"Process {pid} cannot be looked at.") from None
    sizes = {name: int(size.split()[0]) * _KB for name, _, size in (row.partition(":") for row in rows)}
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return {"pss_mb": _mb(sizes["Pss"]), "rss_mb": _mb(sizes["Rss"]), "private_mb": _mb(private)}


def _mb(size: int) -> float:
    return round(size / 1e6, 1)


@contextmanager
def watched(pid: int) -> Iterator[list[dict[str, float]]]:
    """What `memory` says of a process, every second, while the block runs. It looks from a thread of its own."""
    seen: list[dict[str, float]] = []
    over = threading.Event()

    def look() -> None:
        while True:
            seen.append(memory(pid))
            if over.wait(SAMPLE_S):
                return

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def summary(seen: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """`most`, `middle` and `last` of each: a browser lets rubbish lie for a while and then clears it away."""
    columns = {name: [sample[name] for sample in seen] for name in seen[0]}
    return {
        "most": {name: max(values) for name, values in columns.items()},
        "middle": {name: round(median(values), 1) for name, values in columns.items()},
        "last": {name: values[-1] for name, values in columns.items()},
    }
