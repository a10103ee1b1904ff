"""Runs the parts in a watched process; if it hangs or dies, another one follows.

Nothing else ends a kernel or a library call that hangs, and a process that crashes cannot continue. So before each step
the working process sends how to continue if it is lost, and how soon it will report again.
"""

import multiprocessing
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait

from benchmarks.gpu_run.parts import PARTS
from benchmarks.gpu_run.run import Run, use_table
from benchmarks.gpu_run.tables import LONGEST, computes

BRIEF = ("environment", "l2_cache", "machine_peaks")  # the others use their share of the time left
GRACE = 60  # seconds beyond the time left, for a process to end by itself


def watch(run: Run, method: str = "spawn") -> bool:
    """Do all parts of the run, in as many processes, started by `method`, as needed; return whether any failed."""
    context = multiprocessing.get_context(method)
    while run.parts:
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=work, args=(run, theirs))
        worker.start()
        theirs.close()
        what, run, seconds = "start", replace(run, parts=(), failed=True), LONGEST
        try:
            with suppress(EOFError):  # the process has ended
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
    """Do the run's parts in this process, one after the other, and send over `line` how to continue without it."""
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
        except Exception as error:  # whatever it is, continue with the other parts
            run.failed = True
            run.say(f"{name}: {type(error).__name__}: {error}")
        run.say(f"{name}: {time.monotonic() - started:.0f} s, {run.left():.0f} s left")
        if not computes(run.device):  # the next parts would fail, too
            run.say(f"{name}: the device has stopped computing; a new process does the rest")
            run.go_on_anew(run)
    run.if_lost("", run, GRACE)
