"""Everything a GPU can tell, in one command and within its time.

    python -m benchmarks.gpu_run --minutes 9 --out DIR [--parts parity,tables] [--commit HASH] [--dry]

In order: the environment, the L2 cache's bandwidth, on which the kernels' design rests, the kernels' parity tests, the
machine's other peaks, launch-table tuning, the time of each launch of a step, the comparisons of `comparisons.plan`,
most telling first, as many as there is time for, and training steps with the fused kernels beside the reference's
losses.

Afterwards: copy `DIR/launches.json`, the tuned table that the comparisons used, to `kernels/convrnn3d`, named after the
GPU's architecture as `launches.sm_90.json` is, and add the figures to those kept, with
`python -m benchmarks.results DIR/results.csv`. A second run then tunes no more (a table says what it was tuned on) and
measures nothing again that is known of these kernels on this machine: it goes on where the first had no more time.

Each part writes into DIR as it goes: a run that is cut off leaves what it did, and what cannot be done, or has no time
left, is named in a line of `DIR/log.txt`. After a failure on a GPU the comparisons go on in a new process, for a device
or an allocator may be left in any state. The exit code is 1 if parity or training failed. The run needs the checkout
alone, on PYTHONPATH, and no network. --commit: for a checkout without its history. --dry: tiny sizes, on a CPU in
Triton's interpreter; without it and without a GPU the run refuses, exit code 2.
"""

import argparse
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path

import torch
from convrnn3d import tuning as launch_table

from benchmarks.comparisons import plan
from benchmarks.gpu_run.training_losses import LARGEST_DISTANCE, apart, losses
from benchmarks.measuring import peaks
from benchmarks.measuring.results import Machine, append, file_of, read
from benchmarks.measuring.settings import TYPES
from benchmarks.measuring.side_by_side import first_line
from benchmarks.measuring.tables import printed
from r2n2.config import NETWORKS

ROOT = Path(__file__).parents[2]
LONGEST, SHORTEST = 150, 15  # seconds of a comparison, compilers included


class OutOfTime(BaseException):
    """No Exception: what catches those, as compilers do, must not go on."""


@dataclass
class Run:
    """Where the run writes, until when it may go on, and whether it is only tried out."""

    out: Path
    deadline: float
    dry: bool
    device: torch.device
    commit: str = ""
    parts: tuple[str, ...] = ()
    kept_for_training: float = 0.0  # seconds
    skip: tuple[str, ...] = ()  # comparisons that failed before
    failed: bool = False

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
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
            try:
                code = process.wait(timeout=share * self.left())
                self.say(f"{name}: exit code {code}")
                self.failed |= code != 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # with what it has started: nothing may run beside what is timed
                process.wait()
                self.say(f"{name}: stopped after its share of the time; what it printed is in {name}.txt")
        lines = (self.out / f"{name}.txt").read_text(encoding="utf-8").strip().splitlines()
        self.say("\n".join(f"    {line}" for line in lines[-3:]))


def environment(run: Run) -> None:
    """Device, versions, packages; what nvidia-smi says."""
    found = {"python": sys.version, "platform": platform.platform(), "cpus": os.cpu_count()}
    found |= asdict(Machine.here(run.commit))
    found["packages"] = sorted(f"{package.name} {package.version}" for package in distributions())
    if run.device.type == "cuda" and torch.version.cuda:
        smi = subprocess.run(["nvidia-smi", "-q"], capture_output=True, text=True, check=False)
        found["nvidia-smi"] = smi.stdout.splitlines()
    (run.out / "environment.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    run.say(f"{found['device']}, torch {found['torch']}, Triton {found['triton']}, kernels {found['kernels']}")
    if not found["commit"]:
        run.say("environment: no commit is known; results will not name one. Give --commit.")


def l2_cache(run: Run) -> None:
    """Among the results, too."""
    found = peaks.l2_cache(run.device)
    append([found.row()], Machine.here(run.commit), run.out / "results.csv")
    run.say(f"    {found.gbytes:.4g} GB/s; python -m benchmarks.work --l2 {found.gbytes:.0f} predicts launches with it")


def parity(run: Run) -> None:
    """The kernels' tests, natively on a GPU; in several processes where pytest-xdist is there, to compile faster."""
    chosen = ["-k", "B3-T24"] if run.dry else []
    if importlib.util.find_spec("xdist") and not run.dry:
        chosen += ["-n", str(min(12, os.cpu_count() or 1))]
    run.command("parity", "pytest", "-q", "-p", "no:cacheprovider", "tests/convrnn3d", *chosen, share=0.35)


def machine_peaks(run: Run) -> None:
    found = {}
    for type_name in plan.TYPES if run.device.type == "cuda" else ("fp32",):
        best = peaks.peaks(run.device, type_name)
        run.say(f"    {type_name}: {best.tflops:.3g} Tflop/s of matrix products, {best.gbytes:.4g} GB/s of copies")
        found[type_name] = {"precision": TYPES[type_name][1], **asdict(best)}
    (run.out / "peaks.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


def tuning(run: Run) -> None:
    """Time the launches, and use the best from here on."""
    if run.device.type != "cuda":
        run.say("tuning: left out, there is no GPU to time on")
        return
    file = launch_table.table_file(launch_table.architecture_of(run.device))
    if json.loads(file.read_text(encoding="utf-8"))["device"] == torch.cuda.get_device_name():
        run.say("tuning: left out, the table was tuned on such a device; python -m benchmarks.tune does it anew")
        return
    out, minutes = run.out / "launches.json", str(0.45 * run.left() / 60)
    run.command("tuning", "benchmarks.tune", "--minutes", minutes, "--out", str(out), share=0.5)
    if out.exists():
        use_table(out)


def use_table(file: Path) -> None:
    os.environ[launch_table.VARIABLE] = str(file.resolve())
    launch_table.table.cache_clear()
    launch_table.choose.cache_clear()


def step_times(run: Run) -> None:
    """What each launch of a step takes, with the table in use."""
    if run.device.type != "cuda":
        run.say("step_times: left out, there is no GPU to time on")
        return
    run.command("step_times", "benchmarks.step_times", share=0.15)


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
        said: list[str] = []
        try:
            with no_longer_than(min(LONGEST, left)):
                rows = comparison.measure(run.device, seconds=0.1 if run.dry else 1, say=said.append)
            append(rows, machine, run.out / "results.csv")
            run.say(printed(rows))
        except (Exception, OutOfTime) as error:  # whatever it is, the other comparisons are worth their time
            said.append(f"all is left out: {type(error).__name__}, {first_line(error)}")
        for line in said:
            run.say(f"tables: {comparison}: {line}")
        if said and run.device.type == "cuda":
            go_on_in_a_new_process(run, str(comparison))


def kept(run: Run, machine: Machine) -> list[dict[str, str]]:
    """Rows of this machine, those of this run included."""
    files = [file for file in (file_of(machine.device), run.out / "results.csv") if file.exists()]
    return [row for file in files for row in read(file)]


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in what runs longer."""

    def stop(*_: object) -> None:
        raise OutOfTime(f"it took more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def go_on_in_a_new_process(run: Run, failed: str) -> None:
    """Replace this process by one that does the rest of the run, without the comparison that failed."""
    options = ["--minutes", str(run.left() / 60), "--out", str(run.out), "--commit", run.commit]
    options += ["--parts", ",".join(run.parts[run.parts.index("tables") :])]
    options += ["--skip", "|".join((*run.skip, failed))]
    options += ["--dry"] * run.dry + ["--failed"] * run.failed + ["--reserve", str(run.kept_for_training)]
    os.execv(sys.executable, [sys.executable, "-m", "benchmarks.gpu_run", *options])


def training(run: Run) -> None:
    """Losses of a few steps on one random batch, through the kernels and through the reference."""
    networks = (plan.TINY,) if run.dry else (NETWORKS["3d-lstm-3"], NETWORKS["res3d-gru-3"])
    size = {"batch": 1, "views": 2, "steps": 2} if run.dry else {}
    lines = ["network,step,reference,kernels"]
    for network in networks:
        reference, kernels = (losses(network, backend, run.device, **size) for backend in ("reference", "triton"))
        pairs = enumerate(zip(reference, kernels, strict=True))
        lines += [f"{network.name},{step},{a:.6f},{b:.6f}" for step, (a, b) in pairs]
        distance = apart(reference, kernels)
        agrees = distance <= LARGEST_DISTANCE
        run.failed |= not agrees
        verdict = "agrees with" if agrees else "DISAGREES with"
        ends = f"{kernels[0]:.4f} to {kernels[-1]:.4f}"
        run.say(f"training {network.name}: loss {ends}, {verdict} the reference's, at most {distance:.1e} apart")
        (run.out / "training.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


PARTS: dict[str, Callable[[Run], None]] = {
    part.__name__: part for part in (environment, l2_cache, parity, machine_peaks, tuning, step_times, tables, training)
}


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.gpu_run", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated")
    parser.add_argument("--commit", default="", help="of the checkout, where git cannot tell")
    parser.add_argument("--dry", action="store_true", help="tiny sizes, to try the run out")
    for name in ("skip", "failed", "reserve"):  # of a run that goes on in a new process
        kind = {"action": "store_true"} if name == "failed" else {"default": ""}
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS, **kind)
    options = parser.parse_args()
    parts = tuple(options.parts.split(","))
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--parts takes {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not options.dry:
        print(f"torch {torch.__version__} finds no GPU here; --dry tries the run out without one", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    if device.type == "cpu":
        os.environ.setdefault("TRITON_INTERPRET", "1")  # Triton is not imported before a kernel runs
    seconds = 60 * options.minutes
    reserve = float(options.reserve) if options.reserve else min(60, 0.1 * seconds)
    skip = tuple(filter(None, options.skip.split("|")))
    deadline = time.monotonic() + seconds
    run = Run(options.out, deadline, options.dry, device, options.commit, parts, reserve, skip, options.failed)
    for name in parts:
        started = time.monotonic()
        try:
            PARTS[name](run)
        except Exception as error:  # whatever it is, the other parts are worth their time
            run.failed = True
            run.say(f"{name}: {type(error).__name__}: {error}")
        run.say(f"{name}: {time.monotonic() - started:.0f} s, {run.left():.0f} s left")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
