"""How long a launch may take: programs that share the L2 cache's bandwidth, the matrix units and a limit of their own.

A launch is given as groups of like programs, in the order in which they start. So many are resident at once; those
that run share what the device has alike, and each has at most what its own multiprocessor has:

    the L2 cache     the bytes of all tiles that a program reads in its loop, which asynchronous copies take past L1
    matrix units     the products' operations, those of masked rows and columns among them
    its own length   turns of the loop, each no shorter than a product's latency

The launch lasts as long as the longest of the three, or as its bytes take from memory, and a gap: what it costs to
start, to fill the pipeline and to drain it. This leaves out instructions, bank conflicts and what else a GPU is good
at; it says which launch is bound by what, and which of two tilings is the better.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True)
class Device:
    """How much a device can do; an H100, by default.

    tflops, gbytes (of memory) and l2 (GB/s of the L2 cache) are what `benchmarks.peaks` measured on one. turn and gap,
    in microseconds, are those with which the predictions for a step's calls are nearest to what was measured on it
    (`python -m benchmarks.work --steps 1 --batch B` prints both). resident: programs on a multiprocessor; port: GB/s
    that one multiprocessor takes from the L2 cache, 64 bytes a clock at 1.83 GHz.
    """

    multiprocessors: int = 132
    resident: int = 2
    tflops: float = 765
    gbytes: float = 2990
    l2: float = 6700
    port: float = 117
    turn: float = 0.4
    gap: float = 2.5

    @property
    def slots(self) -> int:
        return self.multiprocessors * self.resident


@dataclass(frozen=True)
class Programs:
    """So many programs that do the same: turns of their loop, bytes of its tiles, operations of its products."""

    count: int
    turns: int
    tiles: int
    operations: int = 0


@dataclass(frozen=True)
class Launch:
    """`times` a call, with what one launch does; moved: bytes, each input read once and each output written once."""

    name: str
    times: int
    programs: tuple[Programs, ...]
    moved: int

    @property
    def count(self) -> int:
        """Programs."""
        return sum(group.count for group in self.programs)

    @property
    def tiles(self) -> int:
        """Bytes from the L2 cache."""
        return sum(group.count * group.tiles for group in self.programs)

    @property
    def operations(self) -> int:
        return sum(group.count * group.operations for group in self.programs)

    def waves(self, device: Device) -> float:
        return self.count / device.slots

    def microseconds(self, device: Device) -> float:
        """Of one launch."""
        unit = device.tflops / device.multiprocessors
        bounds = (
            self._shared("tiles", device, device.l2 * 1e3, device.port * 1e3),
            self._shared("operations", device, device.tflops * 1e6, unit * 1e6),
            self._shared("turns", device, math.inf, 1 / device.turn),
            self.moved / device.gbytes / 1e3,
        )
        return device.gap + max(bounds)

    def _shared(self, what: str, device: Device, together: float, alone: float) -> float:
        demands = ((group.count, getattr(group, what)) for group in self.programs)
        return makespan(demands, device.slots, together, alone)


def makespan(demands: Iterable[tuple[int, float]], slots: int, together: float, alone: float) -> float:
    """How long programs take that start in order as slots fall free, each (number of them, what each needs) alike.

    All that run are served at the same rate, `together` divided by their number, but never more than `alone`.
    """
    waiting, running = deque(demands), []  # those that run as (what each will have been served at its end, number)
    active, served, now = 0, 0.0, 0.0
    while waiting or running:
        while waiting and active < slots:
            count, demand = waiting.popleft()
            started = min(count, slots - active)
            heappush(running, (served + demand, started))
            active += started
            if started < count:
                waiting.appendleft((count - started, demand))
        end, count = heappop(running)
        now += (end - served) / min(together / active, alone)
        active, served = active - count, end
    return now
