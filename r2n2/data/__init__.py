"""Data in the ShapeNet layout: cameras, voxels, pictures; preparing, finding and reading them.

World, camera and voxel conventions are stated in `camera` and `binvox`, and once for users in docs/data.md.
"""

from r2n2.data.binvox import VoxelGrid, read_binvox, write_binvox
from r2n2.data.camera import View, project, voxel_centres
from r2n2.data.silhouette import silhouette

__all__ = ["View", "VoxelGrid", "project", "read_binvox", "silhouette", "voxel_centres", "write_binvox"]
