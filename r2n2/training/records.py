"""The logs of a run: CSV files that any program can read and, if requested, TensorBoard's.

    log.csv         iteration, loss, learning_rate, step_seconds, data_seconds, pictures_per_second
    validation.csv  iteration, iou, iou_1_view, iou_2_views, ...
    tensorboard/    the same figures, and pictures of reconstructions

A run that resumes from iteration n first drops the lines after n: what a killed run had logged after its last
checkpoint is computed and logged again.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from r2n2.errors import UserError
from r2n2.files import written_beside

LOG_FILE, VALIDATION_FILE, BOARD_FOLDER = "log.csv", "validation.csv", "tensorboard"
ITERATION = "iteration"


class Table:
    """A CSV file with one line for each logged iteration, in ascending order."""

    def __init__(self, path: Path, columns: list[str], iteration: int = 0) -> None:
        self.path = path
        kept = [row for row in read_table(path) if int(row[ITERATION]) <= iteration] if iteration else []
        before = kept[0] if kept else ()  # columns that are kept, even if no longer written
        self.columns = [*dict.fromkeys((ITERATION, *columns, *before))]
        with written_beside(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, restval="", extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)

    def add(self, iteration: int, values: dict[str, float]) -> None:
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self.columns, restval="", lineterminator="\n")
            writer.writerow({ITERATION: iteration} | values)


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a table by column; none without a file. A row that was cut off, as by a full disk, is skipped."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            row for row in csv.DictReader(file) if (row.get(ITERATION) or "").isdecimal() and None not in row.values()
        ]


class Board:
    """TensorBoard's files below a folder. They hide what a killed run had written there after `iteration`."""

    def __init__(self, folder: Path, iteration: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError('--tensorboard needs the package tensorboard: pip install ".[tensorboard]".') from error
        self._writer: Any = SummaryWriter(folder / BOARD_FOLDER, purge_step=iteration + 1)

    def add(self, group: str, iteration: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"{group}/{name}", value, iteration)
        self._writer.flush()

    def show(self, name: str, iteration: int, picture: Image.Image) -> None:
        self._writer.add_image(name, np.asarray(picture.convert("RGB")), iteration, dataformats="HWC")
        self._writer.flush()


class Records:
    """The tables of a run and its TensorBoard. views: validation has a column for each number of views up to this."""

    def __init__(self, folder: Path, views: int, iteration: int = 0, board: bool = False) -> None:
        figures = ["loss", "learning_rate", "step_seconds", "data_seconds", "pictures_per_second"]
        self.log = Table(folder / LOG_FILE, figures, iteration)
        self.validation = Table(folder / VALIDATION_FILE, ["iou", *map(view_column, range(1, views + 1))], iteration)
        self.board = Board(folder, iteration) if board else None

    def step(self, iteration: int, values: dict[str, float]) -> None:
        self.log.add(iteration, values)
        if self.board:
            self.board.add("training", iteration, values)

    def validated(self, iteration: int, values: dict[str, float], picture: Image.Image | None) -> None:
        self.validation.add(iteration, values)
        if self.board:
            self.board.add("validation", iteration, values)
            if picture:
                self.board.show("reconstructions", iteration, picture)


def view_column(views: int) -> str:
    return f"iou_{views}_view{'s' * (views > 1)}"
