"""A ship's hull as a loft of frames along x, solid or open.

A frame is a superellipse (z, y) = (half |cos a|^(2 / section), deck + (keel - deck) |sin a|^(2 / section)), closed
along the deck or, for an open hull, along its floor.
"""

import numpy as np

from r2n2.data.procedural.primitives import Part, loft


def hull(
    rng: np.random.Generator,
    length: float,
    beam: float,
    depth: float,
    color: np.ndarray,
    under: np.ndarray,
    **form: float,
) -> Part:
    """A hull with its deck amidships at y = 0 and its keel at y = -depth, painted `under` below the waterline.

    form: stern, the width at the stern as a share of the beam; full, the exponent of the bow's outline (2 pointed, 5 a
    barge); sheer_bow, sheer_stern, how far the deck rises at the ends as a share of the depth; rake, how far the bow's
    stem leans forward as a share of the length; section, the exponent of the frames (1.3 a V, 2 round, 6 a box);
    hollow, how deep the hull is open, and rise_bow, rise_stern, how far the keel rises, as shares of the depth.
    """
    get = form.get
    t = np.concatenate([np.linspace(-1, 0.4, 12), np.linspace(0.5, 1, 10)])  # -1 stern, 1 bow
    fore, aft = np.clip(t, 0, 1), np.clip(-t, 0, 1)
    breadth = beam / 2 * (1 - fore ** get("full", 2.5)) * (1 - (1 - get("stern", 0.7)) * aft**2) + 0.004 * beam
    deck = depth * (get("sheer_bow", 0.3) * fore**2 + get("sheer_stern", 0.1) * aft**2)
    keel = -depth * (1 - get("rise_bow", 0.25) * fore**4 - get("rise_stern", 0.2) * aft**4)
    angles = np.linspace(0, np.pi, 15)
    power = 2 / get("section", 2.5)
    across = np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** power
    down = np.sin(angles) ** power
    rake = get("rake", 0.05) * length
    open_depth = get("hollow", 0.0) * depth
    rings = []
    for x, half, top, low in zip(t * (length / 2 - rake), breadth, deck, keel, strict=True):
        y = top + (low - top) * down
        x = x + 2 * rake * (y + depth) / depth * np.clip(x / length * 2, 0, 1) ** 2  # the stem leans forward
        floor = np.maximum(np.maximum(0.9 * y, top - open_depth), 0.9 * low) if open_depth else np.full_like(y, top)
        outer, inner = np.column_stack([x, y, half * across]), np.column_stack([0.97 * x, floor, 0.88 * half * across])
        rings.append(np.concatenate([outer, inner[::-1]]))
    skin = loft(np.array(rings), color)
    line = -depth * rng.uniform(0.3, 0.6)
    return skin.painted(lambda c: c[:, 1] < line, under)
