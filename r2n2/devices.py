"""The device to compute on."""

import torch

from r2n2.errors import UserError


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is worth using: on a GPU, or on a CPU for which PyTorch's oneDNN supports it."""
    if device.type != "cpu":
        return True
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def find_device(name: str) -> torch.device:
    """Return the PyTorch device called `name`; "auto" is CUDA if available, else the CPU.

    Raises UserError for a device that cannot be used.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        probe = torch.zeros(1, device=name)
        probe.cpu()  # fails on "meta", which has no data
        return probe.device
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise UserError(f"Device {name!r} is not available here; use --device cpu, or omit --device.") from error
