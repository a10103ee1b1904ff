"""Chairs: dining, office, cantilever, club, wing and folding chairs, stools, loungers, rockers, shells; metres."""

import numpy as np

from r2n2.data.procedural import bases
from r2n2.data.procedural.chance import chance, dark, finish, metal, neutral, paint, pick, wood
from r2n2.data.procedural.primitives import (
    Part,
    ball,
    box,
    lathe,
    mirror,
    moved,
    prism,
    rod,
    rounded_box,
    sheet,
    tube,
)
from r2n2.data.procedural.seating import arms, back_rest, cloth, curved_panel, seat_plate


def make(rng: np.random.Generator) -> list[Part]:
    styles = {
        _dining: 44,
        _office: 14,
        _club: 13,
        _shell: 9,
        _stool: 7,
        _lounger: 5,
        _block: 3,
        _folding: 2,
        _rocking: 3,
    }
    return pick(rng, styles)(rng)


def _dining(rng: np.random.Generator) -> list[Part]:
    depth, width, height = rng.uniform(0.38, 0.55), rng.uniform(0.38, 0.58), rng.uniform(0.4, 0.5)
    tall, lean, frame = rng.uniform(0.32, 0.68), rng.uniform(0, 16), finish(rng) if chance(rng, 0.75) else metal(rng)
    pad = cloth(rng) if chance(rng, 0.55) else frame
    thick, seat_thick = rng.uniform(0.014, 0.032), rng.uniform(0.025, 0.09)
    top = height - seat_thick
    support = pick(rng, {bases.legs: 76, bases.sled: 16, bases.panels: 4, bases.crossed: 4})
    parts = support(rng, depth, width, top, frame, thick)
    parts += seat_plate(rng, depth, width, height, seat_thick, pad)
    back = back_rest(rng, width, tall, frame, pad, thick)
    parts += [part.turned("z", lean).moved(-depth / 2 + thick, height - 0.02) for part in back]
    if chance(rng, 0.38):
        parts += arms(rng, depth, width, height, frame, thick)
    return parts


def _office(rng: np.random.Generator) -> list[Part]:
    depth, width, height, pad = rng.uniform(0.42, 0.54), rng.uniform(0.44, 0.56), rng.uniform(0.42, 0.55), cloth(rng)
    parts = bases.star(rng, rng.uniform(0.26, 0.36), height - 0.05)
    thick = rng.uniform(0.06, 0.12)
    parts.append(rounded_box((depth, thick, width), (0, height - thick / 2, 0), thick * 0.45, pad))
    tall, lean = rng.uniform(0.35, 0.8), rng.uniform(2, 16)
    gap = rng.uniform(0.0, 0.16) if tall < 0.65 else 0.0
    back = [
        curved_panel(
            width * rng.uniform(0.8, 1.0),
            gap,
            tall,
            rng.uniform(0.01, 0.08),
            rng.uniform(0.03, 0.1),
            pad,
            rng.uniform(0, 0.15),
        )
    ]
    if gap:
        back.append(tube(np.array([[0.1, -0.1, 0], [-0.06, -0.08, 0], [-0.06, tall * 0.5, 0]]), 0.025, dark(rng), 6))
    if chance(rng, 0.15):
        back.append(rounded_box((0.07, 0.16, width * 0.55), (-0.02, tall + 0.1, 0), 0.03, pad))
    parts += [part.turned("z", lean).moved(-depth / 2 + 0.02, height) for part in back]
    if chance(rng, 0.7):
        rise, z, color = rng.uniform(0.17, 0.25), width / 2 + 0.04, dark(rng) if chance(rng, 0.6) else metal(rng)
        rest = rounded_box((rng.uniform(0.2, 0.32), 0.035, 0.07), (0.02, height + rise, z), 0.015, color)
        form = [[0.0, height + rise, z], [0.0, height - thick, z], [0, height - thick, 0]]
        if chance(rng, 0.4):
            form = [
                [0.14, height + rise, z],
                [0.14, height - thick, z],
                [-0.14, height - thick, z],
                [-0.14, height + rise, z],
            ]
        parts += mirror([rest, tube(np.array(form), 0.018, color, 6)])
    return parts


def _club(rng: np.random.Generator) -> list[Part]:
    """Upholstered armchairs: club, wing, tub."""
    depth, width, height, color = rng.uniform(0.6, 0.85), rng.uniform(0.62, 0.95), rng.uniform(0.36, 0.46), cloth(rng)
    foot, arm, tall = rng.uniform(0.0, 0.2), rng.uniform(0.08, 0.2), rng.uniform(0.35, 0.75)
    low, trim = foot if chance(rng, 0.8) else 0.0, wood(rng) if chance(rng, 0.7) else metal(rng)
    inside = width - 2 * arm
    parts = bases.legs(rng, depth * 0.9, width * 0.9, low + 0.02, trim, 0.02)[:4] if low > 0.03 else []
    soft = rng.uniform(0.02, 0.07)
    if chance(rng, 0.25):  # a tub: arms and back in one curve
        t = np.linspace(-100, 100, 15) * np.pi / 180
        rise = height + tall * (0.45 + 0.55 * np.cos(t).clip(0) ** 0.7)
        inner = np.stack(
            [
                np.column_stack([-np.cos(t) * depth * 0.5, np.full(15, low), np.sin(t) * width * 0.46]),
                np.column_stack([-np.cos(t) * depth * 0.56, rise, np.sin(t) * width * 0.5]),
            ],
            axis=1,
        )
        return [
            *parts,
            sheet(inner, arm * 0.8, color),
            rounded_box((depth * 0.85, height - low, width * 0.85), (0.03, (low + height) / 2, 0), soft, color),
        ]
    parts.append(rounded_box((depth, height - low - 0.08, width), (0, (low + height - 0.08) / 2, 0), soft * 0.6, color))
    parts.append(
        rounded_box(
            (depth * 0.82, 0.15, inside), (0.05, height - 0.04, 0), soft, cloth(rng) if chance(rng, 0.2) else color
        )
    )
    back_thick, lean = rng.uniform(0.12, 0.22), rng.uniform(0, 14)
    back = [rounded_box((back_thick, tall + 0.1, width * rng.uniform(0.75, 1)), (0, tall / 2, 0), soft, color)]
    if tall > 0.55 and chance(rng, 0.5):
        wing = np.array([[0, 0.15], [0.2, 0.18], [0.16, tall - 0.02], [0, tall + 0.02]])
        back += mirror([prism(wing, 0.07, color, bevel=0.02).moved(z=width / 2 - 0.06)])
    parts += [part.turned("z", lean).moved(-depth / 2 + back_thick / 2, height - 0.02) for part in back]
    rise = rng.uniform(0.1, 0.25)
    side = rounded_box(
        (depth * rng.uniform(0.85, 1.0), height + rise - low, arm),
        (0.0, (height + rise + low) / 2, width / 2 - arm / 2),
        soft,
        color,
    )
    roll = [
        rod(
            (-depth * 0.45, height + rise, width / 2 - arm / 2),
            (depth * 0.48, height + rise, width / 2 - arm / 2),
            arm * 0.65,
            color,
        )
    ]
    return parts + mirror([side, *(roll if chance(rng, 0.25) else [])])


def _shell(rng: np.random.Generator) -> list[Part]:
    """A seat and back moulded in one piece, an egg, or a ball, on any base."""
    width, height, tall = rng.uniform(0.44, 0.66), rng.uniform(0.36, 0.48), rng.uniform(0.32, 0.5)
    color, frame, depth = paint(rng), metal(rng) if chance(rng, 0.6) else wood(rng), rng.uniform(0.42, 0.55)
    support = pick(rng, {"legs": 45, "sled": 15, "pedestal": 25, "star": 15})
    under = height - 0.02
    if support == "legs":
        parts = (
            bases.ring(rng, depth * 0.52, under, frame, 0.016)
            if chance(rng, 0.5)
            else bases.legs(rng, depth * 0.8, width * 0.7, under, frame, 0.016)
        )
    elif support == "sled":
        parts = bases.sled(rng, depth * 0.85, width * 0.75, under, frame, 0.013)
    else:
        parts = bases.pedestal(rng, 0.25, under, frame) if support == "pedestal" else bases.star(rng, 0.3, under)
    wrap, lean = rng.uniform(0.0, 0.3), rng.uniform(0.05, 0.18)
    if chance(rng, 0.2):
        size = rng.uniform(0.75, 1.05)
        t, a = np.meshgrid(np.linspace(-125, 125, 15), np.linspace(-55, 62, 9), indexing="ij")
        t, a = np.radians(t), np.radians(a)
        bowl = np.stack([-np.cos(t) * np.cos(a), np.sin(a) * 1.15, np.sin(t) * np.cos(a)], axis=-1) * size / 2
        cushion = rounded_box((size * 0.7, 0.12, size * 0.65), (0, -size * 0.33, 0), 0.05, cloth(rng))
        return parts + moved([sheet(bowl, 0.04, color), cushion], y=height + size * 0.38)
    s, u = np.meshgrid(np.linspace(0, 1, 13), np.linspace(-1, 1, 9), indexing="ij")
    line = np.array(
        [
            [depth * 0.5, -0.03],
            [depth * 0.35, 0.0],
            [-depth * 0.2, -0.02],
            [-depth * 0.42, 0.05],
            [-depth * 0.5, 0.15],
            [-depth * 0.5 - lean, tall],
        ]
    )
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    x, y = (np.interp(s, length / length[-1], line[:, k]) for k in (0, 1))
    shape = 1 - 0.25 * np.clip(s * 2 - 1, 0, 1) ** 3 * rng.uniform(0, 1.5)
    curl = wrap * u**4 * np.exp(-(((s - 0.55) / 0.3) ** 2))
    points = np.stack([x + curl * s * 0.4, y + curl * (1 - s) + curl * 0.35 + height, u * width / 2 * shape], axis=-1)
    return [*parts, sheet(points, rng.uniform(0.02, 0.045), color)]


def _stool(rng: np.random.Generator) -> list[Part]:
    height, size, color = rng.uniform(0.4, 0.8), rng.uniform(0.28, 0.45), finish(rng)
    frame, thick = metal(rng) if chance(rng, 0.6) else wood(rng), rng.uniform(0.03, 0.1)
    under = height - thick
    base = pick(rng, {"ring": 35, "legs": 25, "pedestal": 30, "star": 10})
    if base == "ring":
        parts = bases.ring(rng, size * 0.55, under, frame, 0.016)
    elif base == "legs":
        parts = bases.legs(rng, size, size, under, frame, 0.018)
    else:
        parts = bases.pedestal(rng, size * 0.6, under, frame) if base == "pedestal" else bases.star(rng, 0.25, under)
    if chance(rng, 0.6):
        parts.append(lathe(np.array([[0.47, -1], [0.5, -0.3], [0.46, 0]]) * [size, thick], color).moved(y=height))
    else:
        parts.append(rounded_box((size, thick, size), (0, height - thick / 2, 0), thick * 0.4, color))
    if chance(rng, 0.55):
        tall = rng.uniform(0.1, 0.35)
        parts += [curved_panel(size, tall * 0.3, tall, 0.06, 0.03, color).moved(-size / 2, height)]
        parts += mirror(
            [
                rod(
                    (-size * 0.5, height - 0.03, size * 0.35),
                    (-size * 0.52, height + tall * 0.6, size * 0.35),
                    0.014,
                    frame,
                )
            ]
        )
    return parts


def _lounger(rng: np.random.Generator) -> list[Part]:
    """Low, reclined chairs: deck chairs, chaises longues."""
    width, frame, pad = rng.uniform(0.5, 0.75), finish(rng) if chance(rng, 0.6) else metal(rng), cloth(rng)
    long, low, tall, lean = rng.uniform(0.5, 1.3), rng.uniform(0.22, 0.38), rng.uniform(0.5, 0.8), rng.uniform(22, 50)
    a = np.radians(lean)
    line = np.array([[long / 2, low + 0.04], [-long / 2, low], [-long / 2 - tall * np.sin(a), low + tall * np.cos(a)]])
    thick = rng.uniform(0.03, 0.1)
    grid = np.stack([np.column_stack([line, np.full(3, z)]) for z in np.linspace(-width / 2, width / 2, 3)], axis=1)
    parts = [sheet(grid, thick, pad)]
    parts += mirror([tube(np.column_stack([line - [0, thick * 0.6], np.full(3, width / 2)]), 0.022, frame, 4)])
    parts += mirror(
        [rod((x, 0, width / 2), (x * 0.9, low, width / 2), 0.02, frame, sides=4) for x in (long * 0.4, -long * 0.45)]
    )
    if chance(rng, 0.55):
        parts += [part.moved(x=-long / 2 + 0.25) for part in arms(rng, 0.5, width, low, frame, 0.02)]
    if chance(rng, 0.25):
        parts.append(
            rounded_box(
                (0.1, 0.14, width * 0.8), tuple([*(line[2] * 0.92 + line[1] * 0.08 + [0.05, 0.02]), 0]), 0.04, pad
            )
        )
    return parts


def _block(rng: np.random.Generator) -> list[Part]:
    """Chairs with sides, seat and back of boards or blocks; thrones."""
    depth, width, height, thick = (
        rng.uniform(0.45, 0.7),
        rng.uniform(0.45, 0.75),
        rng.uniform(0.36, 0.46),
        rng.uniform(0.02, 0.12),
    )
    tall, color = rng.uniform(0.3, 0.75), finish(rng)
    rise = rng.choice([0.0, rng.uniform(0.15, 0.28)])
    parts = mirror([box((depth, height + rise, thick), (0, (height + rise) / 2, width / 2 - thick / 2), color)])
    parts.append(box((thick, height + tall, width), (-depth / 2 + thick / 2, (height + tall) / 2, 0), color))
    seat = neutral(rng) if chance(rng, 0.5) else color
    return [*parts, rounded_box((depth, rng.uniform(0.04, 0.12), width), (0, height - 0.02, 0), 0.015, seat)]


def _folding(rng: np.random.Generator) -> list[Part]:
    depth, width, height, tall = 0.42, rng.uniform(0.4, 0.5), rng.uniform(0.43, 0.48), rng.uniform(0.28, 0.42)
    frame, pad, z = metal(rng) if chance(rng, 0.6) else wood(rng), cloth(rng), width / 2
    sides = [
        rod((depth * 0.6, 0, z), (-depth * 0.55, height + tall, z), 0.016, frame, sides=6),
        rod((-depth * 0.6, 0, z - 0.03), (depth * 0.4, height, z - 0.03), 0.016, frame, sides=6),
    ]
    parts = [*mirror(sides), rounded_box((depth, 0.03, width * 0.92), (0.02, height, 0), 0.01, pad)]
    panel = [curved_panel(width, tall * 0.4, tall, 0.03, 0.025, pad)]
    return parts + [part.turned("z", 20).moved(-depth * 0.25, height) for part in panel]


def _rocking(rng: np.random.Generator) -> list[Part]:
    depth, width, height, frame = rng.uniform(0.45, 0.55), rng.uniform(0.48, 0.62), rng.uniform(0.38, 0.46), wood(rng)
    lean, lift = rng.uniform(5, 18), 0.06
    parts = bases.legs(rng, depth, width, height - 0.03, frame, 0.02)[:4]
    parts.append(box((depth, 0.04, width), (0, height, 0), frame))
    back = back_rest(rng, width, rng.uniform(0.5, 0.75), frame, cloth(rng), 0.02)
    parts += [part.turned("z", lean).moved(-depth / 2, height) for part in back] + arms(
        rng, depth, width, height, frame, 0.018
    )
    t = np.linspace(-1, 1, 9)
    runner = np.column_stack(
        [t * rng.uniform(0.4, 0.55) - 0.06, 0.1 * t**2 - lift + 0.02, np.full(9, width / 2 - 0.02)]
    )
    parts += mirror([tube(runner, 0.022, frame, 6)])
    if chance(rng, 0.3):
        parts.append(ball((depth * 0.9, 0.12, width * 0.9), (0, height + 0.04, 0), cloth(rng)))
    return parts
