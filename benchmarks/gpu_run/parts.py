"""The parts of a run; each logs its outcome and writes it to files of its own."""

import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import distributions

import torch
from convrnn3d import tuning as launch_table

from benchmarks.comparisons import plan
from benchmarks.gpu_run.run import Run, use_table
from benchmarks.gpu_run.tables import tables
from benchmarks.gpu_run.training_losses import LARGEST_DISTANCE, apart, losses
from benchmarks.measuring import peaks
from benchmarks.measuring.machine import Machine
from benchmarks.measuring.results import append
from benchmarks.measuring.settings import TYPES
from r2n2.config import NETWORKS


def environment(run: Run) -> None:
    """Record device, versions, packages and the output of nvidia-smi."""
    found = {"python": sys.version, "platform": platform.platform(), "cpus": os.cpu_count()}
    found |= asdict(Machine.here(run.commit))
    found["packages"] = sorted(f"{package.name} {package.version}" for package in distributions())
    if run.device.type == "cuda" and torch.version.cuda:
        smi = subprocess.run(["nvidia-smi", "-q"], capture_output=True, text=True, check=False)
        found["nvidia-smi"] = smi.stdout.splitlines()
    (run.out / "environment.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    run.say(f"{found['device']}, torch {found['torch']}, Triton {found['triton']}, kernels {found['kernels']}")
    if not found["commit"]:
        run.say("environment: the commit is unknown, so results will not name it; pass --commit")


def l2_cache(run: Run) -> None:
    """Measure the L2 cache's bandwidth and add it to the results."""
    found = peaks.l2_cache(run.device)
    append([found.row()], Machine.here(run.commit), run.out / "results.csv")
    run.say(f"    {found.gbytes:.4g} GB/s; python -m benchmarks.work --l2 {found.gbytes:.0f} predicts launches with it")


def parity(run: Run) -> None:
    """Run the kernels' tests, natively on a GPU; in several processes if pytest-xdist is there, to compile faster."""
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
    """Time launches in half precision, which the most informative comparisons use, and use the best from here on.

    With three kinds of operands, each would get too little time. Every candidate's time goes to DIR/tilings.csv.
    """
    if run.device.type != "cuda":
        run.say("tuning: skipped, it needs a GPU")
        return
    file = launch_table.table_file(launch_table.architecture_of(run.device))
    if json.loads(file.read_text(encoding="utf-8"))["device"] == torch.cuda.get_device_name():
        run.say("tuning: skipped, the table was tuned on such a device; to tune again: python -m benchmarks.tune")
        return
    out, minutes = run.out / "launches.json", str(0.45 * run.left() / 60)
    files = "--out", str(out), "--timings", str(run.out / "tilings.csv")
    run.command("tuning", "benchmarks.tune", "--kinds", "half", "--minutes", minutes, *files, share=0.5)
    if out.exists():
        run.table = out
        use_table(out)


def step_times(run: Run) -> None:
    """Time each launch of a step, with the table in use."""
    if run.device.type != "cuda":
        run.say("step_times: skipped, it needs a GPU")
        return
    run.command("step_times", "benchmarks.step_times", share=0.15)


def training(run: Run) -> None:
    """Compare the losses of a few steps on one random batch, with the kernels and with the reference."""
    networks = (plan.TINY,) if run.dry else (NETWORKS["3d-lstm-3"], NETWORKS["res3d-gru-3"])
    size = {"batch": 1, "views": 2, "steps": 1} if run.dry else {}
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
