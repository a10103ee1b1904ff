"""Measure whole networks, views to logits and training steps: this project and a port take turns.

    port         module by module, as in `port`
    reference    r2n2 with convrnn3d in PyTorch
    onednn       r2n2 with convrnn3d's products on a CPU, float32
    kernels      r2n2 with the fused kernels (only where Triton runs)
    compiled ... each under torch.compile

bf16 and fp16 run under autocast. A training step is forward, cross-entropy, backward and Adam, and never fp16.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from convrnn3d.backend import TRITON_IS_THERE
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.measuring.peaks import peaks
from benchmarks.measuring.results import Row
from benchmarks.measuring.settings import TYPES, cudnn_benchmark, float32_products, fresh_compiler
from benchmarks.measuring.side_by_side import PRINTER, Witness, distance, input_sets, leave_out, rows_of, side_by_side
from benchmarks.networks.port import Port
from benchmarks.networks.work import network_work
from r2n2.config import NetworkConfig
from r2n2.network import R2N2

LEARNING_RATE = 1e-5


@dataclass(frozen=True)
class NetworkProblem:
    """Inference of a network on a batch of samples with `views` views each, or a training step."""

    network: NetworkConfig
    batch: int = 1
    views: int = 3
    type_name: str = "fp32"
    training: bool = False

    @property
    def precision(self) -> str:
        return TYPES[self.type_name][1]

    def model(self, device: torch.device) -> R2N2:
        torch.manual_seed(0)
        return R2N2(self.network).to(device).train(self.training)

    def inputs(self, device: torch.device, seed: int) -> tuple[Tensor, Tensor]:
        """Random views (B, T, 3, 127, 127) and classes (B, 32, 32, 32)."""
        generator = torch.Generator().manual_seed(seed)
        views = torch.rand(self.batch, self.views, 3, 127, 127, generator=generator)
        voxels = torch.rand(self.batch, 32, 32, 32, generator=generator) > 0.8
        return views.to(device), voxels.long().to(device)


def measure(
    problem: NetworkProblem,
    names: list[str],
    device: torch.device,
    seconds: float,
    witness: Witness = PRINTER,
) -> list[Row]:
    """A row for each contender and, on a GPU, one for its replay from a CUDA graph; `witness` is told of failures."""
    sets = input_sets(lambda seed: problem.inputs(device, seed))
    best, base = peaks(device, problem.type_name), problem.model(device)
    work = network_work(base, problem.batch, problem.views, problem.training)
    with float32_products(problem.precision), fresh_compiler():
        models = {name: contender(name, base) for name in names}
        error = errors(models, base, problem, sets[0], witness)
        runs = {name: runner(models[name], problem, sets) for name in error}
        with cudnn_benchmark():
            measured = side_by_side(runs, len(sets), device, seconds, witness=witness)
    return rows_of(
        measured,
        error,
        best,
        work.useful / 1e6,
        work.nominal / 1e6,
        work.bytes,
        table="network",
        what=problem.network.name,
        cold=False,
        batch=problem.batch,
        steps=problem.views,
        grid=base.recurrence.grid[0],
        channels=problem.network.hidden_channels,
        dtype=problem.type_name,
        precision=problem.precision,
        backward=problem.training,
    )


def contender(name: str, base: R2N2) -> nn.Module:
    """The contender called `name`, with the weights of `base`."""
    plain = name.removeprefix("compiled ")
    model = Port(base) if plain == "port" else copy.deepcopy(base)
    model.train(base.training)
    if plain != "port":
        model.recurrence.backend = {"kernels": "triton"}.get(plain, plain)
    if plain != name:
        model.compile(dynamic=False)
    return model


def runner(model: nn.Module, problem: NetworkProblem, sets: list[tuple[Tensor, Tensor]]) -> Callable[[int], object]:
    """Inference or a training step as a function of the number of a set."""
    if not problem.training:

        def infer(number: int) -> Tensor:
            with torch.inference_mode():
                return logits(model, problem, sets[number][0])

        return infer
    capturable = sets[0][0].is_cuda  # so that a CUDA graph can capture the step
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, capturable=capturable)

    def step(number: int) -> Tensor:
        views, voxels = sets[number]
        loss = F.cross_entropy(logits(model, problem, views).float(), voxels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)  # last, so that a step allocates its gradients
        return loss.detach()

    return step


def logits(model: nn.Module, problem: NetworkProblem, views: Tensor) -> Tensor:
    dtype = TYPES[problem.type_name][0]
    with torch.autocast(views.device.type, dtype, enabled=dtype in (torch.bfloat16, torch.float16)):
        output = model(views)
    return output if isinstance(output, Tensor) else output.logits


def errors(
    models: dict[str, nn.Module],
    base: R2N2,
    problem: NetworkProblem,
    inputs: tuple[Tensor, Tensor],
    witness: Witness = PRINTER,
) -> dict[str, float]:
    """The worst distance from float64 of each contender's logits and, in training, its three parts' gradients.

    Failures are reported and skipped. Gradients are further off than logits: a rectifier whose input is near zero may
    be open in one type and shut in the other.
    """
    views, voxels = inputs
    truth = solved(contender("reference", base).double(), problem, views.double(), voxels)
    found = {}
    for name, model in models.items():
        witness.begins(name)
        try:
            with cudnn_benchmark():  # so that compilers see the settings they are timed with
                ours = solved(model, problem, views, voxels)
        except Exception as error:  # compilers and full devices raise anything
            leave_out(name, error, views.device, witness)
            continue
        found[name] = max(distance(a, b) for a, b in zip(ours, truth, strict=True))
    return found


def solved(model: nn.Module, problem: NetworkProblem, views: Tensor, voxels: Tensor) -> list[Tensor]:
    """Logits and, for a training step, the gradients of encoder, recurrence and decoder, each as one vector."""
    with torch.inference_mode(not problem.training):
        output = logits(model, problem, views)
    if not problem.training:
        return [output]
    F.cross_entropy(output.to(views.dtype), voxels).backward()
    if isinstance(model, Port):
        gradients = model.gradients()
    else:
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    parts = [
        torch.cat([gradients[name].flatten() for name in sorted(gradients) if name.startswith(part)])
        for part in ("encoder.", "recurrence.", "decoder.")
    ]
    model.zero_grad(set_to_none=True)
    return [output.detach(), *parts]


def able(device: torch.device, problem: NetworkProblem, compilers: bool) -> list[str]:
    """Names of the contenders that make sense: in training a port, view after view, normalises other batches."""
    plain = ["reference"]
    if not (problem.network.graph == "compact" and problem.training):
        plain.insert(0, "port")
    if device.type == "cuda" and TRITON_IS_THERE:
        plain.append("kernels")
    compiled = [f"compiled {name}" for name in plain if compilers]
    own = ["onednn"] if device.type == "cpu" and problem.type_name == "fp32" else []  # no compiler sees into it
    return plain + own + compiled
