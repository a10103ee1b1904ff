"""The comparisons of `comparisons.plan`, as many as time allows, each appended to the results when it is done."""

import time
from dataclasses import dataclass, replace

import torch

from benchmarks.comparisons import plan
from benchmarks.comparisons.plan import Comparison
from benchmarks.gpu_run.run import Run
from benchmarks.measuring.machine import Machine
from benchmarks.measuring.results import GRAPH, append, file_of, read
from benchmarks.measuring.side_by_side import Witness, first_line
from benchmarks.measuring.tables import printed

LONGEST, SHORTEST = 150, 15  # seconds of a comparison, compilers included


@dataclass
class Told(Witness):
    """Logs which contenders fail, and tells the watching process how to continue if the comparison is lost."""

    run: Run
    comparison: Comparison
    until: float
    at_work: str = ""
    failed: bool = False
    out_of_memory: bool = False

    def begins(self, contender: str) -> None:
        self.at_work = contender
        what = f"tables: {self.comparison}" + f": {contender}" * bool(contender)
        self.run.if_lost(what, self.rest(), max(self.until - time.monotonic(), 0))

    def left_out(self, contender: str, error: Exception) -> None:
        self.at_work = contender.removesuffix(GRAPH)
        self.fails(contender, error)

    def fails(self, what: str, error: Exception) -> None:
        text = first_line(error)
        self.run.say(f"tables: {self.comparison}: {what} failed: {type(error).__name__}, {text}")
        self.failed = True
        self.out_of_memory |= isinstance(error, torch.OutOfMemoryError) or "out of memory" in text

    def rest(self) -> Run:
        """The rest of the run without the contender at work; the second time, or if none is, without its comparison."""
        again = lost_with(self.run, self.comparison)
        skip = (*self.run.skip, (str(self.comparison), "" if again else self.at_work))
        return replace(self.run, parts=("tables", *self.run.parts), skip=skip)


def tables(run: Run) -> None:
    """Make the comparisons in order, except for those that are known already."""
    machine = Machine.here(run.commit)
    known = [row for row in kept(run, machine) if machine.knows(row)]
    wanted = plan.dry() if run.dry else plan.on_gpu()
    todo = [one for one in wanted if "" not in lost_with(run, one) and not one.is_among(known, run.device)]
    run.say(f"tables: {len(todo)} comparisons to do, {len(wanted) - len(todo)} are known or failed")
    for number, comparison in enumerate(todo):
        left = run.left() - run.kept_for_training
        if left < SHORTEST:
            run.say(f"tables: no time left for {len(todo) - number} comparisons")
            return
        told = Told(run, comparison, time.monotonic() + min(LONGEST, left))
        told.begins("")
        try:
            without = lost_with(run, comparison)
            rows = comparison.measure(run.device, 0.1 if run.dry else 1, told, without)
            append(rows, machine, run.out / "results.csv")
            run.say(printed(rows))
        except Exception as error:  # whatever it is, continue with the other comparisons
            told.fails("all", error)
        well = not told.failed or computes(run.device)
        if well:  # nothing more can be done for this comparison
            run.skip = (*run.skip, (str(comparison), ""))
        if told.out_of_memory or not well:
            run.go_on_anew(told.rest())


def lost_with(run: Run, comparison: Comparison) -> list[str]:
    """Contenders to skip because the comparison was lost with them; "" among them means that it is over."""
    return [contender for one, contender in run.skip if one == str(comparison)]


def computes(device: torch.device) -> bool:
    """Whether the device still allocates and computes; after some failures it does neither in this process."""
    try:
        if device.type == "cuda":
            torch.cuda.synchronize()
        return torch.ones(1 << 10, device=device).sum().item() == 1 << 10
    except Exception:  # whatever it is
        return False


def kept(run: Run, machine: Machine) -> list[dict[str, str]]:
    """The stored rows of this machine, including this run's."""
    files = [file for file in (file_of(machine.device), run.out / "results.csv") if file.exists()]
    return [row for file in files for row in read(file)]
