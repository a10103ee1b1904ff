"""What `r2n2` and `python -m r2n2` run: Ctrl-C is heeded before the first of the imports, which take a second.

SIGTERM, which `timeout` and schedulers send, is heeded, too: what is half written is cleared away. A command that can
do better, such as training, which saves, takes the signals over.
"""

import os
import signal
from functools import partial
from types import FrameType


def main() -> None:
    ended = partial(_ended, os.getpid())
    for number, untouched in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is untouched:  # what is ignored, as by nohup, stays so
            signal.signal(number, ended)
    from r2n2.commands.cli import main as command_line

    command_line()


def _ended(process: int, number: int, frame: FrameType | None) -> None:
    """End the program if it imports: NumPy's, SciPy's and PyTorch's imports lose an exception or raise others for it.

    At any other time raise KeyboardInterrupt or, for SIGTERM, SystemExit: what is half done is then cleared away. A
    process that was forked ends at once on SIGTERM, as it would without this: whoever sent it waits for its end.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib."):
            os._exit(128 + number)
        frame = frame.f_back
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    if os.getpid() != process:
        os._exit(128 + number)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
