"""Make meshes with Infinigen's factories: python infinigen_meshes.py OUT [FIRST_SEED LAST_SEED [Factory,...]]

Run it in the environment that infinigen_install.sh makes, not in r2n2's. It writes OUT/<category>/<Factory>_<seed>.ply,
z up, front along +x, with face colours, and skips existing files, so an interrupted run can continue. Each
material has one colour, drawn by seed; vertices closer than 1/CELLS of the longest edge are merged.
"""

import sys
from pathlib import Path

import bpy
import numpy as np
import trimesh
from infinigen.assets.objects import appliances, lamp, seating, shelves, tables
from infinigen.core.util import blender as butil
from infinigen.core.util.math import FixedSeed

CELLS = 112  # along the longest edge: vertices closer than that are merged
# How many seeds of a factory are useful: the less its objects differ, the fewer.
CAPS = {
    "chair": {"ChairFactory": 300, "OfficeChairFactory": 150, "ArmChairFactory": 100, "BarChairFactory": 80},
    "sofa": {"SofaFactory": 150},
    "table": {
        "TableDiningFactory": 150,
        "TableCocktailFactory": 100,
        "CoffeeTableFactory": 80,
        "SideTableFactory": 80,
        "SimpleDeskFactory": 100,
        "SidetableDeskFactory": 80,
    },
    "lamp": {
        "DeskLampFactory": 150,
        "FloorLampFactory": 100,
        "CeilingClassicLampFactory": 80,
    },
    "bookshelf": {"CellShelfFactory": 80, "SimpleBookcaseFactory": 60, "LargeShelfFactory": 80},
    "cabinet": {"TVStandFactory": 80, "SingleCabinetFactory": 50, "KitchenCabinetFactory": 80},
    "display": {"TVFactory": 80, "MonitorFactory": 120},
    "microwave": {"MicrowaveFactory": 30},
}
TURNED = ("CoffeeTableFactory", "TableDiningFactory")  # long along x, where all other tables are wide along y
FACTORIES = {
    name: getattr(module, name)
    for module in (seating, tables, lamp, shelves, appliances)
    for name in dir(module)
    if name.endswith("Factory")
}


def coloured_parts(root, rng) -> list[trimesh.Trimesh]:
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    parts, colours = [], {}
    for item in [root, *root.children_recursive]:
        if item.type != "MESH":
            continue
        evaluated = item.evaluated_get(graph)
        mesh = evaluated.to_mesh()
        mesh.calc_loop_triangles()
        points = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", points)
        corners = np.empty(3 * len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        slots = np.empty(len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get("material_index", slots)
        matrix = np.array(item.matrix_world, np.float32)
        points = points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
        corners = corners.reshape(-1, 3)
        for slot in np.unique(slots):
            material = mesh.materials[slot].name if 0 <= slot < len(mesh.materials) and mesh.materials[slot] else "none"
            if material not in colours:
                colours[material] = draw_colour(rng)
            part = trimesh.Trimesh(points, corners[slots == slot], process=False)
            part.remove_unreferenced_vertices()
            parts.append((part, colours[material]))
        evaluated.to_mesh_clear()
    points = np.concatenate([part.vertices for part, _ in parts])
    cell = np.ptp(points, axis=0).max() / CELLS
    finished = []
    for part, colour in parts:
        part = clustered(part, cell) if len(part.faces) > 500 else part
        colours = np.tile(np.array([*colour, 255], np.uint8), (len(part.faces), 1))
        part.visual = trimesh.visual.ColorVisuals(part, face_colors=colours)
        finished.append(part)
    return finished


def clustered(part: trimesh.Trimesh, cell: float) -> trimesh.Trimesh:
    """The mesh with all vertices in a cubic cell merged into their mean: smaller details go, every body stays."""
    keys = np.floor(np.asarray(part.vertices) / cell).astype(np.int64)
    _, cluster = np.unique(keys, axis=0, return_inverse=True)
    cluster = cluster.reshape(-1)
    count = np.bincount(cluster)
    points = np.stack([np.bincount(cluster, part.vertices[:, axis]) / count for axis in range(3)], axis=1)
    faces = cluster[part.faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    return trimesh.Trimesh(points, faces[first], process=False) if len(first) else part


def draw_colour(rng) -> np.ndarray:
    """Woods and other browns, greys, and any colour at all."""
    kind = rng.random()
    if kind < 0.35:
        return (np.array([150, 105, 65]) * rng.uniform(0.4, 1.5) + rng.uniform(-20, 20, 3)).clip(10, 250).astype(int)
    if kind < 0.7:
        return (rng.uniform(20, 245) + rng.uniform(-8, 8, 3)).clip(5, 250).astype(int)
    return rng.uniform(10, 245, 3).astype(int)


def main() -> None:
    out = Path(sys.argv[1])
    first, last = (int(value) for value in sys.argv[2:4]) if len(sys.argv) > 3 else (0, 10_000)
    wanted = sys.argv[4].split(",") if len(sys.argv) > 4 else None
    for seed in range(first, last):
        for category, caps in CAPS.items():
            for name, cap in caps.items():
                path = out / category / f"{name}_{seed}.ply"
                if seed >= cap or path.exists() or (wanted and name not in wanted):
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                butil.clear_scene()
                try:
                    with FixedSeed(seed):
                        factory = FACTORIES[name](seed)
                        root = factory.spawn_asset(0)
                        factory.finalize_assets([root])
                    parts = coloured_parts(root, np.random.default_rng(seed))
                    if name in TURNED:
                        for part in parts:
                            part.vertices = part.vertices[:, [1, 0, 2]] * [1, -1, 1]
                    temporary = path.with_suffix(".part")
                    temporary.write_bytes(trimesh.util.concatenate(parts).export(file_type="ply"))
                    temporary.rename(path)
                    print("made", name, seed, sum(len(part.faces) for part in parts), flush=True)
                except Exception as error:  # a factory fails for some seeds
                    print("failed", name, seed, type(error).__name__, str(error)[:120], flush=True)


main()
