"""A textured triangle surface, read from any format that trimesh reads (OBJ, GLB, PLY, STL, ...)."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import trimesh

from r2n2.errors import UserError, one_line
from r2n2.files import require_file

GREY = np.array([200, 200, 200], np.float32)


@dataclass
class Surface:
    """F triangles, each with a colour or a texture.

    triangles (F, 3, 3) float64; colors (F, 3) float32 in 0..255, multiplied with the texture if there is one;
    uv (F, 3, 2); texture (F,) index into `textures`, -1 for none; textures: (H, W, 3) uint8 each.
    """

    triangles: np.ndarray
    colors: np.ndarray
    uv: np.ndarray
    texture: np.ndarray
    textures: list[np.ndarray] = field(default_factory=list)

    def normalized(self) -> "Surface":
        """The same surface with its box centred at the origin and a diagonal of one, like ShapeNet's models."""
        low, high = self.triangles.min(axis=(0, 1)), self.triangles.max(axis=(0, 1))
        return self.moved((self.triangles - (low + high) / 2) / self.diagonal)

    def transformed(self, matrix: np.ndarray) -> "Surface":
        """The same surface with every vertex multiplied by `matrix` (3, 3)."""
        return self.moved(self.triangles @ np.asarray(matrix, np.float64).T)

    def recolored(self, rng: np.random.Generator) -> "Surface":
        """The same surface in other materials: each colour and texture gets a tint, some an entirely new colour."""
        kinds = np.column_stack([self.texture, self.colors.round()]).astype(int)
        unique, kind = np.unique(kinds, axis=0, return_inverse=True)
        tints = np.exp(rng.normal(0, 0.35, (len(unique), 1)) + rng.normal(0, 0.12, (len(unique), 3)))
        colors = self.colors * tints[kind.reshape(-1)]
        fresh = rng.uniform(10, 250, (len(unique), 3))
        renewed = (rng.random(len(unique)) < 0.3)[kind.reshape(-1)]
        colors[renewed] = fresh[kind.reshape(-1)][renewed]
        return Surface(self.triangles, colors.clip(5, 255).astype(np.float32), self.uv, self.texture, self.textures)

    def moved(self, triangles: np.ndarray) -> "Surface":
        return Surface(triangles, self.colors, self.uv, self.texture, self.textures)

    @property
    def diagonal(self) -> float:
        """The diagonal of the bounding box."""
        with np.errstate(over="ignore"):
            return float(np.linalg.norm(np.ptp(self.triangles, axis=(0, 1))))

    @property
    def longest_edge(self) -> float:
        """The longest edge of the bounding box."""
        return float(np.ptp(self.triangles, axis=(0, 1)).max())


def normals(triangles: np.ndarray) -> np.ndarray:
    """The normals (F, 3) of triangles (F, 3, 3), towards the side from which their corners run counterclockwise.

    Their lengths are twice the triangles' areas.
    """
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])


def unit_normals(triangles: np.ndarray) -> np.ndarray:
    """`normals` scaled to length 1, or 0 for a triangle without area."""
    across = normals(triangles)
    return across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)


def read_surface(path: str | Path) -> Surface:
    """Read a mesh file. Raises UserError, naming the file, if it cannot be read or has no surface."""
    path = Path(path)
    require_file(path, "mesh file")
    logger = logging.getLogger("trimesh")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # a missing texture needs no warning: the colour replaces it
    try:
        scene = trimesh.load_scene(path, process=False, resolver=_Around(str(path)))
        meshes = [mesh for mesh in scene.dump() if isinstance(mesh, trimesh.Trimesh)]
        parts = [part for part in map(_part, meshes) if part is not None]  # materials are only read here
    except Exception as error:  # trimesh and its readers raise every kind of exception on damaged files
        raise UserError(f"The mesh {path} cannot be read ({one_line(error)}); repair or remove it.") from error
    finally:
        logger.setLevel(level)
    return _joined(parts, path)


class _Around(trimesh.resolvers.FilePathResolver):
    """Resolve materials and textures next to a mesh and in sibling folders: ShapeNetCore has them in ../images."""

    def get(self, name: str) -> bytes:
        folder, name = Path(self.parent).resolve(), name.strip().replace("\\", "/")
        spelled = (name, unquote(name))  # glTF writes a space as %20
        for place in (*spelled, *(each.rpartition("/")[2] for each in spelled)):  # many contain their author's folder
            path = (folder / place).resolve()
            if path.is_relative_to(folder.parent) and path.is_file():
                return path.read_bytes()
        raise FileNotFoundError(name)


def _part(mesh: trimesh.Trimesh) -> Surface | None:
    triangles = np.asarray(mesh.triangles, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # values that are not finite are dropped below or refused later
        area = np.linalg.norm(normals(triangles), axis=1)
    keep = np.isfinite(triangles).all(axis=(1, 2)) & (area > 0)
    material = getattr(mesh.visual, "material", None)
    if not keep.any() or _opacity(material) < 0.05:
        return None
    count = len(triangles)
    uv, texture = np.zeros((count, 3, 2)), np.full(count, -1)
    textures: list[np.ndarray] = []
    if material is None:
        colors = np.asarray(mesh.visual.face_colors, np.float32)[:, :3]  # type: ignore[union-attr]
    else:
        image = getattr(material, "image", None) or getattr(material, "baseColorTexture", None)
        given = getattr(mesh.visual, "uv", None)
        if image is not None and given is not None:
            uv = np.nan_to_num(np.asarray(given, np.float64)[mesh.faces])
            textures = [np.asarray(image.convert("RGB"))]
            texture[:] = 0
        base = np.array([255.0] * 3) if textures else np.asarray(material.main_color, np.float32)[:3]
        colors = np.broadcast_to(base.astype(np.float32), (count, 3))
    if len(colors) != count:
        colors = np.broadcast_to(GREY, (count, 3))
    return Surface(triangles[keep], np.array(colors[keep]), uv[keep], texture[keep], textures)


def _opacity(material: object) -> float:
    """The opacity in 0..1; light sources without a body are stored as fully transparent materials."""
    if material is None:
        return 1.0
    values = getattr(material, "kwargs", None) or {}
    if "d" in values:
        return float(np.ravel(values["d"])[0])
    factor = getattr(material, "baseColorFactor", None)
    return 1.0 if factor is None else float(factor[3]) / 255


def _joined(parts: list[Surface], path: Path) -> Surface:
    if not parts:
        raise UserError(f"The mesh {path} has no visible surface; remove it.")
    textures: list[np.ndarray] = []
    shifted = []
    for part in parts:
        shifted.append(np.where(part.texture < 0, -1, part.texture + len(textures)))
        textures += part.textures
    return Surface(
        np.concatenate([part.triangles for part in parts]),
        np.concatenate([part.colors for part in parts]),
        np.concatenate([part.uv for part in parts]),
        np.concatenate(shifted),
        textures,
    )
