"""Cars, bonnet along +X."""

import numpy as np

from r2n2.data.procedural.parts import DARK, GLASS, STEEL, Color, Parts, paint

KINDS = (0.28, 0.2, 0.1, 0.1, 0.07, 0.13, 0.08, 0.04)  # shares of the kinds below


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
