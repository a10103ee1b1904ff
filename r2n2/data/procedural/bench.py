"""Benches, wide along Z, backs at -X."""

import numpy as np

from r2n2.data.procedural.parts import STEEL, Color, Parts, paint, wood


def bench(rng: np.random.Generator) -> Parts:
    """Park benches with slats or solid, backs, arms, legs of wood, metal or stone; picnic tables."""
    parts = Parts()
    color = wood(rng) if rng.random() < 0.6 else paint(rng)
    metal = paint(rng) if rng.random() < 0.5 else STEEL
    wide, deep, high = rng.uniform(1.0, 2.2), rng.uniform(0.32, 0.55), rng.uniform(0.38, 0.5)
    thick = rng.uniform(0.03, 0.1)
    if rng.random() < 0.1:
        _picnic_table(parts, rng, wide, color)
        return parts
    slats = int(rng.integers(1, 6))
    gap = deep / slats
    for number in range(slats):
        x = -deep / 2 + (number + 0.5) * gap
        parts.box((x, high, 0), (gap * (0.75 if slats > 1 else 1.0), thick, wide), color)
    if rng.random() < 0.65:
        tall, lean = rng.uniform(0.3, 0.55), rng.uniform(0.0, 0.15)
        rows = int(rng.integers(1, 5))
        upright = rng.random() < 0.25
        for number in range(rows) if not upright else ():
            share = (number + 0.7) / rows
            x = -deep / 2 - lean * share
            parts.box((x, high + tall * share, 0), (thick * 0.8, tall / rows * rng.uniform(0.5, 0.95), wide), color)
        if upright:
            parts.box((-deep / 2 - lean, high + tall, 0), (thick, 0.06, wide), color)
            for z in np.linspace(-wide / 2 + 0.05, wide / 2 - 0.05, int(rng.integers(6, 14))):
                parts.tube((-deep / 2, high, z), (-deep / 2 - lean, high + tall, z), 0.018, color)
        for z in (-wide * 0.46, wide * 0.46):
            parts.tube((-deep / 2, high, z), (-deep / 2 - lean, high + tall, z), 0.025, metal)
    if rng.random() < 0.5:
        arm = high + rng.uniform(0.17, 0.26)
        for z in (-wide * 0.48, wide * 0.48):
            parts.box((0, arm, z), (deep * 0.95, 0.04, 0.06), metal)
            parts.box((deep * 0.42, (high + arm) / 2, z), (0.05, arm - high, 0.05), metal)
            parts.box((-deep * 0.45, (high + arm) / 2, z), (0.05, arm - high, 0.05), metal)
    _bench_legs(parts, rng, wide, deep, high, metal if rng.random() < 0.6 else color)
    return parts


def _bench_legs(parts: Parts, rng: np.random.Generator, wide: float, deep: float, high: float, color: Color) -> None:
    kind = rng.choice(["four", "panel", "frame", "block"])
    inset = wide * rng.uniform(0.36, 0.48)
    if kind == "block":
        for z in (-inset * 0.85, inset * 0.85):
            parts.box((0, high / 2, z), (deep * 0.8, high, rng.uniform(0.1, 0.3)), color)
    for z in (-inset, inset):
        if kind == "panel":
            parts.box((0, high / 2, z), (deep * 0.9, high, 0.05), color)
        elif kind == "frame":
            parts.path(
                [
                    (-deep * 0.45, 0.02, z),
                    (-deep * 0.4, high, z),
                    (deep * 0.4, high, z),
                    (deep * 0.45, 0.02, z),
                    (-deep * 0.45, 0.02, z),
                ],
                0.025,
                color,
            )
        elif kind == "four":
            size = rng.uniform(0.03, 0.09)
            for x in (-deep * 0.4, deep * 0.4):
                parts.box((x, high / 2, z), (size, high, size), color)
    if kind != "block" and rng.random() < 0.4:
        parts.box((0, high * 0.3, 0), (0.04, 0.05, 2 * inset), color)


def _picnic_table(parts: Parts, rng: np.random.Generator, wide: float, color: Color) -> None:
    parts.box((0, 0.75, 0), (0.7, 0.05, wide), color)
    for x in (-0.62, 0.62):
        parts.box((x, 0.44, 0), (0.26, 0.05, wide), color)
    for z in (-wide * 0.38, wide * 0.38):
        for x in (-1, 1):
            parts.tube((x * 0.2, 0.73, z), (x * 0.62, 0, z), 0.045, color)
        parts.box((0, 0.42, z), (1.4, 0.09, 0.05), color)
