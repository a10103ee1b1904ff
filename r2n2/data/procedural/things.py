"""Benches, telephones, loudspeakers and rifles, front along +X."""

import numpy as np

from r2n2.data.procedural.parts import DARK, GLASS, STEEL, Color, Parts, paint, wood


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
