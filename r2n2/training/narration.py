"""Show progress: in a terminal, a bar with loss and time left; in a pipe or a log, a line now and then."""

import os
import sys
import time
from datetime import timedelta
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

SECONDS = 60.0  # between lines in a pipe


class Narrator:
    """Reports iterations `first` to `last` on `stream`; silent if not `speaks`, as are all processes except one."""

    def __init__(
        self, first: int, last: int, speaks: bool = True, stream: TextIO | None = None, seconds: float = SECONDS
    ) -> None:
        self.stream = stream or sys.stderr
        self.first, self.last, self.speaks, self.seconds = first, last, speaks, seconds
        terminal = speaks and self.stream.isatty()
        self.bar = tqdm(
            initial=first, total=last, desc="training", unit="step", file=self.stream, disable=not terminal, leave=False
        )
        self.begun = time.monotonic()
        self.said: float | None = None

    def __enter__(self) -> "Narrator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()

    def step(self) -> None:
        self.bar.update()

    def report(self, iteration: int, loss: float, pictures_per_second: float) -> None:
        """Show the mean loss of the last iterations and the speed."""
        self.bar.set_postfix_str(f"loss {loss:.4f}, {pictures_per_second:.0f} pictures/s")
        now = time.monotonic()
        due = self.said is None or now - self.said >= self.seconds or iteration == self.last
        if self.speaks and self.bar.disable and due:
            self.said = now
            left = (now - self.begun) / max(iteration - self.first, 1) * (self.last - iteration)
            self.tell(
                f"iteration {iteration:,} of {self.last:,}, loss {loss:.4f}, {pictures_per_second:.0f} pictures/s, "
                f"{timedelta(seconds=round(left))} left"
            )

    def tell(self, sentence: str) -> None:
        """Write a separate line, above the bar if there is one."""
        if self.speaks:
            say(sentence, self.stream)


def say(sentence: str, stream: TextIO) -> None:
    """Write a line on `stream`, above the bar if there is one.

    If the stream can no longer be written, it is redirected to nowhere and training continues: Ctrl-C, for example,
    also ends the `tee` at the other end of a pipe.
    """
    try:
        tqdm.write(sentence, file=stream)
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # for what is in the buffer and everything that follows
        os.close(nowhere)
