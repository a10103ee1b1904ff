"""Everything a GPU can tell, in one command and within its time.

    python -m benchmarks.gpu_run --minutes 9 --out DIR [--parts parity,tables] [--commit HASH] [--dry]

In order: the environment, the kernels' parity tests, the machine's peaks, launch-table tuning, the comparisons of
`benchmarks.plan`, most telling first, and training steps with the fused kernels beside the reference's losses. The
comparisons use the table that was just tuned; `DIR/launches.json` holds it, `DIR/results.csv` the figures, for
`python -m benchmarks.results` to add to those kept here. What they already tell of these kernels on this machine is
not measured again, so that a second run goes on where the first had no more time.

Each part writes into DIR as it goes: a run that is cut off leaves what it did, and what cannot be done, or has no time
left, is named in a line of `DIR/log.txt`. The run needs the checkout alone, on PYTHONPATH, and no network. --commit:
for a checkout without its history. --dry: tiny sizes, on a CPU in Triton's interpreter too.
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path

import torch
from convrnn3d import tuning as launch_table

from benchmarks import plan
from benchmarks.contenders import TYPES
from benchmarks.peaks import peaks
from benchmarks.results import Machine, append, file_of, read
from benchmarks.side_by_side import first_line
from benchmarks.tables import printed
from benchmarks.training_losses import losses

ROOT = Path(__file__).parents[1]
LARGEST_DISTANCE = 2e-2  # of a loss through the kernels from the reference's, relative, after ten steps


@dataclass
class Run:
    """Where the run writes, until when it may go on, and whether it is only tried out."""

    out: Path
    deadline: float
    dry: bool
    device: torch.device
    commit: str = ""
    kept_for_training: float = 0.0  # seconds

    def left(self) -> float:
        """Seconds."""
        return self.deadline - time.monotonic()

    def say(self, line: str) -> None:
        print(line, flush=True)
        with (self.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def command(self, name: str, *arguments: str, share: float) -> None:
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
    """Device, versions, packages; what nvidia-smi says."""
    found = {"python": sys.version, "platform": platform.platform(), "cpus": os.cpu_count()}
    found |= asdict(Machine.here(run.commit))
    found["packages"] = sorted(f"{package.name} {package.version}" for package in distributions())
    (run.out / "environment.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    run.say(f"{found['device']}, torch {found['torch']}, Triton {found['triton']}, kernels {found['kernels']}")
    if run.device.type == "cuda" and torch.version.cuda:
        smi = subprocess.run(["nvidia-smi", "-q"], capture_output=True, text=True, check=False)
        (run.out / "nvidia-smi.txt").write_text(smi.stdout, encoding="utf-8")


def parity(run: Run) -> None:
    """The kernels' tests, natively on a GPU; in several processes where pytest-xdist is there, to compile faster."""
    chosen = ["-k", "B3-T24"] if run.dry else []
    if importlib.util.find_spec("xdist") and not run.dry:
        chosen += ["-n", str(min(12, os.cpu_count() or 1))]
    run.command("parity", "pytest", "-q", "-p", "no:cacheprovider", "tests/convrnn3d", *chosen, share=0.35)


def machine_peaks(run: Run) -> None:
    found = {}
    for type_name in plan.TYPES if run.device.type == "cuda" else ("fp32",):
        best = peaks(run.device, type_name)
        run.say(f"    {type_name}: {best.tflops:.3g} Tflop/s of matrix products, {best.gbytes:.4g} GB/s of copies")
        found[type_name] = {"precision": TYPES[type_name][1], **asdict(best)}
    (run.out / "peaks.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


def tuning(run: Run) -> None:
    """Time the launches, and use the best from here on."""
    if run.device.type != "cuda":
        run.say("tuning: left out, there is no GPU to time on")
        return
    out, minutes = run.out / "launches.json", str(0.45 * run.left() / 60)
    run.command("tuning", "benchmarks.tune", "--minutes", minutes, "--out", str(out), share=0.5)
    if out.exists():
        os.environ[launch_table.VARIABLE] = str(out)
        launch_table.table.cache_clear()
        launch_table.choose.cache_clear()


def tables(run: Run) -> None:
    """The comparisons, in order, but for those that are known already."""
    machine = Machine.here(run.commit)
    known = [row for row in kept(machine) if row["kernels"] == machine.kernels]
    wanted = plan.dry() if run.dry else plan.on_gpu() if run.device.type == "cuda" else plan.on_cpu()
    todo = [comparison for comparison in wanted if not comparison.is_among(known)]
    run.say(f"tables: {len(todo)} comparisons, {len(wanted) - len(todo)} others are known")
    for number, comparison in enumerate(todo):
        if run.left() <= run.kept_for_training:
            run.say(f"tables: no time left for {len(todo) - number} comparisons")
            return
        try:
            rows = comparison.measure(run.device, seconds=0.1 if run.dry else 1, say=run.say)
        except Exception as error:  # whatever it is, the other comparisons are worth their time
            run.say(f"tables: {comparison} is left out: {type(error).__name__}, {first_line(error)}")
            if run.device.type == "cuda":
                torch.cuda.synchronize()  # raises if the device itself has failed: nothing more can be timed then
                torch.cuda.empty_cache()
            continue
        append(rows, machine, run.out / "results.csv")
        run.say(printed(rows))


def kept(machine: Machine) -> list[dict[str, str]]:
    file = file_of(machine.device)
    return read(file) if file.exists() else []


def training(run: Run) -> None:
    """Losses of a few steps on one random batch, through the kernels and through the reference."""
    if run.device.type != "cuda":
        run.say("training: left out, tests/r2n2/test_recurrence.py does this in the interpreter")
        return
    lines = ["network,step,reference,kernels"]
    for name in ("3d-lstm-3", "res3d-gru-3"):
        curves = [losses(name, backend, run.device) for backend in ("reference", "triton")]
        lines += [f"{name},{step},{a:.6f},{b:.6f}" for step, (a, b) in enumerate(zip(*curves, strict=True))]
        apart = max(abs(a - b) / a for a, b in zip(*curves, strict=True))
        verdict = "agrees" if apart <= LARGEST_DISTANCE else "DISAGREES"
        ends = f"{curves[1][0]:.4f} to {curves[1][-1]:.4f}"
        run.say(f"training {name}: loss {ends}, {verdict} with the reference's, at most {apart:.1e} apart")
        (run.out / "training.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


PARTS: dict[str, Callable[[Run], None]] = {
    part.__name__: part for part in (environment, parity, machine_peaks, tuning, tables, training)
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated")
    parser.add_argument("--commit", default="", help="of the checkout, where git cannot tell")
    parser.add_argument("--dry", action="store_true", help="tiny sizes, to try the run out")
    options = parser.parse_args()
    if unknown := set(options.parts.split(",")) - set(PARTS):
        parser.error(f"--parts takes {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    seconds = 60 * options.minutes
    run = Run(options.out, time.monotonic() + seconds, options.dry, device, options.commit, min(60, 0.1 * seconds))
    for name in options.parts.split(","):
        started = time.monotonic()
        try:
            PARTS[name](run)
        except Exception as error:  # whatever it is, the other parts are worth their time
            run.say(f"{name}: {type(error).__name__}: {error}")
        run.say(f"{name}: {time.monotonic() - started:.0f} s, {run.left():.0f} s left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
