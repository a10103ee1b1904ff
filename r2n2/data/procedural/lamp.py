"""Lamps: table, floor and desk lamps, pendants, chandeliers, wall lamps, spots, street lamps, lanterns; metres.

Shades are open shells, lit from inside; hanging lamps end in a ceiling plate at the top.
"""

import numpy as np

from r2n2.data.procedural import bases
from r2n2.data.procedural.chance import chance, dark, finish, metal, neutral, paint, pick, vivid
from r2n2.data.procedural.primitives import Part, ball, box, lathe, mirror, moved, rod, rounded_box, torus, tube


def make(rng: np.random.Generator) -> list[Part]:
    styles = {_table: 27, _floor: 17, _desk: 13, _pendant: 20, _chandelier: 8, _wall: 5, _street: 5, _ceiling: 3}
    return pick(rng, {**styles, _lantern: 2})(rng)


def shade(rng: np.random.Generator, radius: float, tall: float, color: np.ndarray) -> list[Part]:
    """A shade from y = 0 to `tall` with a bulb inside: drum, cone, bell, square, pleated, dome or globe."""
    kind = pick(rng, {"cone": 38, "drum": 22, "bell": 10, "square": 10, "dome": 10, "globe": 10})
    if kind == "globe":
        return [ball((2 * radius, 2 * radius * rng.uniform(0.7, 1.1), 2 * radius), (0, tall * 0.45, 0), color, 18)]
    top = {"cone": rng.uniform(0.35, 0.8), "drum": rng.uniform(0.92, 1.0), "bell": rng.uniform(0.3, 0.5)}.get(kind, 0.6)
    t = np.linspace(0, 1, 8)
    outer = radius * (1 + (top - 1) * t)
    if kind == "bell":
        outer = radius * (top + (1 - top) * (1 - t) ** 2)
    if kind == "dome":
        outer = radius * np.sqrt(np.maximum(1 - t**2, 0.02))
    thick = 0.03 * radius
    profile = np.column_stack([outer, t * tall])
    inner = np.column_stack([np.maximum(outer - thick, 0.001), np.minimum(t * tall, tall - thick * (kind == "dome"))])
    around = 4 if kind == "square" else int(rng.choice([20, 20, 8, 6]))
    closed = np.concatenate([profile, inner[::-1], profile[:1]])
    return [lathe(closed, color, sides=around), ball((0.07, 0.1, 0.07), (0, tall * 0.4, 0), neutral(rng), 8)]


def _cloth(rng: np.random.Generator) -> np.ndarray:
    return np.array([240, 228, 200]) * rng.uniform(0.85, 1.05) if chance(rng, 0.5) else paint(rng)


def _body(rng: np.random.Generator, radius: float, height: float, color: np.ndarray) -> list[Part]:
    """A table lamp's body up to `height`: vase, stick, column, stacked balls, block, bottle."""
    kind = pick(rng, {"vase": 36, "stick": 24, "balls": 14, "block": 12, "cone": 8, "frame": 6})
    if kind == "stick":
        return bases.pedestal(rng, radius, height, color)
    if kind == "block":
        return [
            rounded_box(
                (radius * 1.5, height * 0.85, radius * rng.uniform(0.8, 1.6)), (0, height * 0.43, 0), 0.01, color
            ),
            rod((0, 0, 0), (0, height, 0), 0.012, metal(rng)),
        ]
    if kind == "balls":
        count = int(rng.integers(1, 5))
        size = height * 0.9 / count
        stack = [ball((min(size, 2 * radius),) * 3, (0, 0.03 + (k + 0.5) * size, 0), color, 12) for k in range(count)]
        foot = lathe(np.array([[radius, 0], [radius * 0.9, 0.025]]), color)
        return [*stack, foot, rod((0, 0, 0), (0, height, 0), 0.012, color)]
    if kind == "cone":
        return [lathe(np.array([[radius, 0], [0.02, height]]), color, sides=int(rng.choice([3, 4, 20])))]
    if kind == "frame":
        return bases.ring(rng, radius, height, color, 0.012)
    t = np.linspace(0, 1, 16)
    waves = 0.55 + 0.45 * np.sin(np.pi * (t * rng.uniform(0.8, 2.2) + rng.uniform(0, 1)))
    outline = np.maximum(radius * waves * (1 - 0.6 * t), 0.014)
    outline[0] = max(outline[0], radius * 0.55)
    outline[-2:] = 0.015
    return [lathe(np.column_stack([outline, t * height]), color, sides=20 if chance(rng, 0.85) else 6)]


def _table(rng: np.random.Generator) -> list[Part]:
    radius, tall, height = rng.uniform(0.12, 0.24), rng.uniform(0.14, 0.32), rng.uniform(0.15, 0.45)
    color = finish(rng) if chance(rng, 0.6) else vivid(rng)
    parts = _body(rng, radius * rng.uniform(0.4, 0.8), height, color)
    return parts + moved(shade(rng, radius, tall, _cloth(rng)), y=height - tall * rng.uniform(0.0, 0.3))


def _floor(rng: np.random.Generator) -> list[Part]:
    height, radius, color = (
        rng.uniform(1.1, 1.7),
        rng.uniform(0.14, 0.28),
        metal(rng) if chance(rng, 0.6) else finish(rng),
    )
    kind = pick(rng, {"straight": 48, "tripod": 20, "arc": 14, "torch": 10, "column": 8})
    reach = rng.uniform(0.11, 0.17)
    if kind == "column":
        wide = rng.uniform(0.12, 0.3)
        lit = (
            rounded_box((wide, height * 0.9, wide), (0, height * 0.5, 0), 0.02, _cloth(rng))
            if chance(rng, 0.5)
            else lathe(np.array([[wide / 2, 0.06], [wide / 2 * rng.uniform(0.5, 1.2), height]]), _cloth(rng))
        )
        return [lit, lathe(np.array([[wide * 0.6, 0], [wide * 0.6, 0.06]]), color)]
    if kind == "tripod":
        foot, top = rng.uniform(0.25, 0.4), height * rng.uniform(0.85, 1)
        parts = [rod((foot, 0, 0), (0.02, top, 0), 0.018, color).turned("y", k * 120 + 60) for k in range(3)]
        return parts + moved(shade(rng, radius, rng.uniform(0.2, 0.35), _cloth(rng)), y=top - 0.05)
    foot = [lathe(np.array([[reach, 0], [reach, 0.025], [0.02, 0.045]]), color)]
    if kind == "arc":
        t, span = np.linspace(0, 1, 14), rng.uniform(0.6, 1.3)
        path = np.column_stack([span * t**1.2, height * np.sin(t * np.pi * 0.62) ** 0.7 + 0.02, 0 * t])
        head = moved(shade(rng, radius * 0.8, 0.18, _cloth(rng)), path[-1][0], path[-1][1] - 0.2)
        return [
            *foot,
            tube(path, 0.02, color, 6),
            *head,
            rod(path[-1], path[-1] - np.array([0, 0.08, 0]), 0.012, color),
        ]
    parts = [*foot, rod((0, 0, 0), (0, height, 0), rng.uniform(0.017, 0.026), color)]
    if kind == "torch":
        bowl = np.array([[0.02, 0], [0.1, 0.03], [radius, 0.12], [radius * 0.93, 0.12], [0.1, 0.05]])
        return [*parts, lathe(bowl, _cloth(rng)).moved(y=height)]
    if chance(rng, 0.25):  # two or three spots along the pole
        for k in range(int(rng.integers(2, 4))):
            parts += [
                part.turned("y", k * 130).moved(y=height - 0.25 * k)
                for part in _spot(rng, rng.uniform(0.06, 0.1), color)
            ]
        return parts
    return parts + moved(shade(rng, radius, rng.uniform(0.2, 0.38), _cloth(rng)), y=height - 0.1)


def _spot(rng: np.random.Generator, size: float, color: np.ndarray) -> list[Part]:
    """A reflector on a short arm along +x, shining down and forward."""
    cone = np.array(
        [
            [size * 0.25, 0],
            [size * 0.45, 0.3 * size],
            [size, 2 * size],
            [size * 0.9, 2 * size],
            [size * 0.2, 0.4 * size],
        ]
    )
    head = lathe(cone, color, "x", 14).turned("z", -rng.uniform(10, 80)).moved(x=0.12)
    return [rod((0, 0, 0), (0.14, 0, 0), 0.012, color), head]


def _desk(rng: np.random.Generator) -> list[Part]:
    """A foot, two jointed arms or a gooseneck, and a reflector that points to +X and down."""
    color, reach = metal(rng) if chance(rng, 0.4) else paint(rng), rng.uniform(0.07, 0.12)
    foot = (
        lathe(np.array([[reach, 0], [reach, 0.015], [reach * 0.3, 0.035]]), color)
        if chance(rng, 0.75)
        else box((reach * 1.8, 0.03, reach * 1.8), (0, 0.015, 0), color)
    )
    first, second = rng.uniform(0.2, 0.42), rng.uniform(0.18, 0.4)
    lean, fall = np.radians(rng.uniform(-35, 25)), np.radians(rng.uniform(-25, 50))
    joint = np.array([np.sin(lean) * first, 0.03 + np.cos(lean) * first, 0])
    end = joint + np.array([np.cos(fall), np.sin(fall), 0]) * second
    if chance(rng, 0.3):
        t = np.linspace(0, 1, 10)[:, None]
        start = np.array([0, 0.03, 0])
        corner = np.array([joint[0], end[1] + 0.12, 0])
        arms = [tube((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end, 0.011, color, 6)]
    else:
        apart = rng.choice([0.0, 0.018])
        sides = (-apart, apart) if apart else (0.0,)
        arms = [rod((0, 0.03, z), joint + np.array([0, 0, z]), 0.011, color, sides=6) for z in sides]
        arms += [rod(joint + np.array([0, 0, z]), end + np.array([0, 0, z]), 0.011, color, sides=6) for z in sides]
        arms.append(ball((0.04, 0.04, 0.05), joint, color, 8))
    size = rng.uniform(0.055, 0.1)
    if chance(rng, 0.2):
        head = rounded_box((rng.uniform(0.2, 0.35), 0.03, 0.08), (0.1, 0, 0), 0.012, color).turned(
            "z", -rng.uniform(0, 25)
        )
    else:
        cone = np.array([[0.02, -0.3], [0.3, -0.2], [0.4, 0.3], [1, 1.3], [0.92, 1.3], [0.3, 0.2]]) * size
        head = lathe(cone, color if chance(rng, 0.7) else paint(rng), "x", 16).turned("z", -rng.uniform(25, 85))
    return [foot, *arms, head.moved(*end)]


def _hang(rng: np.random.Generator, x: float, z: float, low: float, top: float, color: np.ndarray) -> Part:
    return rod((x, low, z), (x, top, z), rng.uniform(0.013, 0.02) * max(top - low, 0.4), color, sides=6)


def _pendant(rng: np.random.Generator) -> list[Part]:
    color, cord, top = _cloth(rng) if chance(rng, 0.5) else paint(rng), dark(rng), rng.uniform(0.35, 1.1)
    plate = lathe(np.array([[0.05, -0.03], [0.06, 0]]), metal(rng), at=(0, top, 0))
    count = int(pick(rng, {1: 76, 2: 5, 3: 14, 5: 5}))
    radius, tall = rng.uniform(0.12, 0.3), rng.uniform(0.12, 0.32)
    if count == 1:
        if chance(rng, 0.12):
            rings = [
                torus(radius * k, 0.018, color, at=(0, tall * (1 - k) * 1.5, 0))
                for k in (1.0, 0.7, 0.4)[: rng.integers(1, 4)]
            ]
            wires = [rod((radius, 0, 0), (0, top, 0), 0.005, cord, sides=5).turned("y", k * 120) for k in range(3)]
            return [*rings, *wires, plate]
        return [*shade(rng, radius, tall, color), _hang(rng, 0, 0, tall * 0.5, top, cord), plate]
    parts, apart = [box((0.06, 0.03, 0.5 * count * radius), (0, top, 0), metal(rng))], radius * 0.9
    for k in range(count):
        z, low = (k - (count - 1) / 2) * apart, rng.uniform(-0.15, 0.15) * chance(rng, 0.4)
        parts += [part.moved(0, low, z) for part in shade(rng, radius * 0.38, tall * 0.7, color)]
        parts.append(_hang(rng, 0, z, low + tall * 0.3, top, cord))
    return parts


def _chandelier(rng: np.random.Generator) -> list[Part]:
    color, count = metal(rng) if chance(rng, 0.7) else dark(rng), int(rng.integers(4, 10))
    reach, rise, top = rng.uniform(0.25, 0.5), rng.uniform(0.02, 0.18), rng.uniform(0.3, 0.9)
    knots = np.array([[0.05, 0], [0.09, 0.04], [0.03, 0.1], [0.06, 0.16], [0.02, 0.22]]) * [1, rng.uniform(0.8, 1.6)]
    parts = [lathe(knots - [0, 0.08], color, sides=12), _hang(rng, 0, 0, 0, top, color)]
    parts.append(lathe(np.array([[0.05, -0.03], [0.07, 0]]), color, at=(0, top, 0)))
    t = np.linspace(0, 1, 9)
    arm = np.column_stack(
        [0.03 + (reach - 0.03) * t, rise * t - 0.12 * np.sin(np.pi * t) * rng.uniform(0.3, 1.3), 0 * t]
    )
    tone, small = _cloth(rng), chance(rng, 0.5)
    for tier in range(int(pick(rng, {1: 75, 2: 25}))):
        grow = 1 - 0.4 * tier
        for k in range(count):
            end = arm[-1] * [grow, 1, 1]
            piece = [
                tube(arm * [grow, 1, 1], 0.012, color, 6),
                lathe(np.array([[0.03, 0], [0.04, 0.012]]), color, at=tuple(end), sides=10),
            ]
            if small:
                piece += moved(shade(rng, 0.075, 0.1, tone), end[0], end[1] + 0.04)
            else:
                piece.append(rod(end, end + np.array([0, 0.12, 0]), 0.013, tone, 0.009, 8))
            parts += [part.turned("y", k * 360 / count + 20 * tier).moved(y=tier * 0.22) for part in piece]
    return parts


def _wall(rng: np.random.Generator) -> list[Part]:
    color, reach = metal(rng) if chance(rng, 0.7) else paint(rng), rng.uniform(0.1, 0.28)
    plate = rounded_box((0.025, rng.uniform(0.12, 0.3), 0.12), (0, 0, 0), 0.01, color)
    path = np.array([[0, 0, 0], [reach * 0.6, -rng.uniform(0, 0.1), 0], [reach, rng.uniform(-0.02, 0.08), 0]])
    one = [
        tube(path, 0.012, color, 6),
        *moved(shade(rng, rng.uniform(0.06, 0.13), rng.uniform(0.1, 0.2), _cloth(rng)), reach, path[-1][1]),
    ]
    if chance(rng, 0.25):
        return [plate, *mirror([part.turned("y", -35) for part in one])]
    return [plate, *one]


def _street(rng: np.random.Generator) -> list[Part]:
    color, height = dark(rng) if chance(rng, 0.6) else metal(rng), rng.uniform(2.5, 5)
    parts = [
        rod((0, 0, 0), (0, height, 0), 0.09, color, 0.05),
        lathe(np.array([[0.18, 0], [0.16, 0.3], [0.09, 0.4]]), color),
    ]
    if chance(rng, 0.5):
        reach = rng.uniform(0.5, 1.4)
        t = np.linspace(0, 1, 7)
        arm = np.column_stack([reach * t, height + 0.25 * np.sin(t * np.pi / 2), 0 * t])
        head = [
            tube(arm, 0.05, color, 6),
            rounded_box((0.6, 0.13, 0.25), (reach + 0.15, height + 0.23, 0), 0.05, neutral(rng)),
        ]
        return parts + (mirror(head, "x") if chance(rng, 0.3) else head)
    size = rng.uniform(0.16, 0.3)
    glow = (
        [ball((2 * size,) * 3, (0, size, 0), neutral(rng), 12)]
        if chance(rng, 0.5)
        else _cage(size, color, neutral(rng))
    )
    if chance(rng, 0.35):
        arms = [rod((0, height - 0.2, -0.6), (0, height - 0.2, 0.6), 0.04, color)]
        return (
            parts
            + arms
            + [part.moved(0, height - 0.15, z) for z in (-0.6, 0.6) for part in glow]
            + moved(glow, y=height)
        )
    return parts + moved(glow, y=height)


def _cage(size: float, color: np.ndarray, light: np.ndarray) -> list[Part]:
    """A lantern above y = 0."""
    panes = lathe(np.array([[size * 0.6, 0], [size * 0.95, size * 1.7]]), light, sides=4)
    roof = lathe(
        np.array([[size * 1.15, size * 1.7], [size * 0.2, size * 2.3], [size * 0.1, size * 2.6]]), color, sides=4
    )
    return [panes, roof, lathe(np.array([[size * 0.4, -size * 0.2], [size * 0.7, 0]]), color, sides=4)]


def _ceiling(rng: np.random.Generator) -> list[Part]:
    if chance(rng, 0.4):
        color, wide = metal(rng), rng.uniform(0.6, 1.2)
        parts = [box((0.06, 0.03, wide), (0, 0, 0), color)]
        for z in np.linspace(-0.42, 0.42, int(rng.integers(2, 5))) * wide:
            parts += [part.turned("z", -30).moved(0, -0.03, z) for part in _spot(rng, 0.07, color)]
        return parts
    radius, deep = rng.uniform(0.15, 0.3), rng.uniform(0.06, 0.15)
    bowl = np.array([[0.02, -1], [0.5, -0.85], [0.85, -0.5], [1, 0]]) * [radius, deep]
    return [lathe(bowl, _cloth(rng)), lathe(np.array([[radius * 1.03, 0], [radius, 0.03]]), metal(rng))]


def _lantern(rng: np.random.Generator) -> list[Part]:
    color = dark(rng) if chance(rng, 0.6) else paint(rng)
    return [*_cage(0.12, color, neutral(rng)), torus(0.05, 0.008, color, "z", (0, 0.36, 0), 14)]
