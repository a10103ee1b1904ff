"""A run on its way: what all its parts know, how they tell, and how they start commands."""

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
    """Where the run writes, until when it may go on, and whether it is only tried out."""

    out: Path
    deadline: float  # of time.monotonic, which is one for all processes
    dry: bool
    device: torch.device
    commit: str = ""
    parts: tuple[str, ...] = ()  # still to be done
    kept_for_training: float = 0.0  # seconds
    skip: tuple[tuple[str, str], ...] = ()  # comparisons and who of each; with "" they are over
    failed: bool = False
    table: Path | None = None  # of launches, as tuned in this run
    line: Connection | None = None  # to who watches this process

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
        text = (self.out / f"{name}.txt").read_text(encoding="utf-8", errors="replace")  # it may end amidst a letter
        lines = text.strip().splitlines()
        self.say("\n".join(f"    {line}" for line in lines[-3:]))

    def if_lost(self, what: str, rest: "Run", seconds: float) -> None:
        """Tell who watches that `what` begins and how to go on, if nothing is heard for `seconds` or ever again."""
        if self.line:
            self.line.send((what, replace(rest, line=None), seconds))

    def go_on_anew(self, rest: "Run") -> NoReturn:
        """Leave the rest to a new process, and end this one, whatever state it is in."""
        self.if_lost("", rest, 0)
        os._exit(0)


def use_table(file: Path) -> None:
    os.environ[launch_table.VARIABLE] = str(file.resolve())
    launch_table.table.cache_clear()
    launch_table.choose.cache_clear()
