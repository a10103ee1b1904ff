"""Evaluation without the recurrence (averaged views) and in several orders of the views (spread of the scores)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small import small_network
from typer.testing import CliRunner

from r2n2.commands.cli import app
from r2n2.data.shapenet import find_models, select
from r2n2.errors import UserError
from r2n2.evaluation.ablation import occupancy_averaged, order_scores, spread
from r2n2.evaluation.failures import comparison, draw_failures
from r2n2.evaluation.metrics import intersection_over_union
from r2n2.evaluation.tables import evaluate, read_sample
from r2n2.network import R2N2
from r2n2.shapes.drawing import CARD

THRESHOLD = 0.5


@pytest.fixture
def model() -> R2N2:
    return R2N2(small_network("3d-gru-3")).eval()


@torch.inference_mode()
def test_averaged_shapes_are_means_over_single_views(model: R2N2) -> None:
    views = torch.rand(2, 3, 3, 127, 127)
    alone = torch.stack([model(views[:, [number]]).occupancy for number in range(3)], dim=1)
    averaged = occupancy_averaged(model, views)
    for count in (1, 2, 3):
        torch.testing.assert_close(averaged[:, count - 1], alone[:, :count].mean(dim=1), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_order_scores_are_those_of_the_permuted_views(model: R2N2) -> None:
    views, truth = torch.rand(3, 3, 127, 127), np.random.default_rng(0).random((32, 32, 32)) < 0.5
    scores = order_scores(model, views, truth, THRESHOLD, orders=4)
    for number, score in enumerate(scores):
        order = np.random.default_rng([0, number]).permutation(3)
        expected = intersection_over_union(model(views[order][None]).occupancy[0].numpy(), truth, THRESHOLD)
        assert score == pytest.approx(expected, abs=2e-3)


@torch.inference_mode()
def test_all_orders_differ_and_hold_the_same_views(model: R2N2) -> None:
    views, folded = torch.rand(5, 3, 127, 127), []
    model.recurrence.register_forward_pre_hook(lambda _, given: folded.append(given[0]))
    order_scores(model, views, np.ones((32, 32, 32), bool), THRESHOLD, orders=8)
    (features,) = folded  # (orders, T, F)
    assert len({row.numpy().tobytes() for row in features}) == 8
    for row in features:
        torch.testing.assert_close(row.sum(0), features[0].sum(0))


def test_the_spread_is_measured_within_objects() -> None:
    found = spread([np.array([0.2, 0.4]), np.array([0.9, 0.9])])
    assert found == pytest.approx((0.6, 0.05, 0.1))


def test_the_table_names_what_was_averaged_and_holds_the_spread(data_folder: Path, model: R2N2) -> None:
    chosen = select(find_models(data_folder)[0], "test")
    table = evaluate(model, chosen, 2, averaged=True, orders=3)
    assert table.network == "3d-gru-3, views averaged"
    assert '"orders": {' in table.to_json()
    assert f"mean IoU {table.orders.mean:.3f}; per object" in table.to_markdown()
    assert evaluate(model, chosen, 2).orders is None


def test_failures_are_drawn_worst_first(
    data_folder: Path, model: R2N2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, drawn = select(find_models(data_folder)[0], "test"), []

    def taken_down(views: np.ndarray, occupancy: np.ndarray, *rest: object) -> Image.Image:
        drawn.append((views, occupancy, *rest))
        return comparison(views, np.float32(occupancy > occupancy.max() - 0.02), *rest)  # a small surface is drawn fast

    monkeypatch.setattr("r2n2.evaluation.failures.comparison", taken_down)
    draw_failures(model, chosen, tmp_path / "worst.png", views=2, threshold=THRESHOLD, count=3)
    found = [intersection_over_union(occupancy, truth, THRESHOLD) for _, occupancy, truth, _, _ in drawn]
    scores = [evaluate(model, [item], 2, THRESHOLD).views["2"].iou for item in chosen]
    assert found == pytest.approx(sorted(scores)[:3], abs=2e-3)
    assert len(set(scores)) == 4
    with Image.open(tmp_path / "worst.png") as image:
        assert image.height > 2 * image.width / 4 * 3 / 2  # three rows of four tiles
    torch.nn.init.constant_(model.decoder.out.bias, -50.0)  # a shape without a voxel is drawn, too
    draw_failures(model, chosen, tmp_path / "none.png", views=1, count=1)


def test_failures_of_averaged_views_and_of_an_empty_truth_are_drawn(
    data_folder: Path, model: R2N2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = select(find_models(data_folder)[0], "test")[:1]
    monkeypatch.setattr(
        "r2n2.evaluation.failures.occupancy_averaged", lambda _, views: torch.zeros(*views.shape[:2], 32, 32, 32)
    )
    monkeypatch.setattr(
        "r2n2.evaluation.failures.read_sample",
        lambda item, views, _: (read_sample(item, views)[0], np.zeros((32, 32, 32), bool)),
    )
    draw_failures(model, chosen, tmp_path / "drawn.png", views=2, averaged=True)
    with Image.open(tmp_path / "drawn.png") as image:
        shape, truth = (np.asarray(image.crop((left, 60, left + 100, 200))) for left in (800, 1100))
    assert (shape == CARD).all()  # what the mean of the views gave
    assert (truth == CARD).all()


def test_averaged_failures_show_the_mean_of_all_views(
    data_folder: Path, model: R2N2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, drawn = select(find_models(data_folder)[0], "test")[:1], []
    row = Image.new("RGB", (8, 8))
    monkeypatch.setattr("r2n2.evaluation.failures.comparison", lambda *given: drawn.append(given) or row)
    draw_failures(model, chosen, tmp_path / "drawn.png", views=3, averaged=True)
    views, occupancy, *_ = drawn[0]
    with torch.inference_mode():
        expected = model(torch.from_numpy(views)[:, None]).occupancy.mean(dim=0)
    np.testing.assert_allclose(occupancy, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--averaged", "--orders", "2"], "the order of the views does not matter"),
        (["--mean-shape", "data", "--averaged"], "uses neither views nor a network"),
        (["--mean-shape", "data", "--orders", "2"], "uses neither views nor a network"),
        (["--mean-shape", "data", "--views", "2"], "uses neither views nor a network"),
        (["--mean-shape", "data", "--network", "compact"], "uses neither views nor a network"),
        (["--mean-shape", "data", "--failures", "worst.png"], "uses neither views nor a network"),
        (["--mean-shape", "data", "--preprocessing", "2016"], "uses neither views nor a network"),
        (["--mean-shape", "data", "--device", "cpu"], "uses neither views nor a network"),
        (["--failures", "worst.xyz"], "is not a picture format"),
        (["--failures", "worst"], "is not a picture format"),
    ],
)
def test_options_that_conflict_or_name_no_format_are_refused_at_once(options: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        CliRunner().invoke(app, ["evaluate", "--data", "nowhere", *options], catch_exceptions=False)


def test_a_negative_number_of_orders_is_refused() -> None:
    result = CliRunner().invoke(app, ["evaluate", "--orders", "-1"])
    assert (result.exit_code, "--orders" in result.output) == (2, True)
