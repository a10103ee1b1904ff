"""Parts of airplanes: wings, tails, engines, propellers, landing gear, fuselages. A fuselage has length 1."""

from collections.abc import Sequence

import numpy as np

from r2n2.data.procedural.chance import dark, metal
from r2n2.data.procedural.primitives import Part, ball, body, box, lathe, loft, mirror, rod

AIRFOIL = np.array(
    [[0, 0], [0.05, 0.28], [0.25, 0.5], [0.55, 0.4], [1, 0.04], [1, -0.04], [0.55, -0.25], [0.25, -0.4], [0.05, -0.25]]
)


def wing(sections: Sequence[tuple[float, float, float, float]], thickness: float, color: np.ndarray) -> Part:
    """A wing through stations (leading edge x, y, z, chord) from root to tip; `thickness` is a share of the chord."""
    rings = [
        np.column_stack([x - chord * AIRFOIL[:, 0], y + max(chord * thickness, 0.006) * AIRFOIL[:, 1], [z] * 9])
        for x, y, z, chord in sections
    ]
    return loft(np.array(rings), color)


def fin(x: float, y: float, height: float, root: float, tip: float, sweep: float, color: np.ndarray) -> Part:
    """A vertical tail at z = 0; `sweep` is how far the leading edge of its tip is behind that of its root."""
    flat = wing([(x, 0, 0, root), (x - sweep, 0, height, tip)], 0.1, color)
    return flat.turned("x", -90).moved(y=y)


def tailplane(rng: np.random.Generator, x: float, y: float, span: float, chord: float, color: np.ndarray) -> list[Part]:
    sweep, rise = span * rng.uniform(0.1, 0.35), span * rng.uniform(-0.02, 0.1)
    tip = chord * rng.uniform(0.35, 0.7)
    return mirror([wing([(x, y, 0, chord), (x - sweep, y + rise, span / 2, tip)], 0.1, color)])


def nacelle(at: tuple, length: float, radius: float, color: np.ndarray, inlet: np.ndarray) -> list[Part]:
    outline = [[radius * 0.55, -length * 0.5], [radius * 0.8, -0.2 * length], [radius, 0.2 * length]]
    outline += [[radius * 0.95, length * 0.45], [radius * 0.8, length * 0.5], [radius * 0.75, length * 0.42]]
    profile = np.array(outline)
    cone = np.array([[radius * 0.4, -length * 0.62], [radius * 0.35, -length * 0.3]])
    return [
        lathe(profile, color, "x", 14, at),
        lathe(cone, inlet, "x", 10, at),
        lathe(np.array([[radius * 0.78, length * 0.4], [radius * 0.75, length * 0.44]]), inlet, "x", 12, at),
    ]


def propeller(rng: np.random.Generator, at: tuple, radius: float, color: np.ndarray) -> list[Part]:
    blades = int(rng.integers(2, 5))
    start = rng.uniform(0, 360)
    x, y, z = at
    flat = [
        box((radius * 0.05, radius, radius * 0.13), (x, y + radius / 2, z), color).turned(
            "x", start + k * 360 / blades, at
        )
        for k in range(blades)
    ]
    return [*flat, ball((radius * 0.4, radius * 0.28, radius * 0.28), at, color, 8)]


def gear(rng: np.random.Generator, x: float, y: float, z: float, height: float, wheel: float) -> list[Part]:
    """A leg with a wheel, from (x, y, z) down."""
    tyre = lathe(np.array([[wheel, -wheel * 0.3], [wheel, wheel * 0.3]]), dark(rng), "z", 12, (x, y - height, z))
    return [rod((x, y, z), (x, y - height, z), wheel * 0.3, metal(rng), sides=6), tyre]


def fuselage(
    rng: np.random.Generator, r: float, nose: float, tail: float, color: np.ndarray, flat: float = 1.0
) -> Part:
    """A tube of radius r that tapers over the lengths `nose` and `tail`; the tail sweeps up."""
    blunt, droop = rng.uniform(0.45, 0.6), rng.uniform(0, 0.3)
    stations = [(-0.5, r * 0.65, r * 0.12, r * 0.25, 2)]
    for t in (0.25, 0.5, 0.75):
        stations.append(
            (-0.5 + t * tail, r * 0.65 * (1 - t) ** 1.4, 2 * r * t**0.75, 2 * r * flat * t**0.75 + 0.005, 2)
        )
    stations += [(-0.5 + tail, 0, 2 * r, 2 * r * flat, 2), (0.5 - nose, 0, 2 * r, 2 * r * flat, 2)]
    for t in (0.3, 0.6, 0.82, 0.95):
        shrink = (1 - t**2.2) ** blunt
        stations.append((0.5 - nose + t * nose, -droop * r * t**2, 2 * r * shrink, 2 * r * flat * shrink, 2))
    stations.append((0.5, -droop * r, 0.15 * r, 0.15 * r, 2))
    return body(stations, color)
