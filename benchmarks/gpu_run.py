"""Everything a GPU can tell, in one command and within its time.

    python -m benchmarks.gpu_run --minutes 9 --out DIR [--dry]

In order: the environment, the kernels' parity tests, a few training steps through the kernels beside the reference's
losses, launch-table tuning, and the recurrence against PyTorch's own convolutions, most telling sizes first. What
tuning finds is written into DIR; the timings after it still use the table that is committed.
Each part writes into DIR as it goes, so that a run that is cut off leaves what it did; a part that cannot be done, or
has no time left, says so in one line. It needs the checkout alone, on PYTHONPATH, and no network. --dry runs tiny
sizes, on a CPU in Triton's interpreter too.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.contenders import Problem
from benchmarks.peaks import Peaks
from benchmarks.recurrence import TYPES, able, measure, printed
from benchmarks.results import Machine, append

ROOT = Path(__file__).parents[1]


@dataclass
class Run:
    """Where the run writes, until when it may go on, and whether it is only tried out."""

    out: Path
    deadline: float
    dry: bool
    device: torch.device

    def left(self) -> float:
        """Seconds."""
        return self.deadline - time.monotonic()

    def say(self, line: str) -> None:
        print(line, flush=True)
        with (self.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def command(self, name: str, *arguments: str, share: float = 1.0) -> None:
        """A Python module as a process of its own, with at most `share` of the time left; its output in NAME.txt."""
        with (self.out / f"{name}.txt").open("w", encoding="utf-8") as output:
            command = [sys.executable, "-m", *arguments]
            try:
                done = subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, timeout=share * self.left())
                self.say(f"{name}: exit code {done.returncode}")
            except subprocess.TimeoutExpired:
                self.say(f"{name}: stopped after its share of the time; what it printed is in {name}.txt")
        lines = (self.out / f"{name}.txt").read_text(encoding="utf-8").strip().splitlines()
        self.say("\n".join(f"    {line}" for line in lines[-3:]))


def environment(run: Run) -> None:
    (run.out / "environment.json").write_text(json.dumps(asdict(Machine.here()), indent=1), encoding="utf-8")


def parity(run: Run) -> None:
    chosen = ["-k", "B3-T24"] if run.dry else []
    run.command("parity", "pytest", "-q", "-p", "no:cacheprovider", "tests/convrnn3d", *chosen, share=0.4)


def tuning(run: Run) -> None:
    if run.device.type != "cuda":
        run.say("tuning: left out, there is no GPU to time on")
        return
    table, minutes = str(run.out / "launches.json"), str(0.35 * run.left() / 60)
    run.command("tuning", "benchmarks.tune", "--kinds", "half,tf32", "--minutes", minutes, "--out", table, share=0.4)


def recurrence(run: Run) -> None:
    peaks: dict[str, Peaks] = {}
    for problem, type_name in problems(run.dry):
        if run.left() < 20:
            run.say("recurrence: no time left for the other sizes")
            return
        if type_name not in peaks:
            peaks[type_name] = Peaks.measure(run.device, *TYPES[type_name])
            run.say(f"peaks, {type_name}: {peaks[type_name]}")
        # Compilers take minutes for each size: once for the smallest size, and then no more.
        names = [name for name in able(run.device) if "compiled" not in name or problem.batch == problem.steps == 1]
        try:
            rows = measure(problem, type_name, names, run.device, peaks[type_name], rounds=3 if run.dry else 20)
        except (RuntimeError, torch.OutOfMemoryError) as error:
            run.say(f"recurrence: {problem} left out, {str(error).splitlines()[0]}")
            continue
        append(rows, Machine.here(), run.out / "results.csv")
        run.say(printed(rows))


def problems(dry: bool) -> list[tuple[Problem, str]]:
    """By priority: the step at B = 1 and 36, then the largest batch, then all else."""
    if dry:
        return [(Problem("gru", 1, 1, grid=2, channels=4, backward=backward), "fp32") for backward in (False, True)]
    sizes = [(1, 1), (36, 1), (36, 5), (256, 1), (1, 5), (4, 1), (16, 1), (64, 1), (1, 24), (36, 24)]
    return [
        (Problem(cell, batch, steps, dtype=TYPES[name][0], precision=TYPES[name][1], backward=backward), name)
        for batch, steps in sizes
        for name in ("bf16", "tf32", "fp16", "fp32")
        for backward in (False, True)
        for cell in ("gru", "lstm")
    ]


def training(run: Run) -> None:
    """Losses of a few steps on one random batch, through the kernels and through the reference."""
    from r2n2.config import NETWORKS
    from r2n2.network import R2N2

    if run.device.type != "cuda":
        run.say("training: left out, tests/r2n2/test_recurrence.py does this in the interpreter")
        return
    views = torch.rand(8, 3, 3, 127, 127, device=run.device)
    target = (torch.rand(8, 32, 32, 32, device=run.device) > 0.7).long()
    lines = ["network,backend,step,loss"]
    for name, backend in (
        (name, backend) for name in ("3d-lstm-3", "res3d-gru-3") for backend in ("reference", "triton")
    ):
        torch.manual_seed(0)
        model = R2N2(NETWORKS[name]).to(run.device)
        model.recurrence.backend = backend
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
        for step in range(10):
            with torch.autocast("cuda", torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(model(views).logits, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            lines.append(f"{name},{backend},{step},{loss.item():.5f}")
        run.say(f"training {name}, {backend}: loss {lines[-10].split(',')[-1]} to {lines[-1].split(',')[-1]}")
        (run.out / "training.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


PARTS: tuple[Callable[[Run], None], ...] = (environment, parity, training, tuning, recurrence)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dry", action="store_true", help="tiny sizes, to try the run out")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run = Run(options.out, time.monotonic() + 60 * options.minutes, options.dry, device)
    for part in PARTS:
        started = time.monotonic()
        try:
            part(run)
        except Exception as error:  # whatever it is, the other parts are worth their time
            run.say(f"{part.__name__}: {type(error).__name__}: {error}")
        run.say(f"{part.__name__}: {time.monotonic() - started:.0f} s, {run.left():.0f} s left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
