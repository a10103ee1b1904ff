"""How a step computes: through the fused kernels, in bfloat16, compiled, and with dropout on part of a batch."""

from dataclasses import replace

import pytest
import torch
from convrnn3d import interface
from small import small_network

from r2n2.errors import UserError
from r2n2.training.processes import Processes
from r2n2.training.recipes import TrainingConfig
from r2n2.training.run import Run

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # on a CPU, Triton interprets the kernels
CONFIG = TrainingConfig(batch_size=2, learning_rate=1e-3, clip=1.0, loss_views=2)


def batch(views: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(2, views, 3, 127, 127, generator=generator)
    voxels = torch.zeros(2, 32, 32, 32, dtype=torch.long)
    voxels[:, 8:24, 8:24, 8:24] = 1
    return pictures.to(DEVICE), voxels.to(DEVICE)


@pytest.mark.long
@pytest.mark.parametrize(("name", "steps"), [("3d-gru-3", 2), ("3d-lstm-1", 3)])  # interpreted, a 3x3x3 step takes 16 s
def test_the_kernels_give_the_same_loss_curve_as_the_reference(
    name: str, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    curves, ran = {}, []
    choose = interface.choose_backend
    monkeypatch.setattr(interface, "choose_backend", lambda *asked: ran.append(choose(*asked)) or ran[-1])
    views, voxels = (tensor[:1] for tensor in batch())
    for backend in ("reference", "triton"):
        run = Run(small_network(name), replace(CONFIG, backend=backend, batch_size=1), DEVICE)
        curves[backend] = [run.step(views, voxels).item() for _ in range(steps)]
    assert ran == ["reference"] * steps + ["triton"] * steps
    assert curves["triton"] == pytest.approx(curves["reference"], rel=1e-5)
    assert curves["triton"][-1] < curves["triton"][0]


def test_a_backend_that_cannot_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with pytest.raises(UserError, match="'triton' cannot run here"):
        Run(small_network("3d-gru-1"), replace(CONFIG, backend="triton"), torch.device("cpu"))
    with pytest.raises(UserError, match=r"'onednn' cannot run here: .* under autocast"):
        Run(small_network("3d-gru-1"), replace(CONFIG, backend="onednn", amp=True), torch.device("cpu"))


def test_under_autocast_the_states_and_the_loss_are_float32() -> None:
    run = Run(small_network("3d-gru-3"), replace(CONFIG, amp=True), DEVICE)
    seen = []
    run.model.recurrence.register_forward_hook(lambda module, inputs, output: seen.extend([inputs[0], output[0]]))
    loss = run.step(*batch())
    assert [tensor.dtype for tensor in seen] == [torch.bfloat16, torch.float32]
    assert loss.dtype == torch.float32
    assert all(parameter.grad.dtype == torch.float32 for parameter in run.model.parameters())


def test_a_compiled_step_gives_the_same_losses_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a compiler that only traces, which is quick: the compiled modules, the parameters' names, and the losses."""
    compiled = []
    original = torch.nn.Module.compile

    def traced(module: torch.nn.Module) -> None:
        compiled.append(type(module).__name__)
        original(module, backend="aot_eager")

    monkeypatch.setattr(torch.nn.Module, "compile", traced)
    losses = []
    for asked in (False, True):
        run = Run(small_network("3d-gru-1"), replace(CONFIG, compile=asked), DEVICE)
        names = list(run.model.state_dict())
        losses.append([run.step(*batch(views)).item() for views in (2, 1)])
    assert compiled == ["Encoder", "Decoder"]
    assert names == list(Run(small_network("3d-gru-1"), CONFIG, DEVICE).model.state_dict())
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_loss_views_0_gives_the_loss_of_as_many_as_there_are_views() -> None:
    every, three = (
        Run(small_network("3d-gru-1"), replace(CONFIG, loss_views=count), DEVICE).step(*batch(3)).item()
        for count in (0, 3)
    )
    assert every == three


def test_a_step_takes_the_learning_rate_of_its_own_iteration() -> None:
    run = Run(small_network("3d-gru-1"), replace(CONFIG, warmup=4), DEVICE)
    rates = []
    for _ in range(3):
        run.step(*batch(1))
        rates += {group["lr"] for group in run.optimizer.param_groups}
    assert rates == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3])


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_gradient_of_a_whole_batch_is_clipped_to_the_norm(accumulate: int) -> None:
    def step(clip: float) -> Run:
        run = Run(small_network("3d-gru-1"), replace(CONFIG, clip=clip, accumulate=accumulate), DEVICE)
        run.step(*batch())
        return run

    free, clipped = (
        torch.cat([parameter.grad.flatten() for parameter in run.model.parameters()])
        for run in (step(float("inf")), step(0.01))
    )
    assert free.norm() > 0.02
    assert clipped.norm().item() == pytest.approx(0.01, rel=1e-3)
    torch.testing.assert_close(clipped, free * (0.01 / free.norm()), rtol=1e-3, atol=1e-7)


def test_each_process_takes_its_part_of_the_batchs_dropout_mask() -> None:
    config = replace(CONFIG, batch_size=4, dropout=0.5)
    whole = Run(small_network("compact"), config, DEVICE)._masks(4, 3)[0]
    assert whole.unique().tolist() == [0, 2]
    first, second = (_share(rank) for rank in (0, 1))
    assert torch.equal(torch.cat([first, second]), whole)


def _share(rank: int) -> torch.Tensor:
    run = Run(small_network("compact"), replace(CONFIG, batch_size=4, dropout=0.5), DEVICE)
    run.processes = Processes(rank, 2)
    return run._masks(2, 3)[0]
