"""The state of a run that all its parts share, and how they log and start commands."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

import torch
from convrnn3d import tuning as launch_table

ROOT = Path(__file__).parents[2]


@dataclass
class Run:
    """Where the run writes, its deadline, and whether it is only a trial."""

    out: Path
    deadline: float  # by time.monotonic, which is the same in all processes
    dry: bool
    device: torch.device
    commit: str = ""
    parts: tuple[str, ...] = ()  # still to be done
    kept_for_training: float = 0.0  # seconds
    skip: tuple[tuple[str, str], ...] = ()  # (comparison, contender to skip); "" means the whole comparison
    failed: bool = False
    table: Path | None = None  # launch table tuned in this run
    line: Connection | None = None  # to the process that watches this one

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    def say(self, line: str) -> None:
        print(line, flush=True)
        with (self.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def command(self, name: str, *arguments: str, share: float) -> None:
        """Run a Python module as a process, with at most `share` of the time left; its output goes to NAME.txt."""
        with (self.out / f"{name}.txt").open("w", encoding="utf-8") as output:
            command = [sys.executable, "-m", *arguments]
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
            try:
                code = process.wait(timeout=share * self.left())
                self.say(f"{name}: exit code {code}")
                self.failed |= code != 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # including its children: nothing may disturb later timings
                process.wait()
                self.say(f"{name}: stopped after its share of the time; its output is in {name}.txt")
        text = (self.out / f"{name}.txt").read_text(encoding="utf-8", errors="replace")  # may end within a character
        lines = text.strip().splitlines()
        self.say("\n".join(f"    {line}" for line in lines[-3:]))

    def if_lost(self, what: str, rest: "Run", seconds: float) -> None:
        """Tell the watching process that `what` begins, and what to start if this ends or is silent for `seconds`."""
        if self.line:
            self.line.send((what, replace(rest, line=None), seconds))

    def go_on_anew(self, rest: "Run") -> NoReturn:
        """End this process, whatever its state, and leave the rest to a new one."""
        self.if_lost("", rest, 0)
        os._exit(0)


def use_table(file: Path) -> None:
    os.environ[launch_table.VARIABLE] = str(file.resolve())
    launch_table.table.cache_clear()
    launch_table.choose.cache_clear()
