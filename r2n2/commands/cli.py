"""The command line: arguments in, one call each. Everything heavy is imported by the command that needs it."""

import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2n2 import __version__
from r2n2.commands.data import data
from r2n2.config import NETWORKS
from r2n2.errors import SkippedWarning, UserError

if TYPE_CHECKING:
    from r2n2.data.shapenet import Model

app = typer.Typer(
    help="Pictures of an object to a 3D shape: 3D-R2N2 (Choy et al., ECCV 2016) made modern.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich doubles the time of --help
)
app.add_typer(data, name="data")


def _network_names(incomplete: str) -> list[str]:
    """For shell completion."""
    return [name for name in NETWORKS if name.startswith(incomplete)]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"r2n2 {__version__}")
        raise typer.Exit


Device = Annotated[str, typer.Option(help="auto (CUDA where there is one), cpu, cuda, cuda:1, ...")]
Network = Annotated[
    str | None,
    typer.Option(help="A network by name; r2n2 networks lists them.", autocompletion=_network_names),
]
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
    """Rebuild a bundled object, which training never saw, from three views."""
    from r2n2.commands.demo import run_demo

    result = run_demo(output, device, background)
    _warn(result.warnings)
    print(f"mesh     {result.mesh.resolve()}")
    print(f"picture  {result.picture.resolve()}")
    print(f"IoU against the truth  {result.iou:.3f}")
    for stage, seconds in result.seconds.items():
        print(f"{stage:<22} {seconds:6.2f} s")


@app.command()
def reconstruct(
    images: Annotated[list[str], typer.Argument(help="Pictures of one object: files, folders or glob patterns.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The suffix says the format: .obj .ply .glb .stl .binvox .npy .png")
    ],
    threshold: Threshold = 0.4,
    style: Annotated[str, typer.Option(help="Of the mesh: smooth or blocky.")] = "smooth",
    network: Network = None,
    weights: Weights = None,
    preprocessing: Preprocessing = "modern",
    background: BackgroundOption = "auto",
    device: Device = "auto",
) -> None:
    """Rebuild an object from your own pictures: a mesh, voxels, or a picture of the result.

    What the network saw goes beside it, as a picture whose name ends in -views.png.
    """
    from r2n2.pictures.images import find_images
    from r2n2.shapes.mesh import MESH_SUFFIXES
    from r2n2.shapes.reconstruction import check_suffix, load

    suffix = check_suffix(output)
    paths = find_images(images)
    seen = output if suffix == ".png" else output.with_name(f"{output.stem}-views.png")
    for written in (output, seen):
        if written.resolve() in {path.resolve() for path in paths}:
            raise UserError(f"{written} is one of the pictures and would be overwritten; choose another name.")
        if written.is_dir():
            raise UserError(f"{written} is a folder; choose another name.")
    model = load(weights, network, device)
    shape = model.reconstruct(paths, threshold, style, preprocessing=preprocessing, background=background)
    _warn(shape.warnings)
    if suffix in MESH_SUFFIXES and not shape.voxels.any():
        shape.save(seen)
        raise UserError(
            f"No voxel is above the threshold {threshold:g}, so there is no mesh; {seen} shows what the network saw."
        )
    shape.save(output)
    if output != seen:
        shape.save(seen)
    views = "1 view" if len(shape.views) == 1 else f"{len(shape.views)} views"
    print(f"{output}: {int(shape.voxels.sum())} of {shape.voxels.size} voxels occupied, from {views}")


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
    threshold: Threshold = 0.4,
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
    """Print IoU per category for 1 to 5 views, and average precision."""
    from contextlib import ExitStack
    from dataclasses import replace

    from r2n2.data.sample import sample_folder
    from r2n2.evaluation.failures import draw_failures
    from r2n2.evaluation.grounds import draw_grounds, evaluate_grounds
    from r2n2.evaluation.tables import evaluate as run
    from r2n2.evaluation.tables import evaluate_mean_shapes, write_tables
    from r2n2.files import written_beside
    from r2n2.shapes.picture import check_picture
    from r2n2.shapes.reconstruction import load

    if mean_shape and (averaged or orders or failures):
        raise UserError("--mean-shape looks at no view; leave out --averaged, --orders and --failures.")
    if averaged and orders:
        raise UserError("The mean of views has no order; leave out --orders or --averaged.")
    if grounds and (mean_shape or averaged or orders or json):
        raise UserError("--grounds has a table of its own; leave out --mean-shape, --averaged, --orders and --json.")
    if failures:
        check_picture(failures)
    with ExitStack() as stack:
        folder = data or stack.enter_context(sample_folder())
        chosen, missing = _models(folder, split or ("test" if data else "all"), strict)
        if limit is not None and limit < len(chosen):
            chosen = [chosen[number * len(chosen) // limit] for number in range(limit)]
        if grounds:
            result = evaluate_grounds(load(weights, network, device), chosen, threshold)
            print(result.to_markdown(), end="", flush=True)
            if markdown:
                with written_beside(markdown) as temporary:
                    temporary.write_text(result.to_markdown())
            if failures:
                draw_grounds(result, failures, threshold)
            return
        if mean_shape:
            table = evaluate_mean_shapes(_models(mean_shape, "train", strict)[0], chosen, threshold, strict)
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
def train(
    data: Annotated[Path, typer.Option(help="A folder with ShapeNetRendering and ShapeNetVox32.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder.")],
    network: Annotated[
        str, typer.Option(help="A network by name; r2n2 networks lists them.", autocompletion=_network_names)
    ] = "compact",
    recipe: Annotated[
        str | None, typer.Option(help="2016 or compact; left out, compact for that network, else 2016.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(help="Where the run ends.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Models in a batch.")] = None,
    max_views: Annotated[int | None, typer.Option(help="A batch has 1 to this many views of each model.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam.")] = None,
    warmup: Annotated[int | None, typer.Option(help="Iterations over which the learning rate rises.")] = None,
    cooldown: Annotated[int | None, typer.Option(help="Last iterations, over which it falls to zero.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="L2, of weights alone.")] = None,
    average: Annotated[float | None, typer.Option(help="Decay of the running mean of the weights; 0: none.")] = None,
    augmentation: Annotated[
        str | None, typer.Option(help="2016, or compact (adds zoom, shift, colour and backgrounds).")
    ] = None,
    amp: Annotated[bool | None, typer.Option(help="bfloat16 autocast.")] = None,
    pretrained: Annotated[
        bool | None, typer.Option(help="Begin the encoder of compact with ImageNet's weights (the extra train).")
    ] = None,
    frozen: Annotated[int | None, typer.Option(help="Parts of that encoder, of 17, that do not learn.")] = None,
    encoder_rate: Annotated[float | None, typer.Option(help="Its other parts' share of the learning rate.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of its last maps that training drops.")] = None,
    dice: Annotated[float | None, typer.Option(help="Weight of the Dice term of the loss.")] = None,
    loss_views: Annotated[
        int | None, typer.Option(help="After how many of the views the shape enters the loss: the last, others drawn.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the weights and the data's order.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that read pictures ahead.")] = None,
    save_every: Annotated[int | None, typer.Option(help="Iterations between checkpoints.")] = None,
    init: Annotated[
        Path | None, typer.Option(help="Weights of the same network to begin with, in place of ImageNet's.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue the run in the output folder, as it was begun.")] = False,
    strict: Annotated[bool | None, typer.Option(help="Stop at a broken file instead of skipping its model.")] = None,
    device: Device = "auto",
) -> None:
    """Train a network; the weights to use are the run folder's weights.safetensors. Options change the recipe."""
    from r2n2.config import network_config
    from r2n2.devices import find_device
    from r2n2.training.loop import train as run
    from r2n2.training.recipes import changed
    from r2n2.training.recipes import recipe as find_recipe
    from r2n2.training.run import stored_config

    if resume and recipe:
        raise UserError("--resume goes on with the run's own recipe; leave out --recipe.")
    if resume and init:
        raise UserError("--resume goes on with the run's own weights; leave out --init.")
    if pretrained is False and not (resume or init) and frozen is None:
        frozen = 0  # weights drawn at random have to learn
    default = "compact" if network == "compact" else "2016"
    config = changed(
        stored_config(output) if resume else find_recipe(recipe or default),
        iterations=iterations,
        batch_size=batch_size,
        max_views=max_views,
        learning_rate=learning_rate,
        warmup=warmup,
        cooldown=cooldown,
        weight_decay=weight_decay,
        average=average,
        augmentation=augmentation,
        amp=amp,
        pretrained=pretrained,
        frozen=frozen,
        encoder_rate=encoder_rate,
        dropout=dropout,
        dice=dice,
        loss_views=loss_views,
        seed=seed,
        workers=workers,
        save_every=save_every,
        strict=strict,
    )
    chosen = _models(data, "train", config.strict)[0]
    print(run(network_config(network), chosen, output, config, find_device(device), resume, init))


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Weights: .safetensors, or .npy or .npz of 2016.")],
    target: Annotated[Path, typer.Argument(help="The same weights; the suffix says the format.")],
    half: Annotated[bool, typer.Option("--half", help="Store .safetensors in half precision.")] = False,
) -> None:
    """Convert weights between this project's format and that of the original program (2016)."""
    from r2n2.network.checkpoint import convert_weights

    print(f"{target}: weights of the network {convert_weights(source, target, half).name}")


@app.command()
def networks() -> None:
    """List the networks and their parameter counts."""
    from r2n2.config import NETWORKS
    from r2n2.network.model import R2N2, count_parameters

    for name, config in NETWORKS.items():
        print(f"{name:<12} {count_parameters(R2N2(config)):>11,}")


def _models(folder: Path, split: str, strict: bool) -> tuple[list["Model"], list[str]]:
    """The models of one split of a folder and a sentence for each that misses a part; these are printed, too."""
    from r2n2.data.shapenet import find_models, select

    models, problems = find_models(folder)
    if problems and strict:
        raise UserError(f"{problems[0]}; without --strict the others are used.")
    for sentence in problems:
        print(f"skipped: {sentence}", file=sys.stderr)
    chosen = select(models, split)
    if not chosen:
        raise UserError(f"The {split} split of {folder} has no models ({len(models)} in all); choose another --split.")
    return chosen, problems


def _warn(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        print(f"warning: {sentence}", file=sys.stderr)


def _as_sentence(
    message: Warning | str, category: type[Warning], filename: str, line: int, source: str | None = None
) -> str:
    """How warnings are printed: what was skipped as a plain sentence, all others as Python does."""
    return f"{message}\n" if category is SkippedWarning else f"{filename}:{line}: {category.__name__}: {message}\n"


def main() -> None:
    """Run the command line; a user's mistake is one sentence on standard error and exit code 2."""
    warnings.formatwarning = _as_sentence
    try:
        app()
    except (UserError, OSError) as error:
        print(f"r2n2: {error}", file=sys.stderr)
        sys.exit(2)
