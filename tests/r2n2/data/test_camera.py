"""The camera: where known points land, and its agreement with what the renderer draws."""

import numpy as np

from r2n2.data.camera import View, draw_views, project, voxel_centres


def test_the_origin_lands_in_the_middle_of_every_view() -> None:
    for view in draw_views(5, np.random.default_rng(0)):
        pixel, depth = project(np.zeros(3), view)
        np.testing.assert_allclose(pixel, [68.5, 68.5], atol=1e-9)
        assert np.isclose(depth, 1.75 * view.ratio)


def test_a_level_camera_at_azimuth_0_sees_y_up_and_minus_z_to_the_right() -> None:
    """From azimuth 0 the camera sits on +x and looks along -x: y is up and -z is to the right."""
    view = View(azimuth=0, elevation=0, ratio=1 / 1.75)
    up, _ = project(np.array([0, 0.1, 0]), view)
    right, _ = project(np.array([0, 0, -0.1]), view)
    focal = 137 * 35 / 32
    np.testing.assert_allclose(up, [68.5, 68.5 - 0.1 * focal])
    np.testing.assert_allclose(right, [68.5 + 0.1 * focal, 68.5])
    assert project(np.array([0.5, 0, 0]), view)[1] == 0.5


def test_azimuth_turns_from_x_towards_z() -> None:
    np.testing.assert_allclose(View(90, 0, 1 / 1.75).axes()[1], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(View(0, 90 - 1e-9, 1 / 1.75).axes()[1], [0, 1, 0], atol=1e-7)


def test_rotation_is_orthonormal() -> None:
    rotation, _ = View(123, 28, 0.8).axes()
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)


def test_views_are_drawn_in_the_published_ranges() -> None:
    views = draw_views(200, np.random.default_rng(0))
    for name, low, high in (("azimuth", 0, 360), ("elevation", 25, 30), ("ratio", 0.65, 0.95)):
        values = np.array([getattr(view, name) for view in views])
        assert low <= values.min() < low + 0.1 * (high - low) < high - 0.1 * (high - low) < values.max() <= high


def test_metadata_survives_a_round_trip() -> None:
    view = View(12.25, 27.5, 0.8125)
    assert View.from_metadata(view.metadata()) == view
    assert view.metadata().split()[2::2] == ["0", "25"]


def test_voxel_centres_fill_the_centred_cube() -> None:
    centres = voxel_centres(32, scale=0.5)
    np.testing.assert_allclose(centres[0, 0, 31], [-0.5 * 31 / 64, -0.5 * 31 / 64, 0.5 * 31 / 64])
