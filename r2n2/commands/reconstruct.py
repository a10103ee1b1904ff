"""`r2n2 reconstruct`: pictures in, files out, each in the format that its suffix names."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from r2n2.commands.choices import BackgroundOption, Device, Network, Preprocessing, Threshold, Weights
from r2n2.config import THRESHOLD
from r2n2.errors import UserError


def reconstruct(
    images: Annotated[list[str], typer.Argument(help="Pictures of one object: files, folders or glob patterns.")],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write; may be repeated. The suffix sets the format: .obj .ply .glb .stl .3mf .binvox .npy "
            ".png .gif .webp .html. By default, a .glb and a .png named after the first picture.",
        ),
    ] = None,
    threshold: Threshold = THRESHOLD,
    style: Annotated[str, typer.Option(help="Mesh style: smooth or blocky.")] = "smooth",
    size: Annotated[float | None, typer.Option(help="Length of the mesh's longest side in millimetres.")] = None,
    up: Annotated[str, typer.Option(help="Axis that points up in .obj .ply .stl: y or z (most printers).")] = "y",
    keep_largest: Annotated[bool, typer.Option("--keep-largest", help="Drop all pieces except the largest.")] = False,
    min_voxels: Annotated[int, typer.Option(min=0, help="Drop pieces with fewer voxels than this.")] = 0,
    network: Network = None,
    weights: Weights = None,
    preprocessing: Preprocessing = "modern",
    background: BackgroundOption = "auto",
    device: Device = "auto",
) -> None:
    """Reconstruct an object from your own pictures.

    Writes meshes, voxels, a picture of the result, a turntable or a web page. If none of these shows what the network
    saw, a picture whose name ends in -views.png is written next to them.
    """
    from r2n2.files import free_paths
    from r2n2.pictures.images import SEEN, find_images
    from r2n2.shapes.formats import MESH_SUFFIXES
    from r2n2.shapes.placing import check_size, check_up
    from r2n2.shapes.reconstruction import DEFAULT_SUFFIXES, EMPTY_SUFFIXES, SEEN_SUFFIXES, check_suffix, load

    for path in output or ():
        check_suffix(path)
    check_size(size)
    check_up(up)
    paths = find_images(images)
    stem = f"{paths[0].stem}-shape"
    outputs = list(dict.fromkeys(output)) if output else free_paths(stem, DEFAULT_SUFFIXES)
    if (size or up != "y") and not any(path.suffix.lower() in MESH_SUFFIXES for path in outputs):
        raise UserError(f"--size and --up need a mesh; name one with -o, such as {outputs[0].with_suffix('.stl')}.")
    shown = [path for path in outputs if path.suffix.lower() in SEEN_SUFFIXES]
    seen = shown[0] if shown else outputs[0].with_name(f"{outputs[0].stem}{SEEN}")
    if taken := set(map(os.path.realpath, (*outputs, seen))) & set(map(os.path.realpath, paths)):
        raise UserError(f"{taken.pop()} is one of the pictures and would be overwritten; choose another name.")
    model = load(weights, network, device)
    shape = model.reconstruct(paths, threshold, style, preprocessing=preprocessing, background=background)
    for sentence in shape.warnings:
        print(f"warning: {sentence}", file=sys.stderr)
    empty = not shape.voxels.any() and not {path.suffix.lower() for path in outputs} <= EMPTY_SUFFIXES
    kept = shape if empty else shape.without_specks(keep_largest, min_voxels)
    while True:
        try:
            kept.save(*dict.fromkeys([seen] if empty else [*outputs, seen]), size=size, up=up, overwrite=bool(output))
            break
        except FileExistsError:  # another process has taken the free name in the meantime
            outputs = free_paths(stem, DEFAULT_SUFFIXES)
            seen = outputs[-1]
    if empty:
        raise UserError(
            f"No voxel is above the threshold {threshold:g}, so there is no mesh; {seen} shows what the network saw."
        )
    views = "1 view" if len(shape.views) == 1 else f"{len(shape.views)} views"
    occupied = int(kept.voxels.sum())
    dropped = int(shape.voxels.sum()) - occupied
    print(
        f"{', '.join(map(str, outputs))}: {occupied} of {shape.voxels.size} voxels occupied, from {views}"
        + (f"; {dropped} in small pieces dropped" if dropped else "")
    )
