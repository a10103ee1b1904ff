"""Boats: speed boats, motor yachts, rowing boats and canoes, tugs and trawlers. A hull has length 1."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, glass, metal, neutral, paint, vivid, wood
from r2n2.data.procedural.hull import hull
from r2n2.data.procedural.primitives import (
    Part,
    box,
    lathe,
    mirror,
    prism,
    rod,
    rounded_box,
    tube,
)
from r2n2.data.procedural.sailing import mast
from r2n2.data.procedural.ships import superstructure


def speed_boat(rng: np.random.Generator) -> list[Part]:
    color, trim = paint(rng), paint(rng)
    beam, depth = rng.uniform(0.26, 0.42), rng.uniform(0.12, 0.2)
    open_boat = chance(rng, 0.6)
    parts = [
        hull(
            rng,
            1,
            beam,
            depth,
            color,
            trim,
            stern=rng.uniform(0.8, 1),
            full=rng.uniform(2.2, 3.5),
            section=rng.uniform(1.6, 3),
            sheer_bow=rng.uniform(0.05, 0.4),
            rise_bow=0.6,
            rise_stern=0,
            rake=rng.uniform(0.05, 0.14),
            hollow=rng.uniform(0.4, 0.7) * open_boat,
        )
    ]
    x, tall = rng.uniform(0.0, 0.18), rng.uniform(0.08, 0.14)
    if open_boat:
        deck = beam * 0.9
        parts.append(
            prism(np.array([[x, 0], [0.42, 0.02 + depth * 0.15], [0.42, -0.02], [x, -0.05]]), deck * 0.6, color)
        )
        for row in (x - 0.12, x - 0.3)[: rng.integers(1, 3)]:
            parts += mirror(
                [
                    rounded_box((0.05, 0.15, beam * 0.3), (row, -depth * 0.2, beam * 0.2), 0.02, trim),
                    rounded_box((0.1, 0.06, beam * 0.3), (row + 0.05, -depth * 0.35, beam * 0.2), 0.02, trim),
                ]
            )
    else:
        parts.append(rounded_box((rng.uniform(0.25, 0.5), tall * 0.6, beam * 0.6), (x - 0.1, 0.02, 0), 0.03, color))
    pane = (
        box((0.02, tall, beam * 0.75), (0, tall / 2, 0), glass(rng))
        .turned("z", rng.uniform(20, 50))
        .moved(x + 0.03, -0.01)
    )
    parts.append(pane)
    if chance(rng, 0.3):
        high = rng.uniform(0.25, 0.35)
        parts.append(box((rng.uniform(0.2, 0.35), 0.015, beam * 0.75), (x - 0.1, high, 0), trim))
        parts += mirror(
            [
                rod(
                    (x - 0.1 + k, -0.03, beam * 0.35), (x - 0.1 + k * 0.8, high, beam * 0.33), 0.01, metal(rng), sides=6
                )
                for k in (-0.12, 0.12)
            ]
        )
    if chance(rng, 0.55):
        for z in (0.0,) if chance(rng, 0.6) else (-0.07, 0.07):
            parts += [
                rounded_box((0.08, 0.12, 0.07), (-0.53, 0.03, z), 0.02, dark(rng)),
                box((0.03, depth * 1.3, 0.025), (-0.53, -depth * 0.6, z), dark(rng)),
            ]
    if chance(rng, 0.3):
        points = np.array([[x, 0.03, beam * 0.42], [0.3, 0.08, beam * 0.33], [0.47, 0.12, 0.02]])
        parts += mirror([tube(points, 0.007, metal(rng), 6)])
    return parts


def yacht(rng: np.random.Generator) -> list[Part]:
    color, beam, depth = (
        neutral(rng) if chance(rng, 0.8) else paint(rng),
        rng.uniform(0.18, 0.28),
        rng.uniform(0.09, 0.14),
    )
    parts = [
        hull(
            rng,
            1,
            beam,
            depth,
            color,
            dark(rng),
            stern=0.9,
            full=rng.uniform(2.5, 4),
            section=rng.uniform(2, 3.5),
            sheer_bow=rng.uniform(0.1, 0.4),
            rake=rng.uniform(0.05, 0.12),
            rise_bow=0.4,
        )
    ]
    rear, front, y, wide, pane = (
        rng.uniform(-0.4, -0.25),
        rng.uniform(0.12, 0.3),
        -0.01,
        beam * rng.uniform(0.7, 0.85),
        glass(rng),
    )
    for _ in range(int(rng.integers(1, 4))):
        tall, lean = rng.uniform(0.06, 0.09), rng.uniform(0.06, 0.16)
        outline = np.array([[rear, y], [front, y], [front - lean, y + tall], [rear + 0.02, y + tall]])
        parts.append(prism(outline, wide, color, bevel=0.012))
        strip = np.array(
            [
                [rear + 0.05, y + tall * 0.4],
                [front - lean * 0.3, y + tall * 0.4],
                [front - lean * 0.75, y + tall * 0.85],
                [rear + 0.05, y + tall * 0.85],
            ]
        )
        parts.append(prism(strip, wide * 1.02, pane))
        y, rear, front, wide = (
            y + tall,
            rear + rng.uniform(0.0, 0.1),
            front - lean - rng.uniform(0.02, 0.1),
            wide * 0.88,
        )
        if front - rear < 0.15:
            break
    if chance(rng, 0.6):
        arch = np.array([[rear, y], [rear + 0.08, y], [rear + 0.02, y + 0.1], [rear - 0.03, y + 0.1]])
        parts.append(prism(arch, wide * 0.8, color))
    if chance(rng, 0.5):
        parts.append(mast(rear + 0.03, y, y + rng.uniform(0.1, 0.25), 0.006, metal(rng)))
    return parts


def rowing_boat(rng: np.random.Generator) -> list[Part]:
    timber, trim, canoe = wood(rng) if chance(rng, 0.6) else paint(rng), wood(rng), chance(rng, 0.4)
    beam, depth = (
        (rng.uniform(0.14, 0.26), rng.uniform(0.07, 0.12))
        if canoe
        else (rng.uniform(0.28, 0.45), rng.uniform(0.11, 0.18))
    )
    parts = [
        hull(
            rng,
            1,
            beam,
            depth,
            timber,
            timber * 0.8,
            stern=0.05 if canoe else rng.uniform(0.4, 0.85),
            full=rng.uniform(2, 3),
            section=rng.uniform(2, 3.5),
            sheer_bow=rng.uniform(0.1, 0.6),
            sheer_stern=rng.uniform(0.1, 0.6),
            rake=0.03,
            hollow=0.85,
        )
    ]
    for x in np.linspace(-0.3, 0.28, int(rng.integers(2, 5))):
        parts.append(
            box((rng.uniform(0.05, 0.1), 0.02, beam * 0.9 * (1 - (x * 1.6) ** 2)), (x, -depth * 0.25, 0), trim)
        )
    if chance(rng, 0.35):
        reach = rng.uniform(0.25, 0.45)
        oar = rod((0, 0.02, beam * 0.2), (-0.1, -0.03, beam / 2 + reach), 0.01, trim, sides=6)
        blade = box((0.05, 0.012, 0.12), (-0.1, -0.03, beam / 2 + reach), trim)
        parts += mirror([oar, blade])
    elif chance(rng, 0.2):
        parts.append(
            prism(np.array([[-0.56, 0.05], [-0.48, 0.1], [-0.48, -depth], [-0.54, -depth * 1.2]]), 0.05, dark(rng))
        )
    return parts


def workboat(rng: np.random.Generator) -> list[Part]:
    """Tugs and trawlers."""
    color, house, beam, depth = vivid(rng), neutral(rng), rng.uniform(0.26, 0.38), rng.uniform(0.12, 0.19)
    parts = [
        hull(
            rng,
            1,
            beam,
            depth,
            color,
            paint(rng),
            stern=0.8,
            full=rng.uniform(3, 5),
            section=rng.uniform(2, 3.5),
            sheer_bow=rng.uniform(0.4, 0.9),
            hollow=rng.uniform(0.0, 0.3),
        )
    ]
    x, level = rng.uniform(-0.2, 0.2), rng.uniform(0.1, 0.14)
    parts += superstructure(rng, x, -0.03, rng.uniform(0.2, 0.35), beam * 0.6, int(rng.integers(1, 3)), level, house)
    high = rng.uniform(0.35, 0.6)
    parts.append(mast(x - 0.05, 0, high, 0.013, metal(rng)))
    if chance(rng, 0.6):
        place = rng.choice([-0.35, 0.32])
        parts += [
            mast(place, 0, high * 0.7, 0.013, metal(rng)),
            rod((place, high * 0.3, 0), (place - 0.25 * np.sign(place), high * 0.75, 0), 0.009, metal(rng), sides=6),
        ]
    if chance(rng, 0.6):
        parts.append(lathe(np.array([[0.045, 0], [0.04, 0.15]]), paint(rng), "y", 12, (x - 0.2, 0.02, 0)))
    return parts
