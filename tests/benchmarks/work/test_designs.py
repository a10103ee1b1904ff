"""Today's launches are those that convrnn3d makes; the first design's bytes are those that a review counted."""

import itertools
import math
from typing import Any, NamedTuple

import pytest
import torch
from convrnn3d import gru_steps, lstm_steps
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch as Choice
from convrnn3d.wgrad import weight_gradient_kernel

from benchmarks.work.designs import Call
from benchmarks.work.first_design import FirstCall
from benchmarks.work.launches import Device, Launch, Programs
from benchmarks.work.phases import phases
from benchmarks.work.sizes import BYTES, Sizes
from benchmarks.work.tiling import weight_gradient

H100 = Device(
    tflops=800, gbytes=3000, l2=8000, scratch=math.inf, turn=0.2, start=0, gap=2
)  # as the review assumed it to be
pytestmark = pytest.mark.usefixtures("parts_as_on_a_gpu")
TYPES = {"bf16": (torch.bfloat16, "ieee"), "tf32": (torch.float32, "tf32"), "fp32": (torch.float32, "ieee")}


def launches(call: Call) -> dict[str, Launch]:
    return {launch.name: launch for launch in (*call.forward(), *call.backward())}


class Launched(NamedTuple):
    """Program counts of every launch that convrnn3d makes, and the weight gradient's programs by tile and shares."""

    forward: list[int]
    backward: list[int]
    weight_gradient: tuple[Programs, ...]


def launched(cell: str, sizes: Sizes, type_name: str, architecture: str | None) -> Launched:
    """Record the launches of a call without running them."""
    blocks, gradients = [], []
    dtype, precision = TYPES[type_name]

    def launch(kernel: Any, count: int, arguments: tuple, constants: dict, options: dict) -> None:
        blocks.append(count)
        if kernel is weight_gradient_kernel:
            made, warps, stages = constants["TILE"], options["num_warps"], options["num_stages"]
            tile = Choice(None, made.rows, made.channels, made.rows, warps, stages, lines=made.one_voxel)
            gradients.append(weight_gradient(sizes, tile, shares=arguments[-1]))

    grid, channels = (sizes.grid,) * 3, sizes.channels
    sequence = Sequence(
        sizes.batch, sizes.steps, grid, channels, sizes.kernel_size, dtype, precision, torch.device("cpu"),
        launch=launch, architecture=architecture,
    )  # fmt: skip
    projection = torch.empty(sizes.batch, sizes.steps, 3, *grid, channels, dtype=dtype)
    weight = torch.empty(3, channels, channels, *(sizes.kernel_size,) * 3, dtype=dtype)
    state, d_last = sequence.empty((), dtype), sequence.empty((), dtype)
    if cell == "gru":
        states, _, sources, gates, packed = gru_steps.forward(
            sequence, projection, weight, state, None, dtype, save=True, keep=True
        )
        forward, blocks[:] = list(blocks), []
        gru_steps.backward(
            sequence, None, d_last, weight, packed, None, sources, states, state, gates, dtype, recompute=False,
            has_state=True, wants_state=True, wants_weight=True,
        )  # fmt: skip
    else:
        *_, sources, cells, gates, packed = lstm_steps.forward(
            sequence, projection, weight, (state, state), None, dtype, save=True, keep=True
        )
        forward, blocks[:] = list(blocks), []
        lstm_steps.backward(
            sequence, None, d_last, d_last, weight, packed, None, sources, cells, gates, dtype, recompute=False,
            has_state=True, wants_state=True, wants_weight=True,
        )  # fmt: skip
    (gradient,) = gradients
    return Launched(forward, blocks, gradient)


@pytest.mark.parametrize("architecture", ["sm_90", None])
@pytest.mark.parametrize("type_name", TYPES)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_todays_launches_are_those_of_convrnn3d(cell: str, type_name: str, architecture: str | None) -> None:
    """The programs of every launch, as many times as it is made, and what those of the weight gradient do.

    With more than 192 samples a turn of the gradient is of one voxel, also on grids that have no lines.
    """
    few = (1, 128, 4, 3), (36, 96, 4, 3), (70, 128, 3, 3), (5, 32, 5, 1)
    for batch, channels, grid, kernel_size in (*few, (200, 32, 9, 3), (400, 32, 1, 3)):
        sizes = Sizes(batch, 3, grid, channels, 0, kernel_size, BYTES[type_name])
        call = Call(cell, sizes, type_name, architecture)
        made = launched(cell, sizes, type_name, architecture)
        for told, really in ((call.forward(), made.forward), (call.backward(), made.backward)):
            counted = [count for launch in told for count in [launch.count] * launch.times]
            assert sorted(counted) == sorted(really), sizes
        assert call.launches_of("weight_gradient")[0].programs == made.weight_gradient, sizes


def test_todays_launches_follow_the_architectures_launch_table() -> None:
    """For 16 samples: lines in tiles of 64 rows by 16 channels, or one voxel by 32 channels in each."""
    gates = [launches(Call("gru", Sizes(16), "bf16", name))["gates"].count for name in ("sm_90", None)]
    assert gates == [16 * 8, 64 * 4]


def test_the_first_designs_bytes_are_those_that_the_review_counted() -> None:
    """MB per launch from the L2 cache, bf16, C = 128, G = 4, at B = 36 and 256."""

    def megabytes(cell: str, name: str) -> list[int]:
        calls = (FirstCall(cell, Sizes(batch, steps=1)) for batch in (36, 256))
        return [round(launches(call)[name].l2_bytes / 1e6) for call in calls]

    assert megabytes("gru", "gates") == [102, 262]
    assert megabytes("gru", "update") == [70, 197]
    assert megabytes("gru", "update back") == [70, 328]
    assert megabytes("gru", "gates back") == [139, 655]
    assert megabytes("lstm", "step") == [135, 459]
    assert megabytes("lstm", "step back") == [209, 786]


@pytest.mark.parametrize(
    ("batch", "forward", "both"),
    [(1, (9, 11), (65, 85)), (16, (26, 33), (120, 145)), (36, (28, 40), (110, 135)),
     (64, (35, 51), (140, 170)), (256, (66, 100), (250, 400))],
)  # fmt: skip
def test_the_first_designs_times_are_close_to_those_the_review_simulated(
    batch: int, forward: tuple[int, int], both: tuple[int, int]
) -> None:
    """Microseconds of a GRU step; forward without the packing, which the review counts separately."""
    call = FirstCall("gru", Sizes(batch, steps=1))
    going, back = (
        sum(one.times * one.microseconds(H100) for one in part) for part in (call.forward(), call.backward())
    )
    assert forward[0] <= round(going - call.forward()[0].microseconds(H100)) <= forward[1]
    assert both[0] <= round(going + back) <= both[1]


def test_todays_launches_store_no_zeros_without_a_mask() -> None:
    first, today = (
        launches(design("lstm", Sizes(256, steps=1)))["step back"].memory_bytes for design in (FirstCall, Call)
    )
    assert round((first - today) / 1e6) == 17


def test_launches_without_masked_taps_do_the_operations_of_the_phases() -> None:
    for cell in ("gru", "lstm"):
        sizes = Sizes(batch=384, steps=4)
        call = Call(cell, sizes, architecture=None)  # its tiles are of one voxel each
        counted = sum(one.times * one.operations for one in (*call.forward(), *call.backward()))
        assert counted == sum(phase.times * phase.useful for phase in phases(cell, sizes)[1:-2])


def test_the_first_design_has_the_extra_launches_that_the_review_found() -> None:
    """The launches that nobody had counted, according to the review."""
    for type_name, forward, backward in (("bf16", 1, 7), ("tf32", 9, 10)):
        call = FirstCall("gru", Sizes(36, steps=5, element=BYTES[type_name]), type_name)
        assert [sum(one.times for one in part) - 10 for part in (call.forward(), call.backward())] == [
            forward,
            backward,
        ]


def test_launches_of_any_sizes_have_programs_bytes_and_times() -> None:
    shapes = itertools.product((1, 37, 300), (3,), (1, 2, 5), (5, 96), (1, 3))
    for (batch, steps, grid, channels, kernel_size), type_name in itertools.product(shapes, BYTES):
        sizes = Sizes(batch, steps, grid, channels, 0, kernel_size, BYTES[type_name])
        for cell, design in itertools.product(("gru", "lstm"), (FirstCall, Call)):
            call = design(cell, sizes, type_name)
            for launch in (*call.forward(), *call.backward()):
                assert launch.count > 0 and launch.memory_bytes > 0 and launch.microseconds(H100) > H100.gap
