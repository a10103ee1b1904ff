"""Watercraft of every kind, about as often as each occurs in ShapeNet."""

import numpy as np

from r2n2.data.procedural.boats import rowing_boat, speed_boat, workboat, yacht
from r2n2.data.procedural.chance import pick
from r2n2.data.procedural.primitives import Part
from r2n2.data.procedural.sailing import catamaran, sloop, tall_ship
from r2n2.data.procedural.ships import cargo_ship, carrier, liner, submarine, warship


def make(rng: np.random.Generator) -> list[Part]:
    styles = {sloop: 14, tall_ship: 14, cargo_ship: 15, warship: 15, speed_boat: 12, yacht: 10, rowing_boat: 8}
    return pick(rng, {**styles, liner: 7, submarine: 4, workboat: 6, carrier: 3, catamaran: 3})(rng)
