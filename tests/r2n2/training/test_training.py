"""Training learns, resumes exactly, and reports what is wrong."""

import json
import os
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch
from small import small_network
from torch import nn
from typer.testing import CliRunner

from r2n2.commands.cli import app
from r2n2.data.fingerprint import Fingerprint
from r2n2.data.shapenet import find_models, select
from r2n2.errors import UserError
from r2n2.network.checkpoint import load_tensors, load_weights, save_tensors
from r2n2.network.losses import voxel_loss
from r2n2.training.average import WeightAverage
from r2n2.training.checkpoints import Checkpoints
from r2n2.training.loop import Loop
from r2n2.training.recipes import RECIPES, TrainingConfig, changed, recipe
from r2n2.training.records import read_table
from r2n2.training.run import Run
from r2n2.training.state import Description, capture, restore
from r2n2.training.train import train

CPU = torch.device("cpu")
CONFIG = TrainingConfig(
    iterations=6, batch_size=4, max_views=2, learning_rate=1e-3, workers=0, report_every=2, save_every=3
)


@pytest.mark.parametrize("name", ["3d-lstm-1", "3d-gru-3", "res3d-gru-3", "compact"])
def test_a_network_learns_one_batch(name: str) -> None:
    run = Run(small_network(name), TrainingConfig(learning_rate=3e-3), CPU)
    views, voxels = torch.rand(4, 2, 3, 127, 127), torch.zeros(4, 32, 32, 32, dtype=torch.long)
    voxels[:, 8:24, 8:24, 8:24] = 1
    losses = [run.step(views, voxels).item() for _ in range(25)]
    assert losses[-1] < 0.7 * losses[0]


def test_every_parameter_gets_a_gradient() -> None:
    for name in ("3d-lstm-3", "res3d-gru-3", "compact"):
        run = Run(small_network(name), TrainingConfig(), CPU)
        run.step(torch.rand(2, 2, 3, 127, 127), torch.randint(0, 2, (2, 32, 32, 32)))
        assert all(parameter.grad is not None for parameter in run.model.parameters())


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(data_folder: Path, tmp_path: Path) -> None:
    models, network = select(find_models(data_folder)[0], "train"), small_network("compact")
    config = replace(CONFIG, average=0.9, warmup=4, augmentation="compact", dropout=0.5)
    train(network, models, tmp_path / "whole", config, CPU)
    train(network, models, tmp_path / "parts", replace(config, iterations=3), CPU)
    train(network, models, tmp_path / "parts", config, CPU, resume=True)
    whole, parts = (load_weights(tmp_path / name / "weights.safetensors").state_dict() for name in ("whole", "parts"))
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=0, atol=0, msg=name)


def test_a_running_mean_added_later_starts_from_the_weights(data_folder: Path, tmp_path: Path) -> None:
    models, network = select(find_models(data_folder)[0], "train"), small_network("3d-gru-1")
    train(network, models, tmp_path / "run", CONFIG, CPU)
    later = Run(network, replace(CONFIG, average=0.999), CPU)
    restore(later, *Checkpoints(tmp_path / "run").newest())
    for name, tensor in later.model.state_dict().items():
        assert torch.equal(later.average.tensors[name], tensor)


def test_a_run_keeps_the_settings_it_was_started_with(data_folder: Path, tmp_path: Path) -> None:
    models, network = select(find_models(data_folder)[0], "train"), small_network("3d-gru-1")
    begun = replace(CONFIG, drops=(3,), augmentation="compact")
    train(network, models, tmp_path, begun, CPU)
    assert Checkpoints(tmp_path).description().config == begun
    for name, value in (("seed", 1), ("batch_size", 5), ("max_views", 1)):
        with pytest.raises(UserError, match=f"started with {name}"):
            train(network, models, tmp_path, replace(begun, iterations=8, **{name: value}), CPU, resume=True)
    with pytest.raises(UserError, match="no run to resume"):
        Checkpoints(tmp_path / "elsewhere").description()


@pytest.mark.parametrize(
    "change", [{"frozen": 3}, {"frozen": 17}, {"weight_decay": 0.0}, {"encoder_rate": 1.0}], ids=str
)
def test_a_resumed_run_may_regroup_its_parameters(tmp_path: Path, change: dict[str, float]) -> None:
    begun = replace(CONFIG, frozen=15, encoder_rate=0.2)
    first = Run(small_network("compact"), begun, CPU)
    first.step(torch.rand(1, 1, 3, 127, 127), torch.zeros(1, 32, 32, 32, dtype=torch.long))
    later = Run(small_network("compact"), replace(begun, **change), CPU)
    restore(later, capture(first), Description(1, small_network("compact"), begun, Fingerprint(0, "")))
    kept = {name for name, parameter in later.model.named_parameters() if parameter in later.optimizer.state}
    assert kept == {
        name
        for name, parameter in first.model.named_parameters()
        if parameter.requires_grad and later.model.get_parameter(name).requires_grad
    }
    for name in kept:
        before, after = (run.optimizer.state[run.model.get_parameter(name)] for run in (first, later))
        assert torch.equal(before["exp_avg"], after["exp_avg"]), name
    later.step(torch.rand(1, 1, 3, 127, 127), torch.zeros(1, 32, 32, 32, dtype=torch.long))


def test_the_settings_that_a_run_stores_are_standard_json(data_folder: Path, tmp_path: Path) -> None:
    """JSON has no infinity; only Python would read one."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    models, config = find_models(data_folder)[0], replace(CONFIG, iterations=1, drops=(3, 4))
    weights = train(small_network("3d-gru-1"), models, tmp_path, config, CPU)
    for path, key in ((weights, "training"), (Checkpoints(tmp_path).paths()[0], "run")):
        stored = json.loads(load_tensors(path)[1][key], parse_constant=refuse)["config"]
        assert stored["clip"] is stored["largest_loss"] is None
        assert TrainingConfig.from_dict(stored) == config
    text = Description(1, small_network("3d-gru-1"), config, Fingerprint(0, "")).to_json()
    assert Description.from_json(text.replace('"clip": null', '"clip": Infinity')).config == config


@pytest.mark.parametrize("part", ["network", "config"])
def test_a_checkpoint_of_another_version_is_refused_by_name(tmp_path: Path, part: str) -> None:
    description = json.loads(Description(1, small_network("3d-gru-1"), CONFIG, Fingerprint(0, "")).to_json())
    description[part]["of_another_version"] = 1
    path = tmp_path / "checkpoints" / "00000001.safetensors"
    save_tensors(path, {"model.x": torch.zeros(1)}, {"run": json.dumps(description)})
    with pytest.raises(UserError, match=r"00000001\.safetensors is .*version"):
        Checkpoints(tmp_path).description()


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    run = Run(small_network("3d-gru-1"), CONFIG, CPU)
    run.model.decoder.out.bias.data[0] = float("nan")
    with pytest.raises(UserError, match="no longer finite"):
        Checkpoints(tmp_path).save(capture(run), Description(0, run.model.config, CONFIG, Fingerprint(0, "")))
    assert list(tmp_path.iterdir()) == []


def test_a_run_writes_weights_and_a_log(data_folder: Path, tmp_path: Path) -> None:
    models = select(find_models(data_folder)[0], "train")
    weights = train(small_network("3d-gru-3"), models, tmp_path / "run", CONFIG, CPU)
    assert load_weights(weights).config == small_network("3d-gru-3")
    lines = read_table(tmp_path / "run" / "log.csv")
    assert [line["iteration"] for line in lines] == ["2", "4", "6"]
    assert all(float(line[name]) > 0 for line in lines for name in line)


def test_each_log_line_has_the_learning_rate_of_its_last_step(data_folder: Path, tmp_path: Path) -> None:
    models = select(find_models(data_folder)[0], "train")
    train(small_network("3d-gru-3"), models, tmp_path, replace(CONFIG, warmup=4, cooldown=2), CPU)
    rates = [float(line["learning_rate"]) for line in read_table(tmp_path / "log.csv")]
    assert rates == pytest.approx([0.5e-3, 1e-3, 0.5e-3])


def test_the_saved_weights_are_the_running_mean() -> None:
    run = Run(small_network("3d-gru-1"), TrainingConfig(average=0.5), CPU)
    first = run.average.tensors["encoder.fc.weight"].clone()
    run.iteration = 100
    run.step(torch.rand(1, 1, 3, 127, 127), torch.zeros(1, 32, 32, 32, dtype=torch.long))
    expected = (first + run.model.encoder.fc.weight.detach()) / 2
    torch.testing.assert_close(run.average.tensors["encoder.fc.weight"], expected)


def test_the_running_mean_includes_the_step_it_follows() -> None:
    run = Run(small_network("3d-gru-1"), TrainingConfig(average=0.999), CPU)
    first = run.average.tensors["encoder.fc.bias"].clone()
    run.step(torch.rand(1, 1, 3, 127, 127), torch.zeros(1, 32, 32, 32, dtype=torch.long))
    expected = (first + 10 * run.model.encoder.fc.bias.detach()) / 11
    torch.testing.assert_close(run.average.tensors["encoder.fc.bias"], expected, rtol=0, atol=1e-7)


def test_the_running_mean_soon_forgets_the_first_weights() -> None:
    model = nn.BatchNorm1d(1)
    average = WeightAverage(model, decay=0.5)
    weights = [1.0, 2.0, 4.0, 8.0]
    expected = weights[0]
    for iteration, decay in ((1, 1 / 11), (2, 2 / 12), (100, 0.5)):
        weight = weights[min(iteration, 3)]
        nn.init.constant_(model.weight, weight)
        model.num_batches_tracked += 1
        average.update(model, iteration)
        expected = decay * expected + (1 - decay) * weight
        assert average.tensors["weight"].item() == pytest.approx(expected)
    assert average.tensors["num_batches_tracked"] == 3


def test_weight_decay_excludes_norms_and_biases() -> None:
    run = Run(small_network("compact"), TrainingConfig(), CPU)
    layers = [layer for layer in run.model.modules() if hasattr(layer, "weight")]
    norms = [layer for layer in layers if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d)]
    decayed = {id(p) for group in run.optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {id(layer.weight) for layer in layers if layer not in norms}
    assert sum(len(group["params"]) for group in run.optimizer.param_groups) == len(list(run.model.parameters()))


def test_unfrozen_parts_of_the_trunk_learn_at_encoder_rate() -> None:
    run = Run(small_network("compact"), replace(CONFIG, frozen=15, encoder_rate=0.1), CPU)
    before = [part.expand[0].weight.clone() for part in run.model.encoder.trunk.parts[14:]]
    statistics = run.model.encoder.trunk.parts[16].project[1].running_mean.clone()
    run.step(torch.rand(2, 2, 3, 127, 127), torch.zeros(2, 32, 32, 32, dtype=torch.long))
    after = [part.expand[0].weight for part in run.model.encoder.trunk.parts[14:]]
    assert [torch.equal(old, new) for old, new in zip(before, after, strict=True)] == [True, False, False]
    # Adam's first step is the learning rate wherever there is a gradient.
    assert (after[2] - before[2]).abs().max().item() == pytest.approx(0.1 * CONFIG.learning_rate, rel=0.01)
    assert torch.equal(run.model.encoder.trunk.parts[16].project[1].running_mean, statistics)


def test_the_loss_after_every_view_is_the_mean_loss_of_the_prefixes() -> None:
    views, voxels = torch.rand(2, 3, 3, 127, 127), torch.zeros(2, 32, 32, 32, dtype=torch.long)
    views[1], voxels[1] = views[1] / 10, 1  # as unlike as can be, to show one's truth being used for the other's shape
    run = Run(small_network("3d-gru-3"), replace(CONFIG, loss_views=3, dice=0.5), CPU)
    with torch.no_grad():
        prefixes = [voxel_loss(run.model(views[:, :count]).logits, voxels, dice=0.5) for count in (1, 2, 3)]
    assert run.step(views, voxels).item() == pytest.approx(torch.stack(prefixes).mean().item(), rel=1e-5)


def test_loss_views_2_covers_the_last_view_and_over_time_every_other() -> None:
    views, voxels = torch.rand(2, 3, 3, 127, 127), torch.randint(0, 2, (2, 32, 32, 32))
    run = Run(small_network("3d-gru-3"), replace(CONFIG, loss_views=2, learning_rate=1e-30), CPU)
    with torch.no_grad():
        first, second, last = (voxel_loss(run.model(views[:, :count]).logits, voxels).item() for count in (1, 2, 3))
    seen = {round((run.step(views, voxels).item() - last / 2) * 2, 4) for _ in range(12)}
    assert seen == {round(first, 4), round(second, 4)}


def test_which_views_enter_the_loss_depends_on_the_seed() -> None:
    runs = [Run(small_network("3d-gru-1"), replace(CONFIG, loss_views=2, seed=seed), CPU) for seed in (0, 1)]
    judged: list[list[list[int]]] = [[], []]
    for iteration in range(20):
        for run, found in zip(runs, judged, strict=True):
            run.iteration = iteration
            found.append(run._judged(views=5))
    assert judged[0] != judged[1]


def test_a_run_may_begin_with_the_weights_of_another(data_folder: Path, tmp_path: Path) -> None:
    models, network = select(find_models(data_folder)[0], "train"), small_network("3d-gru-1")
    weights = train(network, models, tmp_path / "first", CONFIG, CPU)
    later = Run(network, replace(CONFIG, average=0.9), CPU)
    later.begin_from(weights)
    for name, tensor in load_weights(weights).state_dict().items():
        assert torch.equal(later.model.state_dict()[name], tensor)
        assert torch.equal(later.average.tensors[name], tensor)
    with pytest.raises(UserError, match="choose the matching network"):
        train(small_network("3d-lstm-1"), models, tmp_path / "second", CONFIG, CPU, init=weights)


@pytest.mark.parametrize(
    ("options", "frozen"),
    [
        (["--no-pretrained"], 0),
        (["--no-pretrained", "--frozen", "3"], 3),
        (["--no-pretrained", "--init", "weights"], RECIPES["compact"].frozen),
        ([], RECIPES["compact"].frozen),
    ],
)
def test_random_weights_are_not_frozen_by_default(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], frozen: int
) -> None:
    seen: list[TrainingConfig] = []
    monkeypatch.setattr("r2n2.training.train.train", lambda *arguments, **others: seen.append(arguments[3]))
    command = ["train", "--data", str(data_folder), "-o", str(tmp_path / "run"), *options]
    CliRunner().invoke(app, command, catch_exceptions=False)
    assert [config.frozen for config in seen] == [frozen]


def test_only_the_compact_network_has_pretrained_weights() -> None:
    with pytest.raises(UserError, match="no pretrained encoder"):
        Run(small_network("3d-gru-3"), CONFIG, CPU).begin_pretrained()


@pytest.mark.parametrize("name", ["learning_rate", "encoder_rate", "weight_decay", "dice"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1.0])
def test_rates_and_factors_must_be_finite_and_not_negative(name: str, value: float) -> None:
    with pytest.raises(UserError, match=name):
        changed(recipe("compact"), **{name: value})


@pytest.mark.parametrize("name", ["batch_size", "max_views", "workers"])
def test_sizes_that_would_fill_the_memory_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is 99999999; it must be at most"):
        TrainingConfig(**{name: 99999999})


def test_the_learning_rate_rises_stays_and_falls() -> None:
    config = TrainingConfig(iterations=100, learning_rate=1.0, warmup=10, cooldown=20)
    assert config.learning_rate_at(0) == pytest.approx(0.1)
    assert config.learning_rate_at(9) == config.learning_rate_at(80) == 1
    assert config.learning_rate_at(90) == pytest.approx(0.5)
    assert config.learning_rate_at(100) == 0


def test_recipes_take_changes() -> None:
    assert changed(recipe("compact"), iterations=7, seed=None) == replace(RECIPES["compact"], iterations=7)
    paper = recipe("2016")
    rates = [paper.learning_rate_at(iteration) for iteration in (0, 19_999, 20_000, 59_999)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5])


@pytest.mark.parametrize("uncorrected", [False, True])
def test_adam_follows_its_formula(uncorrected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps of one bias, which does not decay, against the formulas of PyTorch's Adam and of 2016."""
    monkeypatch.setattr("r2n2.training.optimizer.EPSILON", 0.1)  # large enough to tell the two apart
    run = Run(small_network("3d-gru-1"), TrainingConfig(learning_rate=1e-3, uncorrected_epsilon=uncorrected), CPU)
    bias = run.model.decoder.out.bias
    p, m, v = bias.detach().double().clone(), 0.0, 0.0
    for t in (1, 2, 3):
        run.step(torch.rand(1, 1, 3, 127, 127), torch.zeros(1, 32, 32, 32, dtype=torch.long))
        gradient = bias.grad.double()
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        rate, root = 1e-3 * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t), v**0.5
        epsilon = 0.1 if uncorrected else 0.1 * (1 - 0.999**t) ** 0.5
        p = p - rate * m / (root + epsilon)
        torch.testing.assert_close(bias.detach().double(), p, rtol=0, atol=1e-7)


def test_errors_name_the_wrong_setting_or_option(data_folder: Path, tmp_path: Path) -> None:
    models = select(find_models(data_folder)[0], "train")
    train(small_network("3d-gru-3"), models, tmp_path / "run", replace(CONFIG, iterations=1), CPU)
    with pytest.raises(UserError, match="--resume"):
        train(small_network("3d-gru-3"), models, tmp_path / "run", CONFIG, CPU)
    with pytest.raises(UserError, match="run of the network 3d-gru-3, not 3d-gru-1"):
        train(small_network("3d-gru-1"), models, tmp_path / "run", CONFIG, CPU, resume=True)
    with pytest.raises(UserError, match="lower --max-views to 6"):
        train(small_network("3d-gru-3"), models, tmp_path / "many", replace(CONFIG, max_views=7), CPU)
    assert not (tmp_path / "many").exists()
    with pytest.raises(UserError, match="batch_size is 0"):
        replace(CONFIG, batch_size=0)
    for name, value in (("learning_rate", 0.0), ("average", 1.0), ("workers", -1), ("cooldown", -5), ("drops", (0,))):
        with pytest.raises(UserError, match=name):
            replace(CONFIG, **{name: value})
    with pytest.raises(UserError, match="no augmentation"):
        replace(CONFIG, augmentation="glitter")
    with pytest.raises(UserError, match="no recipe"):
        recipe("2017")


def test_a_loss_that_is_not_finite_ends_the_run(data_folder: Path, tmp_path: Path) -> None:
    models = select(find_models(data_folder)[0], "train")
    with pytest.raises(UserError, match="The loss is"):
        train(small_network("3d-gru-3"), models, tmp_path / "run", replace(CONFIG, learning_rate=1e30), CPU)
    assert not (tmp_path / "run" / "weights.safetensors").exists()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_batches_are_pinned_only_for_a_gpu(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    """Even on a machine with a GPU: pinning needs a context on it, which a run on the CPU has no use for."""
    asked: list[bool] = []

    def loader(*_: object, pin_memory: bool, **__: object) -> list[object]:
        asked.append(pin_memory)
        return []

    monkeypatch.setattr("r2n2.data.dataset.DataLoader", loader)
    models, run = find_models(data_folder)[0], Run(small_network("3d-gru-1"), CONFIG, CPU)
    run.device = torch.device(device)
    description = Description(0, run.model.config, CONFIG, Fingerprint(0, ""))
    list(Loop(run, description, Checkpoints(tmp_path), ())._batches(models))
    assert asked == [device == "cuda"]


def test_a_killed_reader_is_reported(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(self: Run, views: torch.Tensor, voxels: torch.Tensor) -> torch.Tensor:
        for reader in active_children():
            reader.kill()
            # PyTorch raises as soon as the system reports its death, wherever this process then is: wait for it here.
            os.waitid(os.P_PID, reader.pid, os.WEXITED | os.WNOWAIT)
        return torch.zeros(())

    monkeypatch.setattr(Run, "step", step)
    models = select(find_models(data_folder)[0], "train")
    with pytest.raises(UserError, match="fewer --workers"):
        train(small_network("3d-gru-1"), models, tmp_path / "run", replace(CONFIG, workers=1), CPU)
