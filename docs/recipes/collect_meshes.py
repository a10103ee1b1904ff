"""Extract meshes for training from unpacked Debian packages: python docs/recipes/collect_meshes.py UNPACKED OUT

UNPACKED is a folder of unpacked packages: `apt-get download PACKAGE && dpkg -x PACKAGE*.deb UNPACKED`.
Each line of collect_meshes.csv, next to this file, describes one object: the package, its file below usr/share (for a
file inside a zip, after a colon), category, name, the axes of the file's frame that point to the object's front and up,
the folder of its textures if they are not next to it, a pattern for the names of parts to drop, licence and author.
"+" joins several files of one object; "@" and six numbers place one of them (see `placed`). The script writes
OUT/<category>/<name>.glb, textured, y up, front along +X, and OUT/sources.csv, which lists the sources. Objects that
exist already are skipped.
"""

import csv
import gzip
import re
import struct
import sys
import zipfile
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import trimesh
from ac3d import read_ac3d
from max3ds import read_3ds
from md2 import read_md2
from parts import Part
from PIL import Image

READERS = {".ac": read_ac3d, ".acc": read_ac3d, ".md2": read_md2, ".3ds": read_3ds}
AXES = {f"{sign}{axis}": s * np.eye(3)[k] for sign, s in (("+", 1), ("-", -1)) for k, axis in enumerate("xyz")}
TEXTURE_SIDE = 512  # pictures of an object have 137 pixels and cannot show a larger texture
# Parts that are not part of the object's body: light, shadows, wakes, smoke, motion blur.
BODILESS = re.compile(
    r"shadow|(?<!f)light[ _.-]?(cone|beam)|flare|contrail|wake|sillage|smoke|blur"
    r"|prop.{0,6}dis[ck]|disque|disc\b|dis[ck][._]?\d|flame(?!r)|afterburner|reheat|halo|ground$|^water$|wash",
    re.IGNORECASE,
)
# What the readers raise for files that are truncated, damaged or of another format.
UNREADABLE = (OSError, EOFError, struct.error, zipfile.BadZipFile, zlib.error)
BROKEN = (*UNREADABLE, ValueError, KeyError, IndexError, RuntimeError, StopIteration)
INVISIBLE, FAINT, FLAT = 0.04, 0.5, 0.01  # two opacities, and a thickness relative to the length


def main(unpacked: Path, out: Path) -> None:
    """Convert every object in the table; report those that fail and continue."""
    table = Path(__file__).with_suffix(".csv")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    records = []
    for row in rows:
        target = out / row["category"] / f"{row['name']}.glb"
        try:
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary = target.with_suffix(".part")
                temporary.write_bytes(convert(unpacked, row))
                temporary.rename(target)
        except BROKEN as error:
            print(f"failed: {row['package']} {row['path']}: {type(error).__name__} {error}", flush=True)
            continue
        records.append(row)
    write_records(unpacked, out / "sources.csv", records)
    print(f"{len(records)} of {len(rows)} objects are in {out}")


def convert(unpacked: Path, row: dict[str, str]) -> bytes:
    """The object of one table line as the bytes of a GLB file. Raises ValueError if no visible part is left."""
    paths, parts = [], []
    for piece in row["path"].split("+"):
        name, _, placement = piece.partition("@")
        paths.append(locate(unpacked, name))
        parts += placed(READERS[paths[-1].suffix.lower()](paths[-1]), placement)
    folders = [paths[0].parent / row["textures"]] if row["textures"] else []
    folders += [folder for path in paths for folder in (path.parent, path.parent.parent)]
    unwanted = re.compile(row["drop"], re.IGNORECASE) if row["drop"] else None
    looks: dict[tuple, tuple[Image.Image | None, list[Part]]] = {}  # parts that look alike become one mesh
    for part in parts:
        if not (BODILESS.search(part.name) or (unwanted and unwanted.search(part.name))):
            image = find_texture(part.texture, tuple(folders))
            keep = visible_faces(part, image)
            part = replace(part, triangles=part.triangles[keep], uv=part.uv[keep])
            key = (id(image),) if image else tuple(part.color)
            looks.setdefault(key, (image, []))[1].append(part)
    front, up = (AXES[axis] for axis in row["axes"].split())
    rotation = np.stack([front, up, np.cross(front, up)])
    meshes = [mesh_of(alike, image, rotation) for image, alike in looks.values() if any(len(p.uv) for p in alike)]
    if not meshes:
        raise ValueError("no visible part is left")
    return trimesh.Scene(meshes).export(file_type="glb")


def placed(parts: list[Part], placement: str) -> list[Part]:
    """The parts scaled, turned about y and shifted by "turn in degrees,xy scale,z scale,x,y,z"; "" changes nothing."""
    if placement:
        turn, scale, width, *shift = (float(word) for word in placement.split(","))
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        matrix = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]) @ np.diag([scale, scale, width])
        for part in parts:
            part.triangles = part.triangles @ matrix.T + shift
    return parts


def locate(unpacked: Path, path: str) -> Path:
    """The path of the file; one inside a zip is first extracted into a folder next to the unpacked packages' `usr`."""
    archive, _, member = path.partition(":")
    if not member:
        return unpacked / "usr/share" / path
    folder = unpacked / "zips" / Path(archive).name
    if not folder.exists():
        partial = folder.with_name(f"{folder.name}.part")
        with zipfile.ZipFile(unpacked / "usr/share" / archive) as file:
            file.extractall(partial)
        partial.rename(folder)
    return folder / member


@cache
def find_texture(name: str | None, folders: tuple[Path, ...]) -> Image.Image | None:
    """The picture of that name, ignoring subfolders and letter case, from the first of the folders that contains it."""
    if not name:
        return None
    wanted = Path(name.replace("\\", "/")).name.lower().lstrip(".")
    for folder in folders:
        found = [folder] if folder.is_file() else [path for path in _files(folder) if path.name.lower() == wanted]
        found = found or [path for path in _files(folder) if path.stem.lower() == Path(wanted).stem]
        for path in found:
            try:
                image = Image.open(path)
                image.thumbnail((TEXTURE_SIDE, TEXTURE_SIDE))
                return image.convert("RGBA")
            except (OSError, ValueError, NotImplementedError):  # a format that Pillow does not read
                continue
    return None


@cache
def _files(folder: Path) -> list[Path]:
    kinds = (".rgb", ".rgba", ".sgi", ".bw", ".png", ".jpg", ".jpeg", ".dds", ".tga", ".bmp")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in kinds)


def visible_faces(part: Part, image: Image.Image | None) -> np.ndarray:
    """Which faces (F,) are visible: not transparent, and not of faint flat parts such as turning propellers."""
    opacity = np.full(len(part.triangles), part.opacity)
    if image is not None:
        alpha = np.asarray(image)[..., 3] / 255
        spots = np.random.default_rng(0).dirichlet(np.ones(3), 12) @ part.uv  # (F, 12, 2)
        column = (spots[..., 0] % 1 * alpha.shape[1]).astype(int) % alpha.shape[1]
        row = ((1 - spots[..., 1] % 1) * alpha.shape[0]).astype(int) % alpha.shape[0]
        opacity *= alpha[row, column].mean(axis=1)
    points = part.triangles.reshape(-1, 3)
    thickness = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    flat = thickness[2] < FLAT * thickness[0]
    return opacity > (FAINT if flat and opacity.mean() < FAINT else INVISIBLE)


def mesh_of(parts: list[Part], image: Image.Image | None, rotation: np.ndarray) -> trimesh.Trimesh:
    """The parts that share a texture or colour as one mesh, turned to y up, front along +X."""
    points = np.concatenate([part.triangles.reshape(-1, 3) for part in parts]) @ rotation.T
    uv = np.concatenate([part.uv.reshape(-1, 2) for part in parts])
    factor = [255] * 4 if image else [*parts[0].color.round().astype(int), 255]
    material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=image and image.convert("RGB"), baseColorFactor=factor, doubleSided=True, metallicFactor=0.0
    )
    visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    return trimesh.Trimesh(points, np.arange(len(points)).reshape(-1, 3), visual=visual, process=False)


def write_records(unpacked: Path, path: Path, rows: list[dict[str, str]]) -> None:
    """Write a line per object: category, name, package, its version, the file in it, licence and author."""
    columns = ["category", "name", "package", "version", "path", "license", "author"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "version": version_of(unpacked, row["package"])} for row in rows)


@cache
def version_of(unpacked: Path, package: str) -> str:
    """The version in the first line of the package's Debian changelog, "name (version) ..."."""
    with gzip.open(unpacked / "usr/share/doc" / package / "changelog.Debian.gz", "rt") as file:
        return file.readline().split("(")[1].split(")")[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
