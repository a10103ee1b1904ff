"""r2n2: pictures of an object to a 3D shape. 3D-R2N2 (Choy et al., ECCV 2016) made modern.

import r2n2
shape = r2n2.load().reconstruct(["front.jpg", "side.jpg", "back.jpg"])
shape.save("object.obj")
"""

from r2n2.config import NETWORKS, NetworkConfig
from r2n2.errors import UserError
from r2n2.network import R2N2
from r2n2.reconstruction import Reconstruction, Reconstructor, load

__all__ = ["NETWORKS", "R2N2", "NetworkConfig", "Reconstruction", "Reconstructor", "UserError", "load"]
