"""The number of launches in a call: kernels, and whatever else PyTorch would have to run.

A step launches each of its kernels once, forward and backward: two for a GRU and one for an LSTM, except that a GRU's
first step from zeros launches only one. A kernel whose taps the launch table divides takes two launches for a
convolution: `conv_parts` and itself. Around the steps, a call makes at most three more.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import torch
from convrnn3d import gru_steps, lstm_steps
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import table
from torch.utils._python_dispatch import TorchDispatchMode

STEPS, CHANNELS, GRID = 5, 16, (4, 4, 4)
FORWARD, BACKWARD, AGAIN = "forward", "backward", "backward, gates recomputed"
KERNELS = {  # per step
    "gru": {
        FORWARD: ("gru_gates", "gru_update"),
        BACKWARD: ("gru_update_back", "gru_gates_back"),
        AGAIN: ("gru_gates", "gru_update", "gru_update_back", "gru_gates_back"),
    },
    "lstm": {FORWARD: ("lstm_step",), BACKWARD: ("lstm_step_back",), AGAIN: ("lstm_step", "lstm_step_back")},
}
FROM_ZEROS, INTO_THE_STEP_BEFORE = ("gru_update", "lstm_step"), ("gru_gates_back", "lstm_step_back")
STATES = (False, False), (True, False), (True, True)
TYPES = {"half": (torch.bfloat16, "ieee"), "tf32": (torch.float32, "tf32"), "ieee": (torch.float32, "ieee")}
LAUNCH_NOTHING = {"empty", "new_empty", "empty_like", "select", "unbind", "detach"}
PAGE = Path(__file__).parents[2] / "docs/kernels.md"


class Counted(TorchDispatchMode):
    """Record the names of what would be launched: kernels passed to `launch`, and PyTorch's operators."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def launch(self, kernel: Any, *rest: Any) -> None:
        self.names.append(kernel.__name__)

    def __torch_dispatch__(self, function: Any, types: Any, arguments: tuple = (), options: dict | None = None) -> Any:
        name = function.overloadpacket.__name__
        if name not in LAUNCH_NOTHING:
            self.names.append(name)
        return function(*arguments, **(options or {}))


def counted(function: Callable, sequence: Sequence, *arguments: Any) -> tuple[list[str], Any]:
    with Counted() as count:
        sequence.launch = count.launch
        results = function(sequence, *arguments)
    return count.names, results


def launched(
    cell: str, batch: int, architecture: str | None, kind: str, state: bool, wanted: bool
) -> dict[str, list[str]]:
    """The launches of each pass: forward, and backward from all gradients, with saved and with recomputed gates.

    state, wanted: whether there is a first state, and whether its gradient is wanted.

    As under autocast, states are float32 even where operands are not.
    """

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(shape, device="meta")

    projection, weight = empty(batch, STEPS, 3, *GRID, CHANNELS), empty(3, CHANNELS, CHANNELS, 3, 3, 3)
    mask = torch.empty(batch, STEPS, dtype=torch.uint8, device="meta")
    h = empty(batch, *GRID, CHANNELS) if state else None
    carried = torch.float32
    sequence = replace(Sequence.of(projection, weight, *TYPES[kind]), architecture=architecture)
    module = gru_steps if cell == "gru" else lstm_steps
    first = h if cell == "gru" or h is None else (h, h)
    names = {}
    names[FORWARD], results = counted(module.forward, sequence, projection, weight, first, mask, carried, True, True)
    outputs, (*grids, gates, packed) = results[: 2 + (cell == "lstm")], results[2 + (cell == "lstm") :]
    grids += [outputs[0], h] if cell == "gru" else []
    for way, kept in ((BACKWARD, gates), (AGAIN, projection)):
        names[way], _ = counted(
            module.backward, sequence, *outputs, weight, packed, mask, *grids, kept, carried, way == AGAIN,
            state, wanted, True,
        )  # fmt: skip
    return names


@pytest.mark.parametrize(("state", "wanted"), STATES)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("batch", [1, 8, 9, 16, 17, 36, 37, 64, 192, 193, 256])
@pytest.mark.parametrize("architecture", [None, "sm_80", "sm_90"])
@pytest.mark.parametrize("cell", KERNELS)
def test_a_step_launches_a_kernel_once_or_twice_if_its_taps_are_divided(
    cell: str, architecture: str | None, batch: int, kind: str, state: bool, wanted: bool
) -> None:
    """A call adds one or two launches forward: it packs the weight, and casts a first state unless the products can
    read it as it is. It adds two backward: it computes the shares of the weight's gradient, and sums them.
    """
    cast = state and kind != "ieee"
    for way, names in launched(cell, batch, architecture, kind, state, wanted).items():
        number = 1 + cast if way == FORWARD else 2
        for kernel in KERNELS[cell][way]:
            convolutions = STEPS if state else STEPS - 1  # a first step from zeros convolves nothing
            launches = STEPS if kernel in FROM_ZEROS else convolutions
            # One launch starts the last step, without a convolution; if wanted, one leaves the first step, with one.
            if kernel in INTO_THE_STEP_BEFORE:
                convolutions, launches = STEPS - 1 + wanted, STEPS + wanted
            number += launches + convolutions * taps_are_shared_out(kernel, batch, architecture, kind)
        assert len(names) == number, (way, names)


def taps_are_shared_out(kernel: str, batch: int, architecture: str | None, kind: str) -> bool:
    brackets = table(architecture)[kernel][kind]  # ordered by batch
    return next(one.shared for one in brackets if one.batch is None or batch <= one.batch) > 0


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("architecture", [None, "sm_80", "sm_90"])
@pytest.mark.parametrize(
    ("cell", "a_step", "way", "least", "least_of_lines"),
    [("gru", 2, FORWARD, 9, 9), ("gru", 2, BACKWARD, 9, 17), ("lstm", 1, FORWARD, 9, 9), ("lstm", 1, BACKWARD, 9, 37)],
)
def test_with_more_samples_a_gru_step_is_two_launches_and_an_lstm_step_one(
    cell: str, a_step: int, way: str, least: int, least_of_lines: int, architecture: str | None, kind: str
) -> None:
    """A call makes at most three more launches.

    least, or least_of_lines where the table has lines: the batch from which on this holds for any type; with fewer
    samples, a kernel's taps are divided.
    """
    first = least_of_lines if architecture else least
    for batch in (first, 37, 64, 65, 192, 193, 256):
        for state, wanted in STATES:
            names = launched(cell, batch, architecture, kind, state, wanted)[way]
            assert len(names) <= a_step * STEPS + 3, (batch, names)


@pytest.mark.parametrize(
    ("row", "kernels"),
    [
        ("GRU, gates and update, forward; update, backward", ("gru_gates", "gru_update", "gru_update_back")),
        ("GRU, gates, backward", ("gru_gates_back",)),
        ("LSTM, forward", ("lstm_step",)),
        ("LSTM, backward", ("lstm_step_back",)),
    ],
)
def test_the_page_says_for_how_many_samples_a_kernel_is_two_launches(row: str, kernels: tuple[str, ...]) -> None:
    columns = {
        "sm_90 to sm_110, half precision": (("sm_90", "half"),),
        "tf32 there, and both on NVIDIA's others from sm_80 on": (
            ("sm_90", "tf32"),
            *product(("sm_80",), ("half", "tf32")),
        ),
        "float32, and all other GPUs": (("sm_80", "ieee"), ("sm_90", "ieee"), *product((None,), TYPES)),
    }
    said = rows_under(["for so many samples", *columns])[row]
    for told, cases in zip(said, columns.values(), strict=True):
        most = int(re.fullmatch(r"up to (\d+)", told)[1])
        for (architecture, kind), kernel in ((case, kernel) for case in cases for kernel in kernels):
            for batch in (1, most, most + 1, 256):
                assert is_two_launches(kernel, batch, architecture, kind) == (batch <= most), (kernel, kind, batch)


def rows_under(header: list[str]) -> dict[str, list[str]]:
    """The rows of the page's table with this header: the other cells by the first one."""
    _, page = PAGE.read_text(encoding="utf-8").split(f"| {' | '.join(header)} |\n")
    rows = (line.strip("|").split("|") for line in page.partition("\n\n")[0].splitlines())
    return {first.strip(): [one.strip() for one in rest] for first, *rest in rows}


def is_two_launches(kernel: str, batch: int, architecture: str | None, kind: str) -> bool:
    cell, _, name = kernel.partition("_")
    ways = launched(cell, batch, architecture, kind, state=True, wanted=True).values()
    return any(("conv_parts", f"{name}_kernel") in pairwise(names) for names in ways)
