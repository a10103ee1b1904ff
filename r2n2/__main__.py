"""What `r2n2` and `python -m r2n2` run: Ctrl-C is heeded before the first of the imports, which take a second.

SIGTERM, which `timeout` and schedulers send, is heeded, too: what is half written is cleared away. A command that can
do better, such as training, which saves, takes the signals over.
"""

import math
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

ECHO = 5.0  # seconds within which a second SIGTERM is the first once more: `timeout` sends two


def main() -> None:
    ending = Ending()
    for number, untouched in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is untouched:  # what is ignored, as by nohup, stays so
            signal.signal(number, ending)
    try:
        Path.cwd()
    except FileNotFoundError:  # PyTorch would not be imported, and blame its own files
        print("r2n2: The current folder was deleted; change into one that exists.", file=sys.stderr)
        sys.exit(2)
    try:
        from r2n2.commands.cli import main as command_line

        command_line()
    except KeyboardInterrupt:  # while the commands are made ready, say: Typer heeds it while one runs
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)  # the end that shells expect, as Python's own but without the traceback
        sys.exit(128 + signal.SIGINT)


class Ending:
    """End the program if it imports: NumPy's, SciPy's and PyTorch's imports lose an exception or raise others for it.

    At any other time raise KeyboardInterrupt or, for SIGTERM, SystemExit: what is half done is then cleared away, which
    an echo does not cut off. A process that was forked ends at once on SIGTERM, as it would without this: whoever sent
    it waits for its end.
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
