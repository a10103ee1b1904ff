"""Tables: dining, coffee and bar tables, desks with drawers, L-shaped desks, table tennis. Wide along z; metres."""

import numpy as np

from r2n2.data.procedural import bases
from r2n2.data.procedural.chance import chance, dark, finish, glass, metal, neutral, paint, pick, wood
from r2n2.data.procedural.primitives import (
    Part,
    box,
    lathe,
    mirror,
    prism,
    rod,
    round_outline,
    rounded_box,
    sheet,
    slab,
)

TOPS = {"plain": 52, "round": 18, "oval": 10, "boat": 5, "boards": 8, "bevel": 7}


def make(rng: np.random.Generator) -> list[Part]:
    styles = {_rectangular: 46, _round: 20, _desk: 16, _coffee: 10, _corner: 3, _tennis: 2, _bent: 3}
    return pick(rng, styles)(rng)


def _size(rng: np.random.Generator) -> tuple[float, float, float]:
    """Depth along x, width along z, and height, from a side table to a conference table."""
    depth = rng.uniform(0.45, 1.15)
    width = depth * rng.choice([1.0, rng.uniform(1.1, 2.0), rng.uniform(1.5, 3.2)], p=[0.15, 0.45, 0.4])
    height = rng.choice([rng.uniform(0.68, 0.8), rng.uniform(0.35, 0.55), rng.uniform(0.85, 1.1)], p=[0.68, 0.22, 0.1])
    return depth, width, height


def _top(
    rng: np.random.Generator, depth: float, width: float, height: float, color: np.ndarray, kind: str = "plain"
) -> list[Part]:
    """A plate whose upper side is at `height`; `kind` is one of TOPS."""
    thick = rng.uniform(0.018, 0.07)
    if kind == "plain":
        return [box((depth, thick, width), (0, height - thick / 2, 0), color)]
    if kind == "bevel":
        return [rounded_box((depth, thick, width), (0, height - thick / 2, 0), thick * 0.45, color)]
    if kind == "boards":
        count = int(rng.integers(4, 9))
        places = (np.arange(count) + 0.5) / count - 0.5
        return [box((depth / count * 0.88, thick, width), (x * depth, height - thick / 2, 0), color) for x in places]
    if kind == "round":
        outline = round_outline(depth, width, min(depth, width) * rng.uniform(0.05, 0.5), 6)
    else:
        t = np.linspace(0, 2 * np.pi, 36, endpoint=False)
        power = 1.0 if kind == "oval" else 0.6
        c, s = np.cos(t), np.sin(t)
        outline = np.column_stack(
            [np.sign(c) * np.abs(c) ** power * depth / 2, np.sign(s) * np.abs(s) ** power * width / 2]
        )
    return [prism(outline, thick, color, normal="y").moved(y=height - thick / 2)]


def _rectangular(rng: np.random.Generator) -> list[Part]:
    depth, width, height = _size(rng)
    frame = finish(rng) if chance(rng, 0.7) else metal(rng)
    board = frame if chance(rng, 0.55) else glass(rng) * 2 if chance(rng, 0.2) else finish(rng)
    thick, under = rng.uniform(0.018, 0.055), height - 0.02
    kind = pick(rng, TOPS)
    parts = _top(rng, depth, width, height, board, kind)
    inset = rng.uniform(0.82, 1.0) * {"oval": 0.72, "round": 0.92, "boat": 0.9}.get(kind, 1.0)
    supports = {bases.legs: 56, bases.panels: 12, bases.trestle: 11, bases.crossed: 7, bases.sled: 8}
    support = pick(rng, supports)
    parts += support(rng, depth * inset, width * inset, under, frame, thick)
    if width > 1.4 and chance(rng, 0.06):
        parts += [
            part.moved(z=side * width * 0.28)
            for side in (-1, 1)
            for part in bases.pedestal(rng, depth * 0.35, under, frame)
        ]
    if chance(rng, 0.45):
        deep, x, z = rng.uniform(0.05, 0.14), depth * inset / 2 - thick, width * inset / 2 - thick
        parts += mirror([slab((-x, under - deep, z - 0.01), (x, under, z + 0.01), frame)])
        parts += mirror([slab((x - 0.01, under - deep, -z), (x + 0.01, under, z), frame)], "x")
        if chance(rng, 0.4):
            for place in np.linspace(-0.5, 0.5, int(rng.integers(2, 4)) + 1)[:-1]:
                parts.append(
                    box((0.03, 0.02, 0.1), (x + 0.02, under - deep / 2, (place + 0.2) * width * 0.9), metal(rng))
                )
    if chance(rng, 0.2):
        parts.append(box((depth * 0.85, 0.025, width * 0.85), (0, height * rng.uniform(0.15, 0.45), 0), frame))
    return parts


def _round(rng: np.random.Generator) -> list[Part]:
    height = rng.choice(
        [rng.uniform(0.68, 0.78), rng.uniform(0.35, 0.6), rng.uniform(0.95, 1.15)], p=[0.55, 0.27, 0.18]
    )
    radius = rng.uniform(0.28, 0.4) if height > 0.9 else rng.uniform(0.3, 0.8)
    frame = finish(rng) if chance(rng, 0.6) else metal(rng)
    board, thick = frame if chance(rng, 0.5) else finish(rng), rng.uniform(0.018, 0.06)
    sides = 32 if chance(rng, 0.85) else int(rng.choice([6, 8]))
    top = lathe(np.array([[radius * 0.99, -thick], [radius, -thick / 2], [radius * 0.99, 0]]), board, sides=sides)
    parts = [top.moved(y=height)]
    kind = pick(rng, {"pedestal": 55, "ring": 25, "legs": 15, "drum": 5})
    if kind == "pedestal":
        parts += bases.pedestal(rng, radius * rng.uniform(0.45, 0.8), height - thick, frame)
    elif kind == "drum":
        parts.append(
            lathe(
                np.array(
                    [[radius * 0.7, 0], [radius * rng.uniform(0.4, 0.9), height / 2], [radius * 0.8, height - thick]]
                ),
                frame,
            )
        )
    elif kind == "ring":
        parts += bases.ring(rng, radius * rng.uniform(0.65, 0.95), height - thick, frame, rng.uniform(0.015, 0.035))
    else:
        parts += bases.legs(rng, radius * 1.2, radius * 1.2, height - thick, frame, rng.uniform(0.018, 0.035))
    if chance(rng, 0.15):
        parts.append(
            lathe(np.array([[0.6, -0.02], [0.6, 0]]) * [radius, 1], board).moved(y=height * rng.uniform(0.2, 0.5))
        )
    return [part.stretched(z=1.4) for part in parts] if chance(rng, 0.15) else parts


def _drawers(
    rng: np.random.Generator, depth: float, wide: float, low: float, high: float, color: np.ndarray, count: int
) -> list[Part]:
    """A closed block of drawers with fronts facing +X, centred on z = 0."""
    parts = [slab((-depth / 2, low, -wide / 2), (depth / 2 - 0.02, high, wide / 2), color)]
    step, knob = (high - low) / count, metal(rng)
    for k in range(count):
        y = low + (k + 0.5) * step
        parts.append(box((0.025, step * 0.9, wide * 0.94), (depth / 2 - 0.01, y, 0), color * 0.92))
        parts.append(box((0.025, 0.02, wide * 0.3), (depth / 2 + 0.01, y, 0), knob))
    return parts


def _desk(rng: np.random.Generator) -> list[Part]:
    depth, width, height, color = rng.uniform(0.5, 0.85), rng.uniform(1.0, 2.0), rng.uniform(0.7, 0.8), finish(rng)
    frame, thick = color if chance(rng, 0.6) else metal(rng), rng.uniform(0.02, 0.04)
    parts, under = _top(rng, depth, width, height, color), height - 0.03
    wide = width * rng.uniform(0.2, 0.32)
    low = rng.choice([0.0, 0.06, height * 0.5])
    sides = [1, -1] if chance(rng, 0.4) else [int(rng.choice([-1, 1]))]
    for side in sides:
        block = _drawers(rng, depth * 0.92, wide, low, under, color, int(rng.integers(1, 5)))
        parts += [part.moved(z=side * (width / 2 - wide / 2 - 0.03)) for part in block]
    if low or len(sides) == 1:
        ends = bases.panels if chance(rng, 0.45) else bases.legs
        parts += ends(rng, depth * 0.95, width * 0.98, under, frame, thick)
    if chance(rng, 0.5):
        parts.append(
            slab((-depth * 0.42, rng.uniform(0.1, 0.4), -width * 0.48), (-depth * 0.4, under, width * 0.48), color)
        )
    if chance(rng, 0.25):  # shelves above
        tall = rng.uniform(0.25, 0.8)
        parts += mirror([slab((-depth / 2, height, width / 2 - 0.03), (-depth * 0.2, height + tall, width / 2), color)])
        for y in np.linspace(height + tall, height + 0.3, int(rng.integers(1, 4))):
            parts.append(slab((-depth / 2, y - 0.03, -width / 2), (-depth * 0.2, y, width / 2), color))
        if chance(rng, 0.5):
            parts.append(slab((-depth / 2, height, -width / 2), (-depth / 2 + 0.02, height + tall, width / 2), color))
    if chance(rng, 0.2):
        parts.append(box((0.2, 0.02, width * 0.35), (depth * 0.45, under - 0.08, 0), dark(rng)))
    return parts


def _coffee(rng: np.random.Generator) -> list[Part]:
    """Low tables with shelves, blocks, glass tops on stones."""
    depth, width, height, color = rng.uniform(0.5, 0.9), rng.uniform(0.7, 1.4), rng.uniform(0.28, 0.48), finish(rng)
    kind = pick(rng, {"shelf": 45, "block": 20, "frame": 20, "stones": 15})
    board = glass(rng) * 2 if chance(rng, 0.35) else color
    parts = _top(rng, depth, width, height, board, "round" if chance(rng, 0.3) else "plain")
    if kind == "shelf":
        parts += bases.legs(rng, depth * 0.95, width * 0.95, height - 0.02, color, rng.uniform(0.02, 0.05))[:4]
        parts.append(box((depth * 0.9, 0.03, width * 0.9), (0, height * rng.uniform(0.2, 0.45), 0), color))
    elif kind == "block":
        parts.append(slab((-depth * 0.4, 0, -width * 0.4), (depth * 0.4, height - 0.02, width * 0.4), color * 0.9))
    elif kind == "frame":
        r = rng.uniform(0.01, 0.025)
        for y in (r, height - 0.04):
            parts += mirror([rod((-depth * 0.46, y, width * 0.46), (depth * 0.46, y, width * 0.46), r, color, sides=4)])
            parts += mirror(
                [rod((depth * 0.46, y, -width * 0.46), (depth * 0.46, y, width * 0.46), r, color, sides=4)], "x"
            )
        parts += mirror(
            mirror([rod((depth * 0.46, 0, width * 0.46), (depth * 0.46, height, width * 0.46), r, color, sides=4)]), "x"
        )
    else:
        for z in np.linspace(-0.3, 0.3, int(rng.integers(2, 4))) * width:
            parts.append(
                rounded_box(
                    (depth * rng.uniform(0.4, 0.7), height - 0.03, width * rng.uniform(0.1, 0.2)),
                    (0, (height - 0.03) / 2, z),
                    0.05,
                    neutral(rng),
                )
            )
    return parts


def _corner(rng: np.random.Generator) -> list[Part]:
    """An L: one wing along z, one along x."""
    arm, width, depth, height, color = (
        rng.uniform(0.5, 0.7),
        rng.uniform(1.3, 2.0),
        rng.uniform(1.1, 1.8),
        rng.uniform(0.7, 0.78),
        finish(rng),
    )
    back, side = -depth / 2, -width / 2
    plan = np.array(
        [
            [back, side],
            [back + depth, side],
            [back + depth, side + arm],
            [back + arm, side + arm],
            [back + arm, -side],
            [back, -side],
        ]
    )
    parts = [prism(plan, 0.04, color, normal="y").moved(y=height - 0.02)]
    for x, z in (
        (back + 0.05, side + 0.05),
        (back + depth - 0.05, side + 0.05),
        (back + depth - 0.05, side + arm - 0.05),
        (back + 0.05, -side - 0.05),
        (back + arm - 0.05, -side - 0.05),
    ):
        parts.append(rod((x, 0, z), (x, height - 0.03, z), 0.025, metal(rng), sides=4))
    if chance(rng, 0.7):
        block = _drawers(rng, arm * 0.9, 0.4, 0.03, height - 0.04, color, 3)
        parts += [part.moved(back + arm / 2, 0, -side - 0.25) for part in block]
    return parts


def _tennis(rng: np.random.Generator) -> list[Part]:
    top = paint(rng)
    parts = [box((1.52, 0.04, 2.74), (0, 0.74, 0), top), box((1.7, 0.15, 0.015), (0, 0.83, 0), neutral(rng))]
    return parts + mirror(bases.legs(rng, 1.3, 1.0, 0.72, metal(rng), 0.025)[:4])


def _bent(rng: np.random.Generator) -> list[Part]:
    """One sheet, bent down at both ends."""
    depth, width, height, color = (
        rng.uniform(0.4, 0.8),
        rng.uniform(0.7, 1.5),
        rng.uniform(0.35, 0.75),
        wood(rng) if chance(rng, 0.4) else glass(rng) * 2,
    )
    lean, r = rng.uniform(0, 0.12), 0.06
    line = np.array(
        [
            [lean - width / 2 - lean, 0],
            [-width / 2, height - r],
            [-width / 2 + r, height],
            [width / 2 - r, height],
            [width / 2, height - r],
            [width / 2, 0],
        ]
    )
    grid = np.stack(
        [np.column_stack([np.full(6, x), line[:, 1], line[:, 0]]) for x in np.linspace(-depth / 2, depth / 2, 3)],
        axis=1,
    )
    return [sheet(grid, rng.uniform(0.02, 0.05), color)]
