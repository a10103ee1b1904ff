"""Parts of firearms: grips, magazines, stocks, scopes, sights, muzzles, bipods; the bore is the line y = 0."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, metal, neutral, pick, wood
from r2n2.data.procedural.primitives import Part, box, lathe, mirror, prism, rod, slab, tube


def gun_metal(rng: np.random.Generator) -> np.ndarray:
    return dark(rng) if chance(rng, 0.75) else metal(rng) * 0.7


def furniture(rng: np.random.Generator) -> np.ndarray:
    """A colour for stock and handguard."""
    return wood(rng) if chance(rng, 0.4) else neutral(rng) * 0.6 if chance(rng, 0.3) else dark(rng)


def pistol_grip(rng: np.random.Generator, x: float, y: float, size: float, color: np.ndarray) -> Part:
    lean = rng.uniform(0.15, 0.55) * size
    shape = np.array([[-0.2, 0], [0.25, 0], [0.2 - lean / size * 0.8, -1], [-0.25 - lean / size, -0.95]]) * size
    return prism(shape + np.array([x, y]), rng.uniform(0.03, 0.04), color, bevel=0.005)


def trigger_guard(x: float, y: float, color: np.ndarray) -> Part:
    """The bow in front of the trigger."""
    path = np.array(
        [[x - 0.045, y + 0.01, 0], [x - 0.04, y - 0.035, 0], [x + 0.03, y - 0.035, 0], [x + 0.045, y + 0.01, 0]]
    )
    return tube(path, 0.007, color, 6)


def magazine(rng: np.random.Generator, x: float, y: float, color: np.ndarray) -> Part:
    kind, length = pick(rng, {"curved": 50, "straight": 40, "drum": 6}), rng.uniform(0.09, 0.22)
    if kind == "drum":
        radius = rng.uniform(0.05, 0.08)
        return lathe(np.array([[radius, -0.03], [radius, 0.03]]), color, "z", 16, (x, y - radius - 0.02, 0))
    half, bend = rng.uniform(0.022, 0.038), rng.uniform(0.2, 0.6) * (kind == "curved")
    t = np.linspace(0, 1, 6)
    angle = -np.pi / 2 + rng.uniform(-0.1, 0.25) + bend * t * 1.4
    centre = np.cumsum(np.column_stack([np.cos(angle), np.sin(angle)]) * length / 6, axis=0)
    across = np.column_stack([-np.sin(angle), np.cos(angle)]) * half
    outline = np.concatenate([centre + across, (centre - across)[::-1]])
    return prism(outline + np.array([x, y + 0.02]), rng.uniform(0.022, 0.034), color)


def shoulder_stock(
    rng: np.random.Generator, x: float, y: float, tall: float, color: np.ndarray, kinds: dict[str, float]
) -> list[Part]:
    """A stock from (x, y) backwards; `tall` is the receiver's height, y its middle."""
    long, drop, butt = rng.uniform(0.2, 0.33), rng.uniform(0.0, 0.07), rng.uniform(0.1, 0.15)
    end, wide = x - long, rng.uniform(0.03, 0.045)
    kind = pick(rng, kinds)
    if kind == "solid":
        top, belly = y + tall * 0.4, y - tall * 0.45
        outline = [[x, top], [x, belly], [end, top - drop - butt], [end - 0.01, top - drop]]
        if chance(rng, 0.5):  # a step behind the receiver, as on hunting stocks
            outline = [
                [x, top],
                [x, belly],
                [x - long * 0.35, belly - 0.02],
                *outline[2:],
                [x - long * 0.35, top - drop * 0.5],
            ]
        parts = [prism(np.array(outline), wide, color, bevel=0.007)]
        if chance(rng, 0.3):
            parts.append(box((0.015, butt * 0.95, wide * 1.05), (end - 0.008, top - drop - butt / 2, 0), dark(rng)))
        return parts
    if kind == "skeleton":
        top = y + tall * 0.4
        low, bar = top - drop - butt, top - 0.04
        outline = [[x, top], [x, top - tall * 0.8], [x - 0.06, bar], [end + 0.05, bar], [end + 0.05, low]]
        return [prism(np.array([*outline, [end, low], [end, top]]), wide, color)]
    if kind == "wire":
        path = np.array(
            [[x, y + 0.015, 0], [end, y - drop * 0.5, 0], [end - 0.01, y - drop - butt, 0], [x, y - 0.025, 0]]
        )
        return [tube(path, 0.011, color, 6), box((0.02, butt * 1.1, wide), (end, y - drop - butt * 0.45, 0), color)]
    pad = np.array(
        [
            [end, y + 0.03],
            [end, y + 0.03 - butt],
            [end + 0.03, y + 0.03 - butt],
            [end + long * 0.55, y - 0.025],
            [end + long * 0.55, y + 0.03],
        ]
    )
    return [rod((x, y, 0), (end + 0.02, y, 0), 0.016, dark(rng), sides=8), prism(pad, wide, color, bevel=0.005)]


def scope(rng: np.random.Generator, x: float, y: float) -> list[Part]:
    color, long, r = dark(rng), rng.uniform(0.12, 0.32), rng.uniform(0.014, 0.02)
    big = r * rng.uniform(1.2, 1.9)
    level = y + big + rng.uniform(0.005, 0.025)
    profile = [[big * 0.85, -0.5], [big * 0.85, -0.32], [r, -0.25], [r, 0.2], [big, 0.32], [big, 0.5]]
    barrel = lathe(np.array(profile) * [1, long], color, "x", 12, (x, level, 0))
    mounts = [
        slab((x + k * long - 0.012, y - 0.01, -0.01), (x + k * long + 0.012, level, 0.01), color) for k in (-0.18, 0.15)
    ]
    return [barrel, rod((x, level, -0.03), (x, level + r * 1.6, 0.0), 0.012, color, sides=8), *mounts]


def sights(rng: np.random.Generator, front: float, rear: float, y: float, color: np.ndarray) -> list[Part]:
    """A scope, a carrying handle, a rail with a dot sight, or open sights."""
    kind = pick(rng, {"open": 40, "scope": 28, "handle": 14, "dot": 18})
    blade = np.array([[-0.02, -0.01], [0.02, -0.01], [0.006, 0.045], [-0.006, 0.045]])
    post = prism(blade + np.array([front, y * 0.5]), 0.014, color)
    parts = [post] if chance(rng, 0.7) else []
    middle = rear + rng.uniform(0.03, 0.12)
    if kind == "scope":
        return parts + scope(rng, middle, y)
    if kind == "handle":
        arch = np.array(
            [[-0.1, 0], [-0.08, 0], [-0.06, 0.035], [0.05, 0.035], [0.07, 0], [0.1, 0], [0.08, 0.055], [-0.1, 0.06]]
        )
        return [*parts, prism(arch + np.array([middle, y]), 0.02, color)]
    if kind == "dot":
        return [
            *parts,
            box((0.07, 0.05, 0.035), (middle, y + 0.025, 0), color),
            box((0.3, 0.014, 0.022), (middle, y + 0.004, 0), color),
        ]
    return [*parts, box((0.03, 0.025, 0.02), (rear, y + 0.01, 0), color)]


def muzzle_device(rng: np.random.Generator, x: float, radius: float, color: np.ndarray) -> list[Part]:
    kind = pick(rng, {"bare": 40, "brake": 40, "silencer": 20})
    if kind == "bare":
        return []
    long, size = (rng.uniform(0.03, 0.06), radius * 1.6) if kind == "brake" else (rng.uniform(0.12, 0.2), radius * 2.2)
    return [rod((x - 0.01, 0, 0), (x + long, 0, 0), size, color)]


def bipod(rng: np.random.Generator, x: float, y: float) -> list[Part]:
    lean, long, color = rng.uniform(-0.08, 0.08), rng.uniform(0.14, 0.24), dark(rng)
    return mirror([rod((x, y, 0.01), (x + lean, y - long, long * rng.uniform(0.3, 0.6)), 0.009, color, sides=6)])
