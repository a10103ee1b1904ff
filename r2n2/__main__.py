"""What `r2n2` and `python -m r2n2` run: Ctrl-C is heeded before the first of the imports, which take a second."""

import os
import signal
from types import FrameType


def main() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # what is ignored, as by nohup, stays so
        signal.signal(signal.SIGINT, _interrupted)
    from r2n2.commands.cli import main as command_line

    command_line()


def _interrupted(_: int, frame: FrameType | None) -> None:
    """End the program if it imports: NumPy's, SciPy's and PyTorch's imports lose an exception or raise others for it.

    At any other time raise KeyboardInterrupt, as Python does: what is half done is then cleared away.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib."):
            os._exit(128 + signal.SIGINT)
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
