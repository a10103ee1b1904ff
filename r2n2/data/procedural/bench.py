"""Benches: park benches, garden and hall benches, picnic tables, stone blocks, curved benches. Wide along z; metres."""

import numpy as np

from r2n2.data.procedural.chance import chance, finish, metal, neutral, paint, pick, vivid, wood
from r2n2.data.procedural.primitives import Part, box, loft, mirror, prism, rod, rounded_box, tube, turned


def make(rng: np.random.Generator) -> list[Part]:
    style = pick(rng, {"park": 52, "plain": 26, "picnic": 8, "curved": 6, "block": 8})
    if style == "picnic":
        return _picnic(rng)
    if style == "curved":
        return _curved(rng)
    if style == "block":
        return _block(rng)
    return _straight(rng, backed=style == "park")


def _straight(rng: np.random.Generator, backed: bool) -> list[Part]:
    width, depth, height = rng.uniform(0.9, 2.4), rng.uniform(0.32, 0.6), rng.uniform(0.36, 0.5)
    board, frame = finish(rng), metal(rng) if chance(rng, 0.4) else finish(rng)
    parts = _seat(rng, width, depth, height, board)
    arms = backed and chance(rng, 0.6)
    parts += _legs(rng, width, depth, height, frame)
    if backed:
        tall, lean = rng.uniform(0.3, 0.6), rng.uniform(0, 22)
        back = _back(rng, width, tall, board, frame)
        parts += [part.turned("z", lean).moved(-depth / 2 + 0.02, height) for part in back]
    if arms or (not backed and chance(rng, 0.15)):
        parts += _arms(rng, width, depth, height, frame)
    return parts


def _seat(rng: np.random.Generator, width: float, depth: float, height: float, color: np.ndarray) -> list[Part]:
    thick = rng.uniform(0.025, 0.08)
    if chance(rng, 0.6):
        count = int(rng.integers(3, 8))
        pitch = depth / count
        slats = [
            box(
                (pitch * rng.uniform(0.75, 0.9), thick, width),
                (-depth / 2 + (k + 0.5) * pitch, height - thick / 2, 0),
                color,
            )
            for k in range(count)
        ]
        bearers = mirror([box((depth, 0.04, 0.06), (0, height - thick - 0.02, width * 0.42), color * 0.8)])
        return slats + bearers
    seat = rounded_box((depth, thick, width), (0, height - thick / 2, 0), thick * 0.3, color)
    if chance(rng, 0.25):
        return [seat, rounded_box((depth * 0.97, 0.09, width * 0.98), (0, height + 0.045, 0), 0.035, paint(rng))]
    return [seat]


def _back(rng: np.random.Generator, width: float, tall: float, color: np.ndarray, frame: np.ndarray) -> list[Part]:
    """An upright back at x = 0, starting at y = 0."""
    kind = pick(rng, {"slats": 45, "bars": 25, "panel": 20, "cross": 5, "scroll": 5})
    gap = rng.uniform(0.0, 0.15)
    posts = [
        rod((0, -0.1, z), (0, tall, z), 0.022, frame, sides=4)
        for z in np.linspace(-0.46, 0.46, int(rng.integers(2, 4))) * width
    ]
    if kind == "slats":
        count = int(rng.integers(2, 7))
        pitch = (tall - gap) / count
        return posts + [
            box((0.03, pitch * rng.uniform(0.6, 0.85), width), (0.02, gap + (k + 0.5) * pitch, 0), color)
            for k in range(count)
        ]
    if kind == "panel":
        return [*posts, rounded_box((0.04, tall - gap, width), (0.01, gap + (tall - gap) / 2, 0), 0.015, color)]
    rails = [box((0.05, 0.07, width), (0, tall - 0.03, 0), color), box((0.04, 0.05, width), (0, gap + 0.05, 0), color)]
    if kind == "bars":
        places = np.linspace(-0.46, 0.46, int(rng.integers(6, 18))) * width
        return rails + [
            box((0.02, tall - gap - 0.05, rng.uniform(0.025, 0.05)), (0, gap + (tall - gap) / 2, z), color)
            for z in places
        ]
    parts = rails + posts
    cells = int(rng.integers(1, 4))
    for k in range(cells):
        low, high = (k / cells - 0.5) * width * 0.92, ((k + 1) / cells - 0.5) * width * 0.92
        if kind == "cross":
            parts += [rod((0, gap, a), (0, tall, b), 0.018, color, sides=4) for a, b in ((low, high), (high, low))]
        else:
            t = np.linspace(0, np.pi, 9)
            arc = np.column_stack([0 * t, tall + 0.12 * np.sin(t), low + (high - low) * t / np.pi])
            parts.append(tube(arc, 0.02, frame, 6))
    return parts


def _legs(rng: np.random.Generator, width: float, depth: float, height: float, color: np.ndarray) -> list[Part]:
    kind = pick(rng, {"four": 36, "panel": 24, "frame": 16, "cross": 8, "iron": 10, "post": 6})
    z, x = width * rng.uniform(0.36, 0.48), depth * rng.uniform(0.36, 0.47)
    top, r = height - 0.03, rng.uniform(0.02, 0.045)
    if kind == "four":
        splay = rng.uniform(0, 0.06)
        feet = [
            rod((k * (x + splay), 0, z + splay), (k * x, top, z), r, color, r * 1.1, 4 if chance(rng, 0.6) else 10)
            for k in (-1, 1)
        ]
        if chance(rng, 0.4):
            feet.append(box((2 * x, 0.04, 0.03), (0, height * rng.uniform(0.2, 0.5), z), color))
        middle = [rod((k * x, 0, 0), (k * x, top, 0), r, color, sides=4) for k in (-1, 1)] if width > 1.8 else []
        stretcher = [box((0.03, 0.05, 2 * z), (0, height * 0.25, 0), color)] if chance(rng, 0.25) else []
        return mirror(feet) + middle + stretcher
    if kind == "panel":
        narrow = rng.uniform(0.5, 1.0)
        thick = rng.uniform(0.04, 0.2)
        shape = np.array([[-x * narrow, 0], [x * narrow, 0], [x, top], [-x, top]])
        return mirror([prism(shape, thick, color).moved(z=min(z, width / 2 - thick / 2))])
    if kind == "frame":
        ring = [[-x, top, z], [-x, 0.02, z], [x, 0.02, z], [x, top, z]]
        return mirror([tube(np.array(ring), r * 0.9, color, 6)])
    if kind == "cross":
        legs = [rod((-x, 0, z), (x, top, z), r, color, sides=4), rod((x, 0, z), (-x, top, z), r, color, sides=4)]
        return [*mirror(legs), rod((0, height / 2, -z), (0, height / 2, z), r * 0.7, color, sides=6)]
    if kind == "iron":
        t = np.linspace(0, 1, 7)
        curve = np.column_stack([x * (0.55 + 0.6 * (t - 0.5) ** 2 * 2), top * t, np.full(7, z)])
        back = curve * [-1, 1, 1]
        return mirror(
            [
                tube(curve, r * 0.8, color, 6),
                tube(back, r * 0.8, color, 6),
                rod((-x, top * 0.5, z), (x * 0.6, top * 0.5, z), r * 0.6, color),
            ]
        )
    return mirror(
        [rod((0, 0, z * 0.8), (0, top, z * 0.8), 0.05, color), box((2 * x, 0.03, 0.12), (0, 0.015, z * 0.8), color)]
    )


def _arms(rng: np.random.Generator, width: float, depth: float, height: float, color: np.ndarray) -> list[Part]:
    rise, z = rng.uniform(0.16, 0.28), width / 2 - 0.02
    if chance(rng, 0.25):
        t = np.linspace(0, np.pi / 2, 6)
        path = [
            [-depth * 0.5, height + rise, z],
            *[[depth * 0.3 + 0.15 * np.sin(a), height + rise * (0.4 + 0.6 * np.cos(a)), z] for a in t],
            [depth * 0.4, height - 0.02, z],
        ]
        return mirror([tube(np.array(path), 0.02, color, 6)])
    rest = box((depth * 1.05, 0.035, rng.uniform(0.04, 0.1)), (0, height + rise, z), color)
    if chance(rng, 0.15):
        return mirror([box((depth, rise, 0.05), (0, height + rise / 2, z), color), rest])
    return mirror(
        [rest, rod((depth * 0.42, height - 0.05, z), (depth * 0.42, height + rise, z), 0.022, color, sides=4)]
    )


def _picnic(rng: np.random.Generator) -> list[Part]:
    color, width = wood(rng) if chance(rng, 0.8) else paint(rng), rng.uniform(1.3, 2.2)
    top, seat, reach = rng.uniform(0.7, 0.78), rng.uniform(0.42, 0.47), rng.uniform(0.55, 0.75)
    boards = int(rng.integers(4, 7))
    depth = rng.uniform(0.65, 0.85)
    parts = [
        box((depth / boards * 0.88, 0.04, width), ((k + 0.5) * depth / boards - depth / 2, top, 0), color)
        for k in range(boards)
    ]
    parts += mirror([box((0.26, 0.04, width), (reach, seat, 0), color)], "x")
    z = width * rng.uniform(0.3, 0.4)
    frame = [
        box((2 * reach + 0.2, 0.09, 0.04), (0, seat - 0.06, z), color),
        box((depth, 0.07, 0.04), (0, top - 0.05, z), color),
    ]
    frame += mirror([rod((depth * 0.25, top, z), (reach * rng.uniform(0.7, 1.0), 0, z), 0.045, color, sides=4)], "x")
    return parts + mirror(frame)


def _curved(rng: np.random.Generator) -> list[Part]:
    """An arc centred on a point in front of the sitter."""
    radius, depth, height, thick = (
        rng.uniform(1.2, 3.0),
        rng.uniform(0.35, 0.5),
        rng.uniform(0.4, 0.48),
        rng.uniform(0.05, 0.12),
    )
    half, color = rng.uniform(25, 65), finish(rng)
    angles = np.radians(np.linspace(180 - half, 180 + half, 17))
    parts = [_arc(radius, radius + depth, height - thick, height, angles, color)]
    if chance(rng, 0.6):
        tall = rng.uniform(0.3, 0.45)
        parts.append(
            _arc(radius + depth - 0.04, radius + depth, height + rng.uniform(0, 0.15), height + tall, angles, color)
        )
        for angle in (angles[1], angles[8], angles[-2]):
            x, z = (radius + depth - 0.02) * np.cos(angle), (radius + depth - 0.02) * np.sin(angle)
            parts.append(rod((x, height - 0.1, z), (x, height + tall, z), 0.025, color, sides=4))
    if chance(rng, 0.3):
        parts.append(_arc(radius + 0.06, radius + depth - 0.06, 0, height - thick, angles, neutral(rng)))
    else:
        for angle in np.degrees(angles[[1, 8, 15]]):
            parts += turned(
                [
                    box(
                        (depth * 0.85, height - thick, rng.uniform(0.05, 0.15)),
                        (radius + depth / 2, (height - thick) / 2, 0),
                        neutral(rng),
                    )
                ],
                "y",
                -angle,
            )
    return [part.moved(x=radius) for part in parts]


def _arc(inner: float, outer: float, low: float, high: float, angles: np.ndarray, color: np.ndarray) -> Part:
    corners = [(inner, low), (outer, low), (outer, high), (inner, high)]
    return loft(np.array([[(r * np.cos(a), y, r * np.sin(a)) for r, y in corners] for a in angles]), color)


def _block(rng: np.random.Generator) -> list[Part]:
    """Slabs of stone or concrete, and chests to sit on."""
    width, depth, height = rng.uniform(0.8, 2.2), rng.uniform(0.38, 0.6), rng.uniform(0.38, 0.5)
    color = neutral(rng) if chance(rng, 0.6) else finish(rng)
    parts = [rounded_box((depth, rng.uniform(0.06, 0.15), width), (0, height - 0.05, 0), 0.02, color)]
    if chance(rng, 0.5):
        parts.append(
            box(
                (depth * rng.uniform(0.8, 1), height - 0.06, width * rng.uniform(0.85, 1)),
                (0, (height - 0.06) / 2, 0),
                color * 0.9,
            )
        )
    else:
        parts += mirror(
            [
                box(
                    (depth * 0.8, height - 0.05, rng.uniform(0.1, 0.3)),
                    (0, (height - 0.05) / 2, width * 0.33),
                    color * 0.9,
                )
            ]
        )
    if chance(rng, 0.5):
        tall = rng.uniform(0.35, 0.7)
        parts.append(rounded_box((0.08, tall, width), (-depth / 2, height + tall / 2 - 0.05, 0), 0.02, color))
        if chance(rng, 0.5):
            parts += mirror([rounded_box((depth, height * 1.4, 0.07), (0, height * 0.7, width / 2), 0.02, color)])
    return (
        parts
        if chance(rng, 0.8)
        else [*parts, rounded_box((depth, 0.08, width * 0.95), (0, height + 0.05, 0), 0.03, vivid(rng))]
    )
