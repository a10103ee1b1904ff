"""The binvox format of ShapeNetVox32: a short text header, then run-length pairs (value, count).

The runs traverse the grid with y fastest, then z, then x; arrays here are always (X, Y, Z).
The centre of voxel (i, j, k) of an N^3 grid is at ((i + 0.5) / N - 0.5) * scale on each axis. `translate` is the
corner of the object's own bounding box in the file's units; it does not place the grid in the renders.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from r2n2.errors import UserError
from r2n2.files import written_beside

MAX_SIDE = 1024  # 1 GiB of voxels: a header that claims more is wrong


@dataclass(frozen=True)
class VoxelGrid:
    """Occupied voxels (X, Y, Z) bool, with the header's translate (3) and scale in the mesh's units."""

    voxels: np.ndarray
    translate: tuple[float, float, float] = (-0.5, -0.5, -0.5)
    scale: float = 1.0


def read_binvox(path: str | Path) -> VoxelGrid:
    """Read a binvox file. Raises UserError, naming the file, if it is not one or its header states a wrong size."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); copy it or prepare it again.") from error
    header, dims, translate, scale = _read_header(content, path)
    runs = np.frombuffer(content, np.uint8, offset=header)
    if len(runs) % 2:
        raise UserError(f"{path} is damaged: its run-length data end in the middle of a pair; copy it again.")
    values, counts = runs[0::2], runs[1::2].astype(np.int64)
    size, expected = int(counts.sum()), int(np.prod(dims))
    if size != expected:
        shape = "x".join(map(str, dims))
        raise UserError(
            f"{path} is damaged: its header states {shape} = {expected} voxels, its data hold {size}; copy it again."
        )
    if len(values) and values.max() > 1:
        raise UserError(f"{path} is damaged: a voxel value is neither 0 nor 1; copy it again.")
    x, z, y = dims
    voxels = np.repeat(values, counts).astype(bool).reshape(x, z, y).transpose(0, 2, 1)
    return VoxelGrid(np.ascontiguousarray(voxels), translate, scale)


def write_binvox(path: str | Path, grid: VoxelGrid) -> None:
    """Write `grid` as the original binvox program does (runs of at most 255)."""
    x, y, z = grid.voxels.shape
    flat = np.asarray(grid.voxels, np.uint8).transpose(0, 2, 1).reshape(-1)
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    lengths = np.diff(np.r_[starts, flat.size])
    full, rest = np.divmod(lengths, 255)
    pieces = full + (rest > 0)
    counts = np.full(int(pieces.sum()), 255, np.uint8)
    last = np.cumsum(pieces) - 1
    counts[last[rest > 0]] = rest[rest > 0]
    pairs = np.stack([np.repeat(flat[starts], pieces), counts], axis=1)
    translate = " ".join(f"{value:g}" for value in grid.translate)
    header = f"#binvox 1\ndim {x} {z} {y}\ntranslate {translate}\nscale {grid.scale:g}\ndata\n"
    with written_beside(path) as temporary:
        temporary.write_bytes(header.encode() + pairs.tobytes())


def _read_header(content: bytes, path: Path) -> tuple[int, tuple[int, int, int], tuple[float, float, float], float]:
    """Length of the header in bytes, dims in file order (x, z, y), translate, scale."""
    end = content.find(b"data\n", 0, 4096)
    if not content.startswith(b"#binvox") or end < 0:
        raise UserError(f"{path} is not a binvox file (it has no binvox header); copy it or prepare it again.")
    fields = {
        words[0]: words[1:] for line in content[:end].decode("ascii", "replace").splitlines() if (words := line.split())
    }
    try:
        dims = tuple(int(word) for word in fields["dim"])
        translate = tuple(float(word) for word in fields.get("translate", ("-0.5", "-0.5", "-0.5")))
        scale = float(fields.get("scale", ["1"])[0])
        if len(dims) != 3 or len(translate) != 3 or not np.isfinite([*translate, scale]).all():
            raise ValueError
    except (KeyError, ValueError, IndexError) as error:
        raise UserError(f"{path} is damaged: its binvox header cannot be parsed; copy it again.") from error
    if min(dims) < 1 or max(dims) > MAX_SIDE:
        raise UserError(f"{path} claims {'x'.join(map(str, dims))} voxels; each side must be from 1 to {MAX_SIDE}.")
    return end + len(b"data\n"), dims, translate, scale
