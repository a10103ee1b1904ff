"""What a run writes and prints while it trains."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from r2n2.errors import UserError
from r2n2.training.narration import Narrator
from r2n2.training.records import Board, Records, Table, read_table
from r2n2.training.schedule import share_of_rate


def test_a_continued_table_drops_later_and_truncated_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    table = Table(path, ["loss"])
    for iteration in (2, 4, 6):
        table.add(iteration, {"loss": iteration / 8})
    with path.open("a") as file:
        file.write("8")  # a line that a full disk cut off
    Table(path, ["loss"], iteration=4).add(5, {"loss": 1.0})
    assert path.read_text() == "iteration,loss\n2,0.25\n4,0.5\n5,1.0\n"
    Table(path, ["loss"])
    assert read_table(path) == []


def test_a_continued_table_keeps_columns_that_are_no_longer_written(tmp_path: Path) -> None:
    """For example, a run that continues with --validate-every 0."""
    path = tmp_path / "validation.csv"
    Table(path, ["iou", "iou_1_view"]).add(2, {"iou": 0.5, "iou_1_view": 0.25})
    Table(path, ["iou"], iteration=2).add(4, {"iou": 0.75})
    assert path.read_text() == "iteration,iou,iou_1_view\n2,0.5,0.25\n4,0.75,\n"


def test_tensorboard_gets_the_scalars_and_the_pictures(tmp_path: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    records = Records(tmp_path, 1, board=True)
    records.step(3, dict.fromkeys(records.log.columns[1:], 0.5))
    records.validated(3, {"iou": 0.25, "iou_1_view": 0.25}, Image.new("RGB", (8, 6), (200, 0, 0)))
    events = reading.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("training/loss")] == [(3, 0.5)]
    assert [(event.step, event.value) for event in events.Scalars("validation/iou")] == [(3, 0.25)]
    assert [(image.width, image.height) for image in events.Images("reconstructions")] == [(8, 6)]


@pytest.mark.parametrize("iteration", [0, 2])
def test_tensorboard_shows_no_iteration_twice(tmp_path: Path, iteration: int) -> None:
    """A run was killed and continues from 2, or starts again because there was no checkpoint yet."""
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for begun in (0, iteration):
        board = Board(tmp_path, begun)
        for step in range(begun + 1, 5):
            board.add("training", step, {"loss": 0.5})
            board.show("reconstructions", step, Image.new("RGB", (8, 6)))
    events = reading.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("training/loss")] == [1, 2, 3, 4]
    assert [event.step for event in events.Images("reconstructions")] == [1, 2, 3, 4]


def test_without_tensorboard_the_option_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"pip install"):
        Records(tmp_path, 1, board=True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_occasional_lines_and_a_terminal_a_progress_bar() -> None:
    pipe, terminal, silent = io.StringIO(), Terminal(), io.StringIO()
    for stream, speaks in ((pipe, True), (terminal, True), (silent, False)):
        with Narrator(0, 40, speaks, stream) as narrator:
            for iteration in range(1, 41):
                narrator.step()
                if iteration % 10 == 0:
                    narrator.report(iteration, 0.5, 123.4)
    lines = pipe.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == ["iteration 10 of 40", "iteration 40 of 40"]
    assert "loss 0.5000, 123 pictures/s, 0:00:00 left" in lines[1]
    assert "training" in terminal.getvalue()
    assert "loss 0.5000" in terminal.getvalue()
    assert silent.getvalue() == ""


def test_a_pipe_without_a_reader_does_not_end_the_run() -> None:
    """Ctrl-C also ends the `tee` at the other end."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe, Narrator(0, 4, True, pipe) as narrator:
        for iteration in (2, 4):
            narrator.report(iteration, 0.5, 123.4)
            narrator.tell("a sentence")


def test_the_learning_rate_follows_its_schedule() -> None:
    linear = [share_of_rate(step, 10, cooldown=4) for step in range(11)]
    assert linear == pytest.approx([1] * 7 + [0.75, 0.5, 0.25, 0])
    cosine = [share_of_rate(step, 10, cooldown=10, fall="cosine") for step in range(11)]
    assert cosine[0] == 1
    assert cosine[5] == pytest.approx(0.5)
    assert cosine[10] == pytest.approx(0)
    assert cosine == sorted(cosine, reverse=True)
    assert share_of_rate(7, 10, drops=(3, 7)) == pytest.approx(0.01)
