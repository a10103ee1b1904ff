"""Optional renderer for many objects: the same pictures by OpenGL, more than twice as fast.

Camera, light and colours are those of `render`; pictures are also drawn three times too large and averaged. No screen
is needed: on a machine without a graphics card Mesa's llvmpipe draws on the CPU. Mesa loads its own LLVM, which breaks
Triton in the same process: render in worker processes, as `prepare` does.

    clip = (2 k right, 2 k up, ((far + near) w - 2 far near) / (far - near), w)       w the depth, k = 35 / 32
"""

import numpy as np

from r2n2.config import RENDER_SIDE
from r2n2.data.camera import LENS_MM, SENSOR_MM, View
from r2n2.data.lighting import Lighting
from r2n2.data.render import SUPERSAMPLING, averaged
from r2n2.data.surface import Surface, unit_normals
from r2n2.errors import UserError, one_line

NEAR, FAR = 0.05, 20.0

VERTEX_SHADER = """
#version 330
uniform mat4 camera;
in vec3 position; in vec3 normal; in vec3 color; in vec2 uv;
out vec3 place; flat out vec3 face; flat out vec3 base; out vec2 where;
void main() {
    place = position; face = normal; base = color; where = uv;
    gl_Position = camera * vec4(position, 1.0);
}
"""
FRAGMENT_SHADER = """
#version 330
uniform vec3 eye; uniform float world; uniform vec4 suns[2]; uniform bool textured; uniform sampler2D image;
in vec3 place; flat in vec3 face; flat in vec3 base; in vec2 where;
out vec4 pixel;
void main() {
    vec3 n = dot(face, eye - place) < 0.0 ? -face : face;
    float light = world;
    for (int i = 0; i < 2; i++) light += suns[i].w * max(0.0, dot(n, suns[i].xyz));
    vec3 albedo = textured ? base * texture(image, where).rgb : base;
    pixel = vec4(light * albedo, 1.0);
}
"""


def render_views(
    surface: Surface, views: list[View], lights: list[Lighting], size: int = RENDER_SIDE
) -> list[np.ndarray]:
    """RGBA pictures (size, size, 4) uint8 of a surface, one for each view with its light.

    Raises UserError if moderngl is not installed or OpenGL is not available.
    """
    context = _context()
    try:
        fine = size * SUPERSAMPLING
        target = context.framebuffer([context.texture((fine, fine), 4)], context.depth_renderbuffer((fine, fine)))
        target.use()
        context.enable(context.DEPTH_TEST)
        program = context.program(vertex_shader=VERTEX_SHADER, fragment_shader=FRAGMENT_SHADER)
        parts = [_upload(context, program, surface, number) for number in np.unique(surface.texture)]
        pictures = []
        for view, light in zip(views, lights, strict=True):
            target.clear(0.0, 0.0, 0.0, 0.0)
            program["camera"].write(_matrix(view).T.astype(np.float32).tobytes())
            program["eye"].value = tuple(view.axes()[1])
            program["world"].value = light.world
            program["suns"].value = [(*_unit(direction), strength) for direction, strength in light.suns]
            for image, triangles in parts:
                program["textured"].value = image is not None
                if image is not None:
                    image.use()
                triangles.render()
            pixels = np.frombuffer(target.read(components=4), np.uint8).reshape(fine, fine, 4)
            pictures.append(averaged(pixels[::-1].astype(np.float32)))
        return pictures
    finally:
        context.release()


def _context():
    try:
        import moderngl
    except ImportError as error:
        raise UserError(
            "The opengl renderer needs the package moderngl; install the extra with pip install '.[opengl]'."
        ) from error
    try:
        context = moderngl.create_context(standalone=True, backend="egl", require=330)
    except Exception as error:  # drivers raise exceptions of any type
        raise UserError(
            f"OpenGL cannot be used here ({one_line(error)}); install Mesa (libegl1 and libgl1-mesa-dri on Debian), "
            "or use --renderer light."
        ) from error
    context.gc_mode = "context_gc"
    return context


def _upload(context, program, surface: Surface, number: int):
    """The texture (None for -1) and the triangles that it covers, as a vertex array."""
    chosen = surface.texture == number
    triangles = surface.triangles[chosen]
    of_faces = unit_normals(triangles), surface.colors[chosen] / 255
    flat = [np.repeat(values[:, None], 3, axis=1) for values in of_faces]
    vertices = np.concatenate([triangles, *flat, surface.uv[chosen]], axis=2).astype(np.float32)  # (F, 3, 11)
    content = [(context.buffer(vertices.tobytes()), "3f 3f 3f 2f", "position", "normal", "color", "uv")]
    array = context.vertex_array(program, content)
    if number < 0:
        return None, array
    image = np.ascontiguousarray(surface.textures[number][::-1])  # v runs upwards
    texture = context.texture(image.shape[1::-1], 3, image.tobytes(), alignment=1)
    texture.filter = (context.NEAREST, context.NEAREST)
    return texture, array


def _matrix(view: View) -> np.ndarray:
    """The matrix (4, 4) from world to clip coordinates."""
    rotation, position = view.axes()
    to_camera = np.eye(4)
    to_camera[:3, :3], to_camera[:3, 3] = rotation, -rotation @ position
    k = 2 * LENS_MM / SENSOR_MM
    depth = ((FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR))
    to_clip = np.array([[k, 0, 0, 0], [0, k, 0, 0], [0, 0, *depth], [0, 0, 1, 0]])
    return to_clip @ to_camera


def _unit(direction: tuple[float, float, float]) -> np.ndarray:
    return np.array(direction) / np.linalg.norm(direction)
