"""Pictures a second that the renderers draw and save as PNG, in one process per core, as when preparing data.

python -m benchmarks.rendering [--faces 100000] [--pictures 60] [--renderers light,opengl]
"""

import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from benchmarks.measuring.options import command, names, whole
from r2n2.data.camera import draw_views
from r2n2.data.lighting import Lighting
from r2n2.data.prepare import RENDERERS
from r2n2.data.surface import Surface


def bumpy_sphere(faces: int) -> Surface:
    """A sphere of about `faces` small triangles in several colours."""
    rings = max(3, round((faces / 8) ** 0.5))
    mesh = trimesh.creation.uv_sphere(count=[rings, 2 * rings])
    x, y, z = mesh.vertices.T
    mesh.vertices *= (1 + 0.2 * np.sin(9 * x) * np.sin(7 * y) * np.sin(8 * z))[:, None]
    count = len(mesh.faces)
    colors = np.random.default_rng(0).integers(40, 230, (8, 3)).astype(np.float32)[np.arange(count) * 8 // count]
    triangles = np.asarray(mesh.triangles, np.float64)
    return Surface(triangles, colors, np.zeros((count, 3, 2)), np.full(count, -1)).normalized()


def draw(renderer: str, surface: Surface, count: int, folder: Path, seed: int) -> int:
    """Render and write `count` pictures; return their number."""
    views = draw_views(count, np.random.default_rng(seed))
    for number, picture in enumerate(RENDERERS[renderer](surface, views, [Lighting()] * count)):
        Image.fromarray(picture).save(folder / f"{seed}-{number}.png")
    return count


def main() -> None:
    parser = command("rendering", __doc__)
    parser.add_argument("--faces", type=whole(), default=100_000)
    parser.add_argument("--pictures", type=whole(4), default=60, help="pictures per process")
    parser.add_argument("--renderers", type=names(RENDERERS), default="light,opengl", help="comma-separated")
    arguments = parser.parse_args()
    os.environ.setdefault("LP_NUM_THREADS", "1")  # Mesa on the CPU: one thread per process
    surface, cores = bumpy_sphere(arguments.faces), os.cpu_count() or 1
    for renderer in arguments.renderers:
        with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(cores) as pool:
            started = time.perf_counter()
            tasks = [
                pool.submit(draw, renderer, surface, arguments.pictures // 4, Path(folder), seed)
                for seed in range(4 * cores)  # in parts, like objects of 12 to 24 views
            ]
            count = sum(task.result() for task in tasks)
            seconds = time.perf_counter() - started
        faces = len(surface.triangles)
        print(f"{renderer:<8} {faces:>8,} faces  {cores} processes  {count / seconds:6.1f} pictures a second")


if __name__ == "__main__":
    main()
