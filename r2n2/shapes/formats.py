"""Write a mesh to the files that viewers, editors and printers open, following each format's conventions.

suffix       up axis            unit of length               colour               normals
.obj .ply    `up`               none; `size` in millimetres  per vertex           per vertex, none if blocky
.stl         `up`               none; `size` in millimetres  -                    -
.glb         y, by its standard metre: 100 mm is 0.1         matte, linear        per vertex, none if blocky
.3mf         z, by its standard millimetre; 100 by default   one for the object   -

Viewers shade a glTF or OBJ mesh without normals by its faces: blocks keep sharp edges and still share their corners.
"""

import zipfile
from pathlib import Path

import trimesh
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from r2n2.shapes.mesh import COLOR
from r2n2.shapes.placing import placed
from r2n2.srgb import linear

MESH_SUFFIXES = (".obj", ".ply", ".glb", ".stl", ".3mf")
ROUGHNESS = 0.9
PRINT_SIZE = 100.0  # millimetres; without it the grid's cube would be printed one millimetre wide
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MODEL = "application/vnd.ms-package.3dmanufacturing-3dmodel+xml"
START = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"


def write_mesh(
    mesh: trimesh.Trimesh, path: Path, size: float | None = None, up: str = "y", smooth: bool = True
) -> None:
    """Write a mesh, given y up, to a file with a suffix of MESH_SUFFIXES.

    size: length of the longest side in millimetres; smooth: write vertex normals, for a surface without sharp edges.
    """
    suffix = path.suffix.lower()
    if suffix == ".glb":
        path.write_bytes(_glb(placed(mesh, size and size / 1000), smooth))
    elif suffix == ".3mf":
        _write_3mf(placed(mesh, size or PRINT_SIZE, "z"), path)
    else:
        options = {".obj": {"include_normals": smooth}, ".ply": {"vertex_normal": smooth}}.get(suffix, {})
        placed(mesh, size, up).export(path, file_type=suffix[1:], **options)


def _glb(mesh: trimesh.Trimesh, smooth: bool) -> bytes:
    color = [*linear(COLOR), 1.0]
    material = PBRMaterial("matte", baseColorFactor=color, metallicFactor=0.0, roughnessFactor=ROUGHNESS)
    mesh.visual = TextureVisuals(material=material)
    return mesh.export(file_type="glb", include_normals=smooth, tree_postprocessor=_name_targets)  # type: ignore[return-value]


def _name_targets(tree: dict) -> None:
    """Set the target of each buffer view, which the glTF validator recommends and trimesh omits."""
    for accessor in tree["accessors"]:
        tree["bufferViews"][accessor["bufferView"]]["target"] = (
            ELEMENT_ARRAY_BUFFER if accessor["type"] == "SCALAR" else ARRAY_BUFFER
        )


def _write_3mf(mesh: trimesh.Trimesh, path: Path) -> None:
    """Write the minimum that the 3MF core specification requires: one coloured object in the positive octant."""
    corners = mesh.vertices - mesh.vertices.min(axis=0)
    vertices = "".join(f'<vertex x="{x:.6f}" y="{y:.6f}" z="{z:.6f}"/>' for x, y, z in corners.tolist())
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in mesh.faces.tolist())
    color = "#" + "".join(f"{value:02X}" for value in COLOR)
    model = (
        f'<model unit="millimeter" xml:lang="en-US" xmlns="{CORE}"><resources>'
        f'<basematerials id="1"><base name="shape" displaycolor="{color}"/></basematerials>'
        f'<object id="2" type="model" pid="1" pindex="0"><mesh><vertices>{vertices}</vertices>'
        f"<triangles>{triangles}</triangles></mesh></object></resources>"
        '<build><item objectid="2"/></build></model>'
    )
    types = (
        f'<Types xmlns="{PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="model" ContentType="{MODEL}"/></Types>'
    )
    start = (
        f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rel0" Target="/3D/3dmodel.model" Type="{START}"/></Relationships>'
    )
    parts = {"[Content_Types].xml": types, "_rels/.rels": start, "3D/3dmodel.model": model}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name)  # without the time of day: equal shapes make equal files
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, '<?xml version="1.0" encoding="UTF-8"?>\n' + text)
