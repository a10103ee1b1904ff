"""The light of rendered pictures: a world light and two soft suns, which replace the hemisphere lamps of 2016.

brightness(n) = world + sum_i strength_i max(0, n . direction_i)          n the normal of the visible side
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Lighting:
    """world: light from all directions; suns: the direction towards each sun and its strength."""

    world: float = 0.55
    suns: tuple[tuple[tuple[float, float, float], float], ...] = (((0.5, 0.8, 0.3), 0.45), ((-0.6, 0.5, -0.6), 0.25))

    def brightness(self, normals: np.ndarray) -> np.ndarray:
        """Brightness (N,) of faces with unit normals (N, 3); 1 leaves a colour as it is."""
        light = np.full(len(normals), self.world)
        for direction, strength in self.suns:
            light += strength * (normals @ (np.array(direction) / np.linalg.norm(direction))).clip(0)
        return light


def draw_lighting(rng: np.random.Generator) -> Lighting:
    """Draw two suns anywhere above the ground, weak or strong; on average about as bright as the default light."""
    suns = []
    for strength in (rng.uniform(0.2, 0.7), rng.uniform(0.0, 0.4)):
        azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 1.0)
        suns.append(((float(np.cos(azimuth)), float(height), float(np.sin(azimuth))), float(strength)))
    return Lighting(float(rng.uniform(0.35, 0.75)), tuple(suns))
