"""The entry point of `r2n2` and `python -m r2n2`. It handles Ctrl-C even during the imports, which take a second.

It also handles SIGTERM, which `timeout` and schedulers send, and removes half-written files. A command that can do
better installs its own handlers: training, for example, saves a checkpoint.
"""

import math
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

ECHO = 5.0  # seconds within which a second SIGTERM counts as the first: `timeout` sends two


def main() -> None:
    ending = Ending()
    for number, untouched in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is untouched:  # signals that are ignored, as under nohup, stay ignored
            signal.signal(number, ending)
    try:
        Path.cwd()
    except FileNotFoundError:  # PyTorch's import would fail with an error about its own files
        print("r2n2: The current folder was deleted; change into one that exists.", file=sys.stderr)
        sys.exit(2)
    try:
        from r2n2.commands.cli import main as command_line

        command_line()
    except KeyboardInterrupt:  # for example while the commands are built; Typer handles it while one runs
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)  # end as shells expect: like Python, but without the traceback
        sys.exit(128 + signal.SIGINT)


class Ending:
    """The handler of SIGINT and SIGTERM.

    During an import it ends the program at once, because the imports of NumPy, SciPy and PyTorch swallow an exception
    or turn it into others. At any other time it raises KeyboardInterrupt or, for SIGTERM, SystemExit, so that
    unfinished work is cleaned up; a repeated SIGTERM within ECHO seconds does not interrupt the cleanup. A forked
    process ends at once on SIGTERM, as it would without this handler: the sender waits for it to end.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._cleared_since = -math.inf

    def __call__(self, number: int, frame: FrameType | None) -> None:
        ours = os.getpid() == self._process
        if number == signal.SIGTERM and ours and time.monotonic() - self._cleared_since < ECHO:
            return
        while frame is not None:
            if frame.f_code.co_filename.startswith("<frozen importlib."):
                os._exit(128 + number)
            frame = frame.f_back
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        if not ours:
            os._exit(128 + number)
        self._cleared_since = time.monotonic()
        raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
