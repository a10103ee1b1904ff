"""What may come in: bounds on pictures from the browser, kept before any of them is decoded."""

import warnings
from pathlib import Path

from PIL import Image

from r2n2.errors import UserError
from r2n2.pictures.images import open_image, read_image

MAX_FILE = 25 * 2**20  # bytes; a phone's picture has 2 to 12 MB
MAX_REQUEST = 200 * 2**20  # bytes of one drop, all pictures together
MAX_PICTURES = 24  # of one drop
MAX_PIXELS = 50_000_000  # 200 MB once decoded; a phone's largest


def read_upload(path: str | Path, folder: Path) -> Image.Image:
    """The picture that was uploaded into `folder`, as upright RGBA.

    Raises UserError, calling the picture by its own name, if it is no picture, or too large. The file stays: who sends
    the same picture shares it, so that files go by their age.
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
        # The folder of an upload is nothing that who sent it knows.
        raise UserError(str(error).replace(f"{path.parent}/", "")) from error
    except FileNotFoundError as error:
        raise UserError(f"{path.name} is gone; add it again.") from error


def _check_pixels(path: Path) -> None:
    """Refuse too many pixels by what the header says, before any is decoded; other faults are the reader's to name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with open_image(path) as image:
                pixels = image.width * image.height
    except Exception:  # damaged files raise every kind of exception
        return
    if pixels > MAX_PIXELS:
        raise UserError(f"{path} has {pixels / 1e6:.0f} megapixels, more than {MAX_PIXELS // 10**6}; make it smaller.")
