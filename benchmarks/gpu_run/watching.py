"""The parts run in a process of their own, which is watched: one that hangs or dies is followed by another.

Nothing else ends a kernel or a call into a library that hangs, and a process that crashes can do nothing more. So
before each step the working process leaves word how to go on should it be lost, and how soon it will be heard again.
"""

import multiprocessing
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait

from benchmarks.gpu_run.parts import PARTS
from benchmarks.gpu_run.run import Run, use_table
from benchmarks.gpu_run.tables import LONGEST, computes

BRIEF = ("environment", "l2_cache", "machine_peaks")  # the others take what they are given of the time left
GRACE = 60  # seconds beyond the time left, to come to an end by oneself


def watch(run: Run, method: str = "spawn") -> bool:
    """Do all parts of the run, in as many processes, started by `method`, as it takes; whether one failed."""
    context = multiprocessing.get_context(method)
    while run.parts:
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=work, args=(run, theirs))
        worker.start()
        theirs.close()
        what, run, seconds = "start", replace(run, parts=(), failed=True), LONGEST
        try:
            with suppress(EOFError):  # from one that has ended
                while ours in (heard := wait([ours, worker.sentinel], seconds)):
                    what, run, seconds = ours.recv()
            worker.join(GRACE if heard else 0)
        finally:
            worker.kill()
            worker.join()
        if what:
            ended = f"its process ended with exit code {worker.exitcode}"
            run.say(f"{what}: {ended if heard else f'stopped after {seconds:.0f} s'}")
    return run.failed


def work(run: Run, line: Connection) -> None:
    """Do the run's parts in this process, one after the other, and say over `line` how to go on without it."""
    run.line = line
    if run.table:
        use_table(run.table)
    while run.parts:
        name, *rest = run.parts
        run.parts, started = tuple(rest), time.monotonic()
        seconds = LONGEST if name in BRIEF else max(run.left(), 0) + GRACE
        run.if_lost(name, replace(run, failed=True), seconds)
        try:
            PARTS[name](run)
        except Exception as error:  # whatever it is, the other parts are worth their time
            run.failed = True
            run.say(f"{name}: {type(error).__name__}: {error}")
        run.say(f"{name}: {time.monotonic() - started:.0f} s, {run.left():.0f} s left")
        if not computes(run.device):  # nor would it for the parts to come
            run.say(f"{name}: the device does not compute any more; the rest is done in a new process")
            run.go_on_anew(run)
    run.if_lost("", run, GRACE)
