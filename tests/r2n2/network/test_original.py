"""The weights of 2016 load, give the same output, gradients and optimiser steps, and convert back."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from golden import GOLDEN, golden_arrays, golden_network, golden_views, golden_voxels
from small import small_network
from torch.nn import functional as F

from r2n2.config import NETWORKS
from r2n2.errors import UserError
from r2n2.network import R2N2
from r2n2.network.arrays import read_arrays, write_arrays
from r2n2.network.checkpoint import convert_weights, load_weights
from r2n2.network.original import entries, read_original, to_arrays, to_tensors, write_original
from r2n2.training.recipes import recipe
from r2n2.training.run import Run

RESIDUAL = NETWORKS["res3d-gru-3"]
LONG, SPARE = pytest.mark.long, (pytest.mark.long, pytest.mark.spare)


@pytest.mark.parametrize("name", ["3d-gru-3", "res3d-gru-3"])
def test_the_forward_pass_matches_2016(name: str) -> None:
    model, voxels = golden_network(name), torch.from_numpy(golden_voxels())
    with torch.inference_mode():
        output = model(torch.from_numpy(golden_views()))
    np.testing.assert_allclose(output.occupancy, GOLDEN[f"{name}.occupancy"] / 65535, rtol=0, atol=1e-4)
    loss = F.cross_entropy(output.logits, voxels).item()
    assert loss == pytest.approx(float(GOLDEN[f"{name}.loss"]), rel=1e-5)


@pytest.mark.parametrize("steps", [pytest.param(1, marks=LONG), pytest.param(3, marks=SPARE)])
def test_optimiser_steps_match_2016(steps: int) -> None:
    """In float64: gradients of the first step, losses before each step and after the last, how far each array moved."""
    run = Run(RESIDUAL, recipe("2016"), torch.device("cpu"))
    run.model.load_state_dict(to_tensors(golden_arrays("res3d-gru-3"), RESIDUAL))
    run.model.double()
    before = to_arrays(_parameters(run.model), RESIDUAL)
    views, voxels = torch.from_numpy(golden_views()).double(), torch.from_numpy(golden_voxels())
    losses, moved = [], []
    for step in range(steps):
        losses.append(run.step(views, voxels).item())
        if step == 0:
            gradients = to_arrays({name: p.grad for name, p in run.model.named_parameters()}, RESIDUAL)
        after = to_arrays(_parameters(run.model), RESIDUAL)
        moved.append([np.linalg.norm(new - old) for old, new in zip(before, after, strict=True)])
        before = after
    with torch.inference_mode():
        losses.append(F.cross_entropy(run.model(views).logits, voxels).item())
    np.testing.assert_allclose(losses, GOLDEN["losses"][: steps + 1], rtol=1e-5)
    np.testing.assert_allclose(moved, GOLDEN["moved"][:steps], rtol=1e-3)
    norms = [np.linalg.norm(gradient) for gradient in gradients]
    np.testing.assert_allclose(norms, GOLDEN["gradient_norms"], rtol=1e-3)
    for number, gradient in enumerate(gradients):  # the direction, too
        weights = np.random.RandomState(1000 + number).standard_normal(gradient.shape)
        expected = GOLDEN["gradient_projections"][number]
        assert (gradient * weights).sum() == pytest.approx(expected, abs=1e-3 * norms[number])


def _parameters(model: R2N2) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize(("name", "count"), [("3d-gru-3", 33), ("res3d-gru-3", 63)])
def test_files_hold_the_arrays_of_2016_in_order(name: str, count: int) -> None:
    names = [entry.name for entry in entries(NETWORKS[name])]
    assert len(names) == count
    a = "a" if name.startswith("res") else ""
    assert names[:2] == [f"conv1{a}.W", f"conv1{a}.b"]
    assert names[-2:] == ["conv11.W", "conv11.b"]
    gates = names.index("t_x_s_update.Wh")
    assert names[gates - 2 : gates + 3] == ["fc7.W", "fc7.b", "t_x_s_update.Wh", "t_x_s_update.Wx", "t_x_s_update.b"]
    assert names[gates + 3][:11] == "t_x_s_reset"
    assert names[gates + 6][:6] == "t_x_rs"


def test_arrays_have_the_shapes_stored_in_2016() -> None:
    arrays = to_arrays(R2N2(RESIDUAL).state_dict(), RESIDUAL)
    shapes = {entry.name: array.shape for entry, array in zip(entries(RESIDUAL), arrays, strict=True)}
    assert shapes["conv1a.W"] == (96, 3, 7, 7)
    assert shapes["conv2c.W"] == (128, 96, 1, 1)
    assert shapes["fc7.W"] == (2304, 1024)
    assert shapes["t_x_rs.Wh"] == (128, 3, 128, 3, 3)
    assert shapes["t_x_rs.Wx"] == (1024, 8192)
    assert shapes["t_x_rs.b"] == (128,)
    assert shapes["conv9c.W"] == (64, 1, 128, 1, 1)
    assert shapes["conv10c.W"] == (32, 3, 32, 3, 3)
    assert shapes["conv11.W"] == (2, 3, 32, 3, 3)


@pytest.mark.parametrize("name", ["3d-gru-3", "res3d-gru-3"])
def test_tensors_survive_conversion_to_arrays_and_back(name: str) -> None:
    config = small_network(name)
    tensors = R2N2(config).state_dict()
    back = to_tensors(to_arrays(tensors, config), config)
    assert tensors.keys() == back.keys()
    assert all(torch.equal(tensor, back[key]) for key, tensor in tensors.items())


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_conversion_there_and_back_is_bit_exact(tmp_path: Path, suffix: str) -> None:
    first, middle, last = tmp_path / f"GRUNet{suffix}", tmp_path / "w.safetensors", tmp_path / f"again{suffix}"
    write_arrays(first, golden_arrays("3d-gru-3"))
    assert convert_weights(first, middle).name == "3d-gru-3"
    convert_weights(middle, last)
    for before, after in zip(read_arrays(first), read_arrays(last), strict=True):
        assert before.tobytes() == after.tobytes()
    if suffix == ".npy":  # zip files carry the time they were written
        assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(last.read_bytes()).digest()
    loaded = load_weights(first, NETWORKS["3d-gru-3"])
    for key, tensor in load_weights(middle).state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[key])


def test_arrays_that_do_not_fit_a_network_of_2016_are_refused(tmp_path: Path) -> None:
    arrays = golden_arrays("3d-gru-3")
    path = tmp_path / "w.npy"
    write_arrays(path, arrays[:-1])
    with pytest.raises(UserError, match=r"w\.npy holds 32 arrays; a weight file of 2016 has 33 \(GRUNet\) or 63"):
        read_original(path)
    arrays[3] = arrays[3].astype(np.float64)  # would be rounded
    with pytest.raises(UserError, match="is float64; expected float32"):
        to_tensors(arrays, NETWORKS["3d-gru-3"])
    arrays[3] = arrays[3].astype(np.float32)
    arrays[2], arrays[4] = arrays[4], arrays[2]
    write_arrays(path, arrays)
    with pytest.raises(
        UserError, match=r"array 2 \(conv2\.W\) has shape \(256, 128, 3, 3\); expected \(128, 96, 3, 3\)"
    ):
        read_original(path)
    with pytest.raises(UserError, match="does not have the suffix of a weights file"):
        convert_weights(path, tmp_path / "w.pt")
    for name in ("compact", "3d-lstm-3", "3d-gru-1"):
        with pytest.raises(UserError, match=f"no weight file for the network {name}"):
            write_original(tmp_path / "w.npy", R2N2(small_network(name)))
