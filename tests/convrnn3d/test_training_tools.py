"""PyTorch's training tools: with the kernels, the modules support them as in plain PyTorch."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from convrnn3d import ConvGRU, ConvLSTM, freeze
from parity import DEVICE
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

CELLS = pytest.mark.parametrize("cell", [ConvGRU, ConvLSTM])
GRID = (1, 2, 3)


def grids(batch: int = 2, steps: int = 2) -> Tensor:
    return torch.randn(batch, steps, *GRID, 3, device=DEVICE)


def gradients(module: nn.Module, run: Callable[[Tensor], Tensor], x: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(run(x).square().sum(), list(module.parameters())))


def same(found: list[Tensor], expected: list[Tensor]) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    """A process group of one."""
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@CELLS
def test_checkpointing_gives_the_same_gradients(cell: type) -> None:
    module, x = cell(3, 4, backend="triton").to(DEVICE), grids()
    expected = gradients(module, lambda x: module(x)[0], x)
    same(gradients(module, lambda x: checkpoint(lambda y: module(y)[0], x, use_reentrant=False), x), expected)


def test_distributed_training_gives_the_same_gradients(alone: None) -> None:
    module, x = ConvGRU(3, 4, backend="triton").to(DEVICE), grids()
    expected = gradients(module, lambda x: module(x)[0], x)
    nn.parallel.DistributedDataParallel(module)(x)[0].square().sum().backward()
    same([parameter.grad for parameter in module.parameters()], expected)


def test_averages_and_copies_of_a_frozen_module_are_independent() -> None:
    module, x = ConvGRU(3, 4, backend="triton").to(DEVICE), grids()
    freeze(module.weight)
    with torch.no_grad():
        module(x)  # caches the packed weight
        average = torch.optim.swa_utils.AveragedModel(module)
        average.update_parameters(module)
        other = copy.deepcopy(module)
        other.weight.mul_(2)
        same([average(x)[0]], [module(x)[0]])
        plain = copy.deepcopy(other)
        plain.backend = "reference"
        torch.testing.assert_close(other(x)[0], plain(x)[0])


def test_functional_call_uses_the_given_parameters() -> None:
    module, other, x = ConvGRU(3, 4, backend="triton").to(DEVICE), ConvGRU(3, 4, backend="triton").to(DEVICE), grids()
    same([torch.func.functional_call(module, dict(other.named_parameters()), x)[0]], [other(x)[0]])


def test_gradients_of_parts_of_a_batch_accumulate() -> None:
    module, x = ConvGRU(3, 4, backend="triton").to(DEVICE), grids(batch=2)
    module(x)[0].square().sum().backward()
    whole = [parameter.grad.clone() for parameter in module.parameters()]
    module.zero_grad()
    for part in x.split(1):
        module(part)[0].square().sum().backward()
    for parameter, expected in zip(module.parameters(), whole, strict=True):
        torch.testing.assert_close(parameter.grad, expected)


@CELLS
def test_truncated_backpropagation_continues_from_a_detached_state(cell: type) -> None:
    """Two halves give the states of the whole."""
    module, x = cell(3, 4, backend="triton").to(DEVICE), grids(steps=4)
    states, _ = module(x)
    first, last = module(x[:, :2])
    second, _ = module(x[:, 2:], last.detach() if cell is ConvGRU else tuple(part.detach() for part in last))
    torch.testing.assert_close(torch.cat([first, second], dim=1), states)


def test_vmap_over_a_module_is_refused() -> None:
    module = ConvGRU(3, 4, backend="triton").to(DEVICE)
    with pytest.raises(RuntimeError, match="vmap"):
        torch.vmap(lambda x: module(x)[0])(grids()[:, None])
