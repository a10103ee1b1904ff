"""The command line: each command parses its arguments and makes one call. Heavy imports happen inside the commands."""

import errno
import io
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from r2n2 import __version__
from r2n2.commands.choices import BackgroundOption, Device, Network, Weights
from r2n2.commands.data import data
from r2n2.commands.evaluate import evaluate
from r2n2.commands.reconstruct import reconstruct
from r2n2.commands.train import train
from r2n2.errors import PlainWarning, UserError

app = typer.Typer(
    help="Reconstruct the 3D shape of an object from pictures: a modern 3D-R2N2 (Choy et al., ECCV 2016).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich doubles the time that --help takes
    context_settings={"help_option_names": ["-h", "--help"]},  # subcommands inherit it
)
app.add_typer(data, name="data")
app.command()(reconstruct)
app.command()(evaluate)
app.command()(train)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"r2n2 {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    output: Annotated[Path, typer.Argument(help="Mesh to write; a PNG of the same name is written next to it.")] = Path(
        "prediction.obj"
    ),
    background: BackgroundOption = "auto",
    device: Device = "auto",
) -> None:
    """Reconstruct a bundled object from three views.

    The network never saw this object in training.
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
def convert(
    source: Annotated[Path, typer.Argument(help="Weights to read: .safetensors, or .npy or .npz of 2016.")],
    target: Annotated[Path, typer.Argument(help="File to write; its suffix sets the format.")],
    half: Annotated[bool, typer.Option("--half", help="Store .safetensors in half precision.")] = False,
) -> None:
    """Convert weights to or from the format of 2016.

    This project uses .safetensors; the original program used .npy or .npz.
    """
    from r2n2.network.checkpoint import convert_weights

    print(f"{target}: weights of the network {convert_weights(source, target, half).name}")


@app.command("app")
def serve(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port to serve on; by default 7860, or a free one if that is taken."),
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    network: Network = None,
    weights: Weights = None,
    device: Device = "auto",
) -> None:
    """Reconstruct objects in the browser.

    Drop in pictures and turn the shape. The page can be reached only from this machine.
    """
    from r2n2.app import check_extra, run_app
    from r2n2.shapes.reconstruction import load

    check_extra()
    run_app(load(weights, network, device), port, browse)


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    network: Network = None,
    weights: Weights = None,
) -> None:
    """Export a network to ONNX and compare it with PyTorch.

    Writes three graphs: encoder, one recurrent step, decoder.
    """
    from r2n2.export import check_extra, export_onnx
    from r2n2.shapes.reconstruction import load

    check_extra()
    result = export_onnx(load(weights, network, "cpu"), output)
    for path in result.files:
        print(f"{path}  {path.stat().st_size / 1e6:.3f} MB")
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
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Format a warning: those for the user as plain sentences, all others as Python does."""
    return (
        f"{message}\n"
        if issubclass(category, PlainWarning)
        else f"{filename}:{lineno}: {category.__name__}: {message}\n"
    )


def main() -> None:
    """Run the command line; a user's mistake ends it with a one-line message on standard error and exit code 2."""
    warnings.formatwarning = _as_sentence
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file name may have characters that a terminal lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except (UserError, OSError) as error:
        rank, count = os.environ.get("RANK", "?"), int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun
        who = f" (process {rank})" if count > 1 else ""
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and not error.filename:  # an open file
            error = "Cannot write to standard output, or to an open file: No space left on device."
        print(f"r2n2{who}: {error}", file=sys.stderr)
        sys.exit(2)
