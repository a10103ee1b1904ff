"""Displays: monitors, television sets, tubes with deep backs, laptops, all-in-ones. The picture faces +X; metres."""

import numpy as np

from r2n2.data.procedural import bases
from r2n2.data.procedural.chance import chance, dark, glass, metal, neutral, paint, pick
from r2n2.data.procedural.primitives import Part, box, lathe, loft, mirror, prism, rod, rounded_box, sheet, slab, tube


def make(rng: np.random.Generator) -> list[Part]:
    return pick(rng, {_flat: 62, _tube: 14, _laptop: 12, _all_in_one: 5, _board: 4, _wall: 3})(rng)


def _case(rng: np.random.Generator) -> np.ndarray:
    return dark(rng) if chance(rng, 0.55) else neutral(rng) if chance(rng, 0.8) else paint(rng)


def _panel(
    rng: np.random.Generator, tall: float, wide: float, thick: float, color: np.ndarray, curve: float = 0.0
) -> list[Part]:
    """A flat or curved panel centred at the origin with its glass facing +x; flat ones may be thicker behind."""
    rim, low = rng.uniform(0.01, 0.05) * wide, rng.uniform(0.0, 0.06) * tall
    screen = glass(rng) if chance(rng, 0.7) else paint(rng)
    if curve:
        z = np.linspace(-0.5, 0.5, 13)
        x = curve * wide * (2 * z) ** 2

        def plane(height: float, width: float, ahead: float) -> np.ndarray:
            return np.stack(
                [np.column_stack([x + ahead, np.full(13, y), z * width]) for y in (-height / 2, height / 2)], axis=1
            )

        return [
            sheet(plane(tall, wide, 0), thick, color),
            sheet(plane(tall - 2 * rim, wide - 2 * rim, thick * 0.5), 0.006, screen),
        ]
    parts = [rounded_box((thick, tall, wide), (0, 0, 0), min(thick * 0.4, 0.015), color)]
    parts.append(box((0.006, tall - 2 * rim - low, wide - 2 * rim), (thick / 2, low / 2, 0), screen))
    bulge = pick(rng, {"none": 38, "box": 32, "taper": 30})
    if bulge == "box":
        deep = rng.uniform(0.02, 0.07)
        parts.append(
            rounded_box(
                (deep, tall * rng.uniform(0.4, 0.85), wide * rng.uniform(0.35, 0.8)),
                (-thick / 2 - deep / 2, 0, 0),
                0.012,
                color,
            )
        )
    if bulge == "taper":
        parts.append(
            _taper(rng.uniform(0.03, 0.09), tall * 0.95, wide * 0.95, rng.uniform(0.3, 0.8), color).moved(x=-thick / 2)
        )
    return parts


def _taper(deep: float, tall: float, wide: float, small: float, color: np.ndarray) -> Part:
    """A block behind x = 0 that narrows towards the back."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    steps = ((0, 1.0), (0.35, 0.95), (0.7, (1 + small) / 2), (1.0, small))
    return loft(np.array([[(-deep * t, y * tall * s, z * wide * s) for z, y in corners] for t, s in steps]), color)


def _flat(rng: np.random.Generator) -> list[Part]:
    ratio = pick(rng, {16 / 9: 50, 16 / 10: 22, 5 / 4: 20, 21 / 9: 8}) * rng.uniform(0.95, 1.05)
    wide = rng.uniform(0.38, 1.3)
    tall, thick, color = wide / ratio, rng.uniform(0.02, 0.07) * (0.6 + wide * 0.4), _case(rng)
    if chance(rng, 0.05):
        tall, wide = wide, tall
    curve = rng.uniform(0.03, 0.1) if chance(rng, 0.08) else 0.0
    gap, tilt = rng.uniform(0.04, 0.14), rng.uniform(-2, 12) * chance(rng, 0.6)
    middle = gap + tall / 2
    parts = [part.turned("z", tilt).moved(y=middle) for part in _panel(rng, tall, wide, thick, color, curve)]
    if chance(rng, 0.15):
        parts += mirror([rounded_box((thick, tall * 0.9, wide * 0.09), (0, middle, wide * 0.55), 0.01, color)])
    return parts + _stand(rng, wide, middle, thick, color)


def _stand(rng: np.random.Generator, wide: float, middle: float, thick: float, color: np.ndarray) -> list[Part]:
    """A stand from the table at y = 0 to the back of a panel whose middle is at `middle`."""
    tone = color if chance(rng, 0.65) else metal(rng)
    kind = pick(rng, {"plate": 34, "disc": 22, "feet": 14, "v": 10, "bent": 10, "arch": 10})
    deep, span, back = rng.uniform(0.16, 0.28), wide * rng.uniform(0.3, 0.65), -thick / 2 - 0.015
    neck = rng.choice([rng.uniform(0.03, 0.06), rng.uniform(0.08, 0.2)]) * (0.6 + wide * 0.4)
    post = slab((back - 0.03, 0, -neck / 2), (back + 0.01, middle, neck / 2), tone)
    if kind == "plate":
        return [post, rounded_box((deep, 0.022, span), (0, 0.011, 0), 0.01, tone)]
    if kind == "disc":
        oval = lathe(np.array([[0.5, 0], [0.5, 0.01], [0.1, 0.03]]), tone, sides=24).stretched(deep, 1, span)
        return [post, oval]
    if kind == "feet":
        place = wide * rng.uniform(0.25, 0.42)
        foot = [
            rod((0, middle * 0.3, place), (s * deep / 2, 0.01, place), 0.012 + 0.01 * wide, tone, sides=4)
            for s in (-1, 1)
        ]
        return mirror([*foot, rod((back, middle * 0.2, place), (back, middle, place), 0.012, tone)])
    if kind == "v":
        return [
            post,
            *mirror([rod((back, 0.02, 0), (deep * 0.7, 0.012, span / 2), 0.018, tone, sides=4)]),
            box((0.08, 0.03, 0.1), (back, 0.015, 0), tone),
        ]
    if kind == "bent":
        line = np.array([[deep * 0.5, 0.01], [-deep * 0.35, 0.01], [-deep * 0.4, 0.04], [back - 0.01, middle]])
        grid = np.stack(
            [np.column_stack([line, np.full(4, z)]) for z in np.linspace(-span / 2, span / 2, 3) * 0.6], axis=1
        )
        return [sheet(grid, 0.014, tone)]
    t = np.linspace(0, np.pi, 9)
    hoop = np.column_stack([deep * 0.35 * np.sin(t), 0.02 + 0 * t, np.cos(t) * span / 2])
    return [post, tube(hoop, 0.014, tone, 6)]


def _tube(rng: np.random.Generator) -> list[Part]:
    wide, color, deep = rng.uniform(0.38, 0.8), _case(rng) if chance(rng, 0.6) else neutral(rng), rng.uniform(0.6, 1.0)
    tall, thick = wide * rng.uniform(0.7, 0.88), wide * rng.uniform(0.08, 0.35)
    parts = [rounded_box((thick, tall, wide), (0, 0, 0), 0.025, color)]
    parts.append(
        _taper(wide * deep - thick, tall * 0.95, wide * 0.95, rng.uniform(0.35, 0.7), color).moved(x=-thick / 2 + 0.01)
    )
    off = rng.choice([0.0, 0.1])
    bulge = np.linspace(-1, 1, 7)
    u, v = np.meshgrid(bulge, bulge, indexing="ij")
    swell = thick / 2 + 0.012 * (2 - u**2 - v**2)
    parts.append(
        sheet(np.stack([swell, v * tall * 0.4, (u * (0.42 - off / 2) - off / 2) * wide], axis=-1), 0.01, glass(rng))
    )
    if off:
        parts += [
            lathe(np.array([[0.02, 0], [0.018, 0.02]]), metal(rng), "x", 10, (thick / 2, y * tall, wide * 0.43))
            for y in (0.1, 0.25)
        ]
    foot = pick(rng, {"swivel": 45, "legs": 15, "none": 25, "cart": 15})
    low = -tall / 2
    if foot == "swivel":
        parts.append(
            lathe(
                np.array([[wide * 0.32, -0.05], [wide * 0.3, -0.03], [wide * 0.12, 0.02]]),
                color,
                at=(-thick * 0.5, low, 0),
            )
        )
    if foot == "legs":
        high = rng.uniform(0.1, 0.4)
        parts += [
            part.moved(-wide * 0.2, low - high)
            for part in bases.legs(rng, wide * 0.6, wide * 0.9, high, color, 0.015)[:4]
        ]
    if foot == "cart":
        parts.append(box((wide * 0.7, rng.uniform(0.2, 0.5), wide), (-wide * 0.25, low - 0.15, 0), paint(rng)))
    if chance(rng, 0.2):
        parts += mirror([rod((-thick, tall / 2, 0), (-thick, tall / 2 + 0.25, 0.2), 0.008, metal(rng), sides=6)])
    return parts


def _laptop(rng: np.random.Generator) -> list[Part]:
    wide, color = rng.uniform(0.3, 0.42), _case(rng)
    deep, thick, lean = wide * rng.uniform(0.62, 0.78), rng.uniform(0.012, 0.03), rng.uniform(-5, 40)
    parts = [rounded_box((deep, thick, wide), (deep / 2, thick / 2, 0), 0.008, color)]
    for row in range(4):
        parts.append(box((deep * 0.09, 0.004, wide * 0.85), (deep * (0.14 + row * 0.11), thick, 0), dark(rng)))
    parts.append(box((deep * 0.22, 0.003, wide * 0.25), (deep * 0.78, thick, 0), color * 0.8))
    lid = [rounded_box((thick * 0.7, deep, wide), (0, deep / 2, 0), 0.006, color)]
    lid.append(box((0.003, deep * 0.86, wide * 0.92), (thick * 0.36, deep / 2, 0), glass(rng)))
    return parts + [part.turned("z", lean).moved(y=thick) for part in lid]


def _all_in_one(rng: np.random.Generator) -> list[Part]:
    """A panel with a deep chin, on an arm or leaning on a leg."""
    wide, color, thick = rng.uniform(0.48, 0.62), neutral(rng), rng.uniform(0.02, 0.05)
    tall, gap = wide * rng.uniform(0.72, 0.85), rng.uniform(0.06, 0.12)
    panel = [
        rounded_box((thick, tall, wide), (0, 0, 0), 0.012, color),
        box((0.005, tall * 0.75, wide * 0.93), (thick / 2, tall * 0.09, 0), glass(rng)),
    ]
    parts = [part.turned("z", 5).moved(y=gap + tall / 2) for part in panel]
    leg = np.array(
        [[0.1, 0.0], [-0.12, 0.0], [-0.04, gap + tall * 0.5], [-0.02, gap + tall * 0.5], [-0.09, 0.015], [0.1, 0.015]]
    )
    parts.append(prism(leg, wide * rng.uniform(0.25, 0.4), color))
    if chance(rng, 0.3):
        parts.append(rounded_box((0.12, 0.015, wide * 0.8), (0.25, 0.008, 0), 0.006, color))
    return parts


def _board(rng: np.random.Generator) -> list[Part]:
    """Large screens on legs: presentation and information displays."""
    wide, color, height = rng.uniform(0.8, 1.6), dark(rng), rng.uniform(0.7, 1.2)
    tall = wide * rng.uniform(0.5, 1.5)
    parts = [part.moved(y=height + tall / 2) for part in _panel(rng, tall, wide, 0.06, color)]
    if chance(rng, 0.5):
        return parts + mirror(
            [
                rod((-0.04, 0, wide * 0.3), (-0.04, height + tall * 0.6, wide * 0.3), 0.03, metal(rng)),
                box((0.5, 0.05, 0.06), (0, 0.025, wide * 0.3), metal(rng)),
            ]
        )
    return [
        *parts,
        slab((-0.08, 0, -0.08), (-0.02, height + tall / 2, 0.08), metal(rng)),
        box((0.5, 0.04, wide * 0.6), (0, 0.02, 0), metal(rng)),
    ]


def _wall(rng: np.random.Generator) -> list[Part]:
    wide = rng.uniform(0.7, 1.4)
    panel = _panel(rng, wide * rng.uniform(0.54, 0.62), wide, rng.uniform(0.025, 0.09), _case(rng))
    if chance(rng, 0.6):
        reach = rng.uniform(0.05, 0.3)
        panel += [rod((-reach, 0, 0), (0, 0, 0), 0.025, metal(rng)), box((0.02, 0.2, 0.2), (-reach, 0, 0), metal(rng))]
    return panel
