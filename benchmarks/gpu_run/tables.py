"""The comparisons of `comparisons.plan`, as many as there is time for, each appended to the results once it is made."""

from dataclasses import dataclass, replace

import torch

from benchmarks.comparisons import plan
from benchmarks.comparisons.plan import Comparison
from benchmarks.gpu_run.run import Run
from benchmarks.measuring.results import Machine, append, file_of, read
from benchmarks.measuring.side_by_side import Witness, first_line
from benchmarks.measuring.tables import printed

LONGEST, SHORTEST = 150, 15  # seconds of a comparison, compilers included


@dataclass
class Told(Witness):
    """What a comparison tells, in the run's lines."""

    run: Run
    comparison: Comparison
    failed: bool = False
    out_of_memory: bool = False

    def left_out(self, contender: str, error: Exception) -> None:
        what = f"{contender} is left out: {type(error).__name__}, {first_line(error)}"
        self.run.say(f"tables: {self.comparison}: {what}")
        self.failed = True
        self.out_of_memory |= isinstance(error, torch.OutOfMemoryError) or "out of memory" in first_line(error)


def tables(run: Run) -> None:
    """The comparisons, in order, but for those that are known already."""
    machine = Machine.here(run.commit)
    known = [row for row in kept(run, machine) if machine.knows(row)]
    wanted = plan.dry() if run.dry else plan.on_gpu()
    todo = [one for one in wanted if str(one) not in run.skip and not one.is_among(known, run.device)]
    run.say(f"tables: {len(todo)} comparisons to do, {len(wanted) - len(todo)} are known or failed")
    for number, comparison in enumerate(todo):
        left = run.left() - run.kept_for_training
        if left < SHORTEST:
            run.say(f"tables: no time left for {len(todo) - number} comparisons")
            return
        run.skip = (*run.skip, str(comparison))  # in a process that follows
        rest = replace(run, parts=("tables", *run.parts))
        run.if_lost(f"tables: {comparison}", rest, min(LONGEST, left))
        told = Told(run, comparison)
        try:
            rows = comparison.measure(run.device, seconds=0.1 if run.dry else 1, witness=told)
            append(rows, machine, run.out / "results.csv")
            run.say(printed(rows))
        except Exception as error:  # whatever it is, the other comparisons are worth their time
            told.left_out("all", error)
        if told.out_of_memory or (told.failed and not computes(run.device)):
            run.go_on_anew(rest)


def computes(device: torch.device) -> bool:
    """Whether the device still allocates and computes: after some failures it does neither for this process."""
    try:
        if device.type == "cuda":
            torch.cuda.synchronize()
        return torch.ones(1 << 10, device=device).sum().item() == 1 << 10
    except Exception:  # whatever it says
        return False


def kept(run: Run, machine: Machine) -> list[dict[str, str]]:
    """Rows of this machine, those of this run included."""
    files = [file for file in (file_of(machine.device), run.out / "results.csv") if file.exists()]
    return [row for file in files for row in read(file)]
