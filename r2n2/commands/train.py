"""`r2n2 train`: combine options, a settings file, a recipe and a stored run into one call of the training loop."""

import sys
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from r2n2.commands.choices import Network, Only, print_skipped, splits_of
from r2n2.errors import UserError

if TYPE_CHECKING:
    from r2n2.training.recipes import TrainingConfig
    from r2n2.training.settings import Settings

DEFAULT_NETWORK = "compact"
SHIPPED = Path("shipped")  # as --init, unless a file has this name
OF_COMPACT = ("frozen", "encoder_rate", "dropout")  # these have no meaning for other networks


def train(
    data: Annotated[Path | None, typer.Option(help="Folder in the ShapeNet layout, or a pack.")] = None,
    only: Only = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder of the run.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file of settings, named as these options; options override it.")
    ] = None,
    network: Network = None,
    recipe: Annotated[
        str | None, typer.Option(help="2016 or compact; by default compact for that network, else 2016.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(help="Iteration at which the run ends.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Models in a batch, over all processes together.")] = None,
    accumulate: Annotated[int | None, typer.Option(help="Compute each batch in this many pieces, in turn.")] = None,
    max_views: Annotated[
        int | None, typer.Option(help="Maximum views per model; each batch has 1 to this many.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Adam's peak learning rate.")] = None,
    warmup: Annotated[int | None, typer.Option(help="Iterations over which the learning rate rises.")] = None,
    drops: Annotated[
        str | None, typer.Option(help="Iterations at which the learning rate is divided by ten, such as 20000,40000.")
    ] = None,
    cooldown: Annotated[
        int | None, typer.Option(help="Final iterations, over which the learning rate falls to 0.")
    ] = None,
    fall: Annotated[str | None, typer.Option(help="Shape of the fall during the cooldown: linear or cosine.")] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="L2 decay of convolutions and matrices, not of biases and norms.")
    ] = None,
    clip: Annotated[float | None, typer.Option(help="Maximum norm of the gradient.")] = None,
    average: Annotated[float | None, typer.Option(help="Decay of the running mean of the weights; 0: none.")] = None,
    augmentation: Annotated[
        str | None, typer.Option(help="2016, or compact (adds zoom, shift, colour and backgrounds).")
    ] = None,
    amp: Annotated[bool | None, typer.Option(help="Use bfloat16 autocast; the states stay float32.")] = None,
    compile: Annotated[bool | None, typer.Option(help="Compile encoder and decoder with torch.compile.")] = None,
    backend: Annotated[str | None, typer.Option(help="Recurrence backend: auto, triton, onednn or reference.")] = None,
    pretrained: Annotated[
        bool | None, typer.Option(help="Start compact's encoder from ImageNet weights (needs the extra train).")
    ] = None,
    frozen: Annotated[
        int | None,
        typer.Option(help="Freeze the first N of compact's 17 encoder parts and, from 1 on, all depthwise filters."),
    ] = None,
    encoder_rate: Annotated[
        float | None,
        typer.Option(help="Learning rate of compact's encoder parts that learn, as a factor of --learning-rate."),
    ] = None,
    dropout: Annotated[float | None, typer.Option(help="Dropout rate of the encoder's last maps.")] = None,
    dice: Annotated[float | None, typer.Option(help="Weight of the Dice term of the loss.")] = None,
    loss_views: Annotated[
        int | None,
        typer.Option(help="Number of shapes in the loss: after the last view and random others; 0: every view."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed for the weights and the order of the data.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that load data, for each training process.")] = None,
    report_every: Annotated[int | None, typer.Option(help="Iterations between lines of log.csv.")] = None,
    save_every: Annotated[int | None, typer.Option(help="Iterations between checkpoints.")] = None,
    keep: Annotated[int | None, typer.Option(help="Number of newest checkpoints to keep, besides the best.")] = None,
    validate_every: Annotated[int | None, typer.Option(help="Iterations between validations; 0: none.")] = None,
    validate_models: Annotated[int | None, typer.Option(help="Number of objects of the val split to score.")] = None,
    tensorboard: Annotated[
        bool | None, typer.Option(help="Also write TensorBoard files (needs the extra tensorboard).")
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(help="Weights of the same network to start from, instead of ImageNet's; shipped: those of r2n2."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in -o with its settings; options change them.")
    ] = False,
    auto_resume: Annotated[
        bool,
        typer.Option("--auto-resume", help="Continue the run in -o, or start one if there is none: for schedulers."),
    ] = False,
    other_data: Annotated[
        bool, typer.Option("--other-data", help="Continue even if the data differ from those of the run so far.")
    ] = False,
    strict: Annotated[bool | None, typer.Option(help="Stop at a broken file instead of skipping its model.")] = None,
    device: Annotated[
        str | None, typer.Option(help="auto (CUDA if available, else the CPU), cpu, cuda, cuda:1, ...")
    ] = None,
) -> None:
    """Train a network.

    The trained weights are written to weights.safetensors in the run's folder. Options override the recipe.

    On several GPUs or machines: torchrun --nproc-per-node N -m r2n2 train ...
    """
    given = dict(locals())  # the options by name, before any other variable exists
    from r2n2.config import network_config
    from r2n2.devices import find_device, has_bfloat16
    from r2n2.network.checkpoint import shipped_weights
    from r2n2.training.checkpoints import Checkpoints
    from r2n2.training.interruption import StoppedError
    from r2n2.training.narration import say
    from r2n2.training.processes import joined
    from r2n2.training.settings import Settings, read_settings
    from r2n2.training.train import train as run

    settings = read_settings(config) if config else Settings()
    output, data = output or settings.output, data or settings.data
    if not output:
        raise UserError("A run needs a folder; name one with -o.")
    if resume and recipe:
        raise UserError("--resume continues with the recipe of the run; omit --recipe.")
    if resume and init:
        raise UserError("--resume continues with the weights of the run; omit --init.")
    resume = resume or (auto_resume and bool(Checkpoints(output).paths()))
    stored = Checkpoints(output).description() if resume else None
    data = data or (Path(stored.place) if stored and stored.place else None)
    if not data:
        raise UserError("There is no data to train on; name a folder with --data.")
    chosen = network_config(network) if network else settings.network
    if stored is None:
        chosen = chosen or network_config(DEFAULT_NETWORK)
        graph = chosen.graph
    else:
        graph = (chosen or stored.network).graph
    values = _values(given, settings, stored.config if stored else None, graph)
    init = None if resume else init or settings.init
    amp_is_recipes = stored is None and amp is None and "amp" not in settings.changes
    try:
        with ExitStack() as stack, joined(device or settings.device or "auto") as (processes, place):
            if init == SHIPPED and not init.is_file():
                init = stack.enter_context(shipped_weights())
            splits, problems = splits_of(data, ["train", "val"], values.strict, values.only)
            if processes.writes:
                print_skipped(problems)
            if not splits["train"]:
                raise UserError(f"{data} has no models to train on; it needs a train split.")
            place = find_device(place)
            if values.amp and amp_is_recipes and not has_bfloat16(place):
                values = replace(values, amp=False)
                if processes.writes:
                    say(
                        "warning: this CPU is slow in bfloat16; training uses float32 (--amp forces bfloat16)",
                        sys.stderr,
                    )
            is_new = stored is None or values != stored.config
            if processes.writes and is_new and (doubt := values.doubt_of_rate()):
                say(f"warning: {doubt}", sys.stderr)
            weights = run(
                chosen,
                splits["train"],
                output,
                values,
                place,
                resume,
                init,
                validation=splits["val"],
                place=str(data.resolve()),
                other_data=other_data,
                processes=processes,
            )
            if processes.writes:
                print(weights)
    except StoppedError as stopped:
        if processes.writes:
            say(f"r2n2: {stopped}", sys.stderr)
        raise typer.Exit(stopped.exit_code) from None
    except KeyboardInterrupt:
        say("r2n2: stopped at once; the last checkpoint, if any, is kept.", sys.stderr)
        raise typer.Exit(130) from None


def _values(
    given: dict[str, Any], settings: "Settings", stored: "TrainingConfig | None", graph: str
) -> "TrainingConfig":
    """The recipe or, for a run that continues, its settings; overridden by the settings file, and that by options."""
    from r2n2.training.recipes import TrainingConfig, changed, recipe

    names = {field.name for field in fields(TrainingConfig)}
    options = {name: value for name, value in given.items() if name in names and value not in (None, [])}
    if "drops" in options:
        options["drops"] = _numbers(options["drops"])
    if "only" in options:
        options["only"] = tuple(options["only"])
    changes = settings.changes | options
    # Check only the options: a run's settings.toml names every setting.
    others = [name for name in OF_COMPACT if name in options and options[name] != getattr(TrainingConfig, name)]
    if others and graph != "compact":
        raise UserError(f"--{others[0].replace('_', '-')} applies only to compact's encoder; omit it for this network.")
    if stored is None:
        begun_from = given["init"] or settings.init
        if changes.get("pretrained") is False and not begun_from:
            changes.setdefault("frozen", 0)  # random weights have to learn
        default = "compact" if graph == "compact" else "2016"
        stored = recipe(given["recipe"] or settings.recipe or default)
    return changed(stored, **changes)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(",") if word.strip())
    except ValueError as error:
        raise UserError(f"--drops is {text!r}; give iterations separated by commas, such as 20000,40000.") from error
