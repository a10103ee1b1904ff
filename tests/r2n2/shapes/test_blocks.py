"""The surface of cubes is one closed sheet, exact and without needless triangles, however the cubes touch."""

import numpy as np
import pytest
import trimesh
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from r2n2.shapes.blocks import block_surface


def sheets_at_vertices(triangles: np.ndarray) -> int:
    """The number of triangle fans around all vertices; equal to the number of vertices if the surface is a manifold."""
    owners: dict[tuple[int, int], list[int]] = {}
    corner = {}
    for number, triangle in enumerate(triangles.tolist()):
        for place, vertex in enumerate(triangle):
            corner[number, vertex] = 3 * number + place
            edge = tuple(sorted((vertex, triangle[place - 1])))
            owners.setdefault(edge, []).append(number)
    assert {len(faces) for faces in owners.values()} == {2}
    pairs = np.array([(corner[a, v], corner[b, v]) for edge, (a, b) in owners.items() for v in edge])
    links = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(3 * len(triangles),) * 2)
    return connected_components(links, directed=False)[0]


def assert_good(voxels: np.ndarray) -> trimesh.Trimesh:
    vertices, triangles = block_surface(voxels)
    mesh = trimesh.Trimesh(vertices, triangles, process=False)
    assert mesh.is_watertight  # each edge belongs to two triangles: a T-junction would leave edges with one
    assert mesh.is_winding_consistent
    assert sheets_at_vertices(triangles) == len(vertices)
    assert mesh.area_faces.min() > 1e-4
    assert np.isclose(mesh.volume, voxels.sum(), rtol=5e-3)
    assert len(trimesh.Trimesh(vertices, triangles, process=True).vertices) == len(vertices)  # no two coincide
    return mesh


def test_the_surface_is_closed_for_every_filling_of_2x2x2_voxels() -> None:
    for code in range(1, 256):
        assert_good((code >> np.arange(8) & 1).astype(bool).reshape(2, 2, 2))


@pytest.mark.parametrize("seed", range(12))
def test_the_surface_of_noise_is_closed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert_good(rng.random((5, 6, 7)) < rng.uniform(0.05, 0.95))


def test_the_surface_is_exact_if_it_does_not_touch_itself() -> None:
    heights = np.random.default_rng(0).integers(1, 6, (6, 7))
    heights = np.maximum.accumulate(np.maximum.accumulate(heights, 0), 1)  # a slope nowhere touches itself
    voxels = np.arange(6) < heights[..., None]
    mesh = assert_good(voxels)
    assert np.isclose(mesh.volume, voxels.sum(), rtol=1e-12)
    faces = sum(np.count_nonzero(np.diff(np.pad(voxels, 1).astype(int), axis=axis)) for axis in range(3))
    assert np.isclose(mesh.area, faces)
    np.testing.assert_array_equal(mesh.vertices, mesh.vertices.round())


def test_faces_in_one_plane_are_merged() -> None:
    voxels = np.zeros((32, 32, 32), bool)
    voxels[4:12, 10:14, 20:32] = True
    mesh = assert_good(voxels)
    assert len(mesh.faces) == 12
    np.testing.assert_array_equal(mesh.bounds, [[4, 10, 20], [12, 14, 32]])
    voxels[6:8, 14, 24:28] = True  # a knob on top adds five faces and splits the top around it into four
    assert len(assert_good(voxels).faces) <= 12 + 5 * 2 + 3 * 2 + 12


def test_cubes_that_share_only_an_edge_are_kept_slightly_apart() -> None:
    voxels = np.zeros((2, 2, 1), bool)
    voxels[0, 0] = voxels[1, 1] = True
    mesh = assert_good(voxels)
    assert len(mesh.split()) == 2
    for body in mesh.split():
        np.testing.assert_allclose(np.ptp(body.bounds, axis=0), 1, atol=1.1e-3)
