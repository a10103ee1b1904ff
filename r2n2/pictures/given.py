"""Arrays and tensors as pictures: accept what Python programs hold, or refuse it with a one-sentence message.

Channels may be last (NumPy, PIL) or first (PyTorch); a fourth axis in front is a batch. Integers range from 0 to 255
(uint16 to 65535), floats from 0 to 1, bool is black and white.
"""

import numpy as np
import torch
from PIL import Image

from r2n2.errors import UserError

CHANNELS = (1, 3, 4)
SHAPES = "(H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels, or a batch of the latter"


def pictures_from_array(given: np.ndarray | torch.Tensor, name: str) -> list[Image.Image]:
    """Return the pictures of an array or a tensor, one unless it is a batch. Raises UserError that calls it `name`."""
    array = _numpy(given, name)
    batch = array if array.ndim == 4 else array[None]
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise UserError(f"{name} has the shape {array.shape}; give {SHAPES}.")
    if array.ndim > 2:
        batch = _channels_last(batch, array.shape, name)
    return [_image(pixels) for pixels in _levels(batch, name)]


def _numpy(given: np.ndarray | torch.Tensor, name: str) -> np.ndarray:
    if isinstance(given, torch.Tensor):
        given = given.detach().cpu()
        given = (given.float() if given.dtype == torch.bfloat16 else given).resolve_conj().resolve_neg()
        if given.layout != torch.strided or given.is_quantized:
            raise UserError(f"{name} is a tensor without plain pixels ({given.layout}); give a dense one.")
        given = given.numpy()
    if given.dtype.kind not in "buif":
        raise UserError(f"{name} is an array of {given.dtype}, which cannot hold colours; give uint8 or float.")
    return given


def _channels_last(batch: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Convert (N, H, W, C) or (N, C, H, W) to (N, H, W, C)."""
    last, first = batch.shape[-1] in CHANNELS, batch.shape[1] in CHANNELS
    if not (last or first):
        raise UserError(f"{name} has the shape {shape}, without an axis of 1, 3 or 4 channels; give {SHAPES}.")
    return batch if last else np.moveaxis(batch, 1, -1)


def _levels(batch: np.ndarray, name: str) -> np.ndarray:
    """Convert numbers of any accepted type to uint8."""
    if batch.dtype == np.uint8:
        return batch
    if batch.dtype == bool:
        return batch.astype(np.uint8) * 255
    low, high = batch.min(), batch.max()
    if batch.dtype.kind == "f":
        if not (np.isfinite(low) and np.isfinite(high)):
            raise UserError(f"{name} has values that are not finite; replace them first.")
        if low < -1e-3 or high > 1 + 1e-3:
            raise UserError(
                f"{name} has fractions from {low:g} to {high:g}; scale them to 0 to 1, or give uint8 from 0 to 255."
            )
        return (batch.astype(np.float32).clip(0, 1) * 255).round().astype(np.uint8)
    top = 65535 if batch.dtype == np.uint16 and high > 255 else 255
    if low < 0 or high > top:
        raise UserError(f"{name} has whole numbers from {low} to {high}; give uint8 from 0 to 255.")
    return (batch // (top // 255)).astype(np.uint8)


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 and pixels.ndim == 3 else pixels)
