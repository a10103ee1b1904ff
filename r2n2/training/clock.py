"""Measure where the time goes: waiting for data, computing, and pictures per second."""

import time


class Clock:
    """Times the steps since the last line of the log; time spent on other work is excluded with `rest`."""

    def __init__(self) -> None:
        self.begun = self.mark = time.perf_counter()
        self.data = self.rested = 0.0
        self.steps = self.pictures = 0

    def ask(self) -> None:
        """Start waiting for data."""
        self.mark = time.perf_counter()

    def got(self, pictures: int) -> None:
        """Stop waiting: the data of a step have arrived."""
        self.data += time.perf_counter() - self.mark
        self.pictures += pictures
        self.steps += 1

    def rest(self, seconds: float) -> None:
        """Exclude time that was not spent on steps, such as validation and checkpoints."""
        self.rested += seconds

    def figures(self) -> dict[str, float]:
        """Mean seconds per step and per wait for data, and pictures per second of both together.

        A GPU computes while Python continues: call this when it is idle, after the losses have been read.
        """
        seconds = time.perf_counter() - self.begun - self.rested
        steps = max(self.steps, 1)
        return {
            "step_seconds": round((seconds - self.data) / steps, 5),
            "data_seconds": round(self.data / steps, 5),
            "pictures_per_second": round(self.pictures / max(seconds, 1e-9), 1),
        }
