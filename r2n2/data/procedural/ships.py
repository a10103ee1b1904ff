"""Large ships: freighters, tankers, warships, liners, carriers, submarines. A hull has length 1."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, glass, metal, neutral, paint, pick, vivid
from r2n2.data.procedural.hull import hull
from r2n2.data.procedural.primitives import (
    Part,
    ball,
    body,
    box,
    lathe,
    moved,
    prism,
    rod,
)
from r2n2.data.procedural.sailing import mast


def superstructure(
    rng: np.random.Generator,
    x: float,
    y: float,
    length: float,
    width: float,
    levels: int,
    level: float,
    color: np.ndarray,
) -> list[Part]:
    """A superstructure of decks, each a little smaller, with rows of windows."""
    parts, pane = [], glass(rng)
    shrink, back = rng.uniform(0.8, 0.98), rng.uniform(-0.5, 0.5)
    for _ in range(levels):
        parts.append(box((length, level, width), (x, y + level / 2, 0), color))
        parts.append(box((length * 1.01, level * 0.3, width * 1.01), (x, y + level * 0.6, 0), pane))
        x += back * length * (1 - shrink)
        y, length, width = y + level, length * shrink, width * (shrink + 1) / 2
    return parts


def cargo_ship(rng: np.random.Generator) -> list[Part]:
    color, house = paint(rng), neutral(rng)
    beam, depth = rng.uniform(0.12, 0.2), rng.uniform(0.06, 0.11)
    parts = [
        hull(
            rng,
            1,
            beam,
            depth,
            color,
            np.array([140, 40, 35]) if chance(rng, 0.6) else paint(rng),
            stern=0.85,
            full=rng.uniform(4, 7),
            section=rng.uniform(5, 9),
            sheer_bow=rng.uniform(0.1, 0.5),
            rise_bow=0.1,
            rake=0.03,
        )
    ]
    aft = rng.uniform(-0.42, -0.3) if chance(rng, 0.8) else rng.uniform(-0.1, 0.25)
    long, level = rng.uniform(0.07, 0.14), rng.uniform(0.025, 0.04)
    levels = int(rng.integers(2, 6))
    parts += superstructure(rng, aft, 0, long, beam * rng.uniform(0.7, 0.95), levels, level, house)
    parts.append(
        lathe(
            np.array([[0.022, 0], [0.018, rng.uniform(0.06, 0.1)]]),
            color,
            "y",
            10,
            (aft - long * 0.6, levels * level * 0.7, 0),
        )
    )
    parts.append(mast(aft, levels * level, levels * level + rng.uniform(0.04, 0.1), 0.006, metal(rng)))
    load = pick(rng, {"containers": 45, "cranes": 30, "tanker": 25})
    start, end = (aft + long * 0.8, 0.38) if aft < 0 else (-0.44, aft - long * 0.8)
    if load == "containers":
        step, high = rng.uniform(0.06, 0.12), rng.uniform(0.02, 0.03)
        colors = [vivid(rng) for _ in range(5)]
        full = int(rng.integers(2, 6))
        for x in np.arange(start + step / 2, end, step):
            for row, z in enumerate(np.array([-1, 0, 1]) * beam * 0.28):
                tiers = max(1, full - int(rng.integers(0, 3)))
                parts.append(
                    box(
                        (step * 0.94, tiers * high, beam * 0.27),
                        (x, tiers * high / 2, z),
                        colors[(row + tiers + int(x * 50)) % 5],
                    )
                )
    elif load == "cranes":
        for x in np.linspace(start + 0.05, end - 0.05, int(rng.integers(2, 5))):
            high = rng.uniform(0.1, 0.22)
            parts += [
                mast(x, 0, high, 0.011, metal(rng)),
                rod((x, high * 0.4, 0), (x + 0.12, high * rng.uniform(0.6, 1.1), 0), 0.006, metal(rng), sides=6),
            ]
            parts.append(box((0.1, 0.025, beam * 0.6), (x + 0.06, 0.012, 0), neutral(rng)))
    else:
        parts.append(rod((start, 0.02, 0), (end, 0.02, 0), 0.012, metal(rng), sides=6))
        for x in np.linspace(start + 0.1, end - 0.1, int(rng.integers(1, 4))):
            parts.append(
                ball((0.15, 0.13, beam * 0.9), (x, 0.02, 0), neutral(rng))
                if chance(rng, 0.3)
                else box((0.03, 0.05, beam * 0.5), (x, 0.025, 0), metal(rng))
            )
    if chance(rng, 0.5):
        parts.append(mast(0.42, 0, rng.uniform(0.08, 0.15), 0.006, metal(rng)))
    return parts


def warship(rng: np.random.Generator) -> list[Part]:
    grey = np.array([125, 132, 140]) * rng.uniform(0.6, 1.4)
    beam, depth = rng.uniform(0.1, 0.16), rng.uniform(0.05, 0.085)
    parts = [
        hull(
            rng,
            1,
            beam,
            depth,
            grey,
            paint(rng) if chance(rng, 0.5) else dark(rng),
            stern=rng.uniform(0.5, 0.9),
            full=rng.uniform(1.8, 3),
            section=rng.uniform(2, 4),
            sheer_bow=rng.uniform(0.2, 0.6),
            rake=rng.uniform(0.03, 0.08),
        )
    ]
    x, level = rng.uniform(-0.05, 0.15), rng.uniform(0.03, 0.045)
    levels = int(rng.integers(2, 5))
    parts.append(box((rng.uniform(0.4, 0.6), level, beam * 0.7), (0, level / 2, 0), grey))
    parts += superstructure(rng, x, level, rng.uniform(0.1, 0.2), beam * 0.65, levels, level, grey)
    high = (levels + 1) * level
    parts.append(mast(x - 0.02, high * 0.8, high + rng.uniform(0.08, 0.2), 0.009, grey))
    parts.append(rod((x - 0.02, high + 0.05, -0.05), (x - 0.02, high + 0.05, 0.05), 0.005, grey, sides=5))
    if chance(rng, 0.5):
        parts.append(ball((0.04, 0.04, 0.04), (x - 0.02, high + 0.1, 0), neutral(rng)))
    for place in np.linspace(x - 0.12, x - 0.25, int(rng.integers(0, 3))):
        parts.append(
            lathe(
                np.array([[0.03, 0], [0.024, rng.uniform(0.09, 0.16)]]), grey * 0.9, "y", 10, (place, level, 0)
            ).stretched(1, 1, 0.8)
        )
    if chance(rng, 0.6):
        parts += superstructure(
            rng, -0.24, level, rng.uniform(0.06, 0.14), beam * 0.55, int(rng.integers(1, 3)), level, grey
        )
    size = rng.uniform(0.03, 0.06)
    for place, forward in [(0.33, 1), (0.24, 1), (-0.4, -1), (-0.31, -1)][: rng.integers(1, 5)]:
        parts.append(
            prism(
                np.array([[-1, 0], [1, 0], [0.7, 0.6], [-0.9, 0.7]]) * size * [forward * 0.6, 0.7], size * 1.1, grey
            ).moved(place, 0.012)
        )
        for z in (-0.25, 0.25) if chance(rng, 0.6) else (0.0,):
            parts.append(
                rod((place, 0.03, z * size), (place + forward * size * 2, 0.045, z * size), 0.006, dark(rng), sides=6)
            )
    return parts


def liner(rng: np.random.Generator) -> list[Part]:
    color = neutral(rng) if chance(rng, 0.6) else dark(rng)
    white, beam, depth = np.array([238, 238, 235]), rng.uniform(0.12, 0.18), rng.uniform(0.06, 0.1)
    parts = [
        hull(
            rng,
            1,
            beam,
            depth,
            color,
            np.array([150, 40, 35]),
            stern=0.7,
            full=rng.uniform(3, 4.5),
            section=5,
            sheer_bow=rng.uniform(0.1, 0.35),
            rake=0.05,
        )
    ]
    rear, front, level = rng.uniform(-0.45, -0.3), rng.uniform(0.2, 0.36), rng.uniform(0.018, 0.028)
    y, pane = 0.0, glass(rng)
    for _ in range(int(rng.integers(3, 8))):
        parts.append(box((front - rear, level * 0.65, beam * 0.88), ((front + rear) / 2, y + level / 2, 0), white))
        parts.append(box((front - rear - 0.01, level, beam * 0.84), ((front + rear) / 2, y + level / 2, 0), pane))
        y, rear, front = y + level, rear + rng.uniform(0, 0.05), front - rng.uniform(0.0, 0.05)
    funnel = paint(rng)
    for x in np.linspace(rear + 0.05, (rear + front) / 2 + 0.05, int(rng.integers(1, 5))):
        parts.append(
            lathe(np.array([[0.03, 0], [0.026, rng.uniform(0.06, 0.11)]]), funnel, "y", 12)
            .turned("z", 8)
            .moved(x, y - 0.01)
        )
    for x in (0.4, -0.42)[: rng.integers(0, 3)]:
        parts.append(mast(x, 0, rng.uniform(0.15, 0.25), 0.006, metal(rng)))
    return parts


def carrier(rng: np.random.Generator) -> list[Part]:
    grey, beam, depth = np.array([120, 125, 130]) * rng.uniform(0.7, 1.2), rng.uniform(0.12, 0.16), 0.08
    deck = np.array(
        [[-0.5, -0.11], [-0.5, 0.09], [-0.2, 0.14], [0.15, 0.14], [0.3, 0.08], [0.52, 0.06], [0.52, -0.06], [0.2, -0.1]]
    )
    parts = [
        hull(rng, 1, beam, depth, grey, dark(rng), stern=0.9, full=3, section=4),
        prism(deck, 0.025, grey * 0.7, normal="y").moved(y=0.02),
    ]
    x = rng.uniform(-0.15, 0.1)
    parts += moved(superstructure(rng, x, 0.03, rng.uniform(0.08, 0.16), 0.035, 3, 0.03, grey), z=-0.09)
    parts.append(rod((x, 0.1, -0.09), (x, 0.19, -0.09), 0.008, grey))
    for place in rng.uniform(-0.45, 0.35, int(rng.integers(0, 8))):
        parts.append(
            prism(np.array([[0.03, 0], [-0.03, 0.03], [-0.03, -0.03]]), 0.015, neutral(rng), normal="y").moved(
                place, 0.04, rng.uniform(-0.02, 0.08)
            )
        )
    return parts


def submarine(rng: np.random.Generator) -> list[Part]:
    color, r = dark(rng) * rng.uniform(1, 3), rng.uniform(0.05, 0.075)
    stations = [(-0.5, 0, 0.01, 0.01, 2), (-0.35, 0, r, r, 2), (-0.2, 0, 2 * r, 2 * r, 2), (0.38, 0, 2 * r, 2 * r, 2)]
    stations += [(0.45, 0, 1.6 * r, 1.6 * r, 2), (0.49, 0, 0.8 * r, 0.8 * r, 2), (0.5, 0, 0.05 * r, 0.05 * r, 2)]
    x, long, high = rng.uniform(-0.02, 0.2), rng.uniform(0.1, 0.16), rng.uniform(0.07, 0.12)
    tower = np.array([[x, 0], [x + long, 0], [x + long * 0.95, r + high], [x + long * 0.05, r + high]])
    parts = [body(stations, color), prism(tower, 0.04, color, bevel=0.008)]
    if chance(rng, 0.6):
        parts.append(box((0.05, 0.012, 0.2), (x + long * 0.6, r + high * 0.7, 0), color))
    if chance(rng, 0.5):
        parts.append(box((0.8, r * 0.35, r * 0.8), (0, r * 0.95, 0), color * 1.2))
    for axis in (0, 90):
        plane = np.array([[-0.47, -2.2 * r], [-0.4, -2.2 * r], [-0.36, 2.2 * r], [-0.47, 2.2 * r]])
        parts.append(prism(plane, 0.012, color).turned("x", axis))
    parts.append(mast(x + long * 0.6, r + high, r + high + rng.uniform(0.03, 0.09), 0.008, metal(rng)))
    return [*parts, rod((-0.5, 0, 0), (-0.53, 0, 0), 0.03, metal(rng))]
