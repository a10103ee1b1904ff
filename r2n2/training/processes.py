"""Several processes that train one model: the rank of this one, and what they exchange.

`torchrun -m r2n2 train ...` starts one process per GPU and sets environment variables; each takes an equal share of
every batch, DistributedDataParallel averages the gradients, and only the first writes. Without torchrun there is one
process, and nothing here has an effect.
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
    """This process's rank, the number of processes, and the group that exchanges flags and figures on the CPU."""

    rank: int = 0
    count: int = 1
    group: distributed.ProcessGroup | None = None

    @property
    def writes(self) -> bool:
        """Whether this is the process that writes files and prints."""
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a tensor of any shape over the processes, as float64 on the CPU."""
        values = values.detach().cpu().double()  # in this order: not every device has float64
        return self.sum(values) / self.count

    def sum(self, values: Tensor) -> Tensor:
        """The sum of a CPU tensor over the processes."""
        if self.count > 1:
            values = values.clone()
            distributed.all_reduce(values, group=self.group)
        return values

    def largest(self, value: int) -> int:
        """The largest `value` of all processes."""
        if self.count == 1:
            return value
        tensor = torch.tensor(value)
        distributed.all_reduce(tensor, distributed.ReduceOp.MAX, group=self.group)
        return int(tensor)

    def wait(self) -> None:
        """Wait until all processes are here, so that the others can read what the first has written."""
        if self.count > 1:
            distributed.barrier(group=self.group)


ALONE = Processes()


def is_started_by_torchrun() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined(device: str) -> Iterator[tuple[Processes, str]]:
    """Join the processes that torchrun started for the block; yield them and the device of this one.

    "auto" and "cuda" select the GPU with the process's local rank. Gradients go through NCCL between GPUs, otherwise
    through gloo. Raises UserError if a machine has fewer GPUs than processes, or if the environment does not identify
    the processes.
    """
    if not is_started_by_torchrun():
        yield ALONE, device
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device == "cuda" or (device == "auto" and torch.cuda.is_available()):
        if local >= torch.cuda.device_count():
            raise UserError(
                f"Process {local} on this machine has no GPU of its own: there are only {torch.cuda.device_count()}; "
                "give torchrun a smaller --nproc-per-node."
            )
        device = f"cuda:{local}"
        torch.cuda.set_device(local)
    try:
        distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    except ValueError as error:
        raise UserError(
            f"WORLD_SIZE says {os.environ['WORLD_SIZE']} processes, but {one_line(error)}; "
            "start them with torchrun, or unset WORLD_SIZE."
        ) from error
    try:
        yield (
            Processes(distributed.get_rank(), distributed.get_world_size(), distributed.new_group(backend="gloo")),
            device,
        )
    finally:
        distributed.destroy_process_group()
