"""Cabinets: dressers, sideboards, wardrobes, bookcases, television stands, kitchen units. Fronts face +X; metres.

A cabinet is a carcass of boards divided into a grid of cells; each cell has a door or drawers, or is open.
"""

from itertools import pairwise

import numpy as np

from r2n2.data.procedural.chance import chance, dark, finish, glass, metal, paint, pick
from r2n2.data.procedural.primitives import Part, box, lathe, mirror, prism, rod, rounded_box, slab

# width, height, depth, and the probability that a cell is a door, a drawer, open or glazed
STYLES = {
    "dresser": ((0.7, 1.7), (0.6, 1.3), (0.38, 0.55), (0.12, 0.83, 0.05, 0.0)),
    "sideboard": ((1.2, 2.2), (0.5, 0.95), (0.36, 0.55), (0.5, 0.27, 0.15, 0.08)),
    "wardrobe": ((0.8, 2.4), (1.7, 2.4), (0.5, 0.68), (0.8, 0.12, 0.08, 0.0)),
    "cupboard": ((0.5, 1.3), (0.9, 2.1), (0.32, 0.5), (0.45, 0.2, 0.15, 0.2)),
    "bookcase": ((0.5, 1.8), (0.9, 2.3), (0.24, 0.4), (0.12, 0.05, 0.83, 0.0)),
    "television": ((1.1, 2.2), (0.3, 0.6), (0.35, 0.5), (0.3, 0.25, 0.45, 0.0)),
    "nightstand": ((0.35, 0.6), (0.4, 0.75), (0.32, 0.5), (0.25, 0.5, 0.25, 0.0)),
    "locker": ((0.3, 0.9), (1.1, 1.9), (0.35, 0.6), (0.5, 0.5, 0.0, 0.0)),
    "kitchen": ((0.5, 2.6), (0.8, 0.95), (0.55, 0.7), (0.6, 0.3, 0.1, 0.0)),
}
SHARES = {"dresser": 17, "sideboard": 18, "wardrobe": 14, "cupboard": 12, "bookcase": 9, "television": 10}
SHARES |= {"nightstand": 9, "locker": 5, "kitchen": 6}


def make(rng: np.random.Generator) -> list[Part]:
    style = pick(rng, SHARES)
    width, height, depth = (rng.uniform(*span) for span in STYLES[style][:3])
    color = finish(rng)
    front = color if chance(rng, 0.5) else color * rng.uniform(0.8, 1.15) if chance(rng, 0.5) else paint(rng)
    foot = rng.choice([0.0, rng.uniform(0.03, 0.1), rng.uniform(0.1, 0.3)], p=[0.35, 0.35, 0.3])
    foot *= style not in ("kitchen", "locker") or chance(rng, 0.3)
    parts = _foot(rng, depth, width, foot, color) if foot else []
    columns = _cuts(rng, width, 0.35 if style != "wardrobe" else 0.5)
    body = _body(rng, style, depth, width, height - foot, columns, color, front)
    parts += [part.moved(y=foot) for part in body]
    top = height
    if chance(rng, 0.4):
        over = rng.uniform(0.0, 0.05)
        plate = (depth + 2 * over, rng.uniform(0.02, 0.06), width + 2 * over)
        parts.append(rounded_box(plate, (0, top, 0), 0.008, color if chance(rng, 0.6) else finish(rng)))
    extra = {
        "none": 78,
        "hutch": 12 if height < 1.1 else 0,
        "crown": 10 if height > 0.9 else 2,
        "mirror": 8 if style == "dresser" else 0,
    }
    return parts + _extra(rng, pick(rng, extra), depth, width, top, color)


def _cuts(rng: np.random.Generator, length: float, cell: float) -> np.ndarray:
    """The positions of the boards that divide a length into even or uneven cells of about the size `cell`."""
    count = max(1, round(length / cell * rng.uniform(0.5, 1.2)))
    shares = np.ones(count) if chance(rng, 0.65) else rng.uniform(0.6, 1.6, count)
    if count > 2 and chance(rng, 0.4):
        shares = shares + shares[::-1]
    return np.concatenate([[0], np.cumsum(shares) / shares.sum()]) * length


def _body(
    rng: np.random.Generator,
    style: str,
    depth: float,
    width: float,
    height: float,
    columns: np.ndarray,
    color: np.ndarray,
    front: np.ndarray,
) -> list[Part]:
    """The carcass and its cells, starting at y = 0, with the front at x = depth / 2."""
    door, drawer, bare, glazed = STYLES[style][3]
    board, half = rng.uniform(0.015, 0.045), width / 2
    parts = (
        [slab((-depth / 2, 0, -half), (-depth / 2 + 0.015, height, half), color)]
        if chance(rng, 0.85) or bare < 0.5
        else []
    )
    parts += [slab((-depth / 2, y, -half), (depth / 2, y + board, half), color) for y in (0, height - board)]
    for z in columns:
        at = np.clip(z - half, -half + board / 2, half - board / 2)
        parts.append(slab((-depth / 2, 0, at - board / 2), (depth / 2, height, at + board / 2), color))
    gap, proud = rng.uniform(0.003, 0.015), rng.choice([-0.02, 0.0, 0.012])
    handle, knob, same = pick(rng, {"bar": 45, "knob": 30, "none": 25}), metal(rng), chance(rng, 0.5)
    rows = None
    shelf = 0.22 if drawer > 0.5 else 0.35
    for left, right in pairwise(columns):
        if rows is None or not same:
            rows = _cuts(rng, height, shelf if not chance(rng, door * 0.7) else height)
        for low, high in pairwise(rows):
            kind = pick(rng, {"door": door, "drawer": drawer, "open": bare, "glazed": glazed})
            if kind == "drawer" and high - low > 0.5:
                kind = "door"
            space = (left - half + gap, right - half - gap, low + gap, high - gap)
            parts += _cell(rng, kind, depth, space, board, front, color, proud, handle, knob)
    return parts


def _cell(
    rng: np.random.Generator,
    kind: str,
    depth: float,
    space: tuple,
    board: float,
    front: np.ndarray,
    color: np.ndarray,
    proud: float,
    handle: str,
    knob: np.ndarray,
) -> list[Part]:
    left, right, low, high = space
    x = depth / 2 + proud
    if kind == "open":
        count = int(max(0, (high - low) / rng.uniform(0.25, 0.45) - 1))
        levels = np.linspace(low, high, count + 2)
        return [
            slab((-depth / 2, y - board / 2, left), (depth / 2 - 0.01, y + board / 2, right), color)
            for y in levels[:-1]
        ]
    tone = glass(rng) if kind == "glazed" else front
    parts = [slab((x - 0.02, low, left), (x, high, right), tone)]
    parts.append(slab((-depth / 2, low - board / 2, left), (depth / 2 - 0.02, low + board / 2, right), color))
    if kind == "glazed":
        rim = min(0.05, (right - left) / 5)
        for a, b in ((left, left + rim), (right - rim, right)):
            parts.append(slab((x - 0.02, low, a), (x + 0.005, high, b), front))
    elif kind == "door" and chance(rng, 0.25):
        inset = min(right - left, high - low) * 0.15
        parts.append(slab((x, low + inset, left + inset), (x + 0.008, high - inset, right - inset), front * 0.9))
    if handle == "none":
        return parts
    z = (left + right) / 2 if kind == "drawer" else left + (right - left) * float(rng.choice([0.1, 0.9]))
    y = (low + high) / 2
    if handle == "knob":
        return [*parts, lathe(np.array([[0.008, 0], [0.018, 0.02], [0.012, 0.03]]), knob, "x", 8, (x, y, z))]
    long = min(0.12, (right - left) * 0.4)
    size = (0.03, 0.015, long) if kind == "drawer" else (0.03, min(0.15, (high - low) * 0.4), 0.015)
    return [*parts, box(size, (x + 0.015, y, z), knob)]


def _foot(rng: np.random.Generator, depth: float, width: float, height: float, color: np.ndarray) -> list[Part]:
    x, z = depth / 2 - 0.04, width / 2 - 0.05
    tone = color if chance(rng, 0.5) else metal(rng) if chance(rng, 0.5) else dark(rng)
    kind = pick(rng, {"legs": 55, "plinth": 30, "skids": 15})
    if kind == "plinth":
        return [slab((-x, 0, -z), (x, height + 0.01, z), tone)]
    if kind == "skids":
        return mirror([slab((-x, 0, z - 0.04), (x, height + 0.01, z), tone)])
    r, splay = rng.uniform(0.015, 0.035), rng.uniform(0, 0.25) * height
    legs = [
        rod((s * (x + splay), 0, z + splay), (s * x, height + 0.01, z), r * 0.7, tone, r, 4 if chance(rng, 0.5) else 8)
        for s in (-1, 1)
    ]
    parts = mirror(legs)
    return (
        parts + mirror([rod((s * x, 0, 0), (s * x, height, 0), r, tone) for s in (1,)], "x") if width > 1.6 else parts
    )


def _extra(
    rng: np.random.Generator, kind: str, depth: float, width: float, top: float, color: np.ndarray
) -> list[Part]:
    """An addition on top of a cabinet: an upper part of shelves, a crown, a mirror."""
    if kind == "hutch":
        tall, deep, board = rng.uniform(0.5, 1.1), depth * rng.uniform(0.5, 0.85), 0.03
        back = -depth / 2
        parts = [slab((back, top, -width / 2), (back + 0.02, top + tall, width / 2), color)]
        for z in _cuts(rng, width - board, 0.5) - width / 2 + board / 2:
            parts.append(slab((back, top, z - board / 2), (back + deep, top + tall, z + board / 2), color))
        return parts + [
            slab((back, y - board, -width / 2), (back + deep, y, width / 2), color)
            for y in np.linspace(top + tall, top + 0.25, int(rng.integers(2, 4)))
        ]
    if kind == "crown":
        rise = rng.uniform(0.05, 0.2)
        z = np.linspace(-1, 1, 9)
        arch = np.column_stack([z * width / 2, rise * (1 - z**2)])
        return [
            prism(
                np.concatenate([arch, [[width / 2, -0.02], [-width / 2, -0.02]]]),
                depth * rng.uniform(0.1, 1),
                color,
                normal="x",
            ).moved(y=top + 0.01)
        ]
    if kind == "mirror":
        tall, wide = rng.uniform(0.5, 0.9), width * rng.uniform(0.4, 0.9)
        pane = rounded_box((0.04, tall, wide), (-depth / 2 + 0.04, top + tall / 2 + 0.05, 0), 0.015, color)
        return [
            pane,
            box(
                (0.02, tall * 0.9, wide * 0.9), (-depth / 2 + 0.06, top + tall / 2 + 0.05, 0), np.array([190, 205, 215])
            ),
        ]
    return []
