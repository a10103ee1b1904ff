"""A model of a launch's time: programs that share the L2 cache's bandwidth, the matrix units and multiprocessors.

A launch is given as groups of equal programs, in the order in which they start. A limited number is resident at once.
Running programs share the device equally, and each gets at most what its own multiprocessor has:

    the L2 cache     the bytes of all tiles that a program reads in its loop, with asynchronous copies that bypass L1
    matrix units     the products' operations, including those of masked rows and columns
    shared memory    of a program's multiprocessor: what is copied into it, at half its speed, and what products read,
                     one after the other; each program's start and each turn of its loop take a moment more, in which
                     other programs can use it
    memory           the bytes that a launch as a whole reads and writes, at the speed of a copy

The launch lasts as long as the longest of the four plus a gap: the cost of starting, of filling the pipeline and of
draining it. The model ignores instructions, bank conflicts and other details of a GPU. It shows what a launch is bound
by, and which of two tilings is better. NOTES.md says how accurate it is.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True)
class Device:
    """The capabilities of a device, by default an H100.

    tflops, gbytes (of memory) and l2 (GB/s of the L2 cache) were measured on one by `benchmarks.peaks`. port: GB/s that
    one multiprocessor takes from the L2 cache, 64 bytes a clock at 1.83 GHz. scratch, GB/s of its shared memory, and
    gap, start and turn, in microseconds for a launch, a program and a turn of its loop, are fitted to measurements
    (`python -m benchmarks.work --steps 1 --batch B` prints predictions and measurements of a step's calls, `python -m
    benchmarks.work.outcomes` those of launches).
    """

    multiprocessors: int = 132
    tflops: float = 765
    gbytes: float = 2990
    l2: float = 7400
    port: float = 117
    scratch: float = 225
    turn: float = 0.03
    start: float = 0.3
    gap: float = 2.5

    def besides(self, turns: int) -> float:
        """Microseconds that a program takes in addition to its shared memory's work."""
        return self.start + self.turn * turns if turns else 0


@dataclass(frozen=True)
class Programs:
    """`count` equal programs: turns of their loop, bytes that its tiles take from the L2 cache, operations.

    scratch: bytes of shared memory that products read, plus twice those that are copied into it.
    """

    count: int
    turns: int
    l2_bytes: int
    operations: int = 0
    scratch: int = 0


@dataclass(frozen=True)
class Launch:
    """A launch, repeated `times` times in a call.

    memory_bytes: those of one launch, each input read once and each output written once. resident: how many programs
    fit on a multiprocessor.
    """

    name: str
    times: int
    programs: tuple[Programs, ...]
    memory_bytes: int
    resident: int = 2

    @property
    def count(self) -> int:
        """The number of programs."""
        return sum(group.count for group in self.programs)

    @property
    def l2_bytes(self) -> int:
        return sum(group.count * group.l2_bytes for group in self.programs)

    @property
    def operations(self) -> int:
        return sum(group.count * group.operations for group in self.programs)

    def waves(self, device: Device) -> float:
        return self.count / (device.multiprocessors * self.resident)

    def microseconds(self, device: Device) -> float:
        """The predicted time of one launch."""
        unit = device.tflops / device.multiprocessors
        lengths = (
            (group.count, device.besides(group.turns), group.scratch / device.scratch / 1e3) for group in self.programs
        )
        bounds = (
            self._shared("l2_bytes", device, device.l2 * 1e3, device.port * 1e3),
            self._shared("operations", device, device.tflops * 1e6, unit * 1e6),
            on_multiprocessors(lengths, device.multiprocessors, self.resident),
            self.memory_bytes / device.gbytes / 1e3,
        )
        return device.gap + max(bounds)

    def _shared(self, what: str, device: Device, together: float, alone: float) -> float:
        demands = ((group.count, getattr(group, what)) for group in self.programs)
        return makespan(demands, device.multiprocessors * self.resident, together, alone)


def on_multiprocessors(programs: Iterable[tuple[int, float, float]], multiprocessors: int, resident: int) -> float:
    """How long groups of equal programs (count, other time, time of their multiprocessor's shared memory) take.

    They start in order, one on each multiprocessor before any has two, then where one ends. Those that are resident
    together run at full speed until they need more shared memory bandwidth than there is; then the oldest has priority.
    """
    waiting = deque((besides + work, work) for count, besides, work in programs for _ in range(count) if besides + work)
    # For each multiprocessor: the time up to which it is simulated, and its programs, the oldest first, as [remaining
    # time, share of the shared memory].
    now, running = [0.0] * multiprocessors, [[] for _ in range(multiprocessors)]
    ends: list[tuple[float, int]] = []

    def start(one: int) -> None:
        if waiting:
            alone, work = waiting.popleft()
            running[one].append([alone, work / alone])

    def speeds(one: int) -> Iterator[float]:
        free = 1.0
        for _, share in running[one]:
            yield min(1.0, free / share) if share else 1.0
            free = max(0.0, free - share)

    def until_one_ends(one: int) -> float:
        return min(left / speed for (left, _), speed in zip(running[one], speeds(one), strict=True) if speed)

    for one in [*range(multiprocessors)] * resident:
        start(one)
    for one in range(multiprocessors):
        if running[one]:
            heappush(ends, (until_one_ends(one), one))
    last = 0.0
    while ends:
        last, one = heappop(ends)
        passed = last - now[one]
        lefts = [[left - passed * speed, share] for (left, share), speed in zip(running[one], speeds(one), strict=True)]
        running[one] = [program for program in lefts if program[0] > 1e-9]
        now[one] = last
        for _ in range(resident - len(running[one])):
            start(one)
        if running[one]:
            heappush(ends, (last + until_one_ends(one), one))
    return last


def makespan(demands: Iterable[tuple[int, float]], slots: int, together: float, alone: float) -> float:
    """How long groups of equal programs (count, demand of each) take that start in order as slots become free.

    All running programs are served at the same rate, `together` divided by their number, but at most `alone`.
    """
    waiting, running = deque(demands), []  # running: (what each will have been served at its end, count)
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
