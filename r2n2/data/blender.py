"""Optional renderer: the same pictures by Blender (Cycles, 16 samples), with soft light.

The camera is that of `data.camera`; a world light and two soft suns replace the hemisphere lamps of 2016, which
Blender no longer has. Blender's world is z up: (x, y, z) here is (x, -z, y) there.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from r2n2.config import RENDER_SIDE
from r2n2.data.camera import LENS_MM, SENSOR_MM, View
from r2n2.data.lighting import Lighting
from r2n2.data.surface import Surface
from r2n2.errors import UserError
from r2n2.srgb import linear

SAMPLES = 16
SUN_ANGLE = 0.5  # the suns' angular diameter in radians; it sets how soft the shadows are
TO_BLENDER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def render_views(
    surface: Surface, views: list[View], lights: list[Lighting], size: int = RENDER_SIDE
) -> list[np.ndarray]:
    """RGBA pictures (size, size, 4) uint8 of a surface. Raises UserError if the package bpy is not installed."""
    try:
        import bpy
    except ImportError as error:
        raise UserError(
            "The blender renderer needs the package bpy; install the extra with pip install '.[render]' "
            "under a version of Python that bpy supports."
        ) from error
    _empty_scene(bpy, size)
    _add_surface(bpy, surface)
    camera = _add_camera(bpy)
    pictures = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (view, lighting) in enumerate(zip(views, lights, strict=True)):
            _aim(camera, view)
            _set_lights(bpy, lighting)
            path = Path(folder) / f"{number}.png"
            bpy.context.scene.render.filepath = str(path)
            with _quiet():
                bpy.ops.render.render(write_still=True)
            pictures.append(np.asarray(Image.open(path).convert("RGBA")))
    return pictures


def _empty_scene(bpy, size: int) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_denoising = False
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"


def _add_surface(bpy, surface: Surface) -> None:
    """Add one object with a material per texture and colour, so that Blender sees what the light renderer sees."""
    count = len(surface.triangles)
    vertices = (surface.triangles @ TO_BLENDER.T).reshape(-1, 3)
    mesh = bpy.data.meshes.new("object")
    mesh.from_pydata(vertices.tolist(), [], np.arange(3 * count).reshape(-1, 3).tolist())
    mesh.uv_layers.new().data.foreach_set("uv", surface.uv.reshape(-1).astype(np.float32))
    kinds = np.column_stack([surface.texture, surface.colors.round()]).astype(int)
    unique, material = np.unique(kinds, axis=0, return_inverse=True)
    for texture, *color in unique:
        mesh.materials.append(_material(bpy, surface.textures[texture] if texture >= 0 else None, color))
    mesh.polygons.foreach_set("material_index", material.reshape(-1).astype(np.int32))
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("object", mesh))


def _material(bpy, texture: np.ndarray | None, color: list[int]):
    material = bpy.data.materials.new("material")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = 0.8
    shader.inputs["Base Color"].default_value = (*linear(tuple(color)).tolist(), 1)
    if texture is not None:
        height, width = texture.shape[:2]
        image = bpy.data.images.new("texture", width, height)
        rgba = np.ones((height, width, 4), np.float32)
        rgba[..., :3] = np.flipud(texture) * (np.array(color, np.float32) / 255 / 255)
        image.pixels.foreach_set(rgba.reshape(-1))
        node = nodes.new("ShaderNodeTexImage")
        node.image = image
        links.new(node.outputs["Color"], shader.inputs["Base Color"])
    return material


def _add_camera(bpy):
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width, data.clip_start = LENS_MM, SENSOR_MM, 0.01
    camera = bpy.data.objects.new("camera", data)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    return camera


def _aim(camera, view: View) -> None:
    from mathutils import Matrix

    rotation, position = view.axes()  # rows right, up, forward; Blender's camera looks along its -z
    placed = np.eye(4)
    placed[:3, :3] = TO_BLENDER @ np.stack([rotation[0], rotation[1], -rotation[2]], axis=1)
    placed[:3, 3] = TO_BLENDER @ position
    camera.matrix_world = Matrix(placed.tolist())


def _set_lights(bpy, lighting: Lighting) -> None:
    from mathutils import Vector

    scene = bpy.context.scene
    for sun in [item for item in scene.collection.objects if item.type == "LIGHT"]:
        bpy.data.objects.remove(sun)
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (1, 1, 1, 1)
    scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = lighting.world
    for direction, strength in lighting.suns:
        data = bpy.data.lights.new("sun", "SUN")
        data.energy, data.angle = strength * np.pi, SUN_ANGLE
        sun = bpy.data.objects.new("sun", data)
        sun.rotation_euler = Vector((TO_BLENDER @ np.array(direction)).tolist()).to_track_quat("Z", "Y").to_euler()
        scene.collection.objects.link(sun)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Discard the line that Blender prints per picture directly to the file descriptor."""
    sys.stdout.flush()
    saved, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nowhere)
