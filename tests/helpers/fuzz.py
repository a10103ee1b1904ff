"""Pass damaged files to the command line, which must not print a traceback or leave a half-written file.

    python tests/helpers/fuzz.py --count 10000 --seed 0

Each case has a number, which seeds it together with --seed. It damages a picture, a weights file or a voxel grid,
passes it to a command in this process, and checks what the user would see: exit code 0 or 2, a one-line message if it
is 2, and only whole files in the output folder. Repeat a case with --first NUMBER --count 1.
"""

import argparse
import contextlib
import io
import resource
import shutil
import signal
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import trimesh
from PIL import Image, features
from small import small_network

from r2n2.commands.cli import main
from r2n2.data.binvox import VoxelGrid, read_binvox, write_binvox
from r2n2.data.camera import View
from r2n2.errors import UserError
from r2n2.network.arrays import write_arrays
from r2n2.network.checkpoint import load_tensors, save_weights
from r2n2.network.model import R2N2

LIMIT_S = 120
FORMATS = ["png", "jpg", "webp", "gif", "bmp", "tiff", "ppm", "tga", "ico"]
KINDS = ("picture", "weights", "binvox")
OUTPUTS = (".npy", ".obj", ".binvox", ".png", ".glb")
NUMBERS = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00", b"\x00\x00\x00\x80")
Random = np.random.Generator


@dataclass(frozen=True)
class Failure:
    """A case that no user should meet: its number, the damaged file, and what was wrong."""

    number: int
    path: str
    reason: str


class Bench:
    """Whole files to damage, the weights that commands use, and a folder for their output."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder, folder / "out"
        torch.manual_seed(0)
        self.weights = folder / "whole.safetensors"
        save_weights(self.weights, R2N2(small_network("3d-gru-3")))
        self.whole = {
            "picture": _pictures(folder),
            "weights": [self.weights, *_arrays(folder)],
            "binvox": [_data(folder)],
        }

    def run(self, number: int, seed: int) -> Failure | None:
        """Run the case of this number; return what was wrong with its outcome, or None."""
        rng = np.random.default_rng([seed, number])
        kind = KINDS[number % len(KINDS)]
        whole = self.whole[kind][int(rng.integers(len(self.whole[kind])))]
        content = whole.read_bytes()
        damaged = whole if kind == "binvox" else self.folder / f"damaged{whole.suffix}"
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir()
        try:
            damaged.write_bytes(damage(content, rng))
            reason = self._try(self._arguments(kind, damaged, rng))
        finally:
            whole.write_bytes(content)
        return Failure(number, whole.name, reason) if reason else None

    def _arguments(self, kind: str, damaged: Path, rng: Random) -> list[object]:
        if kind == "weights":
            return ["convert", damaged, self.output / "copy.safetensors"]
        if kind == "binvox" and rng.random() < 0.5:
            return ["data", "check", self.folder / "data"]
        if kind == "binvox":
            table = ["--json", self.output / "table.json", "--weights", self.weights]
            return ["evaluate", "--data", self.folder / "data", "--split", "all", "--views", 1, *table]
        output = self.output / f"shape{OUTPUTS[int(rng.integers(len(OUTPUTS)))]}"
        threshold = 0.5 if rng.random() < 0.05 else 0.999  # mostly no voxel, as a shape takes long to draw
        background = "auto" if rng.random() < 0.02 else "keep"  # finding the object takes long, too
        options = ["--weights", self.weights, "--threshold", threshold, "--background", background]
        return ["reconstruct", damaged, "-o", output, *options]

    def _try(self, arguments: list[object]) -> str | None:
        errors = io.StringIO()
        sys.argv = ["r2n2", *map(str, arguments)]
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors), _in_time():
                main()
            code = 0
        except SystemExit as leaving:
            code = leaving.code or 0
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return f"{type(error).__name__}: {error}"
        said = errors.getvalue()
        if code not in (0, 2) or "Traceback" in said:
            return f"exit code {code}: {said}"
        if code == 2 and not (said.strip().splitlines() or [""])[-1].startswith("r2n2: "):
            return f"exit code 2 without a message: {said}"
        for path in self.output.iterdir():
            if path.name.startswith(".") or not _is_whole(path):
                return f"{path.name} is not whole"
            if code == 2 and not (path.suffix == ".png" and "shows what the network saw" in said):
                return f"{path.name} was written although the command failed"
        return None


def damage(content: bytes, rng: Random) -> bytes:
    """Return the bytes with one to four kinds of damage."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        size = max(len(data), 1)
        start = int(size * rng.random() ** 2)  # damages headers more often
        length = int(rng.integers(1, max(2, size // 8)))
        match int(rng.integers(9)):
            case 0:
                for place in rng.integers(0, size, int(rng.integers(1, 20))):
                    data[place : place + 1] = bytes([int(rng.integers(256))])
            case 1:
                del data[start:]
            case 2:
                del data[start : start + length]
            case 3:
                data[start:start] = rng.bytes(length)
            case 4:
                data[start : start + length] = bytes(length)
            case 5:
                data[start:start] = data[start : start + length]
            case 6:
                data[start : start + 4] = NUMBERS[int(rng.integers(len(NUMBERS)))]
            case 7:
                data[start : start + length] = rng.bytes(length)
            case _:
                data += rng.bytes(length)
    return bytes(data)


def fuzz(count: int, seed: int, first: int = 0, every: int = 0) -> Iterator[Failure]:
    """Run `count` cases and yield those that failed. every: print progress after this many cases."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for number in range(first, first + count):
            failure = bench.run(number, seed)
            if failure:
                yield failure
            if every and (number + 1) % every == 0:
                print(f"{number + 1 - first} of {count}", flush=True)


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"more than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _is_whole(path: Path) -> bool:
    try:
        match path.suffix:
            case ".npy":
                np.load(path)
            case ".png":
                with Image.open(path) as image:
                    image.load()
            case ".binvox":
                read_binvox(path)
            case ".safetensors":
                load_tensors(path)
            case ".json":
                return path.read_text().endswith("}\n")
            case _:
                return trimesh.load_mesh(path).is_watertight
    except (OSError, ValueError, UserError):
        return False
    return True


def _pictures(folder: Path) -> list[Path]:
    pixels = np.random.default_rng(0).integers(0, 255, (9, 12, 3), np.uint8)
    image = Image.fromarray(pixels).resize((96, 72), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    formats = [*FORMATS, *(name for name, codec in (("jp2", "jpg_2000"), ("avif", "avif")) if features.check(codec))]
    with contextlib.suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
        formats.append("heic")
    paths = [folder / f"whole.{name}" for name in formats]
    for path in paths:
        image.save(path, **({"exif": exif} if path.suffix in (".jpg", ".webp", ".png") else {}))
    return paths


def _arrays(folder: Path) -> list[Path]:
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(40, np.float32)]
    paths = [folder / "whole.npy", folder / "whole.npz"]
    for path in paths:
        write_arrays(path, arrays)
    with zipfile.ZipFile(folder / "zipped.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", paths[0].read_bytes())
    return [*paths, folder / "zipped.npz"]


def _data(folder: Path) -> Path:
    """Write a folder of one object in the ShapeNet layout and return the path of its voxels."""
    rendering = folder / "data" / "ShapeNetRendering" / "03001627" / "chair" / "rendering"
    rendering.mkdir(parents=True)
    Image.new("RGBA", (137, 137), (90, 60, 30, 255)).save(rendering / "00.png")
    (rendering / "renderings.txt").write_text("00.png\n")
    (rendering / "rendering_metadata.txt").write_text(View(0, 30, 0.8).metadata() + "\n")
    grid = np.zeros((32, 32, 32), bool)
    grid[8:24, 4:28, 10:20] = True
    path = folder / "data" / "ShapeNetVox32" / "03001627" / "chair" / "model.binvox"
    path.parent.mkdir(parents=True)
    write_binvox(path, VoxelGrid(grid))
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    found = 0
    for failure in fuzz(options.count, options.seed, options.first, every=500):
        found += 1
        print(f"case {failure.number} ({failure.path}): {failure.reason}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{options.count} cases with seed {options.seed}: {found} wrong, {peak} MiB at most")
    sys.exit(1 if found else 0)
