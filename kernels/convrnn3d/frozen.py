"""The promise that a weight stays as it is, and what is kept for as long as it is held."""

from typing import Any, NamedTuple

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from convrnn3d.reference import require_tensor


class Promise(NamedTuple):
    """What a weight was when it was frozen, and what is kept of it since.

    alias: of its memory, which therefore is not given to another weight while this one, set to other data, lives.
    """

    state: tuple
    alias: Tensor
    kept: dict[Any, Tensor]


_promises = WeakTensorKeyDictionary()


def freeze(weight: Tensor) -> Tensor:
    """Promise that `weight` (3, C, C, k, k, k) will not change; it is returned.

    The kernels lay a weight out in every call, and a CUDA graph in every replay. A frozen weight is laid out once for
    each type of operands, in the first call that wants no gradient; graphs take what was kept, if there was such a call
    before the capture. A call with a frozen weight that did change raises RuntimeError: freeze it again then, and
    capture its graphs anew. PyTorch counts no change that is made through `.data`, or by a graph: neither is seen.
    """
    require_tensor("weight", weight)
    _promises[weight] = Promise(_state(weight), weight.detach(), {})
    return weight


def kept_of(weight: Tensor) -> dict[Any, Tensor] | None:
    """What is kept of a frozen weight, None of others. Raises RuntimeError if the promise was broken."""
    promise = _promises.get(weight)
    if promise is None:
        return None
    if promise.state != _state(weight):
        raise RuntimeError("this weight has changed since convrnn3d.freeze: freeze it again and capture graphs anew")
    return promise.kept


def _state(weight: Tensor) -> tuple:
    version = None if weight.is_inference() else weight._version  # which those of inference mode have not
    return version, weight.data_ptr(), weight.stride()
