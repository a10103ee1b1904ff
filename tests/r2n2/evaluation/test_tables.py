"""The table: what it averages, the order of the views, and how it handles broken models."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import small_network
from typer.testing import CliRunner

from r2n2.commands.cli import app
from r2n2.data.packed import write_split
from r2n2.data.shapenet import Model, find_models, read_voxels, select
from r2n2.errors import UserError
from r2n2.evaluation.failures import draw_failures
from r2n2.evaluation.metrics import average_precision, intersection_over_union
from r2n2.evaluation.tables import Evaluation, evaluate, evaluate_mean_shapes, read_sample, score, summarize
from r2n2.network import R2N2
from r2n2.pictures.images import to_view


@pytest.fixture
def chosen(data_folder: Path) -> list[Model]:
    return select(find_models(data_folder)[0], "test")


def test_scores_match_a_separate_run_for_each_number_of_views(chosen: list[Model]) -> None:
    model = R2N2(small_network("compact")).eval()
    table = evaluate(model, chosen, max_views=3, threshold=0.5)
    expected: dict[int, list[tuple[float, float]]] = {1: [], 2: [], 3: []}
    for item in chosen:
        views, truth = read_sample(item, 3)
        for count, scores in expected.items():
            with torch.inference_mode():
                occupancy = model(torch.from_numpy(views[:count])[None]).occupancy[0].numpy()
            scores.append((intersection_over_union(occupancy, truth, 0.5), average_precision(occupancy, truth)))
    for count, scores in expected.items():
        iou, ap = np.mean(scores, axis=0)
        assert table.views[str(count)].iou == pytest.approx(iou, abs=2e-3)
        assert table.views[str(count)].ap == pytest.approx(ap, abs=2e-3)
    assert table.models == 4


def test_views_come_in_a_fixed_order_without_replacement(chosen: list[Model]) -> None:
    views, _ = read_sample(chosen[0], 6)
    again, _ = read_sample(chosen[0], 3)
    np.testing.assert_array_equal(views[:3], again)
    assert len({view.tobytes() for view in views}) == 6
    assert read_sample(chosen[0], 20)[0].shape[0] == 6  # no more than the object has


def test_the_order_of_views_is_drawn_from_the_models_name(chosen: list[Model]) -> None:
    def order(item: Model) -> tuple[int, ...]:
        numbers = {to_view(picture).tobytes(): number for number, picture in enumerate(item.read_views(range(6)))}
        return tuple(numbers[view.tobytes()] for view in read_sample(item, 6)[0])

    orders = [order(item) for item in chosen]
    assert len(set(orders)) == 4
    assert tuple(range(6)) not in orders
    renamed = replace(chosen[0], name=chosen[1].name)
    assert order(renamed) == orders[1]
    undecodable = replace(chosen[0], name="a\udcff")  # how Python represents a folder's name that is not UTF-8
    assert sorted(order(undecodable)) == list(range(6))


def test_means_weight_every_model_equally() -> None:
    half, none, full = np.array([[1.0, 1.0]]), np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])
    truth = np.array([True, False])
    records = [*score("chair", half, truth, 0.4), *score("chair", none, truth, 0.4), *score("lamp", full, truth, 0.4)]
    table = summarize(records, 0.4, "net", [])
    assert table.categories["chair"]["1"].iou == 0.25
    assert table.categories["lamp"]["1"].iou == 1
    assert table.views["1"].iou == 0.5
    assert (table.views["1"].models, table.models) == (3, 3)


def test_json_and_markdown_hold_the_table() -> None:
    records = [("chair", 1, 0.5, 0.25), ("chair", 2, 0.75, 0.5), ("lamp", 1, 0.1, 0.2)]
    table = summarize(records, 0.4, "net", ["a is broken"])
    values = json.loads(table.to_json())
    assert values["views"]["2"] == {"iou": 0.75, "ap": 0.5, "models": 1}
    assert values["categories"]["chair"]["1"]["iou"] == 0.5
    assert (values["threshold"], values["models"], values["skipped"]) == (0.4, 2, ["a is broken"])
    lines = table.to_markdown().splitlines()
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == ["category", "models", "1 view", "2 views"]
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == ["chair", "1", "0.500", "0.750"]
    assert [cell.strip() for cell in lines[3].strip("|").split("|")] == ["lamp", "1", "0.100", ""]
    assert len({len(line) for line in lines}) == 1


def test_broken_models_are_skipped_and_listed_or_refused_if_strict(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "copy")
    chosen = select(find_models(tmp_path / "copy")[0], "test")
    chosen[1].binvox.write_bytes(b"")
    model = R2N2(small_network("3d-gru-1")).eval()
    table = evaluate(model, chosen, max_views=1)
    assert table.models == 3
    assert len(table.skipped) == 1
    assert str(chosen[1].binvox) in table.skipped[0]
    with pytest.raises(UserError, match=r"model\.binvox"):
        evaluate(model, chosen, max_views=1, strict=True)
    with pytest.raises(UserError, match="No model could be evaluated"):
        evaluate(model, chosen[1:2], max_views=1)
    training = select(find_models(tmp_path / "copy")[0], "train")
    assert len(evaluate_mean_shapes(training, chosen).skipped) == 1
    with pytest.raises(UserError, match=r"model\.binvox"):
        evaluate_mean_shapes(training, chosen, strict=True)
    with pytest.raises(UserError, match=r"None of the 1 models for the mean shapes .*model\.binvox"):
        evaluate_mean_shapes(chosen[1:2], chosen[2:])


def test_values_out_of_range_are_refused(chosen: list[Model]) -> None:
    model = R2N2(small_network("3d-gru-1")).eval()
    for change in ({"max_views": 0}, {"threshold": float("nan")}, {"threshold": 2}, {"preprocessing": "1999"}):
        with pytest.raises(UserError):
            evaluate(model, chosen, **change)


def test_the_mean_shape_is_that_of_the_objects_category(data_folder: Path) -> None:
    models = find_models(data_folder)[0]
    training, chosen = select(models, "train"), select(models, "test")
    table = evaluate_mean_shapes(training, chosen)
    chairs = [model for model in training if model.word == "chair"]
    mean = np.mean([read_voxels(model) for model in chairs], axis=0)
    expected = np.mean([intersection_over_union(mean, read_voxels(m), 0.4) for m in chosen if m.word == "chair"])
    assert isinstance(table, Evaluation)
    with pytest.raises(UserError, match="are also part of the mean shapes"):
        evaluate_mean_shapes(training, select(models, "all"))
    assert table.categories["chair"]["1"].iou == pytest.approx(expected, abs=1e-5)


def test_a_category_without_training_models_gets_the_mean_of_all_models(data_folder: Path) -> None:
    models = find_models(data_folder)[0]
    training, unknown = select(models, "train"), replace(select(models, "test")[0], category="boat")
    training = [model for model in training if model.word == "chair"][:5] + training[-1:]
    mean = np.mean([read_voxels(model) for model in training], axis=0)
    found = evaluate_mean_shapes(training, [unknown], threshold=0.45).categories["boat"]["1"]
    assert found.iou == pytest.approx(intersection_over_union(mean, read_voxels(unknown), 0.45), abs=1e-6)
    assert found.ap == pytest.approx(average_precision(mean, read_voxels(unknown)), abs=1e-6)


def test_a_limit_takes_objects_of_every_category(data_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    options = ["--mean-shape", str(data_folder), "--limit", "2", "--json", str(path)]
    CliRunner().invoke(app, ["evaluate", "--data", str(data_folder), *options], catch_exceptions=False)
    assert {word: scores["1"]["models"] for word, scores in json.loads(path.read_text())["categories"].items()} == {
        "chair": 1,
        "lamp": 1,
    }


@pytest.mark.parametrize("named", ["lamp", "03636649"])
def test_only_limits_the_scores_to_one_category(named: str, data_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    options = ["--mean-shape", str(data_folder), "--only", named, "--json", str(path)]
    CliRunner().invoke(app, ["evaluate", "--data", str(data_folder), *options], catch_exceptions=False)
    every = evaluate_mean_shapes(*(select(find_models(data_folder)[0], split) for split in ("train", "test")))
    alone = json.loads(path.read_text())
    assert list(alone["categories"]) == ["lamp"] and alone["models"] == every.categories["lamp"]["1"].models
    assert alone["views"]["1"]["iou"] == every.categories["lamp"]["1"].iou


def test_the_error_for_an_unknown_category_lists_the_available_ones(data_folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"None of the objects .* of the category 'boat'; available categories: chair, lamp\."
    ):
        options = ["--data", str(data_folder), "--only", "lamp", "--only", "boat"]
        CliRunner().invoke(app, ["evaluate", *options], catch_exceptions=False)


def test_an_empty_split_is_reported_whatever_category_is_requested(data_folder: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    write_split(select(find_models(data_folder)[0], "train"), pack, "train")
    with pytest.raises(UserError, match=r"The test split of .* has no models"):
        CliRunner().invoke(app, ["evaluate", "--data", str(pack), "--only", "lamp"], catch_exceptions=False)


def test_a_warning_says_if_no_object_has_as_many_views(data_folder: Path) -> None:
    for views, said in (("6", ""), ("99", "warning: no object has more than 6 views\n")):
        options = ["--data", str(data_folder), "--limit", "1", "--views", views]
        assert CliRunner().invoke(app, ["evaluate", *options], catch_exceptions=False).stderr == said


def test_all_objects_of_a_table_share_one_packed_weight(
    chosen: list[Model], packings: list[torch.Tensor], tmp_path: Path
) -> None:
    model = R2N2(small_network("3d-gru-1")).to("cuda" if torch.cuda.is_available() else "cpu")
    model.recurrence.backend = "triton"
    modes = [module.training for module in model.modules()]
    evaluate(model, chosen[:2], max_views=2, orders=2)
    assert len(packings) == 1
    draw_failures(model, chosen[:2], tmp_path / "worst.png", views=2)
    assert len(packings) == 2
    assert [module.training for module in model.modules()] == modes
