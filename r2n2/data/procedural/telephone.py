"""Telephones, upright, screen towards +X."""

import numpy as np

from r2n2.data.procedural.parts import DARK, GLASS, STEEL, Parts, paint


def telephone(rng: np.random.Generator) -> Parts:
    """Upright, screen towards +X: smartphones, candy bars, flip and slider phones, handsets; and desk phones."""
    parts, color = Parts(), paint(rng)
    kind = rng.choice(["slab", "bar", "flip", "slider", "handset", "desk"], p=[0.35, 0.25, 0.12, 0.1, 0.1, 0.08])
    wide, tall = rng.uniform(0.4, 0.58), 1.0
    thick = rng.uniform(0.06, 0.11) if kind == "slab" else rng.uniform(0.12, 0.26)
    if kind == "desk":
        parts.box((0, 0.1, 0), (0.9, 0.2, rng.uniform(0.7, 1.0)), color, pitch=-rng.uniform(0.1, 0.3))
        z = -rng.uniform(0.2, 0.3)
        parts.box((0, 0.32, z), (0.9, 0.1, 0.18), color)
        for x in (-0.36, 0.36):
            parts.box((x, 0.24, z), (0.2, 0.16, 0.2), color)
        return parts
    if kind == "flip" and rng.random() < 0.6:  # open
        angle = rng.uniform(0.2, 0.6)
        parts.box((0, 0.25, 0), (thick, 0.5, wide), color)
        parts.box((0.25 * np.sin(angle), 0.5 + 0.25 * np.cos(angle), 0), (thick * 0.8, 0.5, wide), color, pitch=-angle)
        parts.box((thick * 0.51, 0.25, 0), (0.01, 0.38, wide * 0.8), STEEL)
        return parts
    round_off = rng.uniform(0.15, 0.6)
    bulge = rng.uniform(0.85, 1.0)
    parts.loft(
        [
            (0, 0, thick * bulge, wide * bulge),
            (0.06, 0, thick, wide),
            (0.5, 0, thick, wide * rng.uniform(0.92, 1)),
            (0.94, 0, thick, wide),
            (1, 0, thick * bulge, wide * bulge),
        ],
        color,
        round_off,
        axis="y",
    )
    screen = (0.1, 0.92) if kind == "slab" else (rng.uniform(0.42, 0.6), 0.88)
    parts.box((thick / 2, sum(screen) / 2, 0), (0.02, screen[1] - screen[0], wide * 0.84), GLASS)
    if kind == "slider":
        shift = rng.uniform(0.2, 0.4)
        parts.box((-thick * 0.6, 0.5 - shift, 0), (thick * 0.6, 0.9, wide * 0.98), paint(rng))
    if kind in ("bar", "handset"):
        for y in np.linspace(0.1, 0.36, 4):
            for z in (-0.28, 0, 0.28):
                parts.box((thick / 2 + 0.01, y, z * wide), (0.03, 0.04, wide * 0.2), STEEL)
    if kind == "handset" or rng.random() < 0.1:
        side = rng.choice([-1, 1]) * wide * 0.35
        parts.tube((-thick * 0.2, 0.95, side), (-thick * 0.2, tall + rng.uniform(0.08, 0.4), side), 0.035, DARK)
    return parts
