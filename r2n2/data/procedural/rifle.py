"""Rifles, shotguns, submachine and machine guns, pistols. The muzzle points to +X; a rifle's bore is the line y = 0."""

import numpy as np

from r2n2.data.procedural.chance import chance, dark, metal, neutral, pick, wood
from r2n2.data.procedural.firearm import (
    bipod,
    furniture,
    gun_metal,
    magazine,
    muzzle_device,
    pistol_grip,
    scope,
    shoulder_stock,
    sights,
    trigger_guard,
)
from r2n2.data.procedural.primitives import Part, box, mirror, prism, rod, rounded_box


def make(rng: np.random.Generator) -> list[Part]:
    styles = {_assault: 40, _hunting: 24, _bullpup: 9, _shotgun: 9, _submachine: 8, _machine_gun: 6, _pistol: 5}
    return pick(rng, {**styles, _revolver: 2})(rng)


def _assault(rng: np.random.Generator) -> list[Part]:
    steel, trim = gun_metal(rng), furniture(rng)
    tall, long, barrel = rng.uniform(0.065, 0.1), rng.uniform(0.2, 0.3), rng.uniform(0.3, 0.5)
    y, r = -tall * rng.uniform(0.1, 0.3), rng.uniform(0.009, 0.014)
    receiver = [
        [0, y - tall / 2],
        [0, y + tall / 2],
        [-long * 0.9, y + tall / 2],
        [-long, y + tall * 0.2],
        [-long, y - tall * 0.3],
        [-long * 0.45, y - tall * rng.uniform(0.5, 0.75)],
    ]
    parts = [
        prism(np.array(receiver), rng.uniform(0.035, 0.05), steel, bevel=0.006),
        rod((-0.02, 0, 0), (barrel, 0, 0), r, steel),
    ]
    guard, size = barrel * rng.uniform(0.4, 0.75), rng.uniform(0.045, 0.07)
    if chance(rng, 0.5):
        parts.append(
            rod(
                (-0.01, 0, 0), (guard, 0, 0), size / 2, trim, size * rng.uniform(0.38, 0.5), int(rng.choice([6, 8, 12]))
            )
        )
    else:
        parts.append(rounded_box((guard, size, size * 0.75), (guard / 2, -0.005, 0), 0.012, trim))
    if chance(rng, 0.5):
        parts.append(rod((0, 0.03, 0), (guard * 1.15, 0.03, 0), 0.009, steel, sides=8))
    low, top = y - tall / 2, y + tall / 2
    parts += [
        pistol_grip(rng, -long * 0.8, low + 0.01, rng.uniform(0.09, 0.13), trim if chance(rng, 0.6) else steel),
        trigger_guard(-long * 0.55, low, steel),
    ]
    if chance(rng, 0.94):
        parts.append(magazine(rng, -long * rng.uniform(0.12, 0.3), low, steel))
    parts += shoulder_stock(rng, -long, y, tall, trim, {"solid": 42, "wire": 14, "slider": 36, "skeleton": 8})
    parts += sights(rng, barrel * 0.9, -long * 0.7, top, steel) + muzzle_device(rng, barrel, r, steel)
    extra = pick(rng, {"none": 55, "foregrip": 15, "launcher": 12, "bipod": 10, "bayonet": 8})
    if extra == "foregrip":
        parts.append(rod((guard * 0.6, -size / 2, 0), (guard * 0.6, -size / 2 - 0.09, 0), 0.015, dark(rng)))
    if extra == "launcher":
        parts.append(rod((0.02, -size * 0.95, 0), (guard * 1.1, -size * 0.95, 0), 0.024, dark(rng)))
    if extra == "bipod":
        parts += bipod(rng, guard, -size * 0.3)
    if extra == "bayonet":
        parts.append(box((0.2, 0.022, 0.008), (barrel + 0.06, -0.03, 0), metal(rng)))
    return parts


def _hunting(rng: np.random.Generator) -> list[Part]:
    """Bolt-action rifles in a long stock; also old military rifles and sniper rifles."""
    steel, trim = gun_metal(rng), wood(rng) if chance(rng, 0.6) else furniture(rng)
    barrel, r, tall = rng.uniform(0.5, 0.8), rng.uniform(0.01, 0.016), rng.uniform(0.05, 0.07)
    fore = barrel * rng.uniform(0.3, 0.95)
    butt, drop, long = rng.uniform(0.1, 0.14), rng.uniform(0.03, 0.08), rng.uniform(0.34, 0.42)
    wrist, toe = -0.2, -long - drop * 0.1
    outline = [
        [fore, 0.0],
        [fore, -0.03],
        [0.05, -tall * 0.85],
        [-0.1, -tall],
        [wrist, -tall * 0.8],
        [toe, -drop - butt],
        [toe - 0.01, -drop],
    ]
    outline += [[wrist - 0.1, -drop * 0.3], [wrist, -0.01]]
    parts = [prism(np.array(outline), rng.uniform(0.032, 0.046), trim, bevel=0.008)]
    parts += [
        rod((-0.05, 0.008, 0), (barrel, 0.008, 0), r * 1.3, steel, r),
        rod((-0.19, 0.008, 0), (0.0, 0.008, 0), 0.02, steel),
    ]
    parts.append(rod((-0.13, 0.01, 0.01), (-0.15, -0.03, 0.06), 0.008, steel, sides=6))
    parts.append(trigger_guard(-0.13, -tall * 0.85, steel))
    if chance(rng, 0.35):
        parts.append(magazine(rng, -0.03, -tall * 0.8, steel))
    if chance(rng, 0.62):
        parts += scope(rng, -0.07, 0.028)
    else:
        parts += [
            box((0.012, 0.035, 0.01), (barrel * 0.97, 0.03, 0), steel),
            box((0.03, 0.02, 0.015), (0.06, 0.03, 0), steel),
        ]
    if chance(rng, 0.25):
        parts += bipod(rng, fore * 0.9, -0.01)
    return parts + muzzle_device(rng, barrel, r, steel) * chance(rng, 0.4)


def _bullpup(rng: np.random.Generator) -> list[Part]:
    steel, trim = gun_metal(rng), furniture(rng)
    front, rear, tall, barrel = (
        rng.uniform(0.15, 0.25),
        rng.uniform(-0.4, -0.3),
        rng.uniform(0.11, 0.15),
        rng.uniform(0.25, 0.42),
    )
    shell = [
        [front, -0.03],
        [front, 0.03],
        [-0.1, 0.045],
        [rear, 0.035],
        [rear, -tall],
        [rear + 0.08, -tall],
        [rear + 0.16, -tall * 0.5],
        [0.0, -tall * 0.45],
    ]
    parts = [
        prism(np.array(shell), rng.uniform(0.04, 0.055), trim, bevel=0.008),
        rod((0, 0, 0), (barrel, 0, 0), 0.012, steel),
    ]
    parts += [
        pistol_grip(rng, 0.0, -tall * 0.4, 0.1, trim),
        trigger_guard(0.05, -tall * 0.4, steel),
        magazine(rng, rear + 0.19, -tall * 0.45, steel),
    ]
    if chance(rng, 0.5):
        parts.append(box((0.28, 0.016, 0.02), (-0.05, 0.09, 0), steel))
        parts += [box((0.03, 0.06, 0.02), (-0.05 + k, 0.06, 0), steel) for k in (-0.12, 0.12)]
    return parts + sights(rng, front, -0.15, 0.045, steel) + muzzle_device(rng, barrel, 0.012, steel)


def _shotgun(rng: np.random.Generator) -> list[Part]:
    steel, trim = gun_metal(rng), furniture(rng)
    barrel, tall, r = rng.uniform(0.42, 0.75), rng.uniform(0.05, 0.07), rng.uniform(0.012, 0.017)
    parts = [rounded_box((0.2, tall, 0.042), (-0.1, -tall * 0.25, 0), 0.012, steel)]
    if chance(rng, 0.3):  # two barrels side by side, or sawn off
        barrel *= rng.uniform(0.5, 1.0)
        parts += mirror([rod((-0.02, 0, r), (barrel, 0, r), r, steel)])
    else:
        parts += [rod((-0.02, 0.005, 0), (barrel, 0.005, 0), r, steel)]
        parts.append(rod((-0.02, -0.027, 0), (barrel * rng.uniform(0.6, 0.95), -0.027, 0), r * 0.95, steel))
        parts.append(box((0.01, 0.02, 0.01), (barrel - 0.01, 0.025, 0), steel))
    pump = rng.uniform(0.05, 0.2)
    parts.append(rod((pump, -0.027, 0), (pump + rng.uniform(0.12, 0.2), -0.027, 0), 0.027, trim))
    parts.append(trigger_guard(-0.13, -tall * 0.7, steel))
    if chance(rng, 0.25):
        return [*parts, pistol_grip(rng, -0.2, -tall * 0.3, 0.12, trim)]
    return parts + shoulder_stock(rng, -0.19, -tall * 0.25, tall, trim, {"solid": 85, "wire": 15})


def _submachine(rng: np.random.Generator) -> list[Part]:
    steel, trim = gun_metal(rng), furniture(rng)
    long, tall, barrel = rng.uniform(0.24, 0.36), rng.uniform(0.05, 0.085), rng.uniform(0.08, 0.28)
    parts = [
        rounded_box((long, tall, rng.uniform(0.035, 0.05)), (-long / 2, -tall * 0.2, 0), 0.012, steel)
        if chance(rng, 0.6)
        else rod((-long, 0, 0), (0, 0, 0), tall * 0.45, steel)
    ]
    parts.append(rod((0, 0, 0), (barrel, 0, 0), 0.012, steel))
    if chance(rng, 0.5):
        parts.append(rod((0, 0, 0), (barrel * 0.8, 0, 0), 0.024, trim))
    low, grip = -tall * 0.6, -long * rng.uniform(0.5, 0.85)
    parts += [pistol_grip(rng, grip, low, 0.1, trim), trigger_guard(grip + 0.08, low, steel)]
    parts.append(magazine(rng, rng.choice([grip, -0.04]), low - 0.02, steel))
    if chance(rng, 0.7):
        parts += shoulder_stock(rng, -long, -tall * 0.1, tall, trim, {"wire": 50, "slider": 30, "solid": 20})
    return parts + sights(rng, -0.02, -long * 0.7, tall * 0.35, steel)


def _machine_gun(rng: np.random.Generator) -> list[Part]:
    steel, trim = gun_metal(rng), furniture(rng)
    long, tall, barrel = rng.uniform(0.28, 0.38), rng.uniform(0.08, 0.11), rng.uniform(0.42, 0.6)
    parts = [box((long, tall, 0.06), (-long / 2, -tall * 0.2, 0), steel), rod((0, 0, 0), (barrel, 0, 0), 0.014, steel)]
    parts += [
        rod((0, 0, 0), (barrel * 0.65, 0, 0), 0.03, trim),
        rod((0, -0.045, 0), (barrel * 0.7, -0.045, 0), 0.012, steel),
    ]
    parts += [
        pistol_grip(rng, -long * 0.85, -tall * 0.6, 0.11, trim),
        *bipod(rng, barrel * rng.uniform(0.6, 0.9), -0.02),
    ]
    size = rng.uniform(0.08, 0.14)
    parts.append(
        rounded_box(
            (size, size, rng.uniform(0.06, 0.1)), (-long * 0.3, -tall * 0.6 - size / 2, 0.01), 0.02, neutral(rng) * 0.6
        )
    )
    parts += shoulder_stock(rng, -long, -tall * 0.2, tall, trim, {"solid": 80, "wire": 20})
    return parts + sights(rng, barrel * 0.9, -long * 0.6, tall * 0.3, steel) + muzzle_device(rng, barrel, 0.014, steel)


def _pistol(rng: np.random.Generator) -> list[Part]:
    steel, trim = gun_metal(rng), furniture(rng)
    long, tall, wide = rng.uniform(0.17, 0.24), rng.uniform(0.03, 0.042), rng.uniform(0.024, 0.034)
    parts = [
        rounded_box((long, tall, wide), (long / 2, 0, 0), 0.006, steel),
        box((long * 0.8, tall * 0.7, wide * 0.9), (long * 0.45, -tall * 0.7, 0), trim),
    ]
    lean, deep = rng.uniform(0.02, 0.05), rng.uniform(0.1, 0.13)
    grip = np.array(
        [
            [0.0, -tall * 0.5],
            [0.06, -tall * 0.5],
            [0.055 - lean, -deep - tall * 0.5],
            [-0.005 - lean, -deep - tall * 0.5],
        ]
    )
    parts += [prism(grip, wide * 1.05, trim, bevel=0.004), trigger_guard(0.1, -tall, trim)]
    if chance(rng, 0.3):
        parts.append(rod((long, 0, 0), (long + rng.uniform(0.05, 0.16), 0, 0), 0.015, steel))
    return parts


def _revolver(rng: np.random.Generator) -> list[Part]:
    steel, trim, barrel = metal(rng) * rng.uniform(0.3, 1), wood(rng), rng.uniform(0.08, 0.2)
    parts = [
        rod((0.05, 0.015, 0), (0.09 + barrel, 0.015, 0), 0.013, steel),
        box((0.1, 0.06, 0.02), (0.04, 0, 0), steel),
    ]
    parts += [
        rod((0.02, 0.003, 0), (0.075, 0.003, 0), 0.024, steel),
        box((barrel, 0.014, 0.012), (0.09 + barrel / 2, -0.002, 0), steel),
    ]
    grip = np.array([[-0.02, 0.02], [0.02, -0.03], [0.0, -0.12], [-0.05, -0.12], [-0.03, -0.03]])
    return [*parts, prism(grip, 0.03, trim, bevel=0.005), trigger_guard(0.05, -0.03, steel)]
