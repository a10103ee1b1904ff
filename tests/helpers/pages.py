"""Pages made without a network: a ball that grows from view to view."""

from collections.abc import Sequence

import numpy as np

from r2n2.shapes.page import page

EVIL = (
    "<script>window.evil = 1</script>.jpg",
    "</script><img src=x onerror='window.evil = 1'>.jpg",
    '"><b onmouseover="window.evil = 1">.jpg',
    "<!--<script>.jpg",
    "&lt;i&gt;\u2028{{script}}.jpg",
)


def growing_ball(count: int) -> np.ndarray:
    """Occupancy (count, 32, 32, 32): 0.5 at a radius of 6, 9, 12, ... voxels, falling by 0.1 a voxel."""
    axis = np.arange(32) - 15.5
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    radii = 6 + 3 * np.arange(count) % 9
    return (0.5 + (radii[:, None, None, None] - radius) / 10).clip(0, 1).astype(np.float32)


def page_of(steps: np.ndarray, names: Sequence[str] = (), title: str = "ball", style: str = "smooth") -> str:
    """The page of steps (T, N, N, N), with plain views and gates that rise along x, y and z in turn."""
    count = len(steps)
    ramp = np.linspace(0.2, 0.6, 4)[:, None, None] * np.ones((4, 4, 4))
    gates = np.stack([np.moveaxis(ramp, 0, number % 3) for number in range(count)])
    views = np.full((count, 3, 127, 127), 0.9, np.float32)
    views[:, :, 40:90, 40:90] = np.linspace(0.2, 0.8, count)[:, None, None, None]
    named = [*names, *(f"view{number}.jpg" for number in range(len(names), count))]
    return page(title, named, views, steps, gates, "What a view wrote.", 0.4, style)
