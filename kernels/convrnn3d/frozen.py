"""The promise that a weight stays as it is."""

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

FROZEN = WeakTensorKeyDictionary()  # a weight's version and address when it was frozen


def freeze(weight: Tensor) -> Tensor:
    """Promise that `weight` (3, C, C, k, k, k) will not change; it is returned.

    The kernels lay a weight out before they use it. Of one that needs no gradient they keep the result while it does
    not change; but a CUDA graph lays it out in every replay, for nobody tells a graph of a change. A frozen weight's
    graphs take what was kept, if the weight was used once, in the same types, before the capture. A call with a frozen
    weight that did change raises RuntimeError; freeze it again then, and capture its graphs anew.
    """
    FROZEN[weight] = weight._version, weight.data_ptr()
    return weight


def is_frozen(weight: Tensor) -> bool:
    """Raises RuntimeError if the promise was broken."""
    promised = FROZEN.get(weight)
    if promised is not None and promised != (weight._version, weight.data_ptr()):
        raise RuntimeError("this weight has changed since convrnn3d.freeze: freeze it again and capture graphs anew")
    return promised is not None
