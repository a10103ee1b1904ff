"""The weight's gradient: from any number of rows, with the weight's strides, from one share or several."""

from dataclasses import replace

import pytest
import torch
from convrnn3d import plain, wgrad
from convrnn3d.launcher import launch
from convrnn3d.places import Shape
from convrnn3d.tuning import Launch
from parity import DEVICE, distance

CHOICE = Launch(None, rows=16, channels=16, inner=16, warps=4, stages=1)


def before_nan(*shape: int, skipped: int = 0) -> torch.Tensor:
    """Random numbers, with NaN beyond them in memory and in steps to be skipped, so that reading these shows."""
    tensor = torch.full((2 * shape[0], *shape[1:]), torch.nan, device=DEVICE)[: shape[0]]
    tensor[:, skipped:].normal_()
    return tensor


@pytest.mark.parametrize(
    ("batch", "steps", "grid", "side"),
    # Six shares of seven samples have two each: the fourth has one, and the last two begin beyond the end. With
    # nineteen samples, a voxel's second turn has three.
    [(1, 1, (2, 2, 1), 3), (3, 2, (1, 2, 3), 3), (2, 2, (1, 1, 2), 1), (7, 1, (1, 1, 2), 1), (19, 1, (2, 1, 3), 3)],
)
@pytest.mark.parametrize(("sources", "shares"), [(1, 3), (2, 1), (2, 3)])  # (1, 1) is the LSTM's, in test_kernels
@pytest.mark.parametrize("one_voxel", [False, True])
def test_it_is_the_gradient_of_every_gates_convolution(
    monkeypatch: pytest.MonkeyPatch, batch: int, steps: int, grid: tuple, side: int, sources: int, shares: int,
    one_voxel: bool, channels: int = 5, from_zeros: bool = False,
) -> None:  # fmt: skip
    if shares > 1:
        monkeypatch.setattr(wgrad, "ROWS_A_SHARE", 1)
    first = int(from_zeros)
    x = before_nan(batch, steps - first, sources, *grid, channels)
    da = before_nan(batch, steps, 3, *grid, channels, skipped=first)
    weight = torch.empty(3, channels, channels, side, side, side, device=DEVICE)
    shape = Shape(*grid, channels, side)
    read = x if sources == 2 else x[:, :, 0]
    ours = wgrad.weight_gradient(read, da, weight, shape, "ieee", replace(CHOICE, lines=one_voxel), launch)
    da = da[:, first:]
    truth = [
        plain.weight_gradient(
            x[:, :, sources - 1 if gate == 2 else 0].double(), da[:, :, gate : gate + 1].double(), weight
        )
        for gate in range(3)
    ]
    assert distance(ours, torch.cat(truth)) < 1e-6
    assert ours.stride() == weight.stride()


@pytest.mark.parametrize(
    # With 14 samples, the later steps of a turn begin or end in the middle of a sample's.
    ("batch", "steps", "grid", "side"),
    [(3, 2, (1, 2, 3), 3), (1, 3, (1, 1, 2), 3), (14, 3, (1, 1, 2), 1), (5, 8, (1, 2, 1), 3)],
)
@pytest.mark.parametrize("shares", [1, 3])
@pytest.mark.parametrize("one_voxel", [False, True])
def test_first_steps_without_a_source_are_skipped(
    monkeypatch: pytest.MonkeyPatch, batch: int, steps: int, grid: tuple, side: int, shares: int, one_voxel: bool
) -> None:
    test_it_is_the_gradient_of_every_gates_convolution(
        monkeypatch, batch, steps, grid, side, sources=2, shares=shares, one_voxel=one_voxel, from_zeros=True
    )


@pytest.mark.parametrize("one_voxel", [False, True])
def test_it_is_the_gradient_of_several_blocks_of_channels(monkeypatch: pytest.MonkeyPatch, one_voxel: bool) -> None:
    test_it_is_the_gradient_of_every_gates_convolution(
        monkeypatch, 3, 1, (1, 1, 2), side=3, sources=2, shares=1, one_voxel=one_voxel, channels=20
    )


@pytest.mark.parametrize(
    ("samples", "shares"), [(1, 1), (4, 1), (7, 1), (8, 2), (16, 2), (32, 2), (33, 3), (96, 6), (1000, 6)]
)
def test_a_taps_rows_are_divided_into_shares_if_there_are_enough_for_two(samples: int, shares: int) -> None:
    assert wgrad.shares_of(64 * samples, samples) == shares
    assert wgrad.shares_of(10**6, 1) == 1  # a share has whole samples


def test_the_last_rows_of_large_grids_belong_to_the_right_sample() -> None:
    """Unless it is divided exactly, a row's place is rounded up into the next sample."""
    grid, channels = (1, 2, 2**16), 2
    x, da = (torch.zeros(2, 1, sources, *grid, channels, device=DEVICE) for sources in (1, 3))
    for tensor in (x, da):
        tensor[..., -4:, :] = torch.randn_like(tensor[..., -4:, :])
    weight = torch.empty(3, channels, channels, 1, 1, 1, device=DEVICE)
    choice = replace(CHOICE, rows=64 if DEVICE == "cuda" else 4096)  # as many as the interpreter takes in one turn
    ours = wgrad.weight_gradient(x[:, :, 0], da, weight, Shape(*grid, channels, 1), "ieee", choice, launch)
    truth = [plain.weight_gradient(x[:, :, 0].double(), d[:, :, None].double(), weight) for d in da.unbind(2)]
    assert distance(ours, torch.cat(truth)) < 1e-6
