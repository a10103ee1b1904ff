"""Read picture files and turn them into what the network sees.

A view is (3, 127, 127) float32 in [0, 1]. A 137x137 render loses a border of five pixels, as in the tests of 2016; a
127x127 picture is used as it is; anything else is padded to a square and resized, so that nothing is cut off.
Transparency is composited over a light grey (240), the background of the tests of 2016.
"""

import warnings
from collections.abc import Iterable
from glob import glob
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from r2n2.config import IMAGE_SIDE, RENDER_SIDE
from r2n2.errors import UserError, one_line

BACKGROUND = 240
MIN_SIDE = 16  # smaller pictures show nothing
SEEN = "-views.png"  # ends the names of pictures of what the network saw, which `r2n2 reconstruct` writes
MAX_PIXELS = 100_000_000  # 400 MB once decoded
MAX_PIPED = 4 * MAX_PIXELS  # bytes: the most that a picture may have once decoded
MULTIPLE = ("MPO", "HEIF")  # formats with one picture and what a camera stores alongside
HEIC_SUFFIXES = frozenset({".heic", ".heif"})
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
SUFFIXES = HEIC_SUFFIXES | {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}


def find_images(arguments: Iterable[str | Path]) -> list[Path]:
    """List the picture files in files, folders and glob patterns, in the order given; folders are sorted by name.

    Hidden files of a folder, and those that end in SEEN, are skipped.
    """
    paths = []
    for argument in map(str, arguments):
        if not argument:  # for example an empty shell variable; as a path it would be the current folder
            raise UserError("The name of a picture is empty; name a file, a folder or a pattern.")
        if Path(argument).is_dir():
            files = (path for path in Path(argument).iterdir() if path.is_file() and not path.name.startswith("."))
            found = sorted(path for path in files if path.suffix.lower() in SUFFIXES and not path.name.endswith(SEEN))
            if not found:
                raise UserError(f"The folder {argument} holds no pictures; name a folder with image files.")
            paths += found
        elif not Path(argument).exists() and any(mark in argument for mark in "*?["):
            matches = sorted(glob(argument, recursive=True))  # noqa: PTH207 - Path.glob refuses absolute patterns
            if not matches:
                raise UserError(f"No file matches {argument}; check the pattern.")
            paths += map(Path, matches)
        else:
            paths.append(Path(argument))
    return paths


def read_image(path: str | Path) -> Image.Image:
    """Read one still picture as upright RGBA. Raises UserError, naming the file, if that is not possible."""
    path = Path(path)
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder, not a picture; name the image files in it.")
        if path.is_file() and path.stat().st_size == 0:
            raise UserError(f"The picture {path} is empty (zero bytes); copy or download it again.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is stricter
            image = open_image(path)
        with image:
            return still_rgba(image, f"The picture {path}")
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"There is no picture {path}; check the name.") from error
    except Image.DecompressionBombError as error:
        raise UserError(
            f"The picture {path} has more than {MAX_PIXELS // 10**6} megapixels; make it smaller first."
        ) from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not a picture that can be read; save it as PNG or JPEG.") from error
    except Exception as error:  # decoders raise every kind of exception on damaged files
        reason = one_line(getattr(error, "strerror", None) or error)
        raise UserError(
            f"The picture {path} cannot be read ({reason}); copy or download it again, or save it as PNG."
        ) from error


def open_image(path: Path) -> Image.Image:
    """Open a picture without decoding it; HEIC, which Pillow does not read, needs the extra."""
    source = path if path.is_file() else BytesIO(_drained(path))
    try:
        return Image.open(source)
    except UnidentifiedImageError:
        with BytesIO(source.getvalue()) if isinstance(source, BytesIO) else source.open("rb") as file:
            head = file.read(12)
        if head[4:8] != b"ftyp" or head[8:12] not in HEIC_BRANDS:
            raise
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise UserError(
            f"{path} is a HEIC picture; install its reader with pip install pillow-heif, or save it as JPEG."
        ) from error
    register_heif_opener()
    return Image.open(source)


def _drained(path: Path) -> bytes:
    """Read a pipe, which can be read only once, up to MAX_PIPED bytes, because some devices never end."""
    with path.open("rb") as file:
        return file.read(MAX_PIPED)


def still_rgba(image: Image.Image, name: str) -> Image.Image:
    """Return an opened picture as upright RGBA; of a camera's file with several frames, the main one.

    Raises UserError, calling the picture `name`, if it is animated, too small or too large.
    """
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UserError(
            f"{name} has {width}x{height} pixels; make it smaller, "
            f"{MAX_PIXELS // 10**6} megapixels at most can be read."
        )
    if min(width, height) < MIN_SIDE:
        raise UserError(f"{name} is only {width}x{height} pixels; at least {MIN_SIDE}x{MIN_SIDE} are needed.")
    if getattr(image, "n_frames", 1) > 1 and image.format not in MULTIPLE:
        raise UserError(f"{name} is animated or has several pages; save one frame as a picture of its own.")
    return _rgba(ImageOps.exif_transpose(image), name)


def to_view(image: Image.Image, preprocessing: str = "modern") -> np.ndarray:
    """Convert an RGBA picture of any size to a view (3, 127, 127) float32 in [0, 1], by a name in PREPROCESSING."""
    if image.size == (RENDER_SIDE, RENDER_SIDE):
        border = (RENDER_SIDE - IMAGE_SIDE) // 2
        image = image.crop((border, border, border + IMAGE_SIDE, border + IMAGE_SIDE))
    elif image.size != (IMAGE_SIDE, IMAGE_SIDE):
        image = _fit(image)
    return to_array(PREPROCESSING[preprocessing](image, (BACKGROUND,) * 3))


def composite(image: Image.Image, color: tuple[int, int, int]) -> Image.Image:
    """Composite an RGBA picture over one colour; returns RGB."""
    return Image.alpha_composite(Image.new("RGBA", image.size, (*color, 255)), image).convert("RGB")


def fill(image: Image.Image, color: tuple[int, int, int]) -> Image.Image:
    """As in 2016: only fully transparent pixels take the colour; edges keep the black that they were rendered on."""
    rgba = np.asarray(image)
    return Image.fromarray(np.where(rgba[..., 3:] == 0, np.array(color, np.uint8), rgba[..., :3]))


PREPROCESSING = {"modern": composite, "2016": fill}


def check_preprocessing(name: str) -> None:
    """Raise UserError for a name that is not in PREPROCESSING."""
    if name not in PREPROCESSING:
        raise UserError(f"There is no preprocessing {name!r}; choose one of {', '.join(PREPROCESSING)}.")


def to_array(image: Image.Image) -> np.ndarray:
    """Convert an RGB picture to (3, H, W) float32 in [0, 1]."""
    return np.asarray(image, np.float32).transpose(2, 0, 1) / np.float32(255)


def _rgba(image: Image.Image, name: str) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # convert would clip 16 bit and float greys instead of scaling them
        values = np.asarray(image, np.float64)
        if not np.isfinite(values).all():
            raise UserError(f"{name} has pixels that are not finite numbers; replace them first.")
        top = 65535 if image.mode.startswith("I") and values.max() > 255 else max(values.max(), 1)
        image = Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    return image.convert("RGBA")


def _fit(image: Image.Image) -> Image.Image:
    """Fit the whole picture into a square of the network's size, padded with its border's colour to avoid an edge."""
    scale = IMAGE_SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    scaled = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(scaled)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    opaque = border[:, 3].min() == 255
    padding = tuple(int(value) for value in np.median(border, axis=0)) if opaque else (*[BACKGROUND] * 3, 0)
    square = Image.new("RGBA", (IMAGE_SIDE, IMAGE_SIDE), padding)
    square.paste(scaled, ((IMAGE_SIDE - width) // 2, (IMAGE_SIDE - height) // 2))
    return square
