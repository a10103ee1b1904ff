"""The shape after each view, and what each view wrote, with small random weights."""

import numpy as np
import pytest
import torch
from noise import noise
from PIL import Image
from small import small_network

from r2n2.shapes.reconstruction import Reconstructor

NETWORKS = ("3d-gru-3", "3d-lstm-1", "compact")


@pytest.fixture(params=NETWORKS)
def model(request: pytest.FixtureRequest) -> Reconstructor:
    return Reconstructor(small_network(request.param)).eval()


@pytest.fixture
def pictures() -> list[Image.Image]:
    return [noise(seed, 127, 127) for seed in range(3)]


def test_a_step_is_the_shape_of_the_views_so_far(model: Reconstructor, pictures: list[Image.Image]) -> None:
    shape = model.reconstruct(pictures)
    assert shape.steps.shape == (3, 32, 32, 32)
    assert shape.steps.dtype == np.float32
    np.testing.assert_array_equal(shape.steps[-1], shape.occupancy)
    for count in (1, 2):
        np.testing.assert_allclose(shape.steps[count - 1], model.reconstruct(pictures[:count]).occupancy, atol=1e-5)
    assert np.abs(shape.steps[0] - shape.steps[1]).max() > 1e-6


def test_gates_match_those_of_views_added_one_at_a_time(model: Reconstructor, pictures: list[Image.Image]) -> None:
    whole = model.reconstruct(pictures)
    assert whole.gates.shape == (3, 4, 4, 4)
    assert whole.gates.min() > 0
    assert whole.gates.max() < 1
    state = None
    for number, picture in enumerate(pictures):
        one = model.reconstruct(picture, state=state)
        np.testing.assert_allclose(one.gates[0], whole.gates[number], atol=1e-5)
        state = one.state


def test_steps_and_gates_are_computed_on_first_access_and_cached(
    pictures: list[Image.Image],
) -> None:
    model = Reconstructor(small_network("3d-gru-3")).eval()
    early, late = model.reconstruct(pictures), model.reconstruct(pictures)
    steps, gates = early.steps, early.gates
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.5)
    assert early.steps is steps
    assert early.gates is gates
    assert np.abs(late.steps - steps).max() > 1e-6
    assert np.abs(late.gates - gates).max() > 1e-6
    np.testing.assert_array_equal(late.occupancy, early.occupancy)


def test_a_gate_is_the_replaced_share_of_the_hidden_grid(pictures: list[Image.Image]) -> None:
    model = Reconstructor(small_network("3d-gru-3")).eval()
    with torch.no_grad():
        model.recurrence.weight.zero_()
        model.recurrence.projection.weight.zero_()
        model.recurrence.bias[0] = -2  # u = 0.119
    np.testing.assert_allclose(model.reconstruct(pictures).gates, 1 - 1 / (1 + np.exp(2)), rtol=1e-6)


def test_a_page_mentions_earlier_views(pictures: list[Image.Image]) -> None:
    model = Reconstructor(small_network("compact")).eval()
    first = model.reconstruct(pictures[:2])
    assert "<p>rebuilt from 2 views</p>" in first.page()
    assert "<p>rebuilt from 1 view and earlier ones</p>" in model.reconstruct(pictures[2], state=first.state).page()


def test_views_are_named_after_their_files_or_numbered(
    tmp_path_factory: pytest.TempPathFactory, pictures: list[Image.Image]
) -> None:
    model = Reconstructor(small_network("compact")).eval()
    folder = tmp_path_factory.mktemp("pictures")
    pictures[0].save(folder / "b.png")
    pictures[1].save(folder / "a.png")
    given = [folder / "b.png", folder, Image.open(folder / "a.png"), pictures[2], np.asarray(pictures[0])]
    assert model.reconstruct(given).names == ("b.png", "a.png", "b.png", "a.png", "picture 4", "picture 5")
