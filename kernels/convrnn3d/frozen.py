"""The promise that a weight stays as it is, and what is kept for as long as it is held."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from convrnn3d.checks import require_tensor


class Promise(NamedTuple):
    """What a weight was when it was frozen, and what is kept of it since.

    alias: of its memory, which therefore is not given to another weight while this one, set to other data, lives.
    lasting: for as long as the weight lives, and not for a while alone.
    """

    state: tuple
    alias: Tensor
    kept: dict[Any, Any]
    lasting: bool


_promises = WeakTensorKeyDictionary()
_giving = Lock()  # of promises, and taking them back


def freeze(weight: Tensor) -> Tensor:
    """Promise that `weight` (3, C, C, K, K, K) will not change; it is returned.

    The kernels lay a weight out in every call, and a CUDA graph in every replay. A frozen weight is laid out once for
    each type of operands, in the first call of the kernels that wants no gradient and convolves, as a single step from
    zeros does not; graphs take what was kept, if there was such a call before the capture. Such a call with a frozen
    weight that did change raises RuntimeError: freeze it again then. That drops what was kept, so capture its graphs
    anew. On a CPU oneDNN lays it out once for as long as states are of one shape, B included, if there are 32 channels
    or more. PyTorch counts no change that is made through `.data` or a NumPy array, by a graph, a collective, or an
    optimizer with `fused=True`, and none of a tensor that was made in inference mode: these are not seen. Nor can
    PyTorch swap a frozen weight (`torch.__future__.set_swap_module_params_on_conversion`): convert and load first, or
    promise for a while, see `freezing`. With torch.compile(mode="reduce-overhead"), whose graphs own all memory that
    their warm-up leaves, do not freeze.
    """
    require_tensor("weight", weight)
    with _giving:
        _promise(weight, lasting=True)
    return weight


@contextmanager
def freezing(weight: Tensor) -> Iterator[None]:
    """`freeze` for a while, after which the weight may change in any way; one that is frozen already stays so.

    A CUDA graph that is captured meanwhile may be replayed later, and lays the weight out in every replay. Enter it
    around a compiled function, not in one. On a CPU a single step of fewer than four samples takes PyTorch's own
    convolutions all the same, for to lay the weight out takes longer than that spares.
    """
    require_tensor("weight", weight)
    with _giving:
        promise = None if weight in _promises else _promise(weight, lasting=False)
    try:
        yield
    finally:
        with _giving:
            if promise is not None and _promises.get(weight) is promise:  # and not one that was given since
                _promises.pop(weight)


def promise_of(weight: Tensor) -> Promise | None:
    """The promise that holds for a frozen weight, None for others. Raises RuntimeError if it was broken."""
    promise = _promises.get(weight)
    if promise is None:
        return None
    if promise.state != _state(weight):
        if not promise.lasting:
            raise RuntimeError("this weight has changed within convrnn3d.freezing, where it is promised not to")
        raise RuntimeError("this weight has changed since convrnn3d.freeze: freeze it again and capture graphs anew")
    return promise


def _promise(weight: Tensor, lasting: bool) -> Promise:
    promise = _promises[weight] = Promise(_state(weight), weight.detach(), {}, lasting)
    return promise


def _state(weight: Tensor) -> tuple:
    version = None if weight.is_inference() else weight._version  # which those of inference mode have not
    return version, weight.data_ptr(), weight.stride()
