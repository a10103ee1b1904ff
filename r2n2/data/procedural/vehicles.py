"""Cars, aircraft and boats, nose along +X."""

import numpy as np

from r2n2.data.procedural.parts import DARK, GLASS, STEEL, Color, Parts, paint, wood


def car(rng: np.random.Generator) -> Parts:
    """Sedans, hatchbacks, estates, vans, pick-ups, coupes, buses: a lofted body, a cabin, wheels."""
    parts, color = Parts(), paint(rng)
    kind = rng.choice(["sedan", "hatchback", "estate", "van", "pickup", "coupe", "suv", "bus"], p=KINDS)
    length, width = rng.uniform(3.6, 4.9), rng.uniform(1.6, 1.95)
    height = rng.uniform(1.3, 1.55)
    if kind in ("van", "suv"):
        height = rng.uniform(1.65, 2.2)
    if kind == "coupe":
        height = rng.uniform(1.1, 1.3)
    if kind == "bus":
        length, width, height = rng.uniform(6, 12), rng.uniform(2.2, 2.6), rng.uniform(2.6, 3.4)
    clearance, belt = rng.uniform(0.12, 0.25) * height, rng.uniform(0.54, 0.64) * height
    front, rear = length / 2, -length / 2
    hood = belt - rng.uniform(0.03, 0.16) * height
    trunk = belt - rng.uniform(-0.02, 0.1) * height
    soft = rng.uniform(0.2, 0.4)

    def station(x: float, top: float, share: float, bottom: float = clearance) -> tuple[float, ...]:
        return x, (top + bottom) / 2, top - bottom, share * width

    if kind == "bus":
        body = [station(rear, height * 0.95, 0.96), station(rear * 0.97, height, 1), station(front * 0.95, height, 1)]
        parts.loft([*body, station(front, height * rng.uniform(0.6, 0.9), 0.95)], color, soft * 0.6)
        parts.box((0, height * 0.68, 0), (length * 0.9, height * 0.28, width * 1.01), GLASS)
    else:
        nose = rng.uniform(0.6, 0.95) * hood
        tail = (trunk if kind in ("sedan", "coupe", "pickup") else belt) * rng.uniform(0.85, 1.0)
        parts.loft(
            [
                station(rear, tail, 0.86, clearance * 1.5),
                station(rear + 0.05 * length, max(tail, trunk), 0.97),
                station(-0.1 * length, belt, 1.0),
                station(0.15 * length, belt, 1.0),
                station(front - 0.12 * length, hood, 0.98),
                station(front, nose, rng.uniform(0.75, 0.9), clearance * 1.3),
            ],
            color,
            soft,
        )
        _cabin(parts, rng, kind, length, width, height, belt, color)
    radius = rng.uniform(0.28, 0.36) if kind != "bus" else rng.uniform(0.42, 0.52)
    base = rng.uniform(0.28, 0.33) * length
    for x in (-base, base * rng.uniform(0.95, 1.1)):
        for side in (-1, 1):
            outer = side * width * 0.5
            parts.tube((x, radius, outer - side * 0.2), (x, radius, outer), radius, DARK)
            parts.tube((x, radius, outer), (x, radius, outer + side * 0.015), radius * 0.6, STEEL)
    if rng.random() < 0.6 and kind != "bus":
        for side in (-1, 1):
            parts.box((0.16 * length, belt + 0.05, side * width * 0.53), (0.08, 0.12, 0.16), color)
    if kind in ("coupe", "sedan") and rng.random() < 0.3:
        parts.box((rear + 0.12, trunk + rng.uniform(0.1, 0.25), 0), (0.22, 0.04, width * 0.85), color)
    return parts


KINDS = (0.28, 0.2, 0.1, 0.1, 0.07, 0.13, 0.08, 0.04)


def _cabin(
    parts: Parts,
    rng: np.random.Generator,
    kind: str,
    length: float,
    width: float,
    height: float,
    belt: float,
    color: Color,
) -> None:
    """Windscreen, roof and rear window as a loft of glass with a roof on top."""
    rear, front = -length / 2, length / 2
    screen = front - rng.uniform(0.24, 0.34) * length if kind != "van" else front - rng.uniform(0.08, 0.2) * length
    roof_front = screen - rng.uniform(0.1, 0.17) * length
    ends = {
        "sedan": (0.2, 0.12),
        "coupe": (0.16, 0.18),
        "hatchback": (0.03, 0.09),
        "estate": (0.02, 0.04),
        "suv": (0.02, 0.05),
        "van": (0.01, 0.02),
        "pickup": (0.42, 0.04),
    }[kind]
    glass_end = rear + (ends[0] + rng.uniform(0, 0.04)) * length
    roof_end = glass_end + (ends[1] + rng.uniform(0, 0.05)) * length
    inset = rng.uniform(0.78, 0.9)
    low = belt - 0.05
    if rng.random() < 0.06 and kind in ("coupe", "sedan"):  # open
        parts.box((roof_front, belt + 0.1, 0), (0.03, 0.35, width * 0.8), GLASS, pitch=0.5)
        return
    stations = [
        (glass_end, low + 0.01, 0.02, width * 0.94),
        (roof_end, (low + height) / 2, height - low, width * inset),
        ((roof_end + roof_front) / 2, (low + height * 1.01) / 2, height * 1.01 - low, width * inset),
        (roof_front, (low + height * 0.99) / 2, height * 0.99 - low, width * inset),
        (screen, low + 0.01, 0.02, width * 0.94),
    ]
    parts.loft(stations, GLASS, 0.25)
    middle = (roof_end + roof_front) / 2
    parts.box((middle, height, 0), (roof_front - roof_end, 0.05, width * inset * 0.98), color)
    for x in (roof_end, middle, roof_front) if kind != "pickup" else (roof_end, roof_front):
        parts.box((x, (belt + height) / 2, 0), (0.09, height - belt, width * (inset + 0.97) / 2), color)
    if kind == "pickup":
        bed = (rear + glass_end) / 2
        parts.box((bed, belt + 0.01, 0), ((glass_end - rear) * 0.9, 0.02, width * 0.8), DARK)


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


def watercraft(rng: np.random.Generator) -> Parts:
    """Sailing boats, motor boats, freighters, liners, warships, submarines, rowing boats."""
    kind = rng.choice(["sail", "motor", "freighter", "liner", "warship", "submarine", "rowing", "galleon"], p=BOATS)
    parts, color = Parts(), paint(rng)
    if kind == "submarine":  # ten long, as all boats here
        r = rng.uniform(0.45, 0.7)
        ends = [
            (-5, 0, 0.1, 0.1),
            (-3, 0, 1.6 * r, 1.6 * r),
            (-1, 0, 2 * r, 2 * r),
            (3.6, 0, 2 * r, 2 * r),
            (4.6, 0, 1.3 * r, 1.3 * r),
            (5, 0, 0.2, 0.2),
        ]
        parts.loft(ends, color, 1.0)
        parts.loft([(r * 0.8, 1.2, 1.5, 0.35), (r * 2.6, 1.2, 1.2, 0.3)], color, 0.8, axis="y")
        parts.wing((-3.9, 0, 0), 1.2, (0.8, 0.5), 0.3, color)
        parts.fin((-3.9, 0, 0), 1.2, (0.8, 0.5), 0.3, color)
        return parts
    beam = {"sail": 2.6, "motor": 2.8, "freighter": 1.6, "liner": 1.4, "warship": 1.2, "rowing": 3.0, "galleon": 2.6}[
        kind
    ]
    beam *= rng.uniform(0.8, 1.25)
    depth = {"sail": 1.0, "motor": 1.1, "freighter": 1.0, "liner": 0.9, "warship": 0.7, "rowing": 0.9, "galleon": 1.5}[
        kind
    ]
    depth *= rng.uniform(0.8, 1.25)
    stern = rng.uniform(0.55, 0.95)
    sheer = rng.uniform(0.0, 0.35) * depth
    stations = [
        (-5, -depth * 0.35, depth * 0.7, beam * stern),
        (-3, -depth / 2, depth, beam * (0.5 + stern / 2)),
        (1.0, -depth / 2, depth, beam),
        (3.0, -depth / 2 + sheer / 4, depth + sheer / 2, beam * 0.75),
        (4.3, -depth * 0.4 + sheer / 2, depth * 0.9 + sheer, beam * 0.35),
        (5, -depth * 0.1 + sheer, depth * 0.5, 0.06),
    ]
    parts.loft(stations, color, 0.6)
    if kind == "rowing":
        for x in (-2.5, 0, 2):
            parts.box((x, 0.05, 0), (0.5, 0.1, beam * 0.8), wood(rng))
        return parts
    {"sail": _sails, "galleon": _sails, "motor": _motor}.get(kind, _ship)(parts, rng, kind, beam, depth)
    return parts


BOATS = (0.24, 0.18, 0.16, 0.1, 0.14, 0.05, 0.05, 0.08)


def _sails(parts: Parts, rng: np.random.Generator, kind: str, beam: float, depth: float) -> None:
    white = tuple(float(value) for value in rng.uniform(200, 250) + rng.uniform(-15, 10, 3))
    spar, up = wood(rng), rng.random() < 0.65
    parts.box((rng.uniform(-1, 0.5), 0.15, 0), (rng.uniform(2, 4), 0.5, beam * 0.55), paint(rng))
    if kind == "galleon":
        parts.box((-4, 0.5, 0), (1.8, 1.2, beam * 0.75), spar)
        for x in (-2.8, 0.0, 2.6):
            tall = rng.uniform(5.5, 8)
            parts.tube((x, -0.3, 0), (x, tall, 0), 0.12, spar, 0.06)
            for share in (0.35, 0.6, 0.85):
                wide = beam * (1.5 - share)
                parts.tube((x, tall * share, -wide / 2), (x, tall * share, wide / 2), 0.06, spar)
                if up:
                    parts.box((x + 0.1, tall * (share - 0.1), 0), (0.08, tall * 0.18, wide * 0.9), white)
        parts.tube((4.5, 0.3, 0), (6.5, 1.2, 0), 0.08, spar)
        return
    tall, x = rng.uniform(9, 13), rng.uniform(0.2, 1.2)
    parts.tube((x, 0, 0), (x, tall, 0), 0.1, STEEL, 0.05)
    parts.tube((x, 1.0, 0), (x - rng.uniform(3.2, 4.8), 1.0, 0), 0.08, STEEL)
    if up:
        boom = rng.uniform(3.0, 4.5)
        parts.loft(
            [
                (1.1, x - boom / 2, boom, 0.12),
                (tall * 0.5, x - boom / 3.6, boom * 0.56, 0.1),
                (tall * 0.97, x - 0.1, 0.15, 0.06),
            ],
            white,
            0.3,
            axis="y",
        )
        parts.loft(
            [
                (0.7, (x + 4.6) / 2, 4.4 - x, 0.1),
                (tall * 0.4, x + (4.6 - x) * 0.3, (4.4 - x) * 0.5, 0.1),
                (tall * 0.8, x + 0.1, 0.12, 0.06),
            ],
            white,
            0.3,
            axis="y",
        )
    if rng.random() < 0.6:
        parts.loft([(-depth - rng.uniform(0.8, 1.6), 0, 1.0, 0.2), (-depth * 0.8, 0, 1.4, 0.25)], DARK, 0.8, axis="y")


def _motor(parts: Parts, rng: np.random.Generator, kind: str, beam: float, depth: float) -> None:
    white, high = (236.0, 237.0, 240.0), rng.uniform(0.8, 1.5)
    back = rng.uniform(-3.5, -1.5)
    parts.loft(
        [
            (back, high / 2, high, beam * 0.7),
            (0.5, high / 2, high, beam * 0.72),
            (rng.uniform(1.5, 2.8), 0.1, 0.2, beam * 0.5),
        ],
        white,
        0.35,
    )
    parts.box(((back + 0.6) / 2, high * 0.7, 0), (0.55 - back, high * 0.3, beam * 0.74), GLASS)
    if rng.random() < 0.5:
        parts.box((back / 2 - 0.3, high + 0.35, 0), (rng.uniform(1.2, 2.2), 0.7, beam * 0.5), white)
    if rng.random() < 0.4:
        parts.box((-5.2, 0.0, 0), (0.5, 0.9, 0.5), DARK)


def _ship(parts: Parts, rng: np.random.Generator, kind: str, beam: float, depth: float) -> None:
    white = (228.0, 228.0, 226.0)
    if kind == "liner":
        for level in range(rng.integers(2, 5)):
            parts.box((-0.4 - 0.2 * level, 0.2 + 0.38 * level, 0), (7.5 - 0.9 * level, 0.4, beam * 0.9), white)
        for x in rng.uniform(-2.5, 1.5, rng.integers(1, 4)):
            parts.tube((x, 1.0, 0), (x - 0.2, rng.uniform(1.9, 2.6), 0), 0.28, paint(rng))
        return
    bridge = rng.uniform(-4.3, -3.4) if kind == "freighter" else rng.uniform(-0.5, 1.2)
    tall = rng.uniform(0.9, 1.7)
    parts.box((bridge, tall / 2, 0), (rng.uniform(0.8, 1.6), tall, beam * 0.85), white)
    parts.tube((bridge - 0.5, tall * 0.7, 0), (bridge - 0.5, tall + rng.uniform(0.3, 0.7), 0), 0.2, paint(rng))
    if kind == "freighter" and rng.random() < 0.6:
        for x in np.arange(bridge + 1.4, 3.6, 0.85):
            for z in (-0.25, 0.25):
                stack = rng.integers(0, 4) * 0.28
                parts.box((x, stack / 2, z * beam * 1.5), (0.78, stack + 0.02, beam * 0.36), paint(rng))
    elif kind == "freighter":
        for x in np.arange(bridge + 1.8, 3.4, 1.9):
            parts.box((x, 0.12, 0), (1.3, 0.25, beam * 0.6), paint(rng))
            parts.tube((x + 0.9, 0, 0), (x + 0.9, rng.uniform(1, 2), 0), 0.08, STEEL)
    else:
        parts.tube((bridge, tall, 0), (bridge, tall + rng.uniform(1.0, 2.2), 0), 0.12, STEEL, 0.04)
        parts.box((bridge - 2.2, 0.4, 0), (rng.uniform(1, 2.2), 0.8, beam * 0.7), white)
        for x in (2.6, -4.0):
            parts.box((x, 0.2, 0), (0.7, 0.4, 0.6), STEEL)
            parts.tube((x, 0.3, 0), (x + np.sign(x) * 1.0, 0.45, 0), 0.06, STEEL)
