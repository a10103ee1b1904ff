"""Make mugs, of which the shipped network saw hardly any: python docs/recipes/mugs.py OUT COUNT [--seed 0]

Writes OUT/mug/mug-0000.glb and so on, for `r2n2 data meshes OUT --front +x`: y up, the handle, if any, towards +x. A
mug's body is the skin over rings that go up outside and down into the cavity; the handle begins and ends in the middle
of the wall, so none of it is in the cavity. Both are closed. Mug number n does not depend on COUNT.
"""

import argparse
import colorsys
from pathlib import Path

import numpy as np
import trimesh

SIDES, LEVELS = 48, 16  # corners per ring of the body, rings on each side of its wall
SECTION, STEPS = 12, 25  # corners per ring of the handle, rings of the handle
ROUND, SQUARE = 2.0, 5.0  # exponents of |x|^p + |z|^p = r^p
BARE, CUPS, SQUARED = 0.15, 0.3, 0.15  # shares: without a handle, with a foot narrower than the rim, with square rings


def mug(number: int, seed: int = 0) -> trimesh.Trimesh:
    """A mug with vertex colours, always the same for the same number and seed."""
    rng = np.random.default_rng([seed, number])
    height, wall = np.exp(rng.uniform(np.log(0.7), np.log(1.6))), rng.uniform(0.05, 0.14)  # for a diameter of about 1
    floor = wall * rng.uniform(0.8, 1.6)
    share = np.linspace(0, 1, LEVELS)  # of the height
    if rng.random() < CUPS:
        foot = rng.uniform(0.45, 0.75)
        radius = 0.5 * (foot + (1 - foot) * share ** rng.uniform(0.35, 0.9))
    else:
        taper, bulge = rng.uniform(-0.25, 0.35), rng.uniform(-0.4, 0.6)
        radius = 0.5 * (1 + taper * (share - 0.5) + bulge * share * (1 - share))
    power = SQUARE if rng.random() < SQUARED else ROUND
    outer = np.column_stack([radius, share * height])
    down = np.linspace(height, floor, LEVELS)
    inner = np.column_stack([np.interp(down, outer[:, 1], radius) - wall, down])
    rim = [[radius[-1] - wall / 2, height + wall / 3]]
    paint, glaze = colour(rng), colour(rng)
    outside = np.tile(paint, (LEVELS, 1))
    if rng.random() < 0.3:
        outside[np.abs(share - rng.uniform(0.2, 0.8)) < rng.uniform(0.1, 0.3)] = colour(rng)
    inside = np.tile(paint if rng.random() < 0.5 else glaze, (LEVELS + 1, 1))
    profile, colours = np.concatenate([outer, rim, inner]), np.concatenate([outside, inside])
    angle = np.arange(SIDES) * 2 * np.pi / SIDES
    unit = np.column_stack([np.cos(angle), np.sin(angle)])
    unit /= np.linalg.norm(unit, power, axis=1, keepdims=True)
    rings = np.stack([np.column_stack([r * unit[:, 0], np.full(SIDES, y), r * unit[:, 1]]) for r, y in profile])
    parts = [skin(rings, colours)]
    if rng.random() >= BARE:
        middle = np.column_stack([radius - wall / 2, outer[:, 1]])
        parts.append(skin(handle(rng, middle, power), paint if rng.random() < 0.7 else glaze))
    return trimesh.util.concatenate(parts)


def handle(rng: np.random.Generator, middle: np.ndarray, power: float) -> np.ndarray:
    """Rings (STEPS, SECTION, 3) of half a round or square hoop attached to the wall's middle (L, 2): radius, y."""
    height = middle[-1, 1]
    thick, wide = rng.uniform(0.035, 0.07), rng.uniform(0.04, 0.12)  # half the thickness in the hoop's plane, across it
    low, high = rng.uniform(0.12, 0.35) * height + thick, rng.uniform(0.7, 0.93) * height - thick
    reach, corner = rng.uniform(0.25, 0.55), rng.choice([ROUND, 3.0, 8.0])
    sag = rng.uniform(-0.1, 0.3) * (high - low)  # how much lower the hoop is where it is farthest out
    angle = np.linspace(np.pi / 2, -np.pi / 2, STEPS)
    out, up = np.abs(np.cos(angle)), np.sin(angle)
    hoop = np.column_stack([out, up]) / np.linalg.norm([out, up], corner, axis=0)[:, None]
    y = (low + high) / 2 + hoop[:, 1] * (high - low) / 2 - sag * hoop[:, 0] * (1 - hoop[:, 1] ** 2)
    path = np.column_stack([np.interp(y, middle[:, 1], middle[:, 0]) + reach * hoop[:, 0], y])
    along = np.gradient(path, axis=0)
    along[[0, -1]] = [[1, 0], [-1, 0]]  # out of the wall and back into it
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    turn = np.arange(SECTION) * 2 * np.pi / SECTION
    across = np.column_stack([-along[:, 1], along[:, 0]])
    flat = path[:, None] + thick * np.sin(turn)[None, :, None] * across[:, None]  # (STEPS, SECTION, 2): x, y
    rings = np.concatenate([flat, np.broadcast_to(wide * np.cos(turn), (STEPS, SECTION))[..., None]], axis=2)
    for end in (rings[0], rings[-1]):
        radius = np.interp(end[:, 1], middle[:, 1], middle[:, 0])
        end[:, 0] = (radius**power - np.abs(end[:, 2]) ** power) ** (1 / power)
    return rings


def skin(rings: np.ndarray, colours: np.ndarray) -> trimesh.Trimesh:
    """The closed skin over rings (S, N, 3), with one colour (3,) or one per ring (S, 3)."""
    count, side = rings.shape[:2]
    i, j = np.meshgrid(np.arange(count - 1), np.arange(side), indexing="ij")
    a, b = i * side + j, i * side + (j + 1) % side
    quads = np.stack([a, a + side, b + side, a, b + side, b], axis=-1).reshape(-1, 3)
    corner, following = np.arange(side), (np.arange(side) + 1) % side
    first, last = np.full(side, count * side), np.full(side, count * side + 1)
    start = np.column_stack([first, corner, following])
    end = np.column_stack([last, following + (count - 1) * side, corner + (count - 1) * side])
    vertices = np.concatenate([rings.reshape(-1, 3), rings[[0, -1]].mean(axis=1)])
    by_ring = np.broadcast_to(colours, (count, 3))
    painted = np.concatenate([by_ring.repeat(side, axis=0), by_ring[[0, -1]]]).astype(np.uint8)
    return trimesh.Trimesh(vertices, np.concatenate([quads, start, end]), vertex_colors=painted, process=False)


def colour(rng: np.random.Generator) -> np.ndarray:
    """A random colour: white, grey or black as often as a hue."""
    vivid = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.3, 0.95), rng.uniform(0.25, 0.95))
    return 255 * (np.full(3, rng.uniform(0.1, 0.97)) if rng.random() < 0.5 else np.array(vivid))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    if given.count < 1 or given.seed < 0:
        parser.error(f"count is {given.count}, seed {given.seed}; count must be at least 1, seed at least 0")
    folder = given.out / "mug"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"the folder {folder} cannot be created ({error.strerror}); choose another place")
    for number in range(given.count):
        (folder / f"mug-{number:04d}.glb").write_bytes(mug(number, given.seed).export(file_type="glb"))
    print(f"{folder}: {given.count} mugs; prepare them with r2n2 data meshes {given.out} --front +x -o DIR")


if __name__ == "__main__":
    main()
