"""Saving and loading weights, and refusing files that are not the expected weights."""

import json
import resource
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from small import small_network

from r2n2.config import NETWORKS, NetworkConfig
from r2n2.errors import UserError
from r2n2.network import R2N2
from r2n2.network.checkpoint import load_tensors, load_weights, save_tensors, save_weights


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_survive_saving_and_loading(tmp_path: Path, name: str) -> None:
    model = R2N2(small_network(name)).eval()
    save_weights(tmp_path / "w.safetensors", model)
    loaded = load_weights(tmp_path / "w.safetensors", small_network(name))
    assert loaded.config == model.config
    assert not loaded.training
    for key, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[key])


def test_half_precision_weights_load_as_single(tmp_path: Path) -> None:
    model = R2N2(small_network("compact"))
    save_weights(tmp_path / "w.safetensors", model, torch.float16)
    loaded = load_weights(tmp_path / "w.safetensors")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert torch.equal(loaded.encoder.fc.weight, model.encoder.fc.weight.half().float())


def test_a_failed_write_names_the_file_and_keeps_the_previous_one(tmp_path: Path) -> None:
    path, limits = tmp_path / "w.safetensors", resource.getrlimit(resource.RLIMIT_FSIZE)
    save_tensors(path, {"x": torch.zeros(1)}, {})
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"Cannot write .*w\.safetensors"):
            save_tensors(path, {"x": torch.zeros(1000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == [path]
    assert len(load_tensors(path)[0]["x"]) == 1


def test_configurations_survive_conversion_to_a_dict_and_back() -> None:
    for config in NETWORKS.values():
        assert NetworkConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError, match="unknown"):
        NetworkConfig.from_dict(NETWORKS["compact"].to_dict() | {"colour": "red"})


def test_unreadable_or_unexpected_weights_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with pytest.raises(UserError, match="no weights file"):
        load_weights(path)
    for content in (b"", b"nonsense", b"\xff" * 64, b"PK\x03\x04 a zip or a pickle"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not a readable safetensors file"):
            load_weights(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="does not say which network"):
        load_weights(path)
    save_weights(path, R2N2(small_network("3d-gru-1")))
    with pytest.raises(UserError, match="network 3d-gru-1, not 3d-gru-3"):
        load_weights(path, small_network("3d-gru-3"))
    complete = path.read_bytes()
    path.write_bytes(complete[: len(complete) // 2])
    with pytest.raises(UserError, match="not a readable"):
        load_weights(path)


def test_tensors_of_other_shapes_are_refused(tmp_path: Path) -> None:
    model = R2N2(small_network("3d-gru-1"))
    object.__setattr__(model, "config", small_network("3d-gru-3"))  # the file names the wrong network
    save_weights(tmp_path / "w.safetensors", model)
    with pytest.raises(UserError, match=r"does not fit the network 3d-gru-3.*recurrence.weight"):
        load_weights(tmp_path / "w.safetensors")


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    model = R2N2(small_network("3d-gru-1"))
    model.decoder.out.bias.data[0] = float("inf")
    save_weights(tmp_path / "w.safetensors", model)
    with pytest.raises(UserError, match="not finite"):
        load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("change", [{"hidden_channels": -1}, {"features": 64.0}, {"encoder_channels": "abcdef"}])
def test_invalid_network_settings_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    config = small_network("3d-gru-1").to_dict() | change
    save_file({"a": torch.zeros(1)}, tmp_path / "w.safetensors", {"network": json.dumps(config)})
    with pytest.raises(UserError, match="does not say which network"):
        load_weights(tmp_path / "w.safetensors")


def test_the_same_network_with_other_sizes_is_reported_as_such(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.safetensors", R2N2(small_network("3d-gru-1")))
    with pytest.raises(UserError, match="network 3d-gru-1 with other sizes"):
        load_weights(tmp_path / "w.safetensors", NETWORKS["3d-gru-1"])


def test_configurations_from_before_the_first_release_are_read() -> None:
    for name, residual in (("res3d-gru-3", True), ("3d-lstm-1", False)):
        values = NETWORKS[name].to_dict() | {"residual": residual, "normalize": False}
        del values["graph"]
        assert NetworkConfig.from_dict(values) == NETWORKS[name]
    with pytest.raises(ValueError, match="unknown network settings: normalize, residual"):
        NetworkConfig.from_dict(NETWORKS["3d-gru-3"].to_dict() | {"residual": False, "normalize": True})
