"""Cars: saloons, hatchbacks, estates, SUVs, vans, pickups, sports cars, cabriolets, buses, racers, old-timers; metres.

A closed body is a loft along x. At each station it has five levels: sill, flank, belt, window top and roof,
increasingly drawn in above the flank; belt and roof coincide where there is no cabin.
"""

from dataclasses import dataclass

import numpy as np

from r2n2.data.procedural.chance import chance, dark, glass, metal, paint, pick
from r2n2.data.procedural.open_wheels import oldtimer, racer, road_wheel
from r2n2.data.procedural.primitives import Part, box, lathe, loft, mirror, rod, rounded_box


@dataclass
class Shape:
    """A body's side view: the rear bumper is at 0, the front one at 1, heights above the ground are in metres."""

    length: float
    width: float
    bottom: float
    belt: list[tuple[float, float]]  # (share of the length, height) of the hood, the belt line, the boot lid
    roof: list[tuple[float, float]]  # the cabin: foot of the rear window, roof rear, roof front, foot of the windscreen
    tumble: float  # the roof's width as a share of the body's
    wheel: float  # radius
    axles: tuple[float, float]
    color: np.ndarray


def make(rng: np.random.Generator) -> list[Part]:
    styles = {
        "saloon": 24,
        "hatchback": 13,
        "estate": 9,
        "suv": 12,
        "sports": 17,
        "van": 6,
        "pickup": 5,
        "cabriolet": 5,
    }
    style = pick(rng, {**styles, "bus": 3, "racer": 3, "oldtimer": 4})
    if style == "racer":
        return racer(rng)
    if style == "oldtimer":
        return oldtimer(rng)
    shape = _shape(rng, style)
    parts = [_body(rng, shape, style), *_wheels(rng, shape)]
    if style == "pickup":
        parts += _bed(rng, shape)
    if style == "cabriolet":
        parts += _open_cabin(rng, shape)
    return parts + _details(rng, shape, style)


def _shape(rng: np.random.Generator, style: str) -> Shape:
    u = rng.uniform
    length = {"bus": u(7, 12), "van": u(4.2, 5.8), "pickup": u(4.8, 5.8), "hatchback": u(2.8, 4.3)}.get(
        style, u(4.2, 5.2)
    )
    width, bottom, wheel = u(1.65, 2.0), u(0.16, 0.28), u(0.29, 0.37)
    low = style in ("sports", "cabriolet")
    height = {"sports": u(1.08, 1.32), "suv": u(1.65, 1.95), "van": u(1.8, 2.6), "pickup": u(1.65, 1.95)}.get(
        style, u(1.35, 1.58)
    )
    if style == "bus":
        width, height, bottom, wheel = u(2.3, 2.6), u(2.7, 4.0), u(0.3, 0.45), u(0.42, 0.52)
    if style in ("suv", "pickup"):
        bottom, wheel = u(0.28, 0.45), u(0.35, 0.46)
    belt_height = height * (u(0.6, 0.7) if not low else u(0.62, 0.72))
    nose = belt_height * u(0.62, 0.85)
    boxy = u(0, 1)
    hood, tail = (0.97, nose * u(0.9, 1.05)), belt_height * u(0.9, 1.08)
    foot = {"van": u(0.8, 0.9), "bus": 0.985, "sports": u(0.62, 0.7), "pickup": u(0.68, 0.74)}.get(style, u(0.66, 0.74))
    front = foot - (height - belt_height) / length * u(0.7, 1.9) * (0.3 if style == "bus" else 1)
    rear, back = {
        "saloon": (u(0.12, 0.22), u(0.24, 0.36)),
        "sports": (u(0.03, 0.16), u(0.28, 0.42)),
        "pickup": (u(0.36, 0.46), u(0.4, 0.48)),
    }.get(style, (u(0.0, 0.03), u(0.03, 0.14)))
    if style == "bus":
        rear, back = 0.012, 0.03
    back = min(max(back, rear + 0.02), front - 0.1)
    roof = [
        (rear, 0.0),
        (back, height * u(0.94, 1.0)),
        (min((back + front) / 2 + 0.05, front - 0.02), height),
        (front, height * u(0.95, 0.99)),
        (foot, 0.0),
    ]
    belt = [
        (0.0, tail * u(0.75, 0.95)),
        (0.02 + 0.03 * boxy, tail),
        (0.45, belt_height),
        (foot, belt_height * u(0.96, 1.05)),
        hood,
        (1.0, nose * u(0.7, 0.95)),
    ]
    if style == "bus":
        belt = [(0.0, belt_height * 0.8), (0.5, belt_height * 0.8), (1.0, belt_height * 0.8)]
    axles = (u(0.16, 0.24), u(0.78, 0.85)) if style != "bus" else (u(0.2, 0.3), u(0.8, 0.88))
    tumble = u(0.9, 0.97) if style in ("bus", "van") else u(0.68, 0.86)
    return Shape(length, width, bottom, belt, roof, tumble, wheel, axles, paint(rng))


def _body(rng: np.random.Generator, shape: Shape, style: str) -> Part:
    fine = np.linspace(0, 1, 401)
    belt = np.interp(fine, *np.array(shape.belt).T)
    line = np.array(shape.roof)
    line[[0, -1], 1] = np.interp(line[[0, -1], 0], *np.array(shape.belt).T)
    inside = (fine > line[0, 0]) & (fine < line[-1, 0]) & (style != "cabriolet")
    top = np.where(inside, np.maximum(np.interp(fine, *line.T), belt), belt)
    soft = 1 + 2 * int(rng.integers(0, 3 if style in ("bus", "van", "pickup") else 20))
    belt, top = (_smooth(curve, soft) for curve in (belt, top))
    if style == "pickup":  # the bed is hollow: its floor replaces the body there
        low = fine < shape.roof[0][0] - 0.005
        belt = np.where(low, shape.bottom + shape.wheel * 0.9, belt)
        top = np.where(low, belt, top)
    chosen = np.unique(np.concatenate([np.arange(0, 401, 10), np.int64(line[:, 0] * 400)]))
    knots, belt, top = fine[chosen], belt[chosen], top[chosen]
    round_front, round_rear = rng.uniform(0.02, 0.14, 2) * (0.2 if style == "bus" else 1)
    half = (
        shape.width
        / 2
        * (
            1
            - round_front * np.clip((knots - 0.8) / 0.2, 0, 1) ** 2
            - round_rear * np.clip((0.2 - knots) / 0.2, 0, 1) ** 2
        )
    )
    rise = (top - belt) / max((top - belt).max(), 1e-6)
    roof_half = half * (1 - (1 - shape.tumble) * rise)
    lift = 0.06 * np.clip((np.abs(knots - 0.5) - 0.42) / 0.08, 0, 1)  # bumpers curve under
    sill = shape.bottom + lift
    bulge = rng.uniform(0.35, 0.7)
    profile = [
        (sill, half * 0.92),
        (sill + (belt - sill) * bulge, half),
        (belt, half * rng.uniform(0.92, 0.98)),
        (belt + (top - belt) * 0.86, roof_half),
        (top + 0.03 * (rise == 0), roof_half * 0.8),
    ]
    right = [np.column_stack([knots, level, z]) for level, z in profile]
    rings = np.stack([*right, *[points * [1, 1, -1] for points in right[::-1]]], axis=1) * [shape.length, 1, 1]
    skin = loft(rings - [shape.length / 2, 0, 0], shape.color)
    colors = skin.colors.copy()
    count, around = len(knots) - 1, 10
    quad = colors[: count * around * 2].reshape(count, around, 2, 3)
    pane, tall = glass(rng), (top - belt > 0.1)[:-1] & (top - belt > 0.1)[1:]
    pillar = np.zeros(count, bool)
    pillar[rng.integers(0, 8) :: int(rng.integers(7, 15))] = True
    quad[:, [2, 6]] = np.where((tall & ~pillar)[:, None, None, None], np.uint8(pane), quad[:, [2, 6]])
    slope = np.abs(np.diff(top)) / np.maximum(np.diff(knots) * shape.length, 1e-6)
    steep = (slope > 0.22) & (rise[:-1] + rise[1:] > 0.02)
    quad[:, 4] = np.where(steep[:, None, None], np.uint8(pane), quad[:, 4])
    if style == "van" and chance(rng, 0.5):  # panel van
        quad[: count // 2, [2, 6]] = np.uint8(shape.color)
    if chance(rng, 0.2):
        quad[:, [0, 8, 9]] = np.uint8(dark(rng))
    return Part(skin.vertices, skin.faces, colors)


def _smooth(curve: np.ndarray, width: int) -> np.ndarray:
    padded = np.pad(curve, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def _wheels(rng: np.random.Generator, shape: Shape) -> list[Part]:
    width, parts = rng.uniform(0.18, 0.28), []
    tyre, rim, arch, out = dark(rng), metal(rng), dark(rng), shape.width / 2
    axles = [*shape.axles, shape.axles[0] + 0.09] if shape.length > 9 and chance(rng, 0.4) else shape.axles
    for share in axles:
        x = (share - 0.5) * shape.length
        parts += mirror(road_wheel(x, out - width * 0.4, shape.wheel, width, tyre, rim))
        ring = np.array([[shape.wheel * 1.15, -0.05], [shape.wheel * 1.15, 0.008]])
        parts += mirror([lathe(ring, arch, "z", 18, (x, shape.wheel, out))])
    return parts


def _details(rng: np.random.Generator, shape: Shape, style: str) -> list[Part]:
    half, length, height = shape.width / 2, shape.length, shape.roof[2][1]
    belt = np.array(shape.belt).T
    nose, tail = np.interp(0.98, *belt), np.interp(0.02, *belt)
    if style == "pickup":
        tail = shape.belt[2][1]
    lamp = rng.uniform(0.12, 0.3)
    front = box((0.12, 0.12, lamp), (length * 0.49, nose * 0.88, half * 0.7), np.array([225, 225, 215]))
    rear = box((0.08, 0.15, lamp), (-length * 0.495, tail * 0.86, half * 0.72), np.array([170, 25, 25]))
    parts = mirror([front, rear])
    grille = (0.1, rng.uniform(0.1, 0.25), half * rng.uniform(0.6, 1.2))
    parts.append(box(grille, (length * 0.49, shape.bottom + (nose - shape.bottom) * 0.45, 0), dark(rng)))
    if chance(rng, 0.5):
        bumper = rng.uniform(0.12, 0.2)
        for x in (-1, 1):
            parts.append(
                rounded_box(
                    (0.2, bumper, shape.width * 0.96),
                    (x * length * 0.49, shape.bottom + 0.15, 0),
                    0.06,
                    dark(rng) if chance(rng, 0.6) else shape.color,
                )
            )
    if chance(rng, 0.75):
        foot, level = (shape.roof[-1][0] - 0.04 - 0.5) * length, np.interp(shape.roof[-1][0], *belt) + 0.08
        parts += mirror([rounded_box((0.12, 0.12, 0.18), (foot, level, half + 0.01), 0.03, shape.color)])
    if style in ("sports", "saloon", "hatchback") and chance(rng, 0.5 if style == "sports" else 0.12):
        lift = rng.uniform(0.06, 0.3)
        y = np.interp(0.03, *belt) + lift
        parts.append(box((0.28, 0.04, shape.width * 0.9), (-length * 0.46, y, 0), shape.color))
        parts += mirror([box((0.15, lift, 0.04), (-length * 0.455, y - lift / 2, half * 0.7), shape.color)])
    if style in ("suv", "estate") and chance(rng, 0.5):
        parts += mirror(
            [
                rod(
                    (-length * 0.35, height + 0.06, half * 0.62),
                    (length * 0.08, height + 0.05, half * 0.62),
                    0.03,
                    metal(rng),
                    sides=6,
                )
            ]
        )
    if style == "suv" and chance(rng, 0.25):
        parts.append(
            lathe(
                np.array([[shape.wheel, -0.1], [shape.wheel, 0.1]]), dark(rng), "x", 16, (-length * 0.52, tail * 0.8, 0)
            )
        )
    if style in ("saloon", "suv", "van") and chance(rng, 0.07):  # police, taxi
        parts.append(box((0.15, 0.14, half), (-0.1, height + 0.07, 0), paint(rng)))
    return parts


def _bed(rng: np.random.Generator, shape: Shape) -> list[Part]:
    """The side walls and the tailgate of a pickup."""
    start, end = -0.5 * shape.length, (shape.roof[0][0] - 0.5) * shape.length
    low, high = shape.bottom + 0.1, shape.belt[2][1]
    wall = box((end - start, high - low, 0.1), ((start + end) / 2, (low + high) / 2, shape.width * 0.45), shape.color)
    gate = box((0.1, high - low, shape.width * 0.9), (start + 0.05, (low + high) / 2, 0), shape.color)
    cover = (
        [box((end - start, 0.05, shape.width * 0.9), ((start + end) / 2, high, 0), dark(rng))]
        if chance(rng, 0.3)
        else []
    )
    return [*mirror([wall]), gate, *cover]


def _open_cabin(rng: np.random.Generator, shape: Shape) -> list[Part]:
    height, leather = shape.roof[2][1], paint(rng)
    foot, level = (shape.roof[-1][0] - 0.5) * shape.length, np.interp(shape.roof[-1][0], *np.array(shape.belt).T)
    tall = (height - level) * 0.85
    pane = (
        box((0.06, tall * 1.25, shape.width * 0.78), (0, 0, 0), glass(rng))
        .turned("z", 40)
        .moved(foot - tall * 0.35, level + tall * 0.4)
    )
    parts = [pane]
    for row in (-0.75, -1.6)[: rng.integers(1, 3)]:
        seat = rounded_box((0.18, 0.75, 0.5), (foot + row - 0.5, level - 0.05, shape.width * 0.22), 0.07, leather)
        parts += mirror([seat.turned("z", 12, (foot + row, level, 0))])
    parts.append(box((1.6, 0.04, shape.width * 0.7), (foot - 1.1, level + 0.02, 0), dark(rng)))
    return parts
