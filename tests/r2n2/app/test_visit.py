"""One tab's shapes: each view is encoded once, its state is carried over, and tabs share nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from noise import noise
from small import small_network

from r2n2.app import visit as module
from r2n2.app.visit import Visit
from r2n2.errors import UserError
from r2n2.shapes.reconstruction import Reconstructor

PICTURES = [noise(seed) for seed in range(6)]


@pytest.fixture(params=["3d-gru-3", "3d-lstm-3"])
def model(request: pytest.FixtureRequest) -> Reconstructor:
    return Reconstructor(small_network(request.param)).eval()


def test_each_view_is_encoded_once_and_the_shape_is_that_of_all_views(model: Reconstructor) -> None:
    seen = []
    model.encoder.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    visit = Visit()
    for count in range(1, 5):
        visit = visit.add(model, PICTURES[count - 1])
        assert seen == [1] * count
        assert visit.shape.views.shape == (count, 3, 127, 127)
    seen.clear()
    expected = model.reconstruct(PICTURES[:4])
    np.testing.assert_allclose(visit.shape.occupancy, expected.occupancy, atol=1e-6)
    assert np.array_equal(visit.shape.views, expected.views)
    np.testing.assert_allclose(visit.shape.steps, expected.steps, atol=1e-6)
    np.testing.assert_allclose(visit.shape.gates, expected.gates, atol=1e-6)


def test_undo_restores_the_previous_shape_and_later_views_build_on_it(model: Reconstructor) -> None:
    first = Visit().add(model, PICTURES[0])
    undone = first.add(model, PICTURES[1]).undo()
    assert undone == first
    other = undone.add(model, PICTURES[2])
    expected = model.reconstruct([PICTURES[0], PICTURES[2]])
    np.testing.assert_allclose(other.shape.occupancy, expected.occupancy, atol=1e-6)
    assert undone.undo().shape is None
    assert undone.undo().undo().shape is None
    assert other.clear().shape is None
    assert other.clear().token == other.token


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_simultaneous_visits_do_not_mix(model: Reconstructor) -> None:
    def rebuilt(order: list[int]) -> np.ndarray:
        visit = Visit()
        for number in order:
            visit = visit.add(model, PICTURES[number])
        return visit.shape.occupancy

    orders = [[0, 1, 2], [3, 4, 5], [5, 0, 3], [2, 2, 2]]
    alone = [rebuilt(order) for order in orders]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(rebuilt, orders * 4))
    for number, occupancy in enumerate(together):
        assert np.array_equal(occupancy, alone[number % len(orders)])
    assert not np.array_equal(together[0], together[1])


def test_too_many_views_are_refused_and_change_nothing(model: Reconstructor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VIEWS", 2)
    visit = Visit().add(model, PICTURES[0]).add(model, PICTURES[1])
    with pytest.raises(UserError, match="at most 2 views"):
        visit.add(model, PICTURES[2])
    assert len(visit.shapes) == 2


def test_tokens_cannot_be_guessed() -> None:
    tokens = {Visit().token for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 24
