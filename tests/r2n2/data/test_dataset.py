"""Training data: views without replacement, repeatable batches, augmentation, and broken files."""

import itertools
import os
import shutil
import signal
import warnings
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from r2n2.data.augmentation import AUGMENTATIONS, Augmentation, augment
from r2n2.data.camera import View
from r2n2.data.dataset import Draw, Order, TrainingBatches, TrainingSet, as_inputs, read_batches, require_views
from r2n2.data.render import render
from r2n2.data.shapenet import find_models, read_voxels, select, view_paths
from r2n2.data.surface import Surface
from r2n2.data.voxelize import voxelize
from r2n2.errors import SkippedWarning, UserError
from r2n2.pictures.images import read_image

PLAIN = Augmentation(flip="none")


def test_samples_have_the_shapes_and_ranges_that_the_network_takes(data_folder: Path) -> None:
    models = find_models(data_folder)[0]
    for augmentation in AUGMENTATIONS.values():
        views, voxels = TrainingSet(models, augmentation)[Draw(0, 3, (1, 2, 3))]
        assert views.shape == (3, 3, 127, 127)
        assert views.dtype == voxels.dtype == torch.uint8
        assert voxels.shape == (32, 32, 32)
        assert voxels.unique().tolist() == [0, 1]
        views, voxels = as_inputs(views, voxels)
        assert (views.dtype, voxels.dtype) == (torch.float32, torch.int64)
        assert 0 <= views.min() < 0.9 < views.max() <= 1
    assert as_inputs(torch.full((1,), 255, dtype=torch.uint8), voxels)[0].item() == 1


def test_views_are_drawn_without_replacement(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = find_models(data_folder)[0]
    read: list[Path] = []
    monkeypatch.setattr("r2n2.data.shapenet.read_image", lambda path: read.append(path) or read_image(path))
    TrainingSet(models, PLAIN)[Draw(0, 6, (0,))]
    assert sorted(read) == view_paths(models[0])


def test_asking_for_more_views_than_a_model_has_is_an_error(data_folder: Path) -> None:
    models = find_models(data_folder)[0]
    with pytest.raises(UserError, match="6 views, but 7 are needed"):
        TrainingSet(models, PLAIN, strict=True)[Draw(0, 7, (0,))]


def test_too_few_views_are_reported_before_a_batch_needs_them(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "copy")
    models = find_models(tmp_path / "copy")[0][:3]
    require_views(models, 6, strict=True)
    with pytest.raises(UserError, match=r"more than the 6 views of \w+, .* lower --max-views to 6"):
        require_views(models, 7)
    listing = models[1].rendering / "renderings.txt"
    listing.write_text("\n".join(listing.read_text().split()[:4]))
    require_views(models, 6)  # other models take its place
    with pytest.raises(UserError, match=f"{models[1].name} has 4 views, but batches have up to 6; lower --max-views"):
        require_views(models, 6, strict=True)
    (models[0].rendering / "renderings.txt").unlink()
    require_views(models, 6)
    require_views(models[:1], 6)  # an unreadable model is reported when it is drawn


def test_a_draw_can_be_repeated(data_folder: Path) -> None:
    data = TrainingSet(find_models(data_folder)[0], AUGMENTATIONS["compact"])
    first, again, other = (data[Draw(3, 2, (0, seed))] for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_batches_share_a_number_of_views_and_cover_each_epoch() -> None:
    batches = list(itertools.islice(TrainingBatches(models=10, batch_size=5, max_views=3, seed=0), 40))
    assert all(len({draw.views for draw in batch}) == 1 for batch in batches)
    assert {batch[0].views for batch in batches} == {1, 2, 3}
    for epoch in range(20):
        assert sorted(draw.index for batch in batches[2 * epoch : 2 * epoch + 2] for draw in batch) == list(range(10))
    assert len({draw.seed for batch in batches for draw in batch}) == 200


def test_each_seed_epoch_and_iteration_has_its_own_random_numbers() -> None:
    drawn = [list(itertools.islice(TrainingBatches(10, 5, 5, seed), 400)) for seed in (0, 1)]
    orders = [
        tuple(draw.index for batch in batches[2 * epoch : 2 * epoch + 2] for draw in batch)
        for batches in drawn
        for epoch in range(100)
    ]
    assert len(set(orders)) == 200
    views = np.array([[batch[0].views for batch in batches] for batches in drawn])
    for first, second in ((views[0], views[1]), (views[0, 1:], views[0, :-1])):
        assert 0.1 < (first == second).mean() < 0.3  # one in five


def test_batches_continue_where_they_stopped() -> None:
    whole = list(itertools.islice(TrainingBatches(7, 4, 5, seed=3), 9))
    assert list(itertools.islice(TrainingBatches(7, 4, 5, seed=3, start=5), 4)) == whole[5:]


def test_the_shares_of_all_processes_add_up_to_the_batch() -> None:
    whole = list(itertools.islice(TrainingBatches(7, 6, 5, seed=3, start=2), 5))
    parts = [list(itertools.islice(TrainingBatches(7, 6, 5, seed=3, start=2, share=(k, 3)), 5)) for k in range(3)]
    assert [first + second + third for first, second, third in zip(*parts, strict=True)] == whole


def test_no_epochs_order_is_repeated_when_the_number_of_models_changes() -> None:
    """Ten models, then twelve from iteration 7 on, then ten again: every epoch has its own order."""
    order, epochs, start = Order(), [], 0
    for models, end in ((10, 7), (12, 11), (10, 20)):
        order = order.after(start * 5, models=epochs[-1][0]) if epochs else order
        for draws in itertools.islice(TrainingBatches(models, 5, 1, seed=0, start=start, order=order), end - start):
            for draw in draws:
                epochs.append((models, order.epoch_at(draw.seed[2], models), draw.index))
        start = end
    numbers = [epoch for _, epoch, _ in epochs]
    assert numbers == sorted(numbers)
    assert {epoch for models, epoch, _ in epochs[:35]} == {0, 1, 2, 3}
    assert {epoch for models, epoch, _ in epochs[35:55]} == {4, 5}
    assert {epoch for models, epoch, _ in epochs[55:]} == {6, 7, 8, 9, 10}
    assert sorted(index for _, epoch, index in epochs if epoch == 4) == list(range(12))


def test_the_loader_stacks_batches(data_folder: Path) -> None:
    data = TrainingSet(find_models(data_folder)[0], PLAIN)
    views, voxels = next(read_batches(data, TrainingBatches(len(data.models), 4, 2, seed=0), workers=0))
    assert views.shape[0] == voxels.shape[0] == 4
    assert views.shape[2:] == (3, 127, 127)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_reader_processes_ignore_signals_and_continue(data_folder: Path, number: signal.Signals) -> None:
    """A terminal and a scheduler send signals to the readers, too, while the last step still needs its batch."""
    data = TrainingSet(find_models(data_folder)[0], PLAIN)
    with closing(read_batches(data, TrainingBatches(len(data.models), 2, 1, seed=0), workers=1)) as batches:
        next(batches)
        (reader,) = active_children()
        os.kill(reader.pid, number)
        for _ in range(5):  # more than are read ahead
            next(batches)
        assert reader.is_alive()


def test_a_broken_file_is_reported_and_another_model_takes_its_place(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "copy")
    models = select(find_models(tmp_path / "copy")[0], "test")
    models[0].binvox.write_bytes(b"#binvox 1\n")
    with pytest.warns(SkippedWarning, match=r"chair8.*model\.binvox"):
        _, voxels = TrainingSet(models, PLAIN)[Draw(0, 1, (0,))]
    np.testing.assert_array_equal(voxels, read_voxels(models[1]))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")  # as after every change of a filter, which reading a picture causes
        samples = TrainingSet(models, PLAIN)
        for epoch in range(3):
            samples[Draw(0, 1, (epoch,))]
    assert len(said) == 1
    with pytest.raises(UserError, match=r"model\.binvox"):
        TrainingSet(models, PLAIN, strict=True)[Draw(0, 1, (0,))]
    for model in models:
        model.binvox.write_bytes(b"")
    with pytest.warns(SkippedWarning), pytest.raises(UserError, match="None of the 4 models"):
        TrainingSet(models, PLAIN)[Draw(0, 1, (0,))]
    for workers in (0, 1):  # a worker process, too, raises only the one-line message
        with pytest.raises(UserError, match=r"^[^\n]*model\.binvox[^\n]*$"):
            next(read_batches(TrainingSet(models, PLAIN, strict=True), TrainingBatches(4, 2, 1, seed=0), workers))


def test_backgrounds_are_light_and_crops_move_over_the_whole_margin() -> None:
    dot = np.zeros((137, 137, 4), np.uint8)
    dot[68, 68] = (255, 0, 0, 255)
    rng = np.random.default_rng(0)
    places, colors = set(), []
    for _ in range(400):
        view = augment([Image.fromarray(dot)], np.zeros((2, 2, 2)), Augmentation(flip="none"), rng)[0][0]
        row, column = np.argwhere((view[0] == 255) & (view[1] == 0))[0]
        places.add((row, column))
        colors.append(view[:, 0, 0])
    assert {row for row, _ in places} == {column for _, column in places} == set(range(58, 69))
    assert set(np.ravel(colors)) == set(range(225, 256))


def test_mirroring_an_object_mirrors_its_pictures() -> None:
    """The claim behind flip="object": the mirrored picture from azimuth a shows the z-mirrored object from -a."""
    triangles = np.random.default_rng(0).uniform(-0.3, 0.3, (12, 3, 3))
    gray = np.full((12, 3), 180, np.float32)
    mirrored = triangles * [1, 1, -1]

    def alpha(shape: np.ndarray, azimuth: float) -> np.ndarray:
        surface = Surface(shape, gray, np.zeros((12, 3, 2)), np.full(12, -1))
        return render(surface, View(azimuth, 27, 0.8))[..., 3].astype(int)

    difference = np.abs(alpha(triangles, 70)[:, ::-1] - alpha(mirrored, -70))
    assert (difference > 30).mean() < 0.001
    agreement = np.flip(voxelize(triangles), 2) == voxelize(mirrored)
    assert agreement.mean() > 0.99


def test_view_flips_mirror_single_views_and_not_the_voxels() -> None:
    image = np.zeros((137, 137, 4), np.uint8)
    image[:, :68] = (255, 0, 0, 255)
    voxels = np.random.default_rng(0).random((32, 32, 32)) < 0.5
    views, kept = augment([Image.fromarray(image)] * 60, voxels, Augmentation(flip="view"), np.random.default_rng(0))
    red_left = views[:, 1, 60, 5] == 0
    assert 15 < red_left.sum() < 45
    assert (red_left != (views[:, 1, 60, -5] == 0)).all()
    np.testing.assert_array_equal(kept, voxels)


def test_object_flips_mirror_all_views_and_the_voxels() -> None:
    image = np.zeros((137, 137, 4), np.uint8)
    image[:, :68] = (255, 0, 0, 255)
    voxels = np.zeros((32, 32, 32), bool)
    voxels[3, 4, 5] = True
    seen = set()
    for seed in range(20):
        config = Augmentation(flip="object")
        views, turned = augment([Image.fromarray(image)] * 3, voxels, config, np.random.default_rng(seed))
        red_left = views[:, 1, 60, 5] == 0
        assert len(set(red_left)) == 1
        assert np.argwhere(turned).tolist() == [[3, 4, 5 if red_left[0] else 26]]
        seen.add(bool(red_left[0]))
    assert seen == {True, False}


def test_zoom_magnifies_about_the_centre() -> None:
    image = np.zeros((137, 137, 4), np.uint8)
    image[58:79, 58:79] = (255, 0, 0, 255)  # 21 pixels
    for zoom in (0.8, 1.25):
        config = Augmentation(flip="none", zoom=(zoom, zoom))
        view = augment([Image.fromarray(image)], np.zeros((2, 2, 2)), config, np.random.default_rng(0))[0][0]
        red = view[0].astype(int) - view[1] > 127
        assert abs(red.any(axis=0).sum() - 21 * zoom) <= 1
        assert abs(np.nonzero(red.any(axis=0))[0].mean() - 63) < 8


def test_a_zoom_and_its_inverse_are_equally_likely() -> None:
    image = np.zeros((137, 137, 4), np.uint8)
    image[58:79, 58:79] = (255, 0, 0, 255)
    config, rng = Augmentation(flip="none", zoom=(0.5, 2.0)), np.random.default_rng(0)
    views = augment([Image.fromarray(image)] * 300, np.zeros((2, 2, 2)), config, rng)[0].astype(int)
    sides = (views[:, 0] - views[:, 1] > 127).any(axis=1).sum(axis=1)
    assert 0.42 < (sides < 21).mean() < 0.58  # a third if the zoom were uniform


def test_some_backgrounds_are_any_colour_or_a_gradient_and_objects_move() -> None:
    image = np.zeros((137, 137, 4), np.uint8)
    image[64:73, 64:73] = (255, 0, 0, 255)
    config = Augmentation(flip="none", zoom=(0.99, 1.01), shift=8.0, backdrop=0.5)
    rng = np.random.default_rng(0)
    light, plain, gradients, columns = 0, 0, 0, []
    for _ in range(200):
        view = augment([Image.fromarray(image)], np.zeros((2, 2, 2)), config, rng)[0][0]
        view = view / 255
        corners = view[:, [0, 0, -1, -1], [0, -1, 0, -1]]
        even = np.ptp(corners, axis=1).max() < 0.02
        light += even and corners.min() >= 225 / 255
        plain += even and corners.min() < 225 / 255
        gradients += not even
        columns.append(np.nonzero((view[0] == 1) & (view[1] == 0))[1].mean())
    assert 70 < light < 130
    assert 25 < plain < 75
    assert 25 < gradients < 75
    assert 6 < np.max(np.abs(np.array(columns) - 63)) < 10


def test_colours_change_within_their_range_and_the_background_does_not() -> None:
    image = np.full((127, 127, 4), (128, 128, 128, 255), np.uint8)
    image[:, :40, :3] = 64
    image[:, 80:, 3] = 0
    rng, grounds, low, high = np.random.default_rng(0), [], [], []
    for amount in [0.0] + 100 * [0.25]:
        config = Augmentation(flip="none", color=amount)
        view = augment([Image.fromarray(image)], np.zeros((2, 2, 2)), config, rng)[0][0].astype(int)
        grounds.append(view[:, 60, 100])
        low.append(view[:, 60, 20])
        high.append(view[:, 60, 60])
    low, high = np.array(low), np.array(high)  # (101, 3)
    assert (low[0].tolist(), high[0].tolist()) == ([64] * 3, [128] * 3)
    assert np.min(grounds) >= 225
    assert high.min() < 90 < 170 < high.max()
    assert (low <= high).all()
    gain = np.exp(0.25 * 1.5)
    assert np.abs(high - 128).max() <= 128 * (gain - 1) * np.exp(0.25) + 0.25 * 128 + 1
    assert np.ptp(high[1:], axis=1).max() > 30  # each channel has its own gain
    spread = np.log((high - low)[1:].mean(axis=1) / 64)
    assert spread.min() < -0.4 < 0.4 < spread.max()  # gain and contrast; either alone reaches 0.38
