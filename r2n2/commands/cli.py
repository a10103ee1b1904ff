"""The command line: arguments in, one call each. Everything heavy is imported by the command that needs it."""

import io
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from r2n2 import __version__
from r2n2.commands.choices import Device, Network, models_of
from r2n2.commands.data import data
from r2n2.commands.train import train
from r2n2.config import THRESHOLD
from r2n2.errors import PlainWarning, UserError

app = typer.Typer(
    help="Pictures of an object to a 3D shape: 3D-R2N2 (Choy et al., ECCV 2016) made modern.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich doubles the time of --help
)
app.add_typer(data, name="data")
app.command()(train)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"r2n2 {__version__}")
        raise typer.Exit


Weights = Annotated[
    Path | None, typer.Option(help="Weights that r2n2 train wrote, or of 2016 (.npy, .npz); else the shipped ones.")
]
Preprocessing = Annotated[str, typer.Option(help="modern, or 2016: only wholly transparent pixels are filled.")]
BackgroundOption = Annotated[
    str, typer.Option("--background", help="auto (remove one that is not plain), keep or remove.")
]
Threshold = Annotated[float, typer.Option(help="Occupancy above which a voxel counts as occupied.")]


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    output: Annotated[Path, typer.Argument(help="The mesh to write; a PNG of the same name goes beside it.")] = Path(
        "prediction.obj"
    ),
    background: BackgroundOption = "auto",
    device: Device = "auto",
) -> None:
    """Rebuild a bundled object from three views.

    Training never saw it.
    """
    from r2n2.commands.demo import run_demo

    result = run_demo(output, device, background)
    for sentence in result.warnings:
        print(f"warning: {sentence}", file=sys.stderr)
    print(f"mesh     {result.mesh.resolve()}")
    print(f"picture  {result.picture.resolve()}")
    print(f"IoU against the truth  {result.iou:.3f}")
    for stage, seconds in result.seconds.items():
        print(f"{stage:<22} {seconds:6.2f} s")


@app.command()
def reconstruct(
    images: Annotated[list[str], typer.Argument(help="Pictures of one object: files, folders or glob patterns.")],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="A file to write, as often as you like; the suffix says the format: .obj .ply .glb .stl .3mf .binvox "
            ".npy .png .gif .webp .html. Left out: a .glb and a .png named after the first picture.",
        ),
    ] = None,
    threshold: Threshold = THRESHOLD,
    style: Annotated[str, typer.Option(help="Of the mesh: smooth or blocky.")] = "smooth",
    size: Annotated[float | None, typer.Option(help="Of the mesh: its longest side in millimetres.")] = None,
    up: Annotated[str, typer.Option(help="Of .obj .ply .stl: the axis upwards, y or z (most printers').")] = "y",
    keep_largest: Annotated[bool, typer.Option("--keep-largest", help="Drop all pieces but the largest.")] = False,
    min_voxels: Annotated[int, typer.Option(min=0, help="Drop pieces of fewer voxels.")] = 0,
    network: Network = None,
    weights: Weights = None,
    preprocessing: Preprocessing = "modern",
    background: BackgroundOption = "auto",
    device: Device = "auto",
) -> None:
    """Rebuild an object from your own pictures.

    Meshes, voxels, a picture of the result, a turntable, a page. What the network saw goes beside it, in a picture
    whose name ends in -views.png if no other output shows it.
    """
    from r2n2.files import free_paths
    from r2n2.pictures.images import find_images
    from r2n2.shapes.formats import MESH_SUFFIXES
    from r2n2.shapes.placing import check_size, check_up
    from r2n2.shapes.reconstruction import DEFAULT_SUFFIXES, EMPTY_SUFFIXES, SEEN_SUFFIXES, check_suffix, load

    for path in output or ():
        check_suffix(path)
    check_size(size)
    check_up(up)
    paths = find_images(images)
    outputs = output or free_paths(f"{paths[0].stem}-shape", DEFAULT_SUFFIXES)
    if (size or up != "y") and not any(path.suffix.lower() in MESH_SUFFIXES for path in outputs):
        raise UserError(f"--size and --up are of meshes; name one with -o, such as {outputs[0].with_suffix('.stl')}.")
    shown = [path for path in outputs if path.suffix.lower() in SEEN_SUFFIXES]
    seen = shown[0] if shown else outputs[0].with_name(f"{outputs[0].stem}-views.png")
    if taken := set(map(os.path.realpath, (*outputs, seen))) & set(map(os.path.realpath, paths)):
        raise UserError(f"{taken.pop()} is one of the pictures and would be overwritten; choose another name.")
    model = load(weights, network, device)
    shape = model.reconstruct(paths, threshold, style, preprocessing=preprocessing, background=background)
    for sentence in shape.warnings:
        print(f"warning: {sentence}", file=sys.stderr)
    if not shape.voxels.any() and not {path.suffix.lower() for path in outputs} <= EMPTY_SUFFIXES:
        shape.save(seen)
        raise UserError(
            f"No voxel is above the threshold {threshold:g}, so there is no mesh; {seen} shows what the network saw."
        )
    kept = shape.without_specks(keep_largest, min_voxels)
    kept.save(*dict.fromkeys([*outputs, seen]), size=size, up=up)
    views = "1 view" if len(shape.views) == 1 else f"{len(shape.views)} views"
    occupied = int(kept.voxels.sum())
    dropped = int(shape.voxels.sum()) - occupied
    print(
        f"{', '.join(map(str, outputs))}: {occupied} of {shape.voxels.size} voxels occupied, from {views}"
        + (f"; {dropped} in small pieces dropped" if dropped else "")
    )


@app.command()
def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(help="Holds ShapeNetRendering and ShapeNetVox32; the bundled sample if left out."),
    ] = None,
    weights: Weights = None,
    network: Network = None,
    split: Annotated[
        str | None, typer.Option(help="train, val, test or all; test of --data, all of the sample.")
    ] = None,
    views: Annotated[int, typer.Option(help="The largest number of views.")] = 5,
    threshold: Threshold = THRESHOLD,
    json: Annotated[Path | None, typer.Option(help="Write the table as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the table as Markdown.")] = None,
    mean_shape: Annotated[
        Path | None, typer.Option(help="Score the mean shape of each category in this folder's train split instead.")
    ] = None,
    averaged: Annotated[
        bool, typer.Option("--averaged", help="Without the recurrence: rebuild each view alone, average the shapes.")
    ] = False,
    orders: Annotated[
        int, typer.Option(min=0, help="Fold the views in this many random orders and print the spread.")
    ] = 0,
    grounds: Annotated[
        bool, typer.Option("--grounds", help="Photograph the objects on plain, wooden, cluttered, ... ground instead.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Evaluate so many objects, spread evenly.")] = None,
    failures: Annotated[Path | None, typer.Option(help="Draw the objects that came out worst as a PNG.")] = None,
    strict: Annotated[bool, typer.Option(help="Stop at the first broken file instead of listing it.")] = False,
    preprocessing: Preprocessing = "modern",
    device: Device = "auto",
) -> None:
    """Print the table of IoU and average precision.

    Per category, and for 1 to 5 views.
    """
    from contextlib import ExitStack
    from dataclasses import replace

    from r2n2.data.sample import sample_folder
    from r2n2.evaluation.failures import draw_failures
    from r2n2.evaluation.grounds import draw_grounds, evaluate_grounds
    from r2n2.evaluation.tables import evaluate as run
    from r2n2.evaluation.tables import evaluate_mean_shapes, write_tables
    from r2n2.files import check_writable, written_beside
    from r2n2.shapes.picture import check_picture
    from r2n2.shapes.reconstruction import load

    if mean_shape and (averaged or orders or failures):
        raise UserError("--mean-shape looks at no view; leave out --averaged, --orders and --failures.")
    if averaged and orders:
        raise UserError("The mean of views has no order; leave out --orders or --averaged.")
    if grounds and (mean_shape or averaged or orders or json or preprocessing == "2016"):
        raise UserError(
            "--grounds has a table of its own; leave out --mean-shape, --averaged, --orders, --json, --preprocessing."
        )
    if failures:
        check_picture(failures)
    for path in filter(None, (json, markdown, failures)):
        check_writable(path)
    with ExitStack() as stack:
        folder = data or stack.enter_context(sample_folder())
        chosen, missing = models_of(folder, split or ("test" if data else "all"), strict)
        if limit is not None and limit < len(chosen):
            chosen = [chosen[number * len(chosen) // limit] for number in range(limit)]
        if grounds:
            result = evaluate_grounds(load(weights, network, device), chosen, threshold)
            print(result.to_markdown(), end="", flush=True)
            if markdown:
                with written_beside(markdown) as temporary:
                    temporary.write_text(result.to_markdown(), encoding="utf-8")
            if failures:
                draw_grounds(result, failures, threshold)
            return
        if mean_shape:
            table = evaluate_mean_shapes(models_of(mean_shape, "train", strict)[0], chosen, threshold, strict)
        else:
            model = load(weights, network, device)
            table = run(model, chosen, views, threshold, strict, preprocessing, averaged, orders)
        for sentence in table.skipped:
            print(f"skipped: {sentence}", file=sys.stderr)
        print(table.to_markdown(), end="", flush=True)
        write_tables(replace(table, skipped=missing + table.skipped), json, markdown)
        if failures:
            draw_failures(model, chosen, failures, min(views, 3), threshold, preprocessing, averaged)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Weights: .safetensors, or .npy or .npz of 2016.")],
    target: Annotated[Path, typer.Argument(help="The same weights; the suffix says the format.")],
    half: Annotated[bool, typer.Option("--half", help="Store .safetensors in half precision.")] = False,
) -> None:
    """Convert weights to or from the format of 2016.

    This project's is .safetensors, the original program's .npy or .npz.
    """
    from r2n2.network.checkpoint import convert_weights

    print(f"{target}: weights of the network {convert_weights(source, target, half).name}")


@app.command("app")
def serve(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Left out, 7860, or another free one.")] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    network: Network = None,
    weights: Weights = None,
    device: Device = "auto",
) -> None:
    """Rebuild objects in the browser.

    Drop pictures, turn the shape; on this machine's own address alone.
    """
    from r2n2.app import check_extra, run_app
    from r2n2.shapes.reconstruction import load

    check_extra()
    run_app(load(weights, network, device), port, browse)


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write into.")],
    network: Network = None,
    weights: Weights = None,
) -> None:
    """Write a network as ONNX, compared with PyTorch.

    Three graphs: encoder, one recurrent step, decoder.
    """
    from r2n2.export import check_extra, export_onnx
    from r2n2.shapes.reconstruction import load

    check_extra()
    result = export_onnx(load(weights, network, "cpu"), output)
    for path in result.files:
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    for name, error in result.errors.items():
        print(f"error of {name:<10} {error:.1e}")


@app.command()
def networks() -> None:
    """List the networks and their parameter counts."""
    from r2n2.config import NETWORKS
    from r2n2.network.model import R2N2, count_parameters

    for name, config in NETWORKS.items():
        print(f"{name:<12} {count_parameters(R2N2(config)):>11,}")


def _as_sentence(
    message: Warning | str, category: type[Warning], filename: str, line: int, source: str | None = None
) -> str:
    """How warnings are printed: those to the user as plain sentences, all others as Python does."""
    return (
        f"{message}\n" if issubclass(category, PlainWarning) else f"{filename}:{line}: {category.__name__}: {message}\n"
    )


def main() -> None:
    """Run the command line; a user's mistake is one sentence on standard error and exit code 2."""
    warnings.formatwarning = _as_sentence
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may have letters that a terminal has not
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except (UserError, OSError) as error:
        rank, count = os.environ.get("RANK", "?"), int(os.environ.get("WORLD_SIZE", "1"))  # torchrun's
        who = f" (process {rank})" if count > 1 else ""
        print(f"r2n2{who}: {error}", file=sys.stderr)
        sys.exit(2)
