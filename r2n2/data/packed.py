"""A data set in a few large files: a split's pictures as raw pixels in one memory-mapped file, its voxels in another.

    PACK/train.pixels       each picture's RGBA pixels within the bounding box of the non-zero ones, one after another
    PACK/train.index        safetensors: where each picture begins, boxes, voxels as bits, the models by name
    PACK/val.pixels ...

A sample read from a pack is bit for bit the one read from the folder it was made from: only zeros are dropped. A pack
saves opening a file for each picture and decoding it; `python -m benchmarks.loading` measures both.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from r2n2.config import VOXEL_SIDE
from r2n2.data.categories import category_word
from r2n2.data.readable import Readable
from r2n2.data.shapenet import RENDERINGS, find_models, select
from r2n2.data.splits import SHARES, VARIANT_MARK, require_split
from r2n2.errors import UserError, one_line
from r2n2.files import write_together
from r2n2.progress import progress

PIXELS, INDEX = ".pixels", ".index"
CHANNELS = 4


@dataclass(frozen=True)
class Pack:
    """One split: begins (V + 1,) int64 offsets of pictures in the pixels; boxes (V, 6) int16 left, top, width, height
    and the whole picture's width and height; first (M + 1,) int64, each model's first picture; voxels (M, 4096) uint8
    bits; named: (category, name, stamp) of each model. Each process maps the pixels' file itself; it is not copied."""

    path: Path
    begins: np.ndarray
    boxes: np.ndarray
    first: np.ndarray
    voxels: np.ndarray
    named: list[tuple[str, str, str]]

    @cached_property
    def pixels(self) -> np.ndarray:
        """All bytes of the pixels' file, memory-mapped and so read on access."""
        return np.memmap(self.path, np.uint8, "r")

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "pixels"}


@dataclass(frozen=True)
class PackedModel:
    """One object of a pack, as `shapenet.Model` is one of a folder."""

    pack: Pack
    number: int
    split: str

    @property
    def category(self) -> str:
        return self.pack.named[self.number][0]

    @property
    def name(self) -> str:
        return self.pack.named[self.number][1]

    @property
    def stamp(self) -> str:
        return self.pack.named[self.number][2]

    @property
    def word(self) -> str:
        return category_word(self.category)

    def count_views(self) -> int:
        first = self.pack.first
        return int(first[self.number + 1] - first[self.number])

    def read_views(self, numbers: Iterable[int]) -> list[Image.Image]:
        """The pictures with these numbers, counted from 0, as RGBA."""
        return [self._read_view(number) for number in numbers]

    def _read_view(self, number: int) -> Image.Image:
        place = int(self.pack.first[self.number]) + number
        left, top, width, height, whole_width, whole_height = map(int, self.pack.boxes[place])
        begin, end = int(self.pack.begins[place]), int(self.pack.begins[place + 1])
        pixels = np.zeros((whole_height, whole_width, CHANNELS), np.uint8)
        box = self.pack.pixels[begin:end].reshape(height, width, CHANNELS)
        pixels[top : top + height, left : left + width] = box
        return Image.fromarray(pixels, "RGBA")

    def read_voxels(self) -> np.ndarray:
        """Occupied voxels (32, 32, 32) bool in the order (X, Y, Z)."""
        return np.unpackbits(self.pack.voxels[self.number]).astype(bool).reshape((VOXEL_SIDE,) * 3)


def is_pack(path: Path) -> bool:
    """Whether `write_pack` wrote the folder. Raises UserError if the folder also holds renderings."""
    found = any((path / f"{split}{INDEX}").exists() for split in SHARES)
    if found and (path / RENDERINGS).is_dir():
        raise UserError(f"{path} holds both a pack and {RENDERINGS}; move one of them to another folder.")
    return found


def write_pack(folder: Path, pack: Path) -> tuple[dict[str, int], list[str]]:
    """Pack a folder in the ShapeNet layout. Return the number of models by split and a message for each skipped model.

    An existing pack is replaced once the whole new one is written. Raises UserError if `pack` is a data folder: a
    reader could not tell which of the two is meant.
    """
    if (pack / RENDERINGS).is_dir():
        raise UserError(f"{pack} is a data folder, which a pack would hide; choose another folder with -o.")
    models, problems = find_models(folder)
    packing = [Packing(chosen, split) for split in SHARES if (chosen := select(models, split))]
    write_together({path: write for one in packing for path, write in one.files(pack).items()})
    for split in set(SHARES) - {one.split for one in packing}:  # left from another data set, it would mix with this one
        for suffix in (INDEX, PIXELS):
            (pack / f"{split}{suffix}").unlink(missing_ok=True)
    return {one.split: len(one.named) for one in packing}, problems + [said for one in packing for said in one.problems]


def write_split(models: Sequence[Readable], pack: Path, split: str) -> None:
    """Write one split of a pack. Raises UserError if no model can be read."""
    write_together(Packing(models, split).files(pack))


class Packing:
    """Writer of one split of a pack; problems: a message for each model that cannot be read."""

    def __init__(self, models: Sequence[Readable], split: str) -> None:
        self.models, self.split = models, split
        self.begins, self.first = [0], [0]
        self.boxes: list[tuple[int, ...]] = []
        self.voxels: list[np.ndarray] = []
        self.named: list[tuple[str, str, str]] = []
        self.problems: list[str] = []

    def files(self, pack: Path) -> dict[Path, Callable[[Path], None]]:
        """The writer of each file, in writing order: the index holds what writing the pixels collects."""
        return {pack / f"{self.split}{PIXELS}": self._write_pixels, pack / f"{self.split}{INDEX}": self._write_index}

    def _write_pixels(self, path: Path) -> None:
        with path.open("wb") as file:
            for model in progress(self.models, f"packing {self.split}", unit="model"):
                try:
                    pictures = [np.asarray(picture) for picture in model.read_views(range(model.count_views()))]
                    bits = np.packbits(model.read_voxels())
                except UserError as error:
                    self.problems.append(str(error))
                    continue
                for pixels in pictures:
                    box, content = _cropped(pixels)
                    self.boxes.append(box)
                    self.begins.append(self.begins[-1] + file.write(content))
                self.first.append(len(self.boxes))
                self.voxels.append(bits)
                self.named.append((model.category, model.name, model.stamp))
        if not self.named:
            raise UserError(
                f"None of the {len(self.models)} models in the {self.split} split can be read. "
                f"First error: {self.problems[0]}"
            )

    def _write_index(self, path: Path) -> None:
        arrays: dict[str, np.ndarray] = {
            "begins": np.array(self.begins, np.int64),
            "boxes": np.array(self.boxes, np.int16),
            "first": np.array(self.first, np.int64),
            "voxels": np.stack(self.voxels),
        }
        save_file(arrays, path, {"models": json.dumps(self.named)})


def _cropped(pixels: np.ndarray) -> tuple[tuple[int, ...], bytes]:
    """The bounding box of the non-zero pixels of a picture (H, W, 4), and the bytes within it."""
    rows, columns = (np.flatnonzero(pixels.any(axis=axes)) for axes in ((1, 2), (0, 2)))
    if not len(rows):
        rows = columns = np.zeros(1, int)
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    content = np.ascontiguousarray(pixels[top:bottom, left:right])
    return (left, top, right - left, bottom - top, pixels.shape[1], pixels.shape[0]), content.tobytes()


def read_pack(pack: Path, split: str) -> list[PackedModel]:
    """The models of one split of a pack, or of "all", as `shapenet.select` returns them; none if the split is absent.

    Raises UserError if the pack is damaged, or for the name of an unknown split.
    """
    require_split(split)
    if split == "all":
        found = [model for part in SHARES for model in read_pack(pack, part) if VARIANT_MARK not in model.name]
        return sorted(found, key=attrgetter("category", "name"))
    path = pack / f"{split}{INDEX}"
    if not path.exists():
        return []
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in ("begins", "boxes", "first", "voxels")}
            named = [tuple(entry) for entry in json.loads(file.metadata()["models"])]
        opened = Pack(pack / f"{split}{PIXELS}", named=named, **arrays)
        if opened.path.stat().st_size != opened.begins[-1] or len(opened.first) != len(named) + 1:
            raise ValueError("its two files do not belong together")
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({one_line(error)}); rewrite it with r2n2 data pack.") from error
    return [PackedModel(opened, number, split) for number in range(len(named))]
