"""Parts of chairs above the legs: seats, backs, armrests; metres."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, paint, pick
from r2n2.data.procedural.primitives import (
    Part,
    box,
    lathe,
    mirror,
    prism,
    rod,
    rounded_box,
    sheet,
    tube,
)


def cloth(rng: np.random.Generator) -> np.ndarray:
    return paint(rng) if chance(rng, 0.75) else dark(rng)


def seat_plate(
    rng: np.random.Generator, depth: float, width: float, height: float, thick: float, color: np.ndarray
) -> list[Part]:
    kind = pick(rng, {"rounded": 45, "box": 25, "trapezoid": 15, "round": 6, "slats": 9})
    if kind == "box":
        return [box((depth, thick, width), (0, height - thick / 2, 0), color)]
    if kind == "rounded":
        return [rounded_box((depth, thick, width), (0, height - thick / 2, 0), thick * rng.uniform(0.2, 0.5), color)]
    if kind == "slats":
        count = int(rng.integers(4, 8))
        places = (np.arange(count) + 0.5) / count - 0.5
        return [
            box((depth / count * 0.8, thick * 0.5, width), (x * depth, height - thick / 4, 0), color) for x in places
        ]
    if kind == "round":
        return [
            lathe(np.array([[0.5, -1], [0.52, -0.3], [0.45, 0]]) * [(depth + width) / 2, thick], color).moved(y=height)
        ]
    narrow = rng.uniform(0.75, 0.92)
    plan = np.array(
        [
            [-depth / 2, -width / 2 * narrow],
            [depth / 2, -width / 2],
            [depth / 2, width / 2],
            [-depth / 2, width / 2 * narrow],
        ]
    )
    return [prism(plan, thick, color, normal="y", bevel=0.008).moved(y=height - thick / 2)]


def curved_panel(
    width: float, low: float, high: float, bend: float, thick: float, color: np.ndarray, crown: float = 0.0
) -> Part:
    """A panel at x = 0, bowed to the back by `bend`, its upper corners rounded by `crown`."""
    u, v = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(0, 1, 5), indexing="ij")
    x = -bend * (1 - u**2)
    y = low + (high - low) * v - crown * v * u**4
    return sheet(np.stack([x, y, u * width / 2 * (1 - crown * 0.5 * v)], axis=-1), thick, color)


def back_rest(
    rng: np.random.Generator, width: float, tall: float, frame: np.ndarray, pad: np.ndarray, r: float
) -> list[Part]:
    """A back at x = 0 that stands on y = 0."""
    kind = pick(rng, {"panel": 24, "curved": 20, "bars": 17, "ladder": 17, "cushion": 10, "splat": 7, "hoop": 5})
    bend = rng.uniform(0.0, 0.09)
    if kind == "curved":
        return [
            curved_panel(
                width,
                rng.choice([0.0, rng.uniform(0.05, 0.3)]) * tall,
                tall,
                bend + 0.02,
                rng.uniform(0.02, 0.06),
                pad,
                rng.uniform(0, 0.12),
            ),
            *back_posts(width * 0.8, tall * 0.7, frame, r),
        ]
    if kind == "cushion":
        return [rounded_box((rng.uniform(0.05, 0.12), tall, width), (0, tall / 2, 0), 0.035, pad)]
    if kind == "hoop":
        t = np.linspace(0, np.pi, 13)
        hoop = np.column_stack([0 * t, tall * np.sin(t) ** 0.7, np.cos(t) * width * 0.48])
        inner = [
            rod((0, 0, z), (0, tall * (1 - (z / width * 2.1) ** 2) ** 0.4, z), r * 0.6, frame, sides=6)
            for z in np.linspace(-0.3, 0.3, int(rng.integers(3, 8))) * width
        ]
        return [tube(hoop, r, frame, 6), *inner]
    posts = back_posts(width - 2 * r, tall, frame, r)
    gap = rng.uniform(0.05, 0.4) * tall
    if kind == "panel":
        return [
            *posts,
            rounded_box(
                (rng.uniform(0.02, 0.06), tall - gap, width * rng.uniform(0.85, 1)),
                (0, gap + (tall - gap) / 2, 0),
                0.012,
                pad,
            ),
        ]
    rail = rng.uniform(0.03, 0.1)
    if kind == "ladder":
        count = int(rng.integers(1, 6))
        places = np.linspace(gap, tall - rail / 2, count) if count > 1 else np.array([tall - rail / 2])
        return posts + [curved_panel(width * 0.97, y - rail / 2, y + rail / 2, bend * 0.6, 0.02, frame) for y in places]
    top = [
        curved_panel(width, tall - rail, tall, bend * 0.3, 0.025, frame),
        box((0.02, 0.03, width * 0.95), (0, gap, 0), frame),
    ]
    if kind == "splat":
        return [*posts, *top, box((0.02, tall - gap, width * rng.uniform(0.2, 0.45)), (0, (tall + gap) / 2, 0), frame)]
    places = np.linspace(-0.42, 0.42, int(rng.integers(3, 11))) * width
    return [
        *posts,
        *top,
        *[
            box((0.016, tall - gap, rng.uniform(0.012, 0.03)), (0, (tall + gap) / 2 - rail / 2, z), frame)
            for z in places
        ],
    ]


def back_posts(width: float, tall: float, color: np.ndarray, r: float) -> list[Part]:
    return mirror([rod((0, -0.02, width / 2), (0, tall, width / 2), r * 1.2, color, r, 4)])


def arms(
    rng: np.random.Generator, depth: float, width: float, height: float, color: np.ndarray, r: float
) -> list[Part]:
    rise, z, kind = rng.uniform(0.16, 0.27), width / 2 + r * 0.5, pick(rng, {"post": 50, "loop": 25, "pad": 25})
    front = depth * rng.uniform(0.2, 0.48)
    if kind == "loop":
        path = [
            [-depth / 2, height + rise, z],
            [front * 0.8, height + rise, z],
            [front, height + rise * 0.8, z],
            [front, height - 0.03, z],
        ]
        return mirror([tube(np.array(path), r, color, 6)])
    rest = rounded_box(
        (front + depth / 2, 0.03, rng.uniform(0.03, 0.08)),
        ((front - depth / 2) / 2, height + rise, z),
        0.012,
        color if kind == "post" else dark(rng),
    )
    post = rod((front * 0.9, height - 0.05, z), (front * rng.uniform(0.7, 0.95), height + rise, z), r, color, sides=4)
    return mirror([rest, post])
