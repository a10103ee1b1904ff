"""r2n2: pictures of an object to a 3D shape. 3D-R2N2 (Choy et al., ECCV 2016) made modern.

import r2n2
shape = r2n2.load().reconstruct(["front.jpg", "side.jpg", "back.jpg"])
shape.save("object.obj")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from r2n2.config import NETWORKS, NetworkConfig
from r2n2.errors import UserError
from r2n2.network.model import R2N2

if TYPE_CHECKING:
    from r2n2.shapes.reconstruction import Reconstruction, Reconstructor, load

__all__ = ["NETWORKS", "R2N2", "NetworkConfig", "Reconstruction", "Reconstructor", "UserError", "load"]


def __getattr__(name: str) -> Any:
    """What reconstructs is imported when first used: networks can be built and timed without the mesh libraries."""
    if name in ("Reconstruction", "Reconstructor", "load"):
        return getattr(import_module("r2n2.shapes.reconstruction"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
