"""Several processes that train one model: who this one is, and what they tell each other.

`torchrun -m r2n2 train ...` starts one for each GPU and says so in the environment; each takes an equal share of every
batch, DistributedDataParallel averages the gradients, and the first alone writes. Started without torchrun, a process
is alone and nothing here does anything.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from r2n2.errors import UserError, one_line


@dataclass(frozen=True)
class Processes:
    """This process's number, of how many, and the group in which flags and figures are exchanged on the CPU."""

    rank: int = 0
    count: int = 1
    group: distributed.ProcessGroup | None = None

    @property
    def writes(self) -> bool:
        """Whether this is the one that writes files and speaks."""
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes of a tensor of any shape, float64 on the CPU."""
        values = values.detach().cpu().double()  # in this order: not every device has float64
        return self.sum(values) / self.count

    def sum(self, values: Tensor) -> Tensor:
        """The sum over the processes of a CPU tensor."""
        if self.count > 1:
            values = values.clone()
            distributed.all_reduce(values, group=self.group)
        return values

    def largest(self, value: int) -> int:
        """The largest of a number that each process has."""
        if self.count == 1:
            return value
        tensor = torch.tensor(value)
        distributed.all_reduce(tensor, distributed.ReduceOp.MAX, group=self.group)
        return int(tensor)

    def wait(self) -> None:
        """Until all processes are here: what the first has written can be read by the others."""
        if self.count > 1:
            distributed.barrier(group=self.group)


ALONE = Processes()


def is_started_by_torchrun() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined(device: str) -> Iterator[tuple[Processes, str]]:
    """The processes that torchrun started, joined for the block, and the device of this one.

    "auto" and "cuda" are the GPU of the process's number on its machine. Gradients go through NCCL between GPUs, else
    gloo. Raises UserError if a machine has fewer GPUs than processes, or if the environment does not say who they are.
    """
    if not is_started_by_torchrun():
        yield ALONE, device
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device == "cuda" or (device == "auto" and torch.cuda.is_available()):
        if local >= torch.cuda.device_count():
            raise UserError(
                f"Process {local} of this machine has no GPU of its own, there are {torch.cuda.device_count()}; "
                "give torchrun a smaller --nproc-per-node."
            )
        device = f"cuda:{local}"
        torch.cuda.set_device(local)
    try:
        distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    except ValueError as error:
        raise UserError(
            f"WORLD_SIZE says {os.environ['WORLD_SIZE']} processes, but {one_line(error)}; "
            "start them by torchrun, or unset WORLD_SIZE."
        ) from error
    try:
        yield (
            Processes(distributed.get_rank(), distributed.get_world_size(), distributed.new_group(backend="gloo")),
            device,
        )
    finally:
        distributed.destroy_process_group()
