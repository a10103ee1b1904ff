"""Cars whose wheels are outside the body: racers and old-timers; metres."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, glass, metal, neutral, paint
from r2n2.data.procedural.primitives import Part, ball, body, box, lathe, mirror, prism, rod, rounded_box


def road_wheel(x: float, z: float, radius: float, width: float, tyre: np.ndarray, rim: np.ndarray) -> list[Part]:
    inner = radius * 0.65
    profile = np.array(
        [[radius * 0.9, -width / 2], [radius, -width / 3], [radius, width / 3], [radius * 0.9, width / 2]]
    )
    hub = np.array([[inner, -width * 0.52], [inner, width * 0.52]])
    return [lathe(profile, tyre, "z", 18, (x, radius, z)), lathe(hub, rim, "z", 14, (x, radius, z))]


def racer(rng: np.random.Generator) -> list[Part]:
    """A formula car: a narrow hull between exposed wheels, wings at the front and the rear."""
    color, second = paint(rng), paint(rng)
    length, width, wheel = rng.uniform(4.2, 5.2), rng.uniform(1.6, 1.95), rng.uniform(0.3, 0.36)
    nose = rng.uniform(0.25, 0.45)
    stations = [
        (-0.45, 0.35, 0.35, 0.3, 3),
        (-0.25, 0.45, 0.6, 0.6, 3),
        (0.0, 0.42, 0.75, 0.6, 3),
        (0.12, 0.4, 0.6, 0.5, 3),
    ]
    stations += [(0.3, nose, 0.35, 0.28, 3), (0.5, nose * 0.8, 0.15, 0.1, 2)]
    parts = [body([(x * length, *rest) for x, *rest in stations], color)]
    parts.append(prism(np.array([[-1.5, 0.5], [-0.25, 0.7], [-0.2, 0.95], [-0.5, 0.98]]), 0.25, color))
    parts.append(ball((0.3, 0.3, 0.28), (0.15, 0.75, 0), second))
    if chance(rng, 0.8):
        parts += mirror([rounded_box((1.7, 0.45, 0.45), (-0.5, 0.37, 0.5), 0.12, second)])
    parts.append(box((3.0, 0.06, 1.0), (-0.1, 0.12, 0), dark(rng)))
    tyre, rim, wide = dark(rng), metal(rng), rng.uniform(0.28, 0.42)
    for share in (-0.36, 0.33):
        x = share * length
        parts += mirror(road_wheel(x, width / 2 - wide / 2, wheel, wide, tyre, rim))
        parts += mirror(
            [rod((x, wheel, 0.1), (x + 0.1 * k, wheel, width / 2 - wide), 0.03, dark(rng), sides=6) for k in (-1, 1)]
        )
    parts.append(box((0.4, 0.04, width * 0.9), (length * 0.48, 0.17, 0), second))
    parts += mirror([box((0.45, 0.2, 0.03), (length * 0.48, 0.24, width * 0.45), second)])
    top = rng.uniform(0.75, 1.0)
    parts.append(box((0.35, 0.05, width * 0.55), (-length * 0.46, top, 0), second))
    return parts + mirror([box((0.5, top - 0.3, 0.04), (-length * 0.46, (top + 0.4) / 2, width * 0.27), second)])


def oldtimer(rng: np.random.Generator) -> list[Part]:
    """An old-timer with a hood, an upright cabin, running boards and separate fenders."""
    color, trim = paint(rng), dark(rng) if chance(rng, 0.6) else paint(rng)
    length, width, wheel = rng.uniform(3.4, 4.8), rng.uniform(1.5, 1.8), rng.uniform(0.34, 0.44)
    floor, belt, top = wheel * 0.9, rng.uniform(0.95, 1.15), rng.uniform(1.6, 1.9)
    narrow, cabin = width * rng.uniform(0.42, 0.55), width * rng.uniform(0.7, 0.8)
    rear, front = -length * rng.uniform(0.36, 0.46), length * rng.uniform(0.02, 0.1)
    hood = [(front - 0.05, narrow * 1.2), (length * 0.4, narrow)]
    stations = [(x, (floor + belt) / 2, wide, belt - floor, 4) for x, wide in hood]
    parts = [
        body(stations, color),
        box((0.06, belt - floor, narrow * 0.95), (length * 0.405, (floor + belt) / 2, 0), metal(rng)),
    ]
    parts.append(
        rounded_box((front - rear, belt - floor, cabin), ((rear + front) / 2, (floor + belt) / 2, 0), 0.1, color)
    )
    if chance(rng, 0.7):
        parts.append(
            box(
                (front - rear - 0.1, top - belt, cabin - 0.08),
                ((rear + front) / 2, (top + belt) / 2 - 0.03, 0),
                glass(rng),
            )
        )
        parts.append(rounded_box((front - rear + 0.1, 0.12, cabin), ((rear + front) / 2, top, 0), 0.05, trim))
        for x in (rear + 0.06, (rear + front) / 2, front - 0.06):
            parts += mirror([rod((x, belt - 0.05, cabin / 2 - 0.05), (x, top, cabin / 2 - 0.05), 0.06, color, sides=4)])
    else:
        parts.append(box((0.05, 0.4, cabin), (front, belt + 0.18, 0), glass(rng)).turned("z", 15, (front, belt, 0)))
        parts.append(rounded_box((0.2, 0.5, cabin * 0.9), (rear + 0.5, belt + 0.05, 0), 0.07, paint(rng)))
    tyre, rim, wide = dark(rng), metal(rng), rng.uniform(0.12, 0.2)
    angles = np.linspace(np.radians(-5), np.radians(185), 9)
    for x in (-length * 0.33, length * 0.34):
        parts += mirror(road_wheel(x, width / 2 - wide / 2, wheel, wide, tyre, rim))
        arc = np.column_stack([np.cos(angles), np.sin(angles)])
        fender = np.concatenate([arc * wheel * 1.25, arc[::-1] * wheel * 1.1]) + np.array([x, wheel])
        parts += mirror([prism(fender, wide * 1.6, trim).moved(z=width / 2 - wide / 2)])
    parts += mirror([box((length * 0.5, 0.05, 0.25), (0, wheel * 0.7, width / 2 - 0.12), trim)])
    lamp = lathe(
        np.array([[0.05, -0.1], [0.13, 0.08], [0.12, 0.1]]),
        metal(rng),
        "x",
        12,
        (length * 0.4, belt - 0.1, narrow * 0.75),
    )
    parts += mirror([lamp])
    return [*parts, box((0.08, 0.1, width * 0.9), (length * 0.5, wheel, 0), neutral(rng))]
