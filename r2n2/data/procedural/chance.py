"""Random choices shared by all categories: styles by weight, and plausible colours (3,) in 0..255."""

import colorsys
from collections.abc import Mapping
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")

WOODS = ((196, 154, 108), (139, 94, 60), (92, 58, 36), (222, 184, 135), (160, 82, 45), (60, 40, 28), (205, 133, 80))
METALS = ((190, 192, 196), (140, 142, 146), (95, 97, 100), (60, 62, 66), (176, 141, 87), (212, 214, 218))
NEUTRALS = ((235, 235, 232), (200, 200, 200), (128, 128, 128), (70, 70, 72), (30, 30, 32), (240, 232, 215))


def chance(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def pick(rng: np.random.Generator, weights: Mapping[Choice, float]) -> Choice:
    """One of the keys, drawn in proportion to its weight."""
    share = np.array(list(weights.values()), np.float64)
    return list(weights)[rng.choice(len(share), p=share / share.sum())]


def among(rng: np.random.Generator, colors: tuple[tuple[int, int, int], ...], spread: float = 12) -> np.ndarray:
    """One of the colours, slightly varied in brightness and hue."""
    color = np.array(colors[rng.integers(len(colors))], np.float64)
    return (color * rng.uniform(0.85, 1.12) + rng.normal(0, spread / 3, 3)).clip(8, 252)


def wood(rng: np.random.Generator) -> np.ndarray:
    return among(rng, WOODS)


def metal(rng: np.random.Generator) -> np.ndarray:
    return among(rng, METALS, 4)


def neutral(rng: np.random.Generator) -> np.ndarray:
    return among(rng, NEUTRALS, 6)


def vivid(rng: np.random.Generator) -> np.ndarray:
    """Paint or fabric of any hue."""
    return np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.3, 0.95), rng.uniform(0.3, 0.95))) * 255


def paint(rng: np.random.Generator) -> np.ndarray:
    """Lacquer for vehicles and furniture: neutral as often as coloured."""
    return neutral(rng) if chance(rng, 0.5) else vivid(rng)


def dark(rng: np.random.Generator) -> np.ndarray:
    """Rubber, black plastic, a screen that is off."""
    return np.full(3, rng.uniform(15, 55)) + rng.uniform(-4, 8, 3)


def glass(rng: np.random.Generator) -> np.ndarray:
    """Windows seen from outside."""
    return np.array([45, 58, 72]) * rng.uniform(0.5, 1.6)


def finish(rng: np.random.Generator) -> np.ndarray:
    """A furniture finish: mostly wood, else paint."""
    return wood(rng) if chance(rng, 0.6) else paint(rng)
