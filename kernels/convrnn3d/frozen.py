"""The promise that a weight will not change, and what is cached while the promise holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from convrnn3d.checks import require_tensor


class Promise(NamedTuple):
    """A weight's state when it was frozen, and what has been cached for it since.

    alias: an alias of its memory, so that no other weight gets this memory while the frozen one lives, even if its
    data is replaced. lasting: whether the promise holds for as long as the weight lives, not only within `freezing`.
    """

    state: tuple
    alias: Tensor
    kept: dict[Any, Any]
    lasting: bool


_promises = WeakTensorKeyDictionary()
_giving = Lock()  # held while promises are given and taken back


def freeze(weight: Tensor) -> Tensor:
    """Promise that `weight` (3, C, C, K, K, K) will not change, and return it.

    The kernels pack a weight in every call, and a CUDA graph packs it in every replay. A frozen weight is packed once
    for each type of operands, in the first call of the kernels that needs no gradient and convolves, which a single
    step from zeros does not. Graphs use the cached weight if there was such a call before the capture. On a CPU, oneDNN
    packs it once for as long as the states keep one shape, B included, if there are 32 channels or more.

    A call that needs no gradient raises RuntimeError if it convolves with a frozen weight that has changed. Freeze it
    again then, which drops what was cached, and capture its graphs again. Changes that PyTorch does not count are not
    detected: through `.data` or a NumPy array, by a graph, a collective, or an optimizer with `fused=True`, and any
    change to a tensor that was made in inference mode.

    PyTorch cannot swap a frozen weight (`torch.__future__.set_swap_module_params_on_conversion`): convert and load
    first, or use `freezing`. Do not freeze with torch.compile(mode="reduce-overhead"), whose graphs own all memory that
    their warm-up leaves.
    """
    require_tensor("weight", weight)
    with _giving:
        _promise(weight, lasting=True)
    return weight


@contextmanager
def freezing(weight: Tensor) -> Iterator[None]:
    """`freeze` within a with block, after which the weight may change in any way; a weight frozen before stays frozen.

    A CUDA graph that is captured in the block may be replayed later, and so packs the weight in every replay. Enter the
    block around a compiled function, not inside one. On a CPU, a single step of fewer than 4 samples still takes
    PyTorch's own convolutions, because packing the weight takes longer than it saves.
    """
    require_tensor("weight", weight)
    with _giving:
        promise = None if weight in _promises else _promise(weight, lasting=False)
    try:
        yield
    finally:
        with _giving:
            if promise is not None and _promises.get(weight) is promise:  # not a promise given since
                _promises.pop(weight)


def promise_of(weight: Tensor) -> Promise | None:
    """The promise that holds for a frozen weight, None for others. Raises RuntimeError if the weight has changed."""
    promise = _promises.get(weight)
    if promise is None:
        return None
    if promise.state != _state(weight):
        if not promise.lasting:
            raise RuntimeError("this weight was changed within convrnn3d.freezing; change it outside the block")
        raise RuntimeError("this weight has changed since convrnn3d.freeze; freeze it again and recapture its graphs")
    return promise


def _promise(weight: Tensor, lasting: bool) -> Promise:
    promise = _promises[weight] = Promise(_state(weight), weight.detach(), {}, lasting)
    return promise


def _state(weight: Tensor) -> tuple:
    version = None if weight.is_inference() else weight._version  # tensors of inference mode have none
    return version, weight.data_ptr(), weight.stride()
