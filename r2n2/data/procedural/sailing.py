"""Sailing ships: sloops, tall ships with one to four masts, catamarans. A hull has length 1."""

from itertools import pairwise

import numpy as np

from r2n2.data.procedural.chance import chance, dark, metal, neutral, paint, pick, vivid, wood
from r2n2.data.procedural.hull import hull
from r2n2.data.procedural.primitives import (
    Part,
    box,
    mirror,
    prism,
    rod,
    rounded_box,
    sheet,
    slab,
)


def mast(x: float, low: float, high: float, radius: float, color: np.ndarray) -> Part:
    return rod((x, low, 0), (x, high, 0), radius, color, radius * 0.6, 7)


def _sail(corners: list[tuple[float, float]], belly: float, color: np.ndarray) -> Part:
    """A fore-and-aft sail between four (x, y) corners (tack, clew, peak, throat), swelling to one side by `belly`."""
    a, b, c, d = np.array(corners, float)
    u, v = np.meshgrid(np.linspace(0, 1, 7), np.linspace(0, 1, 7), indexing="ij")
    flat = (1 - v)[..., None] * ((1 - u)[..., None] * a + u[..., None] * b) + v[..., None] * (
        (1 - u)[..., None] * d + u[..., None] * c
    )
    z = belly * np.sin(np.pi * u) * (1 - v * 0.7)
    return sheet(np.concatenate([flat, z[..., None]], axis=-1), 0.012, color)


def sloop(rng: np.random.Generator) -> list[Part]:
    beam, depth = rng.uniform(0.22, 0.36), rng.uniform(0.07, 0.15)
    color, canvas, spar = paint(rng), neutral(rng) if chance(rng, 0.8) else vivid(rng), metal(rng)
    parts = [
        hull(
            rng,
            1,
            beam,
            depth,
            color,
            paint(rng),
            stern=rng.uniform(0.4, 0.85),
            full=2,
            section=rng.uniform(1.5, 2.5),
            rake=rng.uniform(0.03, 0.1),
        )
    ]
    x, top = rng.uniform(0.02, 0.16), rng.uniform(0.85, 1.6)
    parts.append(mast(x, -0.02, top, 0.014, spar))
    boom, low, belly = x - rng.uniform(0.35, 0.5), rng.uniform(0.08, 0.16), rng.normal(0, 0.05)
    parts.append(rod((x, low, 0), (boom, low, 0), 0.01, spar, sides=6))
    raised = chance(rng, 0.75)
    if raised:
        parts.append(
            _sail(
                [(x - 0.01, low), (boom, low), (x - rng.uniform(0.02, 0.1), top * 0.97), (x - 0.01, top * 0.97)],
                belly,
                canvas,
            )
        )
        if chance(rng, 0.85):
            head = top * rng.uniform(0.7, 0.98)
            parts.append(
                _sail(
                    [(0.48, 0.04), (x - rng.uniform(-0.05, 0.15), 0.07), (x + 0.02, head), (x + 0.03, head)],
                    belly,
                    canvas,
                )
            )
    else:
        parts.append(rod((x, low + 0.03, 0), (boom, low + 0.03, 0), 0.025, canvas))
    if chance(rng, 0.5):
        parts += [
            rod((x, top, 0), (0.49, 0.03, 0), 0.007, spar, sides=5),
            rod((x, top, 0), (-0.48, 0.02, 0), 0.007, spar, sides=5),
        ]
    if chance(rng, 0.7):
        parts.append(
            rounded_box(
                (rng.uniform(0.25, 0.4), rng.uniform(0.05, 0.1), beam * 0.55), (0.02, 0.03, 0), 0.03, neutral(rng)
            )
        )
    if chance(rng, 0.6):
        keel = np.array([[0.1, 0], [-0.1, 0], [-0.09, -0.16], [0.03, -0.16]])
        parts.append(prism(keel, 0.03, dark(rng)).moved(y=-depth * 0.9))
        parts.append(box((0.05, 0.15, 0.02), (-0.42, -depth, 0), dark(rng)))
    return parts


def tall_ship(rng: np.random.Generator) -> list[Part]:
    timber, canvas, spar = wood(rng) if chance(rng, 0.7) else dark(rng), neutral(rng), wood(rng)
    beam, depth = rng.uniform(0.2, 0.3), rng.uniform(0.12, 0.2)
    parts = [
        hull(
            rng,
            1,
            beam,
            depth,
            timber,
            paint(rng),
            stern=rng.uniform(0.55, 0.8),
            full=rng.uniform(2.2, 3.5),
            sheer_bow=rng.uniform(0.2, 0.5),
            sheer_stern=rng.uniform(0.2, 0.7),
            section=rng.uniform(2, 3),
            rise_stern=0.3,
        )
    ]
    if chance(rng, 0.55):
        length = rng.uniform(0.12, 0.28)
        parts.append(box((length, depth * 0.6, beam * 0.6), (-0.45 + length / 2, depth * 0.5, 0), timber))
    if chance(rng, 0.4):
        parts.append(box((0.14, depth * 0.4, beam * 0.45), (0.33, depth * 0.3, 0), timber))
    parts.append(
        rod((0.4, depth * 0.3, 0), (rng.uniform(0.6, 0.75), depth * rng.uniform(0.7, 1.5), 0), 0.012, spar, 0.007, 7)
    )
    count = int(pick(rng, {1: 20, 2: 30, 3: 45, 4: 5}))
    layouts = {1: [0.05], 2: [0.2, -0.15], 3: [0.28, 0.0, -0.28], 4: [0.32, 0.1, -0.12, -0.34]}
    places = np.array(layouts[count]) + rng.normal(0, 0.015)
    top, square, furled = rng.uniform(0.55, 1.05), chance(rng, 0.65), chance(rng, 0.25)
    belly = rng.uniform(0.02, 0.06)
    for k, x in enumerate(places):
        high = top * (1 if k == (count > 1) else rng.uniform(0.75, 0.95))
        parts.append(mast(x, -0.02, high, 0.013, spar))
        if not square or (k == count - 1 and count > 1 and chance(rng, 0.5)):
            back = x - rng.uniform(0.18, 0.26)
            parts.append(rod((x, 0.1, 0), (back, 0.12, 0), 0.008, spar, sides=6))
            if not furled:
                parts.append(
                    _sail(
                        [(x - 0.01, 0.11), (back, 0.13), (back * 0.5 + x * 0.5, high * 0.92), (x - 0.01, high * 0.7)],
                        belly,
                        canvas,
                    )
                )
            continue
        levels = np.linspace(0.14, high * 0.93, int(rng.integers(2, 5)) + 1)
        for low, up in pairwise(levels):
            wide = beam * rng.uniform(0.75, 0.95) * (1.25 - 0.6 * low / high)
            parts.append(rod((x, up, -wide), (x, up, wide), 0.007, spar, sides=6))
            if furled:
                parts.append(rod((x, up - 0.015, -wide * 0.9), (x, up - 0.015, wide * 0.9), 0.016, canvas, sides=6))
                continue
            u, v = np.meshgrid(np.linspace(-1, 1, 7), np.linspace(0, 1, 5), indexing="ij")
            swell = x + 0.012 + belly * (1 - u**2 * 0.5) * np.sin(np.pi * (0.15 + 0.7 * v))
            parts.append(
                sheet(
                    np.stack([swell, low + (up - low) * v * 0.97, u * wide * (1.05 - 0.12 * v)], axis=-1), 0.01, canvas
                )
            )
    if chance(rng, 0.6) and not furled:
        x = places[0]
        for k in range(int(rng.integers(1, 3))):
            parts.append(
                _sail(
                    [(0.62 - 0.12 * k, depth), (x + 0.05, 0.15), (x + 0.03, top * 0.75), (x + 0.04, top * 0.75)],
                    belly,
                    canvas,
                )
            )
    if chance(rng, 0.4):
        for x in places:
            parts += mirror([rod((x - 0.04, 0.02, beam * 0.48), (x, top * 0.6, 0), 0.007, dark(rng), sides=5)])
    return parts


def catamaran(rng: np.random.Generator) -> list[Part]:
    color, apart, depth = neutral(rng), rng.uniform(0.16, 0.26), rng.uniform(0.08, 0.12)
    parts = mirror([hull(rng, 1, 0.1, depth, color, paint(rng), stern=0.8, full=2, section=2).moved(z=apart)])
    parts.append(slab((-0.35, -0.02, -apart), (0.15, 0.03, apart), color))
    if chance(rng, 0.6):
        parts.append(rounded_box((0.4, 0.11, apart * 1.5), (-0.1, 0.07, 0), 0.04, color))
    top, canvas = rng.uniform(0.9, 1.4), neutral(rng)
    parts += [
        mast(0.1, 0, top, 0.012, metal(rng)),
        _sail([(0.09, 0.2), (-0.35, 0.2), (0.0, top), (0.08, top)], 0.04, canvas),
    ]
    return [*parts, _sail([(0.42, 0.05), (0.08, 0.15), (0.11, top * 0.85), (0.12, top * 0.85)], 0.04, canvas)]
