"""Loudspeakers: boxes, floor-standing, on stands, sound bars, cylinders, sets, horns. They face +X."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, finish, metal, neutral, paint, pick, vivid
from r2n2.data.procedural.primitives import (
    Part,
    ball,
    box,
    lathe,
    mirror,
    moved,
    prism,
    rod,
    rounded_box,
    torus,
    tube,
    turned,
)


def make(rng: np.random.Generator) -> list[Part]:
    styles = {_cabinet: 50, _tower: 17, _on_stand: 8, _set: 8, _bar: 6, _cylinder: 6, _desktop: 6, _sphere: 3}
    return pick(rng, styles)(rng)


def _cone(
    rng: np.random.Generator, x: float, y: float, z: float, radius: float, color: np.ndarray, out: bool
) -> list[Part]:
    """A driver in the plane x: a ring, a membrane, a dust cap. It protrudes or lies flat."""
    rise = radius * rng.uniform(0.08, 0.25) if out else radius * 0.02
    profile = np.array([[radius, -0.02 * radius], [radius, rise], [radius * 0.85, rise], [radius * 0.3, rise * 0.1]])
    return [
        lathe(profile, color, "x", 18, (x, y, z)),
        lathe(np.array([[radius * 0.8, 0], [radius * 0.25, rise * 0.5]]), color * 1.4, "x", 16, (x, y, z)),
        ball((rise + 0.02 * radius, radius * 0.5, radius * 0.5), (x + rise * 0.4, y, z), neutral(rng), 8),
    ]


def _drivers(rng: np.random.Generator, x: float, tall: float, wide: float) -> list[Part]:
    """Cones up the front of a box that stands on y = 0, often smaller towards the top."""
    color, out, parts = dark(rng) if chance(rng, 0.8) else paint(rng), chance(rng, 0.6), []
    if chance(rng, 0.12):  # behind a grille
        return [box((0.03, tall * 0.92, wide * 0.9), (x, tall / 2, 0), dark(rng))]
    radius, y, gap = wide * rng.uniform(0.3, 0.45), 0.0, wide * rng.uniform(0.03, 0.08)
    most = int(rng.integers(1, 6))
    while most and y + gap * 2 + radius * 2 < tall:
        y += gap + radius
        parts += _cone(rng, x, y, 0, radius, color, out)
        y, most = y + radius, most - 1
        if chance(rng, 0.65):
            radius *= rng.uniform(0.4, 0.8)
    shift = (tall - y) * rng.uniform(0.2, 0.8)
    parts = moved(parts, y=shift)
    if shift > wide * 0.2 and chance(rng, 0.4):
        parts.append(box((0.02, wide * 0.08, wide * 0.5), (x, shift * 0.45, 0), dark(rng)))
    return parts


def _box(rng: np.random.Generator, depth: float, tall: float, wide: float, color: np.ndarray) -> list[Part]:
    """A cabinet that stands on y = 0: a box, a rounded box, one tapered to the back or the top, or a wedge."""
    kind = pick(rng, {"box": 40, "round": 25, "back": 12, "top": 12, "wedge": 11})
    if kind == "box":
        return [box((depth, tall, wide), (0, tall / 2, 0), color)]
    if kind == "round":
        return [rounded_box((depth, tall, wide), (0, tall / 2, 0), min(depth, wide) * rng.uniform(0.05, 0.35), color)]
    if kind == "back":
        narrow = rng.uniform(0.4, 0.85)
        plan = np.array(
            [
                [depth / 2, -wide / 2],
                [depth / 2, wide / 2],
                [-depth / 2, wide / 2 * narrow],
                [-depth / 2, -wide / 2 * narrow],
            ]
        )
        return [prism(plan, tall, color, normal="y").moved(y=tall / 2)]
    lean = depth * rng.uniform(0.1, 0.4)
    side = [
        [-depth / 2, 0],
        [depth / 2, 0],
        [depth / 2 - lean * (kind == "wedge") * 0.3, tall],
        [-depth / 2 + lean, tall],
    ]
    return [prism(np.array(side), wide, color, bevel=wide * 0.03)]


def _cabinet(rng: np.random.Generator) -> list[Part]:
    wide, color = 1.0, finish(rng) if chance(rng, 0.5) else dark(rng)
    tall, depth = rng.uniform(0.6, 2.3), rng.uniform(0.5, 1.3)
    parts = _box(rng, depth, tall, wide, color)
    parts += _drivers(rng, depth / 2, tall, wide)
    if chance(rng, 0.2):
        parts += [
            box((depth * 0.1, tall * 0.08, wide * 0.1), (sx * depth * 0.4, -tall * 0.04, sz * wide * 0.4), dark(rng))
            for sx in (-1, 1)
            for sz in (-1, 1)
        ]
    if chance(rng, 0.1):
        bend = np.array(
            [
                [0, tall, -wide * 0.3],
                [0, tall * 1.12, -wide * 0.25],
                [0, tall * 1.12, wide * 0.25],
                [0, tall, wide * 0.3],
            ]
        )
        parts.append(tube(bend, 0.035, metal(rng), 6))
    return parts


def _tower(rng: np.random.Generator) -> list[Part]:
    wide, depth, tall = rng.uniform(0.18, 0.32), rng.uniform(0.2, 0.45), 1.0
    color = finish(rng)
    parts = _box(rng, depth, tall, wide, color) + _drivers(rng, depth / 2, tall, wide)
    if chance(rng, 0.6):
        parts.append(
            rounded_box(
                (depth * rng.uniform(1.05, 1.5), 0.04, wide * rng.uniform(1.1, 1.8)), (0, 0, 0), 0.015, dark(rng)
            )
        )
    return parts


def _on_stand(rng: np.random.Generator) -> list[Part]:
    wide, depth, tall, high = rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.4), rng.uniform(0.3, 0.6), rng.uniform(0.4, 1.0)
    color, trim = finish(rng), dark(rng)
    parts = moved(_box(rng, depth, tall, wide, color) + _drivers(rng, depth / 2, tall, wide), y=high)
    if chance(rng, 0.35):
        for angle in (0, 120, 240):
            parts.append(rod((0, high * 0.45, 0), (0.3, 0, 0), 0.02, trim).turned("y", angle))
        return [*parts, rod((0, high * 0.3, 0), (0, high, 0), 0.025, trim)]
    posts = [
        rod((0, 0, z), (0, high, z), rng.uniform(0.02, 0.06), trim)
        for z in ((0.0,) if chance(rng, 0.6) else (-wide * 0.3, wide * 0.3))
    ]
    return [
        *parts,
        *posts,
        box((depth * 1.1, 0.03, wide * 1.2), (0, 0.015, 0), trim),
        box((depth * 0.8, 0.02, wide * 0.9), (0, high - 0.01, 0), trim),
    ]


def _set(rng: np.random.Generator) -> list[Part]:
    """A subwoofer with satellites, or a pair."""
    color = dark(rng) if chance(rng, 0.6) else finish(rng)
    wide, depth, tall = rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.4), rng.uniform(0.35, 1.0)
    apart = rng.uniform(0.3, 0.7)
    one = _box(rng, depth, tall, wide, color) + _drivers(rng, depth / 2, tall, wide)
    parts = [part.moved(z=side * apart) for side in (-1, 1) for part in one]
    if chance(rng, 0.7):
        size, deep = (apart - wide / 2) * 2 * rng.uniform(0.6, 0.9), rng.uniform(0.4, 0.7)
        high = size * rng.uniform(0.7, 1.3)
        parts += _box(rng, deep, high, size, color) + _drivers(rng, deep / 2, high, size)
    return parts


def _bar(rng: np.random.Generator) -> list[Part]:
    wide, depth, tall, color = (
        rng.uniform(2.2, 5.5),
        rng.uniform(0.3, 0.6),
        rng.uniform(0.25, 0.55),
        dark(rng) if chance(rng, 0.7) else paint(rng),
    )
    if chance(rng, 0.4):
        parts = [rod((0, tall / 2, -wide / 2), (0, tall / 2, wide / 2), tall / 2, color, sides=16)]
    else:
        parts = [rounded_box((depth, tall, wide), (0, tall / 2, 0), tall * rng.uniform(0.05, 0.45), color)]
    count = int(rng.integers(2, 7))
    for z in np.linspace(-0.43, 0.43, count) * wide:
        parts += _cone(rng, depth * 0.46, tall / 2, z, tall * 0.36, color * 1.2, True)
    if chance(rng, 0.3):
        parts += mirror([box((depth * 0.8, 0.1, 0.1), (0, -0.05, wide * 0.4), dark(rng))])
    return parts


def _cylinder(rng: np.random.Generator) -> list[Part]:
    color, r, tall = vivid(rng) if chance(rng, 0.5) else neutral(rng), 0.5, rng.uniform(0.5, 2.4)
    top = r * rng.uniform(0.6, 1.05)
    parts = [lathe(np.array([[r * 0.95, 0], [r, 0.06], [top, tall - 0.08], [top * 0.9, tall]]), color, sides=24)]
    parts.append(torus(r * 0.97, 0.04, dark(rng), at=(0, tall * 0.12, 0)))
    if chance(rng, 0.3):  # lying along z
        return [part.turned("x", 90) for part in parts]
    if chance(rng, 0.4):
        parts += [part.turned("z", 90).moved(y=tall - 0.02) for part in _cone(rng, 0, 0, 0, top * 0.7, dark(rng), True)]
    return parts + (_cone(rng, r * 0.9, tall * 0.6, 0, r * 0.35, dark(rng), True) if chance(rng, 0.4) else [])


def _desktop(rng: np.random.Generator) -> list[Part]:
    """Slim computer speakers on a foot, leaning back."""
    wide, tall, depth, color = rng.uniform(0.25, 0.5), 1.0, rng.uniform(0.15, 0.4), neutral(rng)
    panel = [
        rounded_box((depth, tall, wide), (0, tall / 2, 0), min(wide, depth) * 0.3, color),
        *_drivers(rng, depth / 2, tall, wide),
    ]
    parts = moved(turned(panel, "z", rng.uniform(5, 18)), y=0.06)
    foot = lathe(np.array([[wide * 0.8, 0], [wide * 0.75, 0.06], [wide * 0.3, 0.1]]), dark(rng))
    return (
        [*parts, foot] if chance(rng, 0.7) else [*parts, box((wide * 1.4, 0.06, wide * 1.2), (0, 0.03, 0), dark(rng))]
    )


def _sphere(rng: np.random.Generator) -> list[Part]:
    color = paint(rng)
    parts = [ball((1, rng.uniform(0.8, 1.2), rng.uniform(0.8, 1.1)), (0, 0.6, 0), color, 20)]
    parts += _cone(rng, 0.44, 0.6, 0, 0.26, dark(rng), True)
    if chance(rng, 0.5):  # a horn of an old gramophone or a megaphone
        flare = np.array([[0.04, -0.5], [0.08, 0.1], [0.25, 0.45], [0.5, 0.6], [0.46, 0.6], [0.05, 0.0]])
        parts = [
            lathe(flare, color, "x", 20, (0, 0.6, 0)),
            box((0.4, 0.2, 0.4), (-0.35, 0.1, 0), dark(rng)),
            rod((-0.35, 0.1, 0), (-0.45, 0.6, 0), 0.05, metal(rng)),
        ]
        return parts
    return [*parts, lathe(np.array([[0.35, 0], [0.3, 0.06], [0.08, 0.2]]), dark(rng))]
