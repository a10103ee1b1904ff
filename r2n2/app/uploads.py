"""Limits on pictures from the browser, checked before any of them is decoded."""

import warnings
from pathlib import Path

from PIL import Image

from r2n2.errors import UserError
from r2n2.pictures.images import open_image, read_image

MAX_FILE = 25 * 2**20  # bytes; a phone picture has 2 to 12 MB
MAX_REQUEST = 200 * 2**20  # bytes of one upload, all pictures together
MAX_PICTURES = 24  # in one upload
MAX_PIXELS = 50_000_000  # 200 MB once decoded; the largest that phones take


def read_upload(path: str | Path, folder: Path) -> Image.Image:
    """Read a picture that was uploaded into `folder`, as upright RGBA.

    Raises UserError, with the picture's own file name, if it is not a picture or is too large. The file is kept,
    because everyone who uploads the same picture shares it; files are removed by age instead.
    """
    path = Path(path)
    if not path.resolve().is_relative_to(folder.resolve()):  # a request may name any file
        raise UserError(f"{path.name} was not uploaded; add it again.")
    try:
        if path.stat().st_size > MAX_FILE:
            raise UserError(f"{path} has more than {MAX_FILE // 2**20} MB; make it smaller.")
        _check_pixels(path)
        return read_image(path)
    except UserError as error:
        # The user who uploaded the picture does not know its folder.
        raise UserError(str(error).replace(f"{path.parent}/", "")) from error
    except FileNotFoundError as error:
        raise UserError(f"{path.name} no longer exists; add it again.") from error


def _check_pixels(path: Path) -> None:
    """Refuse too many pixels, by the header, before any is decoded; other faults are left for the reader to report."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with open_image(path) as image:
                pixels = image.width * image.height
    except Exception:  # damaged files raise every kind of exception
        return
    if pixels > MAX_PIXELS:
        raise UserError(f"{path} has {pixels / 1e6:.0f} megapixels, more than {MAX_PIXELS // 10**6}; make it smaller.")
