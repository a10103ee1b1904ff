"""Bases of seats, tables and cabinets: legs, sleds, columns, stars. They stand on y = 0 and end at y = height."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, metal, pick
from r2n2.data.procedural.primitives import Part, box, lathe, mirror, prism, rod, slab, torus, tube


def legs(
    rng: np.random.Generator, depth: float, width: float, height: float, color: np.ndarray, thick: float
) -> list[Part]:
    """Four legs at the corners of a depth by width rectangle, sometimes with stretchers. `thick` is a leg's radius."""
    kind = pick(rng, {"square": 40, "round": 20, "tapered": 20, "turned": 8, "sabre": 12})
    x, z = depth / 2 - thick, width / 2 - thick
    splay = rng.uniform(0.0, 0.09) * height * 2 if chance(rng, 0.45) else 0.0
    parts = []
    for sx in (-1, 1):
        foot, head = np.array([sx * (x + splay), 0, z + splay * chance(rng, 0.7)]), np.array([sx * x, height, z])
        if kind == "turned":
            bulge = np.array([[0.6, 0], [0.9, 0.1], [0.5, 0.15], [1.1, 0.5], [0.6, 0.7], [1, 0.75], [1, 1]]) * [
                thick,
                height,
            ]
            parts.append(lathe(bulge, color, sides=10).moved(sx * x, 0, z))
        elif kind == "sabre":
            t = np.linspace(0, 1, 6)[:, None]
            bend = np.array([sx * splay * 0.8 + sx * thick, 0, 0]) * np.sin(np.pi * t) * -1
            parts.append(tube(foot + (head - foot) * t + bend, np.linspace(0.6, 1.1, 6) * thick, color, 4))
        else:
            narrow = rng.uniform(0.4, 0.8) if kind == "tapered" else 1.0
            corner = 1.3 if kind == "square" else 1.0
            parts.append(rod(foot, head, thick * narrow * corner, color, thick * corner, 4 if kind == "square" else 10))
    parts = mirror(parts)
    level, form = height * rng.uniform(0.12, 0.5), pick(rng, {"none": 62, "box": 16, "h": 14, "x": 8})
    reach_x, reach_z, r = x + splay * (1 - level / height), z + splay * (1 - level / height), thick * 0.6
    if form in ("box", "h"):
        parts += mirror([rod((-reach_x, level, reach_z), (reach_x, level, reach_z), r, color, sides=6)])
    if form == "box":
        parts += mirror([rod((reach_x, level, -reach_z), (reach_x, level, reach_z), r, color, sides=6)], "x")
    if form == "h":
        parts.append(rod((0, level, -reach_z), (0, level, reach_z), r, color, sides=6))
    if form == "x":
        parts += [rod((-x, level, s * z), (x, level, -s * z), r, color, sides=6) for s in (-1, 1)]
    return parts


def sled(
    rng: np.random.Generator, depth: float, width: float, height: float, color: np.ndarray, thick: float
) -> list[Part]:
    """Two bent frames at the sides, or a cantilever whose uprights are only in front."""
    x, z = depth / 2 - thick, width / 2 - thick
    flat = 4 if chance(rng, 0.4) else 8
    if chance(rng, 0.5):
        path = [
            [-x, thick, z],
            [x * 0.92, thick, z],
            [x, height * 0.1, z],
            [x, height * 0.9, z],
            [x * 0.9, height, z],
            [-x, height, z],
        ]
        return [
            *mirror([tube(np.array(path), thick, color, flat)]),
            rod((-x, thick, -z), (-x, thick, z), thick, color, sides=flat),
        ]
    lean = rng.uniform(0, 0.25) * depth
    path = [[-x + lean, height, z], [-x, thick, z], [x, thick, z], [x - lean, height, z]]
    parts = mirror([tube(np.array(path), thick, color, flat)])
    return parts + ([rod((0, height - thick, -z), (0, height - thick, z), thick, color)] if chance(rng, 0.5) else [])


def star(rng: np.random.Generator, reach: float, height: float) -> list[Part]:
    """An office chair's column on spokes, with or without castors."""
    color, count, castors = (
        metal(rng) if chance(rng, 0.6) else dark(rng),
        int(rng.choice([4, 5, 5, 5])),
        chance(rng, 0.7),
    )
    level, wheel = rng.uniform(0.06, 0.1), 0.03
    parts = [rod((0, level, 0), (0, height, 0), rng.uniform(0.02, 0.045), color)]
    start = rng.uniform(0, 90)
    for k in range(count):
        spoke = [rod((0, level + 0.03, 0), (reach, level - 0.01 if castors else 0.02, 0), 0.026, color, 0.016, 6)]
        if castors:
            spoke.append(lathe(np.array([[wheel, -0.022], [wheel, 0.022]]), dark(rng), "z", 10, (reach, wheel, 0)))
        parts += [part.turned("y", start + k * 360 / count) for part in spoke]
    return parts


def pedestal(rng: np.random.Generator, reach: float, height: float, color: np.ndarray) -> list[Part]:
    """One column on a disc, a trumpet, a cross of feet or a block."""
    kind = pick(rng, {"disc": 40, "trumpet": 20, "feet": 30, "block": 10})
    r = rng.uniform(0.02, 0.06) * (1 + reach)
    if kind == "block":
        return [slab((-reach * 0.6, 0, -reach * 0.6), (reach * 0.6, height, reach * 0.6), color)]
    if kind == "trumpet":
        t = np.linspace(0, 1, 9)
        flare = r + (reach - r) * (1 - t) ** rng.uniform(3, 6) + r * 2 * t**6
        return [lathe(np.column_stack([flare, t * height]), color)]
    column = rod((0, 0, 0), (0, height, 0), r, color, sides=12 if chance(rng, 0.7) else 4)
    if kind == "disc":
        return [column, lathe(np.array([[reach, 0], [reach, 0.015], [reach * 0.8, 0.03], [r, 0.045]]), color)]
    count = int(rng.integers(3, 6))
    arch = np.array([[0, height * rng.uniform(0.1, 0.35), 0], [reach * 0.6, height * 0.1, 0], [reach, 0.02, 0]])
    return [column, *[tube(arch, r * 0.8, color, 6).turned("y", k * 360 / count + 45) for k in range(count)]]


def panels(
    rng: np.random.Generator, depth: float, width: float, height: float, color: np.ndarray, thick: float
) -> list[Part]:
    """A straight or narrowing board at each end, sometimes with a board between them."""
    foot, head = depth / 2 * rng.uniform(0.7, 1), depth / 2 * rng.uniform(0.6, 1)
    shape = np.array([[-foot, 0], [foot, 0], [head, height], [-head, height]])
    parts = mirror([prism(shape, thick, color).moved(z=width / 2 - thick / 2)])
    if chance(rng, 0.6):
        low, x = height * rng.uniform(0.0, 0.7), rng.choice([0, -1]) * head * 0.8
        parts.append(slab((x - thick / 2, low, -width / 2), (x + thick / 2, height, width / 2), color))
    return parts


def crossed(
    rng: np.random.Generator, depth: float, width: float, height: float, color: np.ndarray, thick: float
) -> list[Part]:
    """An X at each end, or an X seen from the front."""
    x, z = depth / 2 - thick, width / 2 - thick
    if chance(rng, 0.75):
        ends = [
            rod((-x, 0, z), (x, height, z), thick, color, sides=4),
            rod((x, 0, z), (-x, height, z), thick, color, sides=4),
        ]
        return [*mirror(ends), rod((0, height / 2, -z), (0, height / 2, z), thick * 0.7, color)]
    sides = [
        rod((x, 0, -z), (x, height, z), thick, color, sides=4),
        rod((x, 0, z), (x, height, -z), thick, color, sides=4),
    ]
    return mirror(sides, "x")


def trestle(
    rng: np.random.Generator, depth: float, width: float, height: float, color: np.ndarray, thick: float
) -> list[Part]:
    """A T or an A at each end, tied by a beam."""
    x, z = depth / 2 * rng.uniform(0.7, 0.95), width / 2 * rng.uniform(0.6, 0.85)
    if chance(rng, 0.5):
        end = [rod((s * x, 0, z), (s * x * 0.25, height, z), thick, color, sides=4) for s in (-1, 1)]
    else:
        end = [
            box((2 * x, thick * 2, thick * 2), (0, thick, z), color),
            rod((0, 0, z), (0, height, z), thick * 1.6, color, sides=4),
        ]
    end.append(box((1.7 * x, thick * 1.6, thick * 2), (0, height - thick * 0.8, z), color))
    level = height * rng.uniform(0.15, 0.6)
    return [*mirror(end), box((thick * 1.5, thick * 2.5, 2 * z), (0, level, 0), color)]


def ring(rng: np.random.Generator, reach: float, height: float, color: np.ndarray, thick: float) -> list[Part]:
    """Three to six legs on a circle, sometimes tied by a ring."""
    count, inward = int(rng.integers(3, 7)), rng.uniform(0.5, 1.0)
    parts = [
        rod((reach, 0, 0), (reach * inward, height, 0), thick, color).turned("y", 45 + k * 360 / count)
        for k in range(count)
    ]
    if chance(rng, 0.4):
        level = rng.uniform(0.2, 0.6)
        parts.append(torus(reach * (1 + (inward - 1) * level), thick * 0.8, color, at=(0, height * level, 0)))
    return parts
