"""Sofas: one to four seats, L-shapes, chesterfields, chaises, daybeds, curved ones. Wide along z; metres."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, metal, paint, pick, wood
from r2n2.data.procedural.primitives import Part, box, lathe, loft, mirror, moved, prism, rod, rounded_box


def make(rng: np.random.Generator) -> list[Part]:
    return pick(rng, {_straight: 66, _corner: 14, _daybed: 8, _chaise: 6, _curved: 6})(rng)


def _cloth(rng: np.random.Generator) -> np.ndarray:
    return paint(rng) if chance(rng, 0.8) else dark(rng)


def _feet(rng: np.random.Generator, depth: float, width: float, height: float) -> list[Part]:
    color, r, splay = wood(rng) if chance(rng, 0.6) else metal(rng), rng.uniform(0.015, 0.04), rng.uniform(0, 0.05)
    x, z = depth / 2 - 0.06, width / 2 - 0.08
    if chance(rng, 0.2):
        return mirror([box((2 * x, height, 0.04), (0, height / 2, z), color)])
    legs = [
        rod((s * (x + splay), 0, z), (s * x, height + 0.02, z), r * 0.7, color, r, 4 if chance(rng, 0.5) else 8)
        for s in (-1, 1)
    ]
    return mirror(legs)


def _pillows(rng: np.random.Generator, x: float, y: float, width: float) -> list[Part]:
    parts = []
    for _ in range(int(rng.integers(1, 4))):
        size, z = rng.uniform(0.32, 0.48), rng.uniform(-0.42, 0.42) * width
        pillow = rounded_box((0.14, size, size), (0, size / 2, 0), 0.06, _cloth(rng))
        parts.append(pillow.turned("z", rng.uniform(15, 35)).turned("y", rng.uniform(-20, 20)).moved(x + 0.12, y, z))
    return parts


def _straight(rng: np.random.Generator) -> list[Part]:
    seats = int(pick(rng, {1: 8, 2: 38, 3: 43, 4: 11}))
    arm = rng.uniform(0.08, 0.3)
    width, depth = seats * rng.uniform(0.52, 0.72) + 2 * arm, rng.uniform(0.72, 1.02)
    seat, tall, foot = (
        rng.uniform(0.36, 0.48),
        rng.uniform(0.28, 0.55),
        rng.choice([0.0, rng.uniform(0.04, 0.2)], p=[0.35, 0.65]),
    )
    color, soft = _cloth(rng), rng.uniform(0.015, 0.07)
    cushion = color if chance(rng, 0.7) else _cloth(rng)
    armed = chance(rng, 0.86)
    inside = width - 2 * arm * armed
    pad = rng.uniform(0.1, 0.2)
    deck = seat - pad
    parts = _feet(rng, depth, width, foot) if foot else []
    parts.append(
        rounded_box((depth, deck - foot, width if armed else inside), (0, (deck + foot) / 2, 0), soft * 0.5, color)
    )
    back, lean = rng.uniform(0.12, 0.28), rng.uniform(0, 14)
    rest = [
        rounded_box(
            (back, tall + seat - deck + 0.05, width * (1 if chance(rng, 0.6) else inside / width)),
            (0, (tall - seat + deck) / 2 + 0.02, 0),
            soft,
            color,
        )
    ]
    if chance(rng, 0.15):
        rest.append(rod((0, tall, -width / 2), (0, tall, width / 2), back * 0.6, color, sides=14))
    count = seats if chance(rng, 0.75) else 1
    thick = rng.uniform(0.1, 0.2)
    fluff = chance(rng, 0.6)
    for k in range(count):
        wide, z = inside / count, (k + 0.5) * inside / count - inside / 2
        parts.append(
            rounded_box(
                (depth - back, pad, wide * 0.98), (back / 2, seat - pad / 2, z), min(soft + 0.02, pad * 0.45), cushion
            )
        )
        if fluff:
            high = tall * rng.uniform(0.8, 1.05)
            rest.append(
                rounded_box((thick, high, wide * 0.97), (back / 2 + thick * 0.4, high / 2, z), thick * 0.42, cushion)
            )
    parts += [part.turned("z", lean).moved(-depth / 2 + back / 2, seat) for part in rest]
    if armed:
        parts += _arms(rng, depth, width, seat, tall, foot, arm, soft, color)
    if chance(rng, 0.3):
        parts += _pillows(rng, -depth / 2 + back + thick * fluff, seat, inside)
    if chance(rng, 0.06):
        parts.append(rounded_box((0.5, seat * 0.9, 0.6), (depth * 0.5 + 0.5, seat * 0.45, 0), soft, color))
    return parts


def _arms(
    rng: np.random.Generator,
    depth: float,
    width: float,
    seat: float,
    tall: float,
    foot: float,
    arm: float,
    soft: float,
    color: np.ndarray,
) -> list[Part]:
    kind, z = pick(rng, {"block": 50, "rolled": 24, "sloped": 16, "open": 10}), width / 2 - arm / 2
    high = seat + rng.uniform(0.08, min(0.3, tall))
    if kind == "block":
        return mirror([rounded_box((depth, high - foot, arm), (0, (high + foot) / 2, z), soft, color)])
    if kind == "rolled":
        radius = arm * rng.uniform(0.5, 0.75)
        roll = rod((-depth * 0.48, high - radius, z), (depth * 0.5, high - radius, z), radius, color, sides=14)
        return mirror(
            [
                rounded_box(
                    (depth, high - foot - radius, arm * 0.8), (0, (high + foot - radius) / 2, z), soft * 0.5, color
                ),
                roll,
            ]
        )
    if kind == "sloped":
        side = np.array(
            [
                [-depth / 2, foot],
                [depth / 2, foot],
                [depth / 2, seat],
                [depth * 0.3, high * 0.95],
                [-depth / 2, seat + tall * 0.9],
            ]
        )
        return mirror([prism(side, arm, color, bevel=min(soft, arm * 0.3)).moved(z=z)])
    frame = wood(rng) if chance(rng, 0.6) else metal(rng)
    rest = box((depth * 0.95, 0.04, min(arm, 0.1)), (0, high, z), frame)
    posts = [rod((s * depth * 0.44, 0, z), (s * depth * 0.44, high, z), 0.025, frame, sides=4) for s in (-1, 1)]
    return mirror([rest, *posts])


def _corner(rng: np.random.Generator) -> list[Part]:
    """An L: a sofa along z and a wing along x at one end, with its own back or as a chaise."""
    width, depth, reach = rng.uniform(2.0, 3.2), rng.uniform(0.8, 1.0), rng.uniform(1.4, 2.4)
    seat, tall, foot, soft = (
        rng.uniform(0.36, 0.46),
        rng.uniform(0.25, 0.42),
        rng.choice([0.0, 0.05, 0.12]),
        rng.uniform(0.02, 0.06),
    )
    color, cushion, back, pad = _cloth(rng), _cloth(rng) if chance(rng, 0.3) else None, rng.uniform(0.14, 0.26), 0.15
    cushion = color if cushion is None else cushion
    low = seat - pad
    main = -depth / 2
    parts = [rounded_box((depth, low - foot, width), (0, (low + foot) / 2, 0), soft * 0.5, color)]
    parts.append(
        rounded_box(
            (reach - depth, low - foot, depth), (reach / 2, (low + foot) / 2, width / 2 - depth / 2), soft * 0.5, color
        )
    )
    top = seat + tall
    parts.append(rounded_box((back, top - foot, width), (main + back / 2, (top + foot) / 2, 0), soft, color))
    chaise = chance(rng, 0.5)
    if not chaise:
        parts.append(
            rounded_box(
                (reach, top - foot, back), (main + reach / 2, (top + foot) / 2, width / 2 - back / 2), soft, color
            )
        )
    elif chance(rng, 0.6):
        parts.append(
            rounded_box(
                (depth, seat + 0.18 - foot, back), (0, (seat + 0.18 + foot) / 2, width / 2 - back / 2), soft, color
            )
        )
    if chance(rng, 0.75):
        arm, high = rng.uniform(0.12, 0.25), seat + rng.uniform(0.1, 0.25)
        parts.append(rounded_box((depth, high - foot, arm), (0, (high + foot) / 2, -width / 2 + arm / 2), soft, color))
    count = int(rng.integers(2, 4))
    run = width - back * (not chaise)
    for k in range(count):
        z, wide = -width / 2 + (k + 0.5) * run / count, run / count * 0.97
        parts.append(rounded_box((depth - back, pad, wide), (back / 2, seat - pad / 2, z), 0.04, cushion))
        parts.append(
            rounded_box((0.16, tall * 0.95, wide), (main + back + 0.06, seat + tall * 0.45, z), 0.06, cushion).turned(
                "z", 8, (main, seat, z)
            )
        )
    parts.append(
        rounded_box(
            (reach - depth, pad, depth - back * (not chaise)),
            (reach / 2, seat - pad / 2, width / 2 - depth / 2 - back / 2 * (not chaise)),
            0.04,
            cushion,
        )
    )
    if foot:
        parts += _feet(rng, depth, width, foot)
        parts.append(
            rod(
                (reach - depth / 2 - 0.1, 0, width / 2 - 0.1),
                (reach - depth / 2 - 0.1, foot, width / 2 - 0.1),
                0.03,
                dark(rng),
            )
        )
    if chance(rng, 0.35):
        parts += _pillows(rng, main + back + 0.1, seat, width * 0.8)
    return [part.mirrored() for part in parts] if chance(rng, 0.5) else parts


def _daybed(rng: np.random.Generator) -> list[Part]:
    """A mattress on a frame, with or without ends; also plain upholstered benches."""
    width, depth, height = rng.uniform(1.4, 2.1), rng.uniform(0.6, 0.95), rng.uniform(0.32, 0.45)
    frame, color, thick = wood(rng), _cloth(rng), rng.uniform(0.1, 0.2)
    parts = [
        rounded_box((depth, thick, width), (0, height - thick / 2, 0), 0.05, color),
        box((depth, 0.06, width), (0, height - thick - 0.03, 0), frame),
    ]
    parts += _feet(rng, depth, width, height - thick - 0.05)
    if chance(rng, 0.4):
        parts += mirror(
            [
                rounded_box(
                    (depth, height + rng.uniform(0.15, 0.4), 0.08), (0, (height + 0.25) / 2, width / 2), 0.03, color
                )
            ]
        )
    else:
        parts += [
            rod(
                (-depth * 0.4, height + 0.08, s * (width / 2 - 0.1)),
                (depth * 0.4, height + 0.08, s * (width / 2 - 0.1)),
                0.09,
                color,
            )
            for s in (-1, 1)[: rng.integers(1, 3)]
        ]
    if chance(rng, 0.6):
        tall = rng.uniform(0.25, 0.45)
        parts.append(
            rounded_box(
                (0.14, tall, width * rng.uniform(0.7, 1)), (-depth / 2 + 0.07, height + tall / 2, 0), 0.04, color
            )
        )
    return parts


def _chaise(rng: np.random.Generator) -> list[Part]:
    """A récamière: long along z, one end raised, a low sloping back at -x."""
    width, depth, height, color = rng.uniform(1.4, 1.9), rng.uniform(0.6, 0.8), rng.uniform(0.36, 0.46), _cloth(rng)
    foot, side = rng.uniform(0.08, 0.2), float(rng.choice([-1, 1]))
    parts = [
        *_feet(rng, depth, width, foot),
        rounded_box((depth, height - foot, width), (0, (height + foot) / 2, 0), 0.06, color),
    ]
    tall = rng.uniform(0.3, 0.5)
    parts.append(
        rounded_box((depth, tall, 0.18), (0, height + tall / 2 - 0.05, side * (width / 2 - 0.09)), 0.07, color).turned(
            "x", side * 10, (0, height, side * width / 2)
        )
    )
    if chance(rng, 0.75):
        slope = np.array([[-0.5, 0], [0.5, 0], [0.5, tall], [0.0, tall * 0.8], [-0.4, 0.1]]) * [side * width * 0.98, 1]
        parts.append(prism(slope, 0.14, color, normal="x", bevel=0.03).moved(-depth / 2 + 0.07, height - 0.03))
    return parts


def _curved(rng: np.random.Generator) -> list[Part]:
    """A round sofa: an arc centred on a point in front of it."""
    radius, depth, half = rng.uniform(0.5, 1.6), rng.uniform(0.7, 0.9), rng.uniform(40, 90)
    seat, tall, color = rng.uniform(0.38, 0.46), rng.uniform(0.3, 0.45), _cloth(rng)
    angles, back = np.radians(np.linspace(180 - half, 180 + half, 21)), rng.uniform(0.14, 0.24)

    def arc(inner: float, outer: float, low: float, high: float, tone: np.ndarray) -> Part:
        corners = [
            (inner, low),
            (outer, low),
            (outer, high - 0.04),
            (outer - 0.04, high),
            (inner + 0.04, high),
            (inner, high - 0.04),
        ]
        return loft(np.array([[(r * np.cos(a), y, r * np.sin(a)) for r, y in corners] for a in angles]), tone)

    outer = radius + depth
    parts = [arc(radius, outer, 0.04, seat, color), arc(outer - back, outer, seat - 0.05, seat + tall, color)]
    if chance(rng, 0.4):
        parts.append(arc(radius + 0.02, outer - back, seat, seat + 0.08, _cloth(rng)))
    if chance(rng, 0.3):
        parts.append(lathe(np.array([[0.4, 0], [0.42, 0.3], [0.35, 0.36]]), color).moved(x=-radius * 0.3))
    return moved(parts, x=radius)
