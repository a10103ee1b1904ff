"""Where the time goes: waiting for data, computing, pictures a second."""

import time


class Clock:
    """Begun with the first step after a line of the log; what is done beside the steps is taken out by `rest`."""

    def __init__(self) -> None:
        self.begun = self.mark = time.perf_counter()
        self.data = self.rested = 0.0
        self.steps = self.pictures = 0

    def ask(self) -> None:
        """Begin to wait for data."""
        self.mark = time.perf_counter()

    def got(self, pictures: int) -> None:
        """The data are there."""
        self.data += time.perf_counter() - self.mark
        self.pictures += pictures
        self.steps += 1

    def rest(self, seconds: float) -> None:
        """Validation and checkpoints are no steps."""
        self.rested += seconds

    def figures(self) -> dict[str, float]:
        """Mean seconds of a step and of its wait for data, and pictures a second of both together.

        A GPU computes while Python goes on: ask once it is idle, after the losses have been read.
        """
        seconds = time.perf_counter() - self.begun - self.rested
        steps = max(self.steps, 1)
        return {
            "step_seconds": round((seconds - self.data) / steps, 5),
            "data_seconds": round(self.data / steps, 5),
            "pictures_per_second": round(self.pictures / max(seconds, 1e-9), 1),
        }
