"""The sizes that a call may have, and the device on which its kernels are launched."""

from typing import Any

import pytest
import torch
from convrnn3d.sequence import Sequence
from convrnn3d.tuning import Launch, choose


@pytest.mark.parametrize(
    ("batch", "grid", "channels"),
    [(2**11, (128, 128, 64), 1), (1, (128, 128, 128), 342), (1, (1, 1, 1), 3641)],
    ids=["voxels", "a step's gates", "weight"],
)
def test_more_voxels_or_numbers_than_32_bits_can_count_are_refused(
    batch: int, grid: tuple[int, int, int], channels: int
) -> None:
    def sequence(batch: int, channels: int) -> Sequence:
        return Sequence(batch, 2, grid, channels, 3, torch.bfloat16, "ieee", torch.device("meta"))

    with pytest.raises(ValueError, match=r"2\^31 (voxels|numbers) or more"):
        sequence(batch, channels)
    sequence(max(1, batch - 1), max(1, channels - 1))


def test_more_grids_of_gates_than_32_bits_can_count_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a batch of 65536 with 10923 steps"):
        Sequence(65536, 10923, (1, 1, 1), 1, 1, torch.float32, "ieee", torch.device("meta"))
    Sequence(65536, 10922, (1, 1, 1), 1, 1, torch.float32, "ieee", torch.device("meta"))


def test_a_batch_whose_rows_cannot_be_divided_exactly_is_refused() -> None:
    largest = (2**31 - 2**16 - 1) // 7**2
    with pytest.raises(ValueError, match=r"is too large for 8 steps"):
        Sequence(largest + 1, 8, (1, 1, 1), 1, 1, torch.float32, "ieee", torch.device("meta"))
    Sequence(largest, 8, (1, 1, 1), 1, 1, torch.float32, "ieee", torch.device("meta"))


def test_more_rows_than_32_bits_can_count_are_refused() -> None:
    """The rows are all voxels of all steps, a sixth of which are summed by one program."""
    with pytest.raises(ValueError, match=r"1024 x 12 grids 128x128x64"):
        Sequence(1024, 12, (128, 128, 64), 1, 1, torch.float32, "ieee", torch.device("meta"))
    Sequence(1024, 11, (128, 128, 64), 1, 1, torch.float32, "ieee", torch.device("meta"))


def test_the_weight_gradients_tile_is_chosen_for_the_steps_that_are_summed() -> None:
    asked = []

    def note(kernel: str, kind: str, number: int, *rest: Any) -> Launch:
        asked.append(number)
        return choose(kernel, kind, number, *rest)

    cpu = torch.device("cpu")
    sequence = Sequence(2, 3, (1, 1, 2), 3, 1, torch.float32, "ieee", cpu, launch=lambda *what: None, choose=note)
    for kept in (3, 2):
        sources, da = (sequence.empty(slots, torch.float32) for slots in ((kept, 2), (3, 3)))
        sequence.weight_gradient(sources, da, torch.empty(3, 3, 3, 1, 1, 1))
    assert asked == [2 * 3, 2 * 2]


def test_launches_go_to_the_tensors_device(monkeypatch: pytest.MonkeyPatch) -> None:
    sequence = Sequence(1, 1, (1, 1, 1), 1, 1, torch.float32, "ieee", torch.device("cuda", 1))
    for current, guards in ((0, True), (1, False)):
        monkeypatch.setattr(torch.cuda, "current_device", lambda current=current: current)
        assert isinstance(sequence.on_device, torch.cuda.device) == guards
