"""Counters that programs of a launch arrive at, see `parts`: zeros before it and, as it leaves them, after it.

Launches that may run at once must not share counters, those of one stream may. A stream's are kept; zeroing them anew
would be a launch a call. A captured call, whose replays may run beside any other's, has its own ones.
"""

from threading import Lock

import torch
from torch import Tensor

KEPT = 1 << 18  # counters of a device: a call has a few hundred, at most


def counters(device: torch.device, number: int) -> Tensor:
    """(number or more,) int32 zeros, for launches of the current stream of `device`."""
    if device.type != "cuda":
        return torch.zeros(number, dtype=torch.int32, device=device)
    capturing, stream = torch.cuda.is_current_stream_capturing(), torch.cuda.current_stream(device).cuda_stream
    with _lock:
        kept = None if capturing else _of_stream.get((device, stream))
        if kept is None or len(kept) < number:
            kept = _taken(device, number, capturing)
            if not capturing:
                _of_stream[device, stream] = kept
        return kept


def _taken(device: torch.device, number: int, capturing: bool) -> Tensor:
    """Counters that nobody has: of those kept, as long as there are any, for which a graph need not zero them."""
    if device not in _left and not capturing:
        _left[device] = torch.zeros(KEPT, dtype=torch.int32, device=device)
        torch.cuda.current_stream(device).synchronize()  # other streams will not wait for the zeros
    left = _left.get(device)
    if left is None or len(left) < number:
        return torch.zeros(number, dtype=torch.int32, device=device)
    _left[device] = left[number:]
    return left[:number]


_lock = Lock()
_left: dict[torch.device, Tensor] = {}  # of KEPT, those that no stream and no graph has
_of_stream: dict[tuple[torch.device, int], Tensor] = {}
