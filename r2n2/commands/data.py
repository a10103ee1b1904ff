"""The commands of `r2n2 data`: prepare, check and find data."""

import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2n2.commands.choices import Only, print_skipped
from r2n2.errors import StaleWarning, UserError

if TYPE_CHECKING:
    from r2n2.data.prepare import Report

data = typer.Typer(help="Prepare, check and pack data; find the bundled sample.", no_args_is_help=True)

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder to write ShapeNetRendering and ShapeNetVox32 to.")]
Views = Annotated[int, typer.Option(help="Number of pictures of each object.")]
Variants = Annotated[
    int, typer.Option(help="Extra copies of each object for training: stretched, with other materials and light.")
]
Stretch = Annotated[float, typer.Option(help="Largest stretch of a variant along an axis, as a natural logarithm.")]
Renderer = Annotated[
    str, typer.Option(help="light, opengl (faster; needs the extra opengl), or blender (needs the extra render).")
]
Seed = Annotated[int, typer.Option(help="Random seed for the cameras and the stretches.")]
Workers = Annotated[int, typer.Option(help="Number of processes; 0: one per core.")]

ShardText = Annotated[
    str, typer.Option("--shard", help="Only this share of the objects, such as 3/16; for parallel jobs.")
]
Again = Annotated[bool, typer.Option("--again", help="Prepare models again that were prepared with other options.")]


@data.command()
def meshes(
    inputs: Annotated[
        list[Path], typer.Argument(help="Mesh files that trimesh reads (OBJ, GLB, PLY, STL), or folders of them.")
    ],
    output: Output,
    category: Annotated[
        str | None, typer.Option(help="Category, such as chair; by default, the name of each mesh's folder.")
    ] = None,
    up: Annotated[str, typer.Option(help="Axis that points up in the meshes: y or z.")] = "y",
    front: Annotated[
        str | None,
        typer.Option(help="Axis that the fronts of the meshes face, such as -x; default +z (glTF), or -y with --up z."),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(help="Where paths hold category and name, such as {category}/{name}/models/model_normalized.obj."),
    ] = None,
    mix: Annotated[
        bool, typer.Option("--mix", help="Prefix names with hash digits, so that the split by name is random.")
    ] = False,
    views: Views = 24,
    variants: Variants = 0,
    stretch: Stretch = 0.25,
    renderer: Renderer = "light",
    seed: Seed = 0,
    workers: Workers = 0,
    shard: ShardText = "1/1",
    again: Again = False,
) -> None:
    """Prepare your own meshes."""
    from r2n2.data.meshes import find_meshes
    from r2n2.data.prepare import PrepareConfig, prepare
    from r2n2.data.shards import Shard

    config = PrepareConfig(views, variants, stretch, renderer, seed, workers, Shard.parse(shard), again)
    sources = find_meshes(inputs, category, up, front, mix, layout)
    with _interruptible():
        _report(prepare(sources, output, config), output)


@data.command()
def sweethome(
    libraries: Annotated[list[Path], typer.Argument(help="Sweet Home 3D furniture libraries (.sh3f).")],
    output: Output,
    exclude: Annotated[
        Path | None, typer.Option(help="Text file of catalogue identifiers to skip, one per line.")
    ] = None,
    only: Only = None,
    views: Views = 24,
    variants: Variants = 0,
    stretch: Stretch = 0.25,
    renderer: Renderer = "light",
    seed: Seed = 0,
    workers: Workers = 0,
    shard: ShardText = "1/1",
    again: Again = False,
) -> None:
    """Prepare the furniture of Sweet Home 3D libraries."""
    from r2n2.data.prepare import PrepareConfig, prepare
    from r2n2.data.shards import Shard
    from r2n2.data.sweethome import read_library

    config = PrepareConfig(views, variants, stretch, renderer, seed, workers, Shard.parse(shard), again)
    excluded = _lines(exclude) if exclude else set()
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for number, path in enumerate(libraries):
            found, problems = read_library(path, Path(folder) / str(number), excluded)
            sources += [source for source in found if not only or source.category in only]
            print_skipped(problems)
        with _interruptible():
            _report(prepare(sources, output, config), output)


@data.command()
def shapes(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write to, with a subfolder for each category.")
    ],
    categories: Annotated[
        list[str] | None, typer.Argument(help="Categories, such as car; by default all that can be made.")
    ] = None,
    count: Annotated[int, typer.Option(help="Number of objects in each category.")] = 200,
    first: Annotated[int, typer.Option(help="Number of the first object.")] = 0,
    seed: Annotated[int, typer.Option(help="Random seed for all objects.")] = 0,
    shard: ShardText = "1/1",
) -> None:
    """Make meshes of parametric objects, for r2n2 data meshes."""
    from r2n2.data.procedural import write_shapes
    from r2n2.data.shards import Shard

    new = write_shapes(categories, output, count, seed, first, Shard.parse(shard))
    print(f"{output}: {new} meshes made; prepare them with r2n2 data meshes {output} --front +x -o DIR")


@data.command()
def check(folder: Annotated[Path, typer.Argument(help="Folder with ShapeNetRendering and ShapeNetVox32.")]) -> None:
    """Read every file and report what is missing or broken."""
    from r2n2.data.check import check_model
    from r2n2.data.shapenet import find_models
    from r2n2.progress import progress

    models, problems = find_models(folder)
    for model in progress(models, "checking", unit="model"):
        problems += check_model(model)
    for sentence in problems:
        print(sentence)
    if problems:
        raise UserError(f"{folder} has {len(problems)} problems, listed above; {len(models)} models were read.")
    print(f"{folder}: {len(models)} models, all files readable")


@data.command()
def sheet(
    folder: Annotated[Path, typer.Argument(help="Folder with ShapeNetRendering and ShapeNetVox32.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Picture to write.")] = Path("sheet.png"),
    category: Annotated[str | None, typer.Option(help="Draw only this category, such as chair.")] = None,
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "all",
    count: Annotated[int, typer.Option(help="Maximum number of objects, spread evenly.")] = 96,
) -> None:
    """Draw a contact sheet of a data folder.

    It shows pictures, voxels, and an arrow along the front of each object.
    """
    from r2n2.data.readable import of_categories
    from r2n2.data.shapenet import find_models, select
    from r2n2.data.sheet import contact_sheet
    from r2n2.files import written_beside
    from r2n2.shapes.picture import check_picture

    check_picture(output)
    if count < 1:
        raise UserError(f"--count is {count}; it must be at least 1.")
    models = of_categories(select(find_models(folder)[0], split), [category] if category else [])
    if not models:
        raise UserError(f"{folder} has no models of this category and split; check --category and --split.")
    picture, drawn = contact_sheet(models, count)
    with written_beside(output) as temporary:
        picture.save(temporary)
    print(f"{output}: {drawn} of {len(models)} models")


@data.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="Folder with ShapeNetRendering and ShapeNetVox32.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write a few large files to.")],
) -> None:
    """Pack a data folder for training (--data PACK).

    Writes a file of pixels and a file of voxels for each split.
    """
    from r2n2.data.packed import write_pack

    with _interruptible("no partial file was left; run the same command again to start over."):
        counts, problems = write_pack(folder, output)
    print_skipped(problems)
    print(f"{output}: {', '.join(f'{count} models in {split}' for split, count in counts.items())}")


@data.command()
def duplicates(
    folder: Annotated[Path, typer.Argument(help="Folder with ShapeNetRendering and ShapeNetVox32.")],
    against: Annotated[
        Path | None,
        typer.Option(help="Only list the objects of this folder that are near-duplicates of what FOLDER trains on."),
    ] = None,
) -> None:
    """Find near-duplicates in a data folder.

    Each group is then kept on one side of the split.
    """
    from r2n2.data.duplicates import DUPLICATES_FILE, write_duplicates
    from r2n2.data.fingerprint import fingerprint
    from r2n2.data.shapenet import find_duplicates, find_models, originals

    if against:
        _list_likenesses(folder, against)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StaleWarning)  # this command is what fixes it
        compared = originals(find_models(folder)[0])
    found = find_duplicates(compared)
    write_duplicates(folder, found, fingerprint(compared))
    near = f"{len(found)} near-duplicates of {len(set(found.values()))} others" if found else "no near-duplicates"
    print(f"{folder / DUPLICATES_FILE}: {near} among {len(compared)} objects")


def _list_likenesses(folder: Path, against: Path) -> None:
    from r2n2.data.shapenet import find_likenesses, find_models, select

    kept, trained = find_models(against)[0], select(find_models(folder)[0], "train")
    for place, models in ((against, kept), (folder, trained)):
        if not models:
            raise UserError(f"{place} has no models to compare; check the folder.")
    found, compared = find_likenesses(kept, trained)
    for iou, model, like in found:
        print(f"{iou:.3f}  {model.word}/{model.name}  {like.word}/{like.name}")
    print(f"{len(found)} of {compared} objects in {against} have a near-duplicate that {folder} trains on")


@data.command()
def sample() -> None:
    """Print the folder of the bundled sample."""
    from r2n2.data.sample import sample_folder

    with sample_folder() as folder:
        print(folder)


@contextmanager
def _interruptible(sentence: str = "run the same command again to continue where it stopped.") -> Iterator[None]:
    """End the command on Ctrl-C with a one-line message and the exit code that shells expect."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"r2n2: interrupted; {sentence}", file=sys.stderr)
        raise typer.Exit(130) from None


def _lines(path: Path) -> set[str]:
    try:
        return {line.strip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")}
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read the list {path}: {error}.") from error


def _report(report: "Report", output: Path) -> None:
    print_skipped(report.failures)
    kept = report.models - report.new
    print(f"{output}: {report.new} models prepared, {kept} already prepared, {len(report.failures)} skipped")
