"""Where to compute."""

import torch

from r2n2.errors import UserError


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is worth computing in: on a GPU, or a CPU for which PyTorch's oneDNN has it."""
    if device.type != "cpu":
        return True
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def find_device(name: str) -> torch.device:
    """The PyTorch device called `name`; "auto" is CUDA where there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        probe = torch.zeros(1, device=name)
        probe.cpu()  # "meta" has no data
        return probe.device
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise UserError(f"There is no device {name!r} here; use --device cpu, or leave it out.") from error
