"""The networks: parameter counts of 2016, shapes, views in any number and order, masks, and the state."""

import pytest
import torch
from small import small_network
from torch import nn

from r2n2.config import NETWORKS
from r2n2.network.layers import SMALL, Conv3d, UnpoolConv3d, UnpoolPointwise3d, unpool
from r2n2.network.model import R2N2, count_parameters
from r2n2.network.recurrence import ConvGRU3D, ConvLSTM3D

PARAMETERS = {  # of the original program's graphs
    "3d-lstm-1": 30_929_314,
    "3d-gru-1": 30_929_314,
    "3d-lstm-3": 32_207_266,
    "3d-gru-3": 32_207_266,
    "res3d-gru-3": 35_968_706,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_counts_are_those_of_2016(name: str) -> None:
    with torch.device("meta"):
        assert count_parameters(R2N2(NETWORKS[name])) == PARAMETERS[name]


def build(name: str) -> R2N2:
    model = R2N2(small_network(name)).eval()
    for buffer_name, buffer in model.named_buffers():  # a normalisation that is not the identity
        if buffer_name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    return model


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("views", [1, 4])
def test_any_number_of_views_gives_one_grid(name: str, views: int) -> None:
    output = build(name)(torch.rand(2, views, 3, 127, 127))
    assert output.logits.shape == (2, 2, 32, 32, 32)
    assert output.occupancy.shape == (2, 32, 32, 32)
    assert torch.isfinite(output.logits).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_masked_view_counts_as_absent(name: str) -> None:
    model, views = build(name), torch.rand(2, 3, 3, 127, 127)
    mask = torch.tensor([[True, False, True], [True, True, True]])
    views[0, 1] = torch.nan  # must not be used
    masked = model(views, mask).logits
    alone = torch.cat([model(views[:1, [0, 2]]).logits, model(views[1:]).logits])
    torch.testing.assert_close(masked, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_views_added_later_give_the_same_result(name: str) -> None:
    model, views = build(name), torch.rand(1, 3, 3, 127, 127)
    state = model(views[:, :2]).state
    torch.testing.assert_close(model(views[:, 2:], state=state).logits, model(views).logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["compact", "3d-lstm-3"])
def test_the_order_of_views_matters_to_the_recurrence(name: str) -> None:
    model = build(name)
    features = torch.randn(1, 2, model.config.features)  # a fresh encoder gives noise nearly equal features
    forwards, backwards = model.recurrence(features)[0], model.recurrence(features.flip(1))[0]
    assert (forwards[:, -1] - backwards[:, -1]).abs().max() > 0.01


@pytest.mark.parametrize("name", ["compact", "3d-lstm-3", "res3d-gru-3"])
def test_occupancy_by_view_matches_each_prefix_of_the_views(name: str) -> None:
    model, views = build(name), torch.rand(2, 3, 3, 127, 127)
    grown = model.occupancy_by_view(views)
    for count in (1, 2, 3):
        torch.testing.assert_close(grown[:, count - 1], model(views[:, :count]).occupancy, rtol=1e-4, atol=1e-5)


def test_views_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="views must be"):
        build("compact")(torch.rand(1, 3, 3, 137, 137))


@pytest.mark.parametrize("mask", [torch.ones(3, 2, dtype=torch.bool), torch.ones(2).bool(), torch.ones(2, 3)])
def test_masks_that_do_not_fit_are_refused(mask: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"mask must be bool \(2, 3\), got"):
        build("compact")(torch.rand(2, 3, 3, 127, 127), mask)


def test_integer_views_are_refused() -> None:
    with pytest.raises(TypeError, match=r"in \[0, 1\], got torch.uint8"):
        build("compact")(torch.full((1, 3, 3, 127, 127), 240, dtype=torch.uint8))


def test_unpool_convolutions_equal_a_convolution_of_the_unpooled_grid() -> None:
    x = torch.randn(2, 5, 3, 4, 6, dtype=torch.float64)
    for layer in (UnpoolConv3d(5, 7).double(), UnpoolPointwise3d(5, 7).double()):
        torch.testing.assert_close(layer(x), nn.Conv3d.forward(layer, unpool(x)), rtol=0, atol=1e-13)


def test_unpool_puts_values_at_even_positions() -> None:
    x = torch.randn(1, 1, 2, 2, 2)
    out = unpool(x)
    assert torch.equal(out[:, :, ::2, ::2, ::2], x)
    assert out.count_nonzero() == 8


@pytest.mark.parametrize("kind", [ConvGRU3D, ConvLSTM3D])
def test_recurrences_work_on_their_own_on_any_grid(kind: type) -> None:
    layer = kind(features=7, channels=5, grid=(2, 3, 5), kernel_size=3)
    states, _ = layer(torch.randn(2, 4, 7))
    assert states.shape == (2, 4, 2, 3, 5, 5)


def test_projection_is_one_linear_map_of_each_view() -> None:
    layer = ConvGRU3D(features=7, channels=5, grid=(2, 3, 4))
    nn.init.normal_(layer.bias)
    features = torch.randn(2, 3, 7)
    weight = layer.projection.weight.reshape(3, 2, 3, 4, 5, 7)
    expected = torch.einsum("gxyzcf,btf->btgxyzc", weight, features) + layer.bias[:, None, None, None, :]
    torch.testing.assert_close(layer.project(features), expected)


@pytest.mark.parametrize("side", [4, 40])
def test_a_batch_of_one_is_convolved_as_by_pytorch(side: int) -> None:
    layer = Conv3d(16, 2).requires_grad_(False)
    x = torch.randn(1, 16, side, side, side, requires_grad=True)
    assert (x[..., 0].numel() <= SMALL) == (side == 4)
    ours, plain = layer(x), nn.Conv3d.forward(layer, x)
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)
    upstream = torch.randn_like(plain)
    gradients = [torch.autograd.grad(out, x, upstream)[0] for out in (ours, plain)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)
