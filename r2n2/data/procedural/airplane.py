"""Aircraft, nose along +X."""

import numpy as np

from r2n2.data.procedural.parts import DARK, GLASS, STEEL, Color, Parts, paint


def airplane(rng: np.random.Generator) -> Parts:
    """Airliners, business jets, fighters, light aircraft, biplanes, gliders."""
    kind = rng.choice(["airliner", "fighter", "light", "glider", "business"], p=[0.4, 0.25, 0.2, 0.05, 0.1])
    parts, color = Parts(), paint(rng) if rng.random() < 0.5 else (235.0, 236.0, 238.0)
    length = 10.0
    radius = {"airliner": 0.52, "fighter": 0.45, "light": 0.6, "glider": 0.3, "business": 0.5}[kind]
    radius *= rng.uniform(0.8, 1.25)
    nose, droop = rng.uniform(0.06, 0.14), rng.uniform(-0.1, 0.35) * radius
    parts.loft(
        [
            (-length / 2, radius * 0.5, radius * 0.25, radius * 0.2),
            (-length * 0.3, radius * 0.2, radius * 1.3, radius * 1.3),
            (-length * 0.12, 0, radius * 2, radius * 2),
            (length * (0.5 - 1.6 * nose), 0, radius * 2, radius * 2),
            (length * (0.5 - 0.5 * nose), -droop * 0.5, radius * 1.3, radius * 1.3),
            (length / 2, -droop, radius * 0.25, radius * 0.25),
        ],
        color,
        1.0 if kind != "fighter" else rng.uniform(0.5, 1.0),
    )
    {"airliner": _jet, "business": _jet, "fighter": _fighter, "light": _light, "glider": _light}[kind](
        parts, rng, kind, length, radius, color
    )
    return parts


def _jet(parts: Parts, rng: np.random.Generator, kind: str, length: float, radius: float, color: Color) -> None:
    span, chord = rng.uniform(0.4, 0.55) * length, rng.uniform(0.16, 0.24) * length
    sweep, rise = rng.uniform(0.3, 0.75) * span, rng.uniform(0.02, 0.14) * span
    level = -radius * rng.uniform(0.3, 0.8) if rng.random() < 0.85 else radius * 0.9
    root = (length * rng.uniform(0.04, 0.14), level, 0)
    parts.wing(root, span, (chord, chord * rng.uniform(0.2, 0.4)), sweep, color, rise)
    tail_height = rng.uniform(0.14, 0.2) * length
    tee = rng.random() < (0.25 if kind == "airliner" else 0.7)
    fin_root = (-length * 0.34, radius * 0.5, 0)
    tail_color = paint(rng)
    fin_chord, fin_sweep = rng.uniform(0.13, 0.18) * length, rng.uniform(0.6, 1.0) * tail_height
    parts.fin(fin_root, tail_height, (fin_chord, fin_chord * rng.uniform(0.35, 0.6)), fin_sweep, tail_color)
    tail_span, tail_chord = rng.uniform(0.15, 0.2) * length, rng.uniform(0.08, 0.12) * length
    place = (fin_root[0] - fin_sweep, fin_root[1] + tail_height, 0) if tee else (-length * 0.38, radius * 0.35, 0)
    parts.wing(place, tail_span, (tail_chord, tail_chord * 0.45), tail_span * rng.uniform(0.4, 0.8), color, 0.05)
    nacelle = radius * rng.uniform(0.35, 0.6)
    if tee or kind == "business":
        for side in (-1, 1):
            parts.tube(
                (-length * 0.32, radius * 0.4, side * radius * 1.35),
                (-length * 0.18, radius * 0.4, side * radius * 1.35),
                nacelle * 0.9,
                STEEL,
            )
        return
    for share in (0.33,) if rng.random() < 0.65 else (0.28, 0.58):
        z = share * span
        x = root[0] - share * sweep
        y = root[1] + share * rise - nacelle * 1.2
        for side in (-1, 1):
            parts.tube(
                (x - 0.04 * length, y, side * z), (x + 0.07 * length, y, side * z), nacelle * 0.75, STEEL, nacelle
            )


def _fighter(parts: Parts, rng: np.random.Generator, kind: str, length: float, radius: float, color: Color) -> None:
    span = rng.uniform(0.24, 0.42) * length
    delta = rng.random() < 0.45
    chord = rng.uniform(0.35, 0.5) * length if delta else rng.uniform(0.22, 0.34) * length
    root = (length * rng.uniform(0.02, 0.12), radius * rng.uniform(-0.3, 0.5), 0)
    sweep = chord * rng.uniform(0.75, 1.0) if delta else span * rng.uniform(0.4, 0.9)
    parts.wing(
        root, span, (chord, chord * rng.uniform(0.08, 0.35)), sweep, color, rng.uniform(-0.05, 0.05) * span, 0.07
    )
    height, fin_chord = rng.uniform(0.14, 0.22) * length, rng.uniform(0.14, 0.2) * length
    twin = rng.random() < 0.45
    for z in (-radius * 1.1, radius * 1.1) if twin else (0.0,):
        lean = np.sign(z) * rng.uniform(0.0, 0.4) * height
        parts.fin((-length * 0.26, radius * 0.6, z), height, (fin_chord, fin_chord * 0.4), height * 0.8, color, lean)
    if not delta or rng.random() < 0.3:
        parts.wing((-length * 0.33, 0, 0), span * 0.55, (chord * 0.5, chord * 0.15), span * 0.3, color, 0, 0.07)
    elif rng.random() < 0.6:  # canards
        parts.wing(
            (length * 0.25, radius * 0.4, 0), span * 0.4, (chord * 0.25, chord * 0.08), span * 0.25, color, 0, 0.07
        )
    canopy = length * rng.uniform(0.2, 0.28)
    parts.loft(
        [
            (canopy - 1.1, radius * 0.8, 0.1, 0.1),
            (canopy - 0.2, radius, radius, radius),
            (canopy + 0.9, radius * 0.7, 0.1, 0.1),
        ],
        GLASS,
        1.0,
    )
    if rng.random() < 0.6:  # intakes along the sides
        for side in (-1, 1):
            z = side * radius * 1.1
            parts.loft(
                [(-length * 0.4, 0, radius, radius * 0.8, z), (length * 0.12, 0, radius * 1.3, radius * 0.9, z)],
                color,
                0.5,
            )


def _light(parts: Parts, rng: np.random.Generator, kind: str, length: float, radius: float, color: Color) -> None:
    glider = kind == "glider"
    span = rng.uniform(0.85, 1.1) * length if glider else rng.uniform(0.55, 0.75) * length
    chord = 0.1 * length if glider else rng.uniform(0.16, 0.22) * length
    x = length * rng.uniform(0.15, 0.24)
    levels = [radius] if rng.random() < 0.5 else [-radius * 0.6]
    if not glider and rng.random() < 0.25:
        levels = [-radius * 0.6, radius * 2.0]
        for z in (-0.6, 0.6):
            parts.tube((x - chord / 2, levels[0], z * span), (x - chord / 2, levels[1], z * span), 0.05, DARK)
    for level in levels:
        parts.wing(
            (x, level, 0),
            span,
            (chord, chord * rng.uniform(0.5, 1.0)),
            rng.uniform(0, 0.1) * span,
            color,
            rng.uniform(0, 0.08) * span,
        )
    parts.fin(
        (-length * 0.37, radius * 0.4, 0),
        rng.uniform(0.14, 0.2) * length,
        (0.14 * length, 0.07 * length),
        0.07 * length,
        paint(rng),
    )
    parts.wing(
        (-length * 0.38, radius * 0.4, 0),
        rng.uniform(0.18, 0.24) * length,
        (0.1 * length, 0.06 * length),
        0.04 * length,
        color,
    )
    if glider:
        return
    twin = rng.random() < 0.3
    for z in (-0.3 * span, 0.3 * span) if twin else (0.0,):
        front = length / 2 if not twin else x + chord * 0.6
        if twin:
            parts.tube((x - chord * 0.6, levels[0], z), (front, levels[0], z), radius * 0.45, color, radius * 0.25)
        y = levels[0] if twin else 0
        parts.box((front + 0.08, y, z), (0.08, 0.2, rng.uniform(1.2, 2.0)), DARK)
    for z in (-radius, radius):
        parts.tube((x - chord * 0.4, -radius * 2.0, z), (x - chord * 0.4, -radius * 0.5, z * 0.6), 0.07, STEEL)
        parts.tube((x - chord * 0.4, -radius * 2.0, z - 0.1), (x - chord * 0.4, -radius * 2.0, z + 0.1), 0.3, DARK)
