"""Data in the ShapeNet layout: prepare, find and read its cameras, voxels and pictures.

The world, camera and voxel conventions are defined in `camera` and `binvox`; docs/data.md describes them for users.
"""

from r2n2.data.binvox import VoxelGrid, read_binvox, write_binvox
from r2n2.data.camera import View, project, voxel_centres
from r2n2.data.silhouette import silhouette

__all__ = ["View", "VoxelGrid", "project", "read_binvox", "silhouette", "voxel_centres", "write_binvox"]
