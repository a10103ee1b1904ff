"""Handle Ctrl-C, and the SIGTERM that schedulers send before they take a machine away: finish the step, save, exit.

A signal only sets a flag, which the loop checks between steps. A second signal more than a few seconds later stops the
program at once. One that comes sooner is taken for a repeat of the first: a scheduler signals a whole job, and torchrun
signals its children.
"""

import signal
import threading
import time
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 5.0  # seconds


class Interruption:
    """A context in which the signals are caught: `signal` is the first one received, or None."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._heard_at = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():  # no other thread may set handlers
            heeded = (number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN)  # keep nohup's
            self._before = {number: signal.signal(number, self._heard) for number in heeded}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _heard(self, number: int, _: FrameType | None) -> None:
        if self.signal is None:
            self.signal, self._heard_at = signal.Signals(number), time.monotonic()
        elif time.monotonic() - self._heard_at > ECHO:
            self._restore()
            signal.raise_signal(number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


class StoppedError(Exception):
    """Training was stopped by a signal and saved: a message for the user, and the exit code that shells expect."""

    def __init__(self, sentence: str, number: int) -> None:
        super().__init__(sentence)
        self.exit_code = 128 + number  # 130 for Ctrl-C, 143 for SIGTERM
