"""The sizes that a call may have, and the device it is launched on."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from convrnn3d.gru import CANDIDATE, update_kernel
from convrnn3d.launcher import Slot
from convrnn3d.places import Tile
from convrnn3d.sequence import Sequence


@pytest.mark.parametrize(
    ("batch", "grid", "channels"),
    [(2**11, (128, 128, 64), 1), (1, (128, 128, 128), 342), (1, (1, 1, 1), 3641)],
    ids=["voxels", "a step's gates", "weight"],
)
def test_what_32_bits_do_not_count_is_refused(batch: int, grid: tuple[int, int, int], channels: int) -> None:
    def sequence(batch: int, channels: int) -> Sequence:
        return Sequence(batch, 2, grid, channels, 3, torch.bfloat16, "ieee", torch.device("meta"))

    with pytest.raises(ValueError, match=r"2\^31 (voxels|numbers) or more"):
        sequence(batch, channels)
    sequence(max(1, batch - 1), max(1, channels - 1))


def test_more_grids_of_gates_than_32_bits_count_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a batch of 65536 with 10923 steps"):
        Sequence(65536, 10923, (1, 1, 1), 1, 1, torch.float32, "ieee", torch.device("meta"))
    Sequence(65536, 10922, (1, 1, 1), 1, 1, torch.float32, "ieee", torch.device("meta"))


@pytest.mark.parametrize(
    ("operand", "gates", "architecture", "by_instruction"),
    [
        (torch.bfloat16, torch.bfloat16, "sm_90", True),
        (torch.bfloat16, torch.bfloat16, "gfx942", False),
        (torch.bfloat16, torch.bfloat16, None, False),
        (torch.bfloat16, torch.float32, "sm_90", False),  # autocast, with the projection kept as it is
        (torch.float16, torch.float16, "sm_90", False),
        (torch.float32, torch.float32, "sm_90", False),
    ],
)
def test_gates_are_by_the_instruction_for_tanh_where_they_are_kept_less_exactly(
    operand: torch.dtype, gates: torch.dtype, architecture: str | None, by_instruction: bool
) -> None:
    tiles: list[Tile] = []

    def launch(kernel: Any, blocks: int, arguments: tuple, constants: dict[str, Any], options: dict[str, int]) -> None:
        tiles.append(constants["TILE"])

    given = torch.empty(2, 1, 3, 2, 2, 2, 16, dtype=gates, device="meta")
    weight = torch.empty(3, 16, 16, 3, 3, 3, dtype=gates, device="meta")
    sequence = replace(Sequence.of(given, weight, operand, "ieee"), launch=launch, architecture=architecture)
    sequence.run(update_kernel, "gru_update", CANDIDATE, Slot(given), weight, 0)
    assert {tile.tanh_unit for tile in tiles} == {by_instruction}


def test_launches_go_to_the_tensors_device(monkeypatch: pytest.MonkeyPatch) -> None:
    sequence = Sequence(1, 1, (1, 1, 1), 1, 1, torch.float32, "ieee", torch.device("cuda", 1))
    for current, guards in ((0, True), (1, False)):
        monkeypatch.setattr(torch.cuda, "current_device", lambda current=current: current)
        assert isinstance(sequence.on_device, torch.cuda.device) == guards
