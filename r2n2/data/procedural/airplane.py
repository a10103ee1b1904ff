"""Airplanes: airliners, fighters, propeller planes, gliders, transports, flying wings. A fuselage has length 1."""

import numpy as np

from r2n2.data.procedural.airframe import fin, fuselage, gear, nacelle, propeller, tailplane, wing
from r2n2.data.procedural.chance import chance, dark, glass, neutral, paint, pick
from r2n2.data.procedural.primitives import Part, ball, body, box, lathe, mirror, rod, turned


def make(rng: np.random.Generator) -> list[Part]:
    styles = {_airliner: 50, _fighter: 24, _propeller: 14, _transport: 5, _biplane: 4, _glider: 3, _flying_wing: 3}
    return pick(rng, styles)(rng)


def _airliner(rng: np.random.Generator) -> list[Part]:
    r, nose, tail = rng.uniform(0.042, 0.072), rng.uniform(0.08, 0.16), rng.uniform(0.25, 0.38)
    hull, wings, accent = neutral(rng) if chance(rng, 0.8) else paint(rng), neutral(rng), paint(rng)
    layout = pick(rng, {"two": 50, "four": 22, "rear": 20, "three": 8})
    small = layout == "rear"
    skin = fuselage(rng, r, nose, tail, hull, rng.uniform(0.95, 1.2))
    if chance(rng, 0.5):
        skin = skin.painted(lambda c: c[:, 1] < -0.25 * r, neutral(rng))
    cockpit = 0.5 - nose * 0.55
    skin = skin.painted(lambda c: (abs(c[:, 0] - cockpit) < nose * 0.14) & (c[:, 1] > 0.25 * r), glass(rng))
    parts = [skin]
    if layout == "four" and chance(rng, 0.35):  # a hump like the 747's
        parts.append(ball((0.32, r * 1.5, r * 1.5), (0.3, r * 0.75, 0), hull))
    length = rng.uniform(0.6, 0.9)
    for side in (1, -1) if chance(rng, 0.7) else ():
        parts.append(box((length, r * 0.12, r * 0.1), (0.02, r * 0.25, side * r * 0.95), glass(rng)))

    span, root, tip = rng.uniform(0.7, 1.15), rng.uniform(0.14, 0.26), rng.uniform(0.03, 0.07)
    sweep, rise = np.tan(np.radians(rng.uniform(12, 38))), np.tan(np.radians(rng.uniform(1, 8)))
    x, y = rng.uniform(0.06, 0.2) - (0.08 if small else 0), -r * rng.uniform(0.3, 0.8)
    half, kink = span / 2, rng.uniform(0.3, 0.42)
    middle = (
        x - sweep * half * kink,
        y + rise * half * kink,
        half * kink,
        root + (tip - root) * rng.uniform(0.45, 0.6),
    )
    sections = [(x, y, 0, root), middle, (x - sweep * half, y + rise * half, half, tip)]
    if chance(rng, 0.4):
        height = rng.uniform(0.03, 0.07)
        sections.append((x - sweep * half - height * 0.6, y + rise * half + height, half * 1.02, tip * 0.5))
    parts += mirror([wing(sections, rng.uniform(0.1, 0.14), wings)])

    long, size = rng.uniform(0.08, 0.14), r * rng.uniform(0.42, 0.62)
    engine_color, inlet = neutral(rng) if chance(rng, 0.7) else accent, dark(rng)
    under = {"two": [rng.uniform(0.28, 0.4)], "four": [0.3, 0.6], "three": [0.32], "rear": []}[layout]
    for share in under:
        at = (
            x - sweep * half * share + long * rng.uniform(0.15, 0.3),
            y + rise * half * share - size * 1.15,
            half * share,
        )
        pylon = box((long * 0.8, size * 1.2, size * 0.2), (at[0] - long * 0.3, at[1] + size * 0.9, at[2]), wings)
        parts += mirror([*nacelle(at, long, size, engine_color, inlet), pylon])
    base = -0.5 + tail * 0.15
    if layout == "rear":
        at = (base + tail * rng.uniform(0.5, 0.7), r * 0.45, r + size * 0.8)
        parts += mirror(nacelle(at, long * 1.3, size, engine_color, inlet))
    if layout == "three":
        parts += nacelle((base + 0.05, r * 1.4, 0), long * 1.5, size, engine_color, inlet)

    height, chord = rng.uniform(0.11, 0.19), rng.uniform(0.11, 0.18)
    lean = height * rng.uniform(0.5, 1.0)
    top = -0.49 + chord
    parts.append(fin(top, r * 0.45, height, chord, chord * rng.uniform(0.3, 0.6), lean, accent))
    spread, depth = span * rng.uniform(0.3, 0.44), chord * rng.uniform(0.5, 0.75)
    high = layout == "rear" and chance(rng, 0.85)
    parts += tailplane(
        rng, top - lean if high else top - chord * 0.25, r * 0.45 + height if high else r * 0.5, spread, depth, wings
    )
    if chance(rng, 0.2):
        down = r * rng.uniform(1.2, 1.8)
        parts += gear(rng, 0.4, 0, 0, down, r * 0.25) + mirror(gear(rng, x - root * 0.7, 0, r * 0.9, down, r * 0.3))
    return parts


def _fighter(rng: np.random.Generator) -> list[Part]:
    color, second = paint(rng) if chance(rng, 0.3) else neutral(rng), neutral(rng)
    w, h = rng.uniform(0.07, 0.14), rng.uniform(0.06, 0.1)
    nose, box_like = rng.uniform(0.3, 0.45), rng.uniform(2, 4)
    stations: list[tuple[float, ...]] = [(-0.46, 0, w * 0.7, h * 0.8, box_like)]
    stations += [(-0.3, 0, w, h, box_like), (0.0, 0, w, h, box_like)]
    stations += [(0.5 - nose, 0, w * 0.85, h, 2.5), (0.5 - nose * 0.6, 0, h * 0.85, h * 0.85, 2)]
    stations += [(0.5 - nose * 0.25, -h * 0.08, h * 0.45, h * 0.45, 2), (0.5, -h * 0.15, h * 0.04, h * 0.04, 2)]
    parts = [body(stations, color, 16)]
    seat = 0.5 - nose * rng.uniform(0.55, 0.85)
    parts.append(ball((rng.uniform(0.14, 0.22), h * 0.9, h * 0.62), (seat, h * 0.42, 0), glass(rng)))
    if chance(rng, 0.65):  # intakes along the sides
        front, back = seat - rng.uniform(0.05, 0.1), -0.42
        tall, wide = h * rng.uniform(0.6, 0.95), w * rng.uniform(0.3, 0.5)
        trunk = body(
            [(back, 0, wide * 0.8, tall * 0.8, 4), (front - 0.05, 0, wide, tall, 6), (front, 0, wide, tall, 6)],
            color,
            12,
        )
        mouth = box((0.004, tall * 0.8, wide * 0.8), (front, -h * 0.05, w / 2), dark(rng))
        parts += mirror([trunk.moved(y=-h * 0.05, z=w / 2), mouth])

    planform = pick(rng, {"delta": 35, "swept": 35, "trapezoid": 30})
    half = rng.uniform(0.26, 0.42) if planform != "swept" else rng.uniform(0.32, 0.5)
    root = {"delta": rng.uniform(0.4, 0.6), "swept": rng.uniform(0.2, 0.3), "trapezoid": rng.uniform(0.28, 0.4)}[
        planform
    ]
    tip = root * (rng.uniform(0.05, 0.15) if planform == "delta" else rng.uniform(0.25, 0.5))
    lean = {"delta": root - tip, "swept": half * rng.uniform(0.6, 1.0), "trapezoid": half * rng.uniform(0.4, 0.7)}[
        planform
    ]
    lean *= rng.uniform(0.85, 1.05)
    x = -0.4 + root + (0 if planform == "delta" else rng.uniform(0.03, 0.15))
    y, rise = rng.uniform(-0.3, 0.4) * h, half * rng.uniform(-0.1, 0.08)
    panels = [wing([(x, y, 0, root), (x - lean, y + rise, half, tip)], rng.uniform(0.04, 0.06), color)]
    if chance(rng, 0.35):  # strakes
        panels.append(wing([(seat, y, w * 0.35, seat - x + root * 0.5), (x, y, w * 0.75, root * 0.5)], 0.03, color))
    if planform != "delta" or chance(rng, 0.25):
        chord = root * rng.uniform(0.35, 0.55)
        place, spread = -0.5 + chord + rng.uniform(-0.02, 0.06), half * rng.uniform(0.4, 0.62)
        panels.append(
            wing([(place, 0, w * 0.3, chord), (place - spread * 0.6, 0, w * 0.3 + spread, chord * 0.45)], 0.05, color)
        )
    elif chance(rng, 0.6):  # canards
        place, spread = seat - 0.06, half * rng.uniform(0.3, 0.5)
        panels.append(wing([(place, h * 0.3, 0, 0.12), (place - 0.1, h * 0.35, w / 2 + spread, 0.04)], 0.05, second))
    parts += mirror(panels)

    height, chord = rng.uniform(0.12, 0.2), rng.uniform(0.15, 0.24)
    tail = fin(
        -0.44 + chord, h * 0.25, height, chord, chord * rng.uniform(0.3, 0.5), height * rng.uniform(0.6, 1.0), second
    )
    if chance(rng, 0.5):
        parts += mirror([tail.turned("x", rng.uniform(0, 30)).moved(z=w * 0.5)])
        exhausts = [w * 0.28, -w * 0.28]
    else:
        parts.append(tail)
        exhausts = [0.0]
    for z in exhausts:
        size = h * (0.42 if len(exhausts) == 1 else 0.36)
        cone = np.array([[size * 0.75, -0.5], [size, -0.43], [size, -0.35]])
        parts.append(lathe(cone, dark(rng), "x", 12, (0, 0, z)))
    if chance(rng, 0.5):
        for share in rng.permutation([0.35, 0.55, 0.75, 0.99])[: rng.integers(1, 4)]:
            at = (x - lean * share - root * 0.25, y + rise * share - (0.02 if share < 0.9 else 0), half * share)
            length, size = rng.uniform(0.12, 0.22), rng.uniform(0.006, 0.013)
            cone = np.array([[size, -length / 2], [size, length * 0.4], [size * 0.1, length / 2]])
            parts += mirror([lathe(cone, neutral(rng), "x", 8, at)])
    return parts


def _propeller(rng: np.random.Generator) -> list[Part]:
    color, second = paint(rng), paint(rng)
    r, engines = rng.uniform(0.05, 0.085), pick(rng, {1: 70, 2: 30})
    skin = fuselage(rng, r, rng.uniform(0.1, 0.2), rng.uniform(0.45, 0.6), color, rng.uniform(1.0, 1.35))
    high = chance(rng, 0.45)
    half, chord = rng.uniform(0.5, 0.72), rng.uniform(0.15, 0.22)
    tip, rise = chord * rng.uniform(0.45, 1.0), rng.uniform(0.0, 0.07)
    x, y = rng.uniform(0.2, 0.32), r * (1.05 if high else -0.75)
    lean = rng.uniform(-0.02, 0.06) + (chord - tip) * 0.4
    parts = [skin, *mirror([wing([(x, y, 0, chord), (x - lean, y + rise, half, tip)], 0.13, second)])]
    parts.append(
        ball((rng.uniform(0.2, 0.35), r * 1.4, r * 1.4), (x - chord * 0.55, r * (0.6 if high else 0.85), 0), glass(rng))
    )
    if engines == 1:
        parts += propeller(rng, (0.5, 0, 0), rng.uniform(0.1, 0.17), dark(rng))
    else:
        place, size = half * rng.uniform(0.28, 0.38), r * rng.uniform(0.45, 0.65)
        barrel = lathe(np.array([[size * 0.3, -0.18], [size, -0.02], [size, 0.1], [size * 0.6, 0.13]]), color, "x", 12)
        at = (x - 0.02, y + rise * 0.3, place)
        parts += mirror(
            [barrel.moved(*at), *propeller(rng, (at[0] + 0.14, at[1], at[2]), rng.uniform(0.08, 0.13), dark(rng))]
        )
    height, root = rng.uniform(0.12, 0.2), rng.uniform(0.12, 0.18)
    parts.append(fin(-0.49 + root, r * 0.4, height, root, root * 0.5, height * rng.uniform(0.2, 0.7), second))
    parts += tailplane(rng, -0.48 + root, r * 0.55, rng.uniform(0.32, 0.46), root * 0.8, second)
    if chance(rng, 0.6):
        parts += mirror(gear(rng, x - 0.06, -r * 0.7, r * rng.uniform(1, 2), r * rng.uniform(0.9, 1.4), r * 0.35))
        if chance(rng, 0.5):
            parts += gear(rng, 0.4, -r * 0.5, 0, r * 1.1, r * 0.3)
    if high and chance(rng, 0.6):
        parts += mirror(
            [rod((x - 0.08, -r * 0.8, r * 0.8), (x - 0.08, y + rise * 0.5, half * 0.5), 0.006, color, sides=6)]
        )
    return parts


def _transport(rng: np.random.Generator) -> list[Part]:
    color = neutral(rng) if chance(rng, 0.5) else np.array([95, 100, 75]) * rng.uniform(0.7, 1.3)
    r = rng.uniform(0.06, 0.085)
    parts = [fuselage(rng, r, 0.14, rng.uniform(0.35, 0.45), color, rng.uniform(1.0, 1.25))]
    half, chord, x, y = rng.uniform(0.5, 0.65), rng.uniform(0.13, 0.18), rng.uniform(0.1, 0.2), r * 1.0
    lean, jets = rng.uniform(0.0, 0.25), chance(rng, 0.5)
    drop = -rng.uniform(0, 0.05) if jets else 0.0
    parts += mirror([wing([(x, y, 0, chord), (x - lean, y + drop, half, chord * 0.45)], 0.13, color)])
    for share in (0.3, 0.58):
        at = (x - lean * share + 0.03, y + drop * share - (0.035 if jets else 0), half * share)
        if jets:
            parts += mirror(nacelle(at, 0.12, 0.03, color, dark(rng)))
        else:
            barrel = lathe(np.array([[0.006, -0.16], [0.02, -0.02], [0.02, 0.06], [0.012, 0.08]]), color, "x", 10, at)
            parts += mirror([barrel, *propeller(rng, (at[0] + 0.09, at[1], at[2]), 0.07, dark(rng))])
    height, root = rng.uniform(0.16, 0.22), rng.uniform(0.14, 0.2)
    lean = height * rng.uniform(0.2, 0.7)
    parts.append(fin(-0.48 + root, r * 0.5, height, root, root * 0.6, lean, color))
    top = jets and chance(rng, 0.8)
    parts += tailplane(rng, -0.48 + root - lean * top, r * 0.6 + height * 0.95 * top, half * 0.75, root * 0.7, color)
    parts += mirror([ball((0.22, r, r * 0.7), (0.0, -r * 0.8, r * 0.85), color, 10)])
    return parts


def _biplane(rng: np.random.Generator) -> list[Part]:
    color, second, wire = paint(rng), paint(rng), dark(rng)
    r = rng.uniform(0.055, 0.075)
    parts = [fuselage(rng, r, 0.08, 0.6, color, 1.2)]
    half, chord, gap = rng.uniform(0.5, 0.68), rng.uniform(0.14, 0.2), rng.uniform(0.14, 0.2)
    x, stagger = 0.32, rng.uniform(0, 0.06)
    for y, ahead, reach in ((-r * 0.8, 0.0, half * rng.uniform(0.85, 1)), (gap, stagger, half)):
        parts += mirror([wing([(x + ahead, y, 0, chord), (x + ahead, y + 0.01, reach, chord * 0.9)], 0.08, second)])
    for share in (0.12, 0.72):
        for back in (0.25, 0.75):
            foot, head = (x - chord * back, -r * 0.8, half * share), (x + stagger - chord * back, gap, half * share)
            parts += mirror([rod(foot, head, 0.006, wire, sides=6)])
    parts += propeller(rng, (0.5, 0, 0), rng.uniform(0.12, 0.18), wire)
    parts.append(fin(-0.38, r * 0.4, rng.uniform(0.1, 0.16), 0.12, 0.08, 0.04, second))
    parts += tailplane(rng, -0.37, r * 0.6, rng.uniform(0.3, 0.42), 0.12, second)
    return parts + mirror(gear(rng, 0.3, -r * 0.5, r * 1.3, 0.11, 0.035))


def _glider(rng: np.random.Generator) -> list[Part]:
    color, r = neutral(rng), rng.uniform(0.035, 0.05)
    stations = [(-0.5, 0.02, 0.02, 0.025, 2), (0.0, 0.01, 0.03, 0.035, 2), (0.2, 0, r * 1.6, r * 2, 2)]
    stations += [(0.35, 0, r * 1.7, r * 2.1, 2), (0.45, -0.01, r, r * 1.2, 2), (0.5, -0.015, 0.004, 0.004, 2)]
    half, chord, rise = rng.uniform(0.8, 1.15), rng.uniform(0.09, 0.13), rng.uniform(0.02, 0.08)
    parts = [body(stations, color), ball((0.2, r * 1.3, r * 1.3), (0.33, r * 0.6, 0), glass(rng))]
    parts += mirror([wing([(0.24, 0.02, 0, chord), (0.22, 0.02 + rise, half, chord * 0.4)], 0.13, color)])
    height = rng.uniform(0.12, 0.17)
    parts.append(fin(-0.39, 0.02, height, 0.11, 0.07, 0.05, paint(rng)))
    return parts + tailplane(rng, -0.43, 0.02 + height, rng.uniform(0.26, 0.36), 0.08, color)


def _flying_wing(rng: np.random.Generator) -> list[Part]:
    color = neutral(rng) * rng.uniform(0.3, 1)
    half, root, tip = rng.uniform(0.6, 1.1), rng.uniform(0.5, 0.9), rng.uniform(0.06, 0.2)
    lean = half * rng.uniform(0.5, 0.9)
    sections = [
        (0.5, 0, 0, root),
        (0.5 - lean * 0.3, 0, half * 0.3, root * rng.uniform(0.45, 0.75)),
        (0.5 - lean, 0, half, tip),
    ]
    parts = mirror([wing(sections, rng.uniform(0.1, 0.16), color)])
    parts.append(ball((root * 0.75, 0.12, 0.16), (0.5 - root * 0.45, 0.03, 0), color))
    parts.append(ball((root * 0.2, 0.06, 0.09), (0.5 - root * 0.25, 0.075, 0), glass(rng)))
    if chance(rng, 0.6):
        tail = fin(0.5 - lean * 0.5 - root * 0.3, 0, rng.uniform(0.1, 0.2), 0.16, 0.08, 0.1, color)
        parts += mirror(turned([tail], "x", rng.uniform(-10, 35)) if chance(rng, 0.5) else [tail.moved(z=half * 0.95)])
    return parts
