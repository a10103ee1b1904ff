"""Telephones: bars, smartphones, flip and slider phones upright with the screen to +X; desk and wall telephones."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, glass, metal, neutral, paint, pick
from r2n2.data.procedural.primitives import (
    Part,
    box,
    lathe,
    loft,
    prism,
    rod,
    round_outline,
    rounded_box,
    torus,
    tube,
    turned,
)


def make(rng: np.random.Generator) -> list[Part]:
    styles = {_smartphone: 27, _bar: 27, _flip: 17, _slider: 8, _keyboard_phone: 6, _desk: 11, _cordless: 4}
    return pick(rng, styles)(rng)


def _shell(
    rng: np.random.Generator, thick: float, tall: float, wide: float, color: np.ndarray, square: float = 0.0
) -> Part:
    """A phone's body: a rounded outline seen from the front, with softened edges, sometimes waisted."""
    radius = wide * (square if square else rng.uniform(0.03, 0.45))
    outline = round_outline(wide, tall, radius, 5)
    waist = rng.uniform(-0.06, 0.1) * (chance(rng, 0.4))
    outline[:, 0] *= 1 - waist * np.cos(np.pi * outline[:, 1] / tall)
    taper = 1 - rng.uniform(0, 0.12) * chance(rng, 0.4)
    outline[:, 0] *= 1 + (taper - 1) * (0.5 - outline[:, 1] / tall)
    soft = min(thick * rng.uniform(0.1, 0.48), wide * 0.2)
    rings = []
    for x, inset in ((-1, soft), (-0.6, soft * 0.25), (0, 0), (0.6, soft * 0.25), (1, soft)):
        scale = [1 - 2 * inset / wide, 1 - 2 * inset / tall]
        flat = outline * scale
        rings.append(np.column_stack([np.full(len(flat), x * thick / 2), flat[:, 1], flat[:, 0]]))
    return loft(np.array(rings), color)


def _keys(rng: np.random.Generator, x: float, low: float, high: float, wide: float, color: np.ndarray) -> list[Part]:
    rows, columns = int(rng.integers(3, 6)), 3
    fill, keys = rng.uniform(0.6, 0.85), []
    for row in range(rows):
        for column in range(columns):
            y, z = low + (row + 0.5) * (high - low) / rows, (column - 1) * wide / columns
            keys.append(box((0.004, (high - low) / rows * fill, wide / columns * fill), (x, y, z), color))
    return keys


def _screen(x: float, y: float, tall: float, wide: float, color: np.ndarray) -> Part:
    return box((0.004, tall, wide), (x, y, 0), color)


def _antenna(rng: np.random.Generator, tall: float, wide: float, thick: float, color: np.ndarray) -> list[Part]:
    z, long, r = (
        wide * 0.35 * rng.choice([-1, 1]),
        tall * rng.uniform(0.06, 0.4),
        min(thick * 0.3, 0.06) * rng.uniform(0.7, 1),
    )
    return [rod((0, tall / 2 - 0.05, z), (0, tall / 2 + long, z), r, color, r * 0.8)]


def _smartphone(rng: np.random.Generator) -> list[Part]:
    wide, thick = rng.uniform(0.45, 0.68), rng.uniform(0.05, 0.14)
    color, front = neutral(rng) if chance(rng, 0.7) else paint(rng), dark(rng)
    parts = [_shell(rng, thick, 1, wide, color, rng.uniform(0.03, 0.22))]
    tall = rng.uniform(0.7, 0.93)
    y = rng.uniform(-0.02, 0.06)
    parts.append(
        _screen(
            thick / 2,
            y * (tall < 0.85),
            tall,
            wide * rng.uniform(0.84, 0.95),
            glass(rng) if chance(rng, 0.4) else front,
        )
    )
    if tall < 0.82:
        parts.append(lathe(np.array([[0.045, 0], [0.04, 0.006]]), metal(rng), "x", 12, (thick / 2 - 0.002, -0.45, 0)))
    if chance(rng, 0.5):
        size = rng.uniform(0.06, 0.14)
        parts.append(
            rounded_box(
                (0.03, size * rng.uniform(1, 2), size),
                (-thick / 2, 0.36, wide * 0.25 * rng.integers(-1, 2)),
                0.01,
                front,
            )
        )
    if chance(rng, 0.1):  # a stand or a dock under it
        parts.append(rounded_box((0.3, 0.1, wide * 0.8), (0, -0.52, 0), 0.04, dark(rng)))
    return parts


def _bar(rng: np.random.Generator) -> list[Part]:
    wide, thick = rng.uniform(0.32, 0.52), rng.uniform(0.1, 0.28)
    color, trim = paint(rng), neutral(rng)
    parts = [_shell(rng, thick, 1, wide, color)]
    split = rng.uniform(-0.1, 0.1)
    parts.append(
        _screen(
            thick / 2,
            split + (0.44 - split) / 2,
            (0.44 - split) * rng.uniform(0.6, 0.85),
            wide * rng.uniform(0.65, 0.85),
            glass(rng),
        )
    )
    pad = split - rng.uniform(0.03, 0.18)
    parts += _keys(rng, thick / 2, -0.44, pad, wide * 0.8, trim)
    if pad < split - 0.1:
        parts.append(lathe(np.array([[0.06, 0], [0.05, 0.012]]), trim, "x", 12, (thick / 2, (pad + split) / 2, 0)))
    if chance(rng, 0.35):
        parts += _antenna(rng, 1, wide, thick, dark(rng))
    return parts


def _flip(rng: np.random.Generator) -> list[Part]:
    """Two halves on a hinge along z: opened to some angle, or closed."""
    wide, thick, tall = rng.uniform(0.42, 0.6), rng.uniform(0.09, 0.16), rng.uniform(0.75, 0.95)
    color, trim = paint(rng), neutral(rng)
    base = _shell(rng, thick, tall, wide, color)
    lid = _shell(rng, thick * rng.uniform(0.7, 1), tall * rng.uniform(0.85, 1.05), wide, color)
    if chance(rng, 0.2):
        closed = [
            base,
            lid.moved(x=thick * 1.02),
            _screen(thick * 1.55, tall * 0.2, tall * 0.25, wide * 0.5, glass(rng)),
        ]
        return closed + (_antenna(rng, tall, wide, thick, dark(rng)) if chance(rng, 0.5) else [])
    parts = [base, *_keys(rng, thick / 2, -tall * 0.45, tall * 0.2, wide * 0.8, trim)]
    top = [
        lid.moved(y=tall / 2),
        _screen(thick * 0.48, tall / 2, tall * rng.uniform(0.45, 0.7), wide * 0.75, glass(rng)),
    ]
    if chance(rng, 0.6):
        top.append(_screen(-thick * 0.48, tall * 0.55, tall * 0.25, wide * 0.5, glass(rng)))
    turn = -rng.uniform(5, 75) if chance(rng, 0.8) else 0.0
    parts += [part.turned("z", turn).moved(y=tall / 2) for part in top]
    parts.append(rod((0, tall / 2, -wide * 0.4), (0, tall / 2, wide * 0.4), thick * 0.55, trim))
    if chance(rng, 0.3):
        parts += _antenna(rng, tall, wide, thick, dark(rng))
    lean = rng.uniform(0, abs(turn)) if chance(rng, 0.5) else 0.0  # lying on its back, or the lid upright
    return [part.turned("z", lean) for part in parts]


def _slider(rng: np.random.Generator) -> list[Part]:
    wide, thick, color, trim = rng.uniform(0.45, 0.6), rng.uniform(0.08, 0.13), paint(rng), neutral(rng)
    out = rng.uniform(0.2, 0.5)
    parts = [_shell(rng, thick, 1, wide, color), _shell(rng, thick, 1, wide, paint(rng)).moved(x=thick, y=out)]
    parts.append(_screen(thick * 1.5, out + 0.08, rng.uniform(0.55, 0.75), wide * 0.82, glass(rng)))
    return parts + _keys(rng, thick / 2, -0.46, out - 0.52, wide * 0.8, trim)


def _keyboard_phone(rng: np.random.Generator) -> list[Part]:
    wide, thick, color, trim = rng.uniform(0.6, 0.85), rng.uniform(0.1, 0.18), neutral(rng) * 0.8, neutral(rng)
    parts = [_shell(rng, thick, 1, wide, color), _screen(thick / 2, 0.2, 0.42, wide * 0.8, glass(rng))]
    for y in np.linspace(-0.42, -0.14, 4):
        parts += [box((0.012, 0.05, wide * 0.07), (thick / 2, y, z), trim) for z in np.linspace(-0.4, 0.4, 9) * wide]
    parts.append(lathe(np.array([[0.04, 0], [0.03, 0.015]]), trim, "x", 10, (thick / 2, -0.06, 0)))
    return parts


def _handset(rng: np.random.Generator, long: float, color: np.ndarray) -> list[Part]:
    """A receiver along z, its cups facing down, resting at y = 0."""
    t = np.linspace(-1, 1, 9)
    arch = np.column_stack([0 * t, 0.12 + rng.uniform(0, 0.12) * (1 - t**2), t * long * 0.42])
    cup = np.array([[0.09, -0.02], [0.1, 0.05], [0.06, 0.13]])
    cups = [lathe(cup, color, "y", 14, (0, 0, side * long * 0.42)) for side in (-1, 1)]
    return [tube(arch, rng.uniform(0.045, 0.065), color, 8), *cups]


def _desk(rng: np.random.Generator) -> list[Part]:
    color, trim = paint(rng), dark(rng) if chance(rng, 0.5) else neutral(rng)
    depth, wide, low, high = (
        rng.uniform(0.65, 1.0),
        rng.uniform(0.65, 1.1),
        rng.uniform(0.08, 0.15),
        rng.uniform(0.22, 0.42),
    )
    wedge = np.array(
        [[-depth / 2, 0], [depth / 2, 0], [depth / 2, low], [-depth / 2 + 0.15, high], [-depth / 2, high * 0.9]]
    )
    parts = [prism(wedge, wide, color, bevel=0.02)]
    slope = np.degrees(np.arctan2(high - low, depth - 0.15))
    middle = ((low + high) / 2, 0.06)
    face = []
    if chance(rng, 0.4):  # a dial, with the receiver across the top
        face.append(torus(wide * 0.2, 0.03, trim, at=(0, 0.01, 0)))
        face.append(lathe(np.array([[wide * 0.14, 0], [wide * 0.12, 0.02]]), neutral(rng), "y", 14))
        parts += [part.moved(-depth / 2 + 0.12, high + 0.1) for part in _handset(rng, max(wide * 1.1, 0.8), color)]
        parts += [
            box((0.1, 0.14, 0.12), (-depth / 2 + 0.12, high + 0.02, side * wide * 0.25), color) for side in (-1, 1)
        ]
    else:  # keys, with the receiver at the side
        for row in range(4):
            face += [
                box((0.07, 0.03, 0.07), ((row - 1.2) * 0.11, 0.01, wide * 0.12 + (k - 1) * 0.1), trim) for k in range(3)
            ]
        if chance(rng, 0.6):
            face.append(box((0.14, 0.02, 0.34), (-depth * 0.3, 0.015, wide * 0.12), glass(rng)))
        receiver = [part.turned("y", 90) for part in _handset(rng, depth * 1.05, color)]
        parts += [part.turned("z", -slope).moved(0, middle[0] + 0.04, -wide * 0.33) for part in receiver]
    parts += [part.turned("z", -slope).moved(middle[1], middle[0]) for part in face]
    if chance(rng, 0.15):  # hung on a wall
        return [part.turned("z", -90) for part in parts]
    return parts


def _cordless(rng: np.random.Generator) -> list[Part]:
    color, wide = neutral(rng), rng.uniform(0.28, 0.36)
    phone = [_shell(rng, rng.uniform(0.14, 0.2), 1, wide, color), _screen(0.09, 0.24, 0.18, wide * 0.65, glass(rng))]
    phone += _keys(rng, 0.09, -0.4, 0.08, wide * 0.7, dark(rng))
    if chance(rng, 0.5):
        phone += _antenna(rng, 1, wide, 0.16, dark(rng))
    if chance(rng, 0.35):
        return phone
    base = rounded_box((rng.uniform(0.4, 0.6), 0.16, wide * rng.uniform(1.2, 1.8)), (0.02, -0.46, 0), 0.05, color)
    return [base, *turned(phone, "z", rng.uniform(8, 25), (0, -0.45, 0))]
