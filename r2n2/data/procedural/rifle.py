"""Rifles and pistols, muzzle along +X."""

import numpy as np

from r2n2.data.procedural.parts import DARK, Parts, wood


def rifle(rng: np.random.Generator) -> Parts:
    """Assault, hunting and sniper rifles, shotguns, submachine guns, pistols; muzzle towards +X."""
    parts = Parts()
    furniture = (
        wood(rng) if rng.random() < 0.4 else tuple(float(v) for v in rng.uniform(25, 70) + rng.uniform(-8, 8, 3))
    )
    metal = tuple(float(v) for v in rng.uniform(30, 110) + rng.uniform(-5, 5, 3))
    kind = rng.choice(["assault", "hunting", "sniper", "smg", "pistol"], p=[0.4, 0.22, 0.15, 0.13, 0.1])
    wide = rng.uniform(0.05, 0.08)
    if kind == "pistol":
        parts.box((0.1, 0.3, 0), (0.95, 0.18, wide * 1.6), metal)
        parts.box((-0.27, 0.08, 0), (0.22, 0.5, wide * 1.6), furniture, pitch=-rng.uniform(0.1, 0.35))
        parts.path([(-0.1, 0.2, 0), (-0.05, 0.08, 0), (0.12, 0.08, 0), (0.15, 0.2, 0)], 0.02, metal)
        return parts
    receiver = rng.uniform(0.4, 0.6) if kind != "hunting" else rng.uniform(0.3, 0.4)
    deep = rng.uniform(0.11, 0.16)
    barrel = {"assault": 0.75, "hunting": 1.3, "sniper": 1.2, "smg": 0.3}[kind] * rng.uniform(0.75, 1.2)
    parts.box((0, 0, 0), (receiver, deep, wide), metal)
    parts.tube((receiver / 2, deep * 0.15, 0), (receiver / 2 + barrel, deep * 0.15, 0), rng.uniform(0.018, 0.03), metal)
    if kind == "hunting" and rng.random() < 0.4:
        parts.tube((receiver / 2, -deep * 0.2, 0), (receiver / 2 + barrel * 0.9, -deep * 0.2, 0), 0.026, metal)
    guard = barrel * rng.uniform(0.35, 0.65)
    parts.box((receiver / 2 + guard / 2, 0, 0), (guard, deep * rng.uniform(0.6, 0.95), wide * 1.1), furniture)
    stock = rng.uniform(0.45, 0.65) if kind != "smg" else rng.uniform(0.25, 0.45)
    drop = rng.uniform(0.02, 0.16)
    back = -receiver / 2
    if rng.random() < 0.2 and kind in ("assault", "smg"):  # skeleton
        parts.path(
            [
                (back, deep * 0.2, 0),
                (back - stock, deep * 0.1, 0),
                (back - stock, -deep * 1.2, 0),
                (back, -deep * 0.3, 0),
            ],
            0.025,
            metal,
        )
    else:
        parts.loft(
            [
                (back - stock, -drop - deep * 0.2, deep * rng.uniform(1.2, 1.9), wide),
                (back - stock * 0.4, -drop * 0.5, deep * 0.8, wide * 0.9),
                (back + 0.03, -deep * 0.1, deep * 0.75, wide * 0.9),
            ],
            furniture,
            0.3,
        )
    if kind in ("assault", "smg") or rng.random() < 0.3:
        parts.box(
            (back + 0.1, -deep * 1.1, 0), (0.1, deep * 1.7, wide * 0.9), furniture, pitch=-rng.uniform(0.15, 0.45)
        )
    if kind in ("assault", "smg") or rng.random() < 0.3:
        long = rng.uniform(0.18, 0.36)
        place = receiver * rng.uniform(0.1, 0.4) if rng.random() < 0.85 else back - 0.12
        bend = rng.uniform(0, 0.4)
        parts.box((place, -deep / 2 - long * 0.3, 0), (0.12, long * 0.7, wide * 0.7), metal, pitch=bend * 0.5)
        parts.box(
            (place + bend * 0.12, -deep / 2 - long * 0.8, 0), (0.12, long * 0.55, wide * 0.7), metal, pitch=bend * 1.3
        )
    if kind == "sniper" or rng.random() < 0.3:
        y = deep * 1.05
        parts.tube((-receiver * 0.4, y, 0), (receiver * rng.uniform(0.3, 0.8), y, 0), rng.uniform(0.03, 0.045), DARK)
        parts.box((0, deep * 0.7, 0), (0.05, deep * 0.6, wide * 0.5), metal)
    elif rng.random() < 0.5:
        parts.box((receiver / 2 + barrel * 0.9, deep * 0.5, 0), (0.03, deep * 0.7, 0.02), metal)
    if kind == "sniper" and rng.random() < 0.6:
        for side in (-1, 1):
            parts.tube(
                (receiver / 2 + guard, -deep * 0.3, 0),
                (receiver / 2 + guard + 0.05, -deep * 2.6, side * 0.12),
                0.015,
                metal,
            )
    return parts
