"""Boats and ships, bow along +X; ten units long, the deck about y = 0."""

import numpy as np

from r2n2.data.procedural.parts import DARK, GLASS, STEEL, Parts, paint, wood

BOATS = (0.24, 0.18, 0.16, 0.1, 0.14, 0.05, 0.05, 0.08)  # shares of the kinds below


def watercraft(rng: np.random.Generator) -> Parts:
    """Sailing boats, motor boats, freighters, liners, warships, submarines, rowing boats."""
    kind = rng.choice(["sail", "motor", "freighter", "liner", "warship", "submarine", "rowing", "galleon"], p=BOATS)
    parts, color = Parts(), paint(rng)
    if kind == "submarine":  # ten long, as all boats here
        r = rng.uniform(0.45, 0.7)
        ends = [
            (-5, 0, 0.1, 0.1),
            (-3, 0, 1.6 * r, 1.6 * r),
            (-1, 0, 2 * r, 2 * r),
            (3.6, 0, 2 * r, 2 * r),
            (4.6, 0, 1.3 * r, 1.3 * r),
            (5, 0, 0.2, 0.2),
        ]
        parts.loft(ends, color, 1.0)
        parts.loft([(r * 0.8, 1.2, 1.5, 0.35), (r * 2.6, 1.2, 1.2, 0.3)], color, 0.8, axis="y")
        parts.wing((-3.9, 0, 0), 1.2, (0.8, 0.5), 0.3, color)
        parts.fin((-3.9, 0, 0), 1.2, (0.8, 0.5), 0.3, color)
        return parts
    beam = {"sail": 2.6, "motor": 2.8, "freighter": 1.6, "liner": 1.4, "warship": 1.2, "rowing": 3.0, "galleon": 2.6}[
        kind
    ]
    beam *= rng.uniform(0.8, 1.25)
    depth = {"sail": 1.0, "motor": 1.1, "freighter": 1.0, "liner": 0.9, "warship": 0.7, "rowing": 0.9, "galleon": 1.5}[
        kind
    ]
    depth *= rng.uniform(0.8, 1.25)
    stern = rng.uniform(0.55, 0.95)
    sheer = rng.uniform(0.0, 0.35) * depth
    stations = [
        (-5, -depth * 0.35, depth * 0.7, beam * stern),
        (-3, -depth / 2, depth, beam * (0.5 + stern / 2)),
        (1.0, -depth / 2, depth, beam),
        (3.0, -depth / 2 + sheer / 4, depth + sheer / 2, beam * 0.75),
        (4.3, -depth * 0.4 + sheer / 2, depth * 0.9 + sheer, beam * 0.35),
        (5, -depth * 0.1 + sheer, depth * 0.5, 0.06),
    ]
    parts.loft(stations, color, 0.6)
    if kind == "rowing":
        for x in (-2.5, 0, 2):
            parts.box((x, 0.05, 0), (0.5, 0.1, beam * 0.8), wood(rng))
        return parts
    {"sail": _sails, "galleon": _sails, "motor": _motor}.get(kind, _ship)(parts, rng, kind, beam, depth)
    return parts


def _sails(parts: Parts, rng: np.random.Generator, kind: str, beam: float, depth: float) -> None:
    white = tuple(float(value) for value in rng.uniform(200, 250) + rng.uniform(-15, 10, 3))
    spar, up = wood(rng), rng.random() < 0.65
    parts.box((rng.uniform(-1, 0.5), 0.15, 0), (rng.uniform(2, 4), 0.5, beam * 0.55), paint(rng))
    if kind == "galleon":
        parts.box((-4, 0.5, 0), (1.8, 1.2, beam * 0.75), spar)
        for x in (-2.8, 0.0, 2.6):
            tall = rng.uniform(5.5, 8)
            parts.tube((x, -0.3, 0), (x, tall, 0), 0.12, spar, 0.06)
            for share in (0.35, 0.6, 0.85):
                wide = beam * (1.5 - share)
                parts.tube((x, tall * share, -wide / 2), (x, tall * share, wide / 2), 0.06, spar)
                if up:
                    parts.box((x + 0.1, tall * (share - 0.1), 0), (0.08, tall * 0.18, wide * 0.9), white)
        parts.tube((4.5, 0.3, 0), (6.5, 1.2, 0), 0.08, spar)
        return
    tall, x = rng.uniform(9, 13), rng.uniform(0.2, 1.2)
    parts.tube((x, 0, 0), (x, tall, 0), 0.1, STEEL, 0.05)
    parts.tube((x, 1.0, 0), (x - rng.uniform(3.2, 4.8), 1.0, 0), 0.08, STEEL)
    if up:
        boom = rng.uniform(3.0, 4.5)
        parts.loft(
            [
                (1.1, x - boom / 2, boom, 0.12),
                (tall * 0.5, x - boom / 3.6, boom * 0.56, 0.1),
                (tall * 0.97, x - 0.1, 0.15, 0.06),
            ],
            white,
            0.3,
            axis="y",
        )
        parts.loft(
            [
                (0.7, (x + 4.6) / 2, 4.4 - x, 0.1),
                (tall * 0.4, x + (4.6 - x) * 0.3, (4.4 - x) * 0.5, 0.1),
                (tall * 0.8, x + 0.1, 0.12, 0.06),
            ],
            white,
            0.3,
            axis="y",
        )
    if rng.random() < 0.6:
        parts.loft([(-depth - rng.uniform(0.8, 1.6), 0, 1.0, 0.2), (-depth * 0.8, 0, 1.4, 0.25)], DARK, 0.8, axis="y")


def _motor(parts: Parts, rng: np.random.Generator, kind: str, beam: float, depth: float) -> None:
    white, high = (236.0, 237.0, 240.0), rng.uniform(0.8, 1.5)
    back = rng.uniform(-3.5, -1.5)
    parts.loft(
        [
            (back, high / 2, high, beam * 0.7),
            (0.5, high / 2, high, beam * 0.72),
            (rng.uniform(1.5, 2.8), 0.1, 0.2, beam * 0.5),
        ],
        white,
        0.35,
    )
    parts.box(((back + 0.6) / 2, high * 0.7, 0), (0.55 - back, high * 0.3, beam * 0.74), GLASS)
    if rng.random() < 0.5:
        parts.box((back / 2 - 0.3, high + 0.35, 0), (rng.uniform(1.2, 2.2), 0.7, beam * 0.5), white)
    if rng.random() < 0.4:
        parts.box((-5.2, 0.0, 0), (0.5, 0.9, 0.5), DARK)


def _ship(parts: Parts, rng: np.random.Generator, kind: str, beam: float, depth: float) -> None:
    white = (228.0, 228.0, 226.0)
    if kind == "liner":
        for level in range(rng.integers(2, 5)):
            parts.box((-0.4 - 0.2 * level, 0.2 + 0.38 * level, 0), (7.5 - 0.9 * level, 0.4, beam * 0.9), white)
        for x in rng.uniform(-2.5, 1.5, rng.integers(1, 4)):
            parts.tube((x, 1.0, 0), (x - 0.2, rng.uniform(1.9, 2.6), 0), 0.28, paint(rng))
        return
    bridge = rng.uniform(-4.3, -3.4) if kind == "freighter" else rng.uniform(-0.5, 1.2)
    tall = rng.uniform(0.9, 1.7)
    parts.box((bridge, tall / 2, 0), (rng.uniform(0.8, 1.6), tall, beam * 0.85), white)
    parts.tube((bridge - 0.5, tall * 0.7, 0), (bridge - 0.5, tall + rng.uniform(0.3, 0.7), 0), 0.2, paint(rng))
    if kind == "freighter" and rng.random() < 0.6:
        for x in np.arange(bridge + 1.4, 3.6, 0.85):
            for z in (-0.25, 0.25):
                stack = rng.integers(0, 4) * 0.28
                parts.box((x, stack / 2, z * beam * 1.5), (0.78, stack + 0.02, beam * 0.36), paint(rng))
    elif kind == "freighter":
        for x in np.arange(bridge + 1.8, 3.4, 1.9):
            parts.box((x, 0.12, 0), (1.3, 0.25, beam * 0.6), paint(rng))
            parts.tube((x + 0.9, 0, 0), (x + 0.9, rng.uniform(1, 2), 0), 0.08, STEEL)
    else:
        parts.tube((bridge, tall, 0), (bridge, tall + rng.uniform(1.0, 2.2), 0), 0.12, STEEL, 0.04)
        parts.box((bridge - 2.2, 0.4, 0), (rng.uniform(1, 2.2), 0.8, beam * 0.7), white)
        for x in (2.6, -4.0):
            parts.box((x, 0.2, 0), (0.7, 0.4, 0.6), STEEL)
            parts.tube((x, 0.3, 0), (x + np.sign(x) * 1.0, 0.45, 0), 0.06, STEEL)
