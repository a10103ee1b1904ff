"""Loudspeakers, cones towards +X."""

import numpy as np

from r2n2.data.procedural.parts import DARK, Parts, paint, wood


def speaker(rng: np.random.Generator) -> Parts:
    """Boxes on the shelf or the floor, on stands, soundbars, columns and horns; cones towards +X."""
    parts = Parts()
    color = wood(rng) if rng.random() < 0.4 else paint(rng)
    kind = rng.choice(["box", "tower", "bar", "round", "stand", "wedge"], p=[0.36, 0.26, 0.08, 0.1, 0.12, 0.08])
    tall, wide, deep = rng.uniform(0.8, 1.5), rng.uniform(0.5, 1.0), rng.uniform(0.45, 1.0)
    low = 0.0
    if kind == "tower":
        tall, wide, deep = rng.uniform(2.2, 4.2), rng.uniform(0.5, 0.9), rng.uniform(0.6, 1.1)
    if kind == "bar":
        tall, wide, deep = rng.uniform(0.3, 0.6), rng.uniform(2.5, 5), rng.uniform(0.3, 0.6)
    if kind == "stand":
        low = rng.uniform(1.2, 2.5)
        parts.tube((0, 0, 0), (0, low, 0), rng.uniform(0.05, 0.12), DARK)
        parts.box((0, 0.04, 0), (deep * 1.1, 0.08, wide * 1.1), DARK)
    if kind == "round":
        r = rng.uniform(0.35, 0.6)
        parts.loft(
            [
                (0, 0, 1.6 * r, 1.6 * r),
                (0.1, 0, 2 * r, 2 * r),
                (tall, 0, 2 * r * rng.uniform(0.5, 1), 2 * r * rng.uniform(0.5, 1)),
            ],
            color,
            1.0,
            axis="y",
        )
        return parts
    if kind == "wedge":
        parts.loft([(0, 0, deep, wide), (tall, -deep * 0.25, deep * 0.5, wide)], color, 0.15, axis="y")
    else:
        curve = rng.uniform(0.02, 0.25)
        parts.loft([(low, 0, deep, wide), (low + tall, 0, deep, wide)], color, curve, axis="y")
    cones = int(rng.integers(1, 4)) if kind != "tower" else int(rng.integers(2, 6))
    if kind == "bar":
        return parts
    for number in range(cones):
        y = low + tall * (number + 0.5) / cones
        r = min(wide * 0.42, tall / cones * 0.42) * rng.uniform(0.6, 1.0)
        x = deep / 2 - (deep * 0.25 * y / tall if kind == "wedge" else 0)
        parts.tube((x - 0.02, y, 0), (x + rng.uniform(0.01, 0.06), y, 0), r, DARK, r * 0.85)
    return parts
