"""r2n2 reconstructs the 3D shape of an object from pictures: a modern 3D-R2N2 (Choy et al., ECCV 2016).

import r2n2
shape = r2n2.load().reconstruct(["front.jpg", "side.jpg", "back.jpg"])
shape.save("object.obj")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from r2n2.config import NETWORKS, NetworkConfig
from r2n2.errors import UserError

if TYPE_CHECKING:
    from r2n2.network import R2N2
    from r2n2.shapes.reconstruction import Reconstruction, Reconstructor, load

__version__ = "0.1.0"
__all__ = ["NETWORKS", "R2N2", "NetworkConfig", "Reconstruction", "Reconstructor", "UserError", "load"]

# Imported on first use: importing PyTorch takes seconds, and networks can be built without the mesh libraries.
_LATE = {
    "R2N2": "r2n2.network",
    "Reconstruction": "r2n2.shapes.reconstruction",
    "Reconstructor": "r2n2.shapes.reconstruction",
    "load": "r2n2.shapes.reconstruction",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_LATE]
