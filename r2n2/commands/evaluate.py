"""`r2n2 evaluate`: score the objects of a data set, or the bundled ones, in a table."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from r2n2.commands.choices import Device, Network, Only, Preprocessing, Threshold, Weights, models_of, print_skipped
from r2n2.config import THRESHOLD
from r2n2.errors import UserError


def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder in the ShapeNet layout, or a pack; the bundled sample by default."),
    ] = None,
    weights: Weights = None,
    network: Network = None,
    split: Annotated[
        str | None,
        typer.Option(help="train, val, test or all; by default test with --data, and all of the bundled sample."),
    ] = None,
    only: Only = None,
    views: Annotated[int | None, typer.Option(help="Largest number of views; 5 by default.")] = None,
    threshold: Threshold = THRESHOLD,
    json: Annotated[Path | None, typer.Option(help="Write the table as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the table as Markdown.")] = None,
    mean_shape: Annotated[
        Path | None,
        typer.Option(help="Instead of a network, score the mean shape of each category in this folder's train split."),
    ] = None,
    averaged: Annotated[
        bool,
        typer.Option("--averaged", help="Without the recurrence: reconstruct each view alone and average the shapes."),
    ] = False,
    orders: Annotated[
        int, typer.Option(min=0, help="Also use the views in this many random orders and print the spread of the IoU.")
    ] = 0,
    grounds: Annotated[
        bool,
        typer.Option(
            "--grounds", help="Instead, score synthetic photographs of the objects on plain, wooden and other grounds."
        ),
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of objects, spread evenly.")] = None,
    failures: Annotated[Path | None, typer.Option(help="Draw the worst results into this picture.")] = None,
    strict: Annotated[bool, typer.Option(help="Stop at the first broken file instead of reporting it.")] = False,
    preprocessing: Preprocessing = "modern",
    device: Device = "auto",
) -> None:
    """Print a table of IoU and average precision.

    The table has values per category and for each number of views up to --views.
    """
    from contextlib import ExitStack
    from dataclasses import replace

    from r2n2.data.readable import spread
    from r2n2.data.sample import sample_folder
    from r2n2.evaluation.failures import draw_failures
    from r2n2.evaluation.grounds import draw_grounds, evaluate_grounds
    from r2n2.evaluation.tables import MAX_VIEWS, evaluate_mean_shapes, write_tables
    from r2n2.evaluation.tables import evaluate as run
    from r2n2.files import check_writable, write_texts
    from r2n2.shapes.picture import check_picture
    from r2n2.shapes.reconstruction import load

    network_asked = weights or network or device != "auto"
    views_asked = averaged or orders or failures or views is not None or preprocessing == "2016"
    if mean_shape and (network_asked or views_asked):
        raise UserError(
            "--mean-shape uses neither views nor a network; omit --averaged, --orders, --failures, --views, "
            "--preprocessing, --weights, --network, --device."
        )
    if averaged and orders:
        raise UserError("With --averaged the order of the views does not matter; omit --orders or --averaged.")
    if grounds and (mean_shape or averaged or orders or json or views is not None or preprocessing == "2016"):
        raise UserError(
            "--grounds prints a different table, for one view; omit --mean-shape, --averaged, --orders, --json, "
            "--views, --preprocessing."
        )
    most = MAX_VIEWS if views is None else views
    if failures:
        check_picture(failures)
    for path in filter(None, (json, markdown, failures)):
        check_writable(path)
    with ExitStack() as stack:
        folder = data or stack.enter_context(sample_folder())
        chosen, missing = models_of(folder, split or ("test" if data else "all"), strict, only or ())
        if limit:
            chosen = spread(chosen, limit)
        if grounds:
            result = evaluate_grounds(load(weights, network, device), chosen, threshold)
            print(result.to_markdown(), end="", flush=True)
            write_texts({markdown: result.to_markdown()} if markdown else {})
            if failures:
                draw_grounds(result, failures, threshold)
            return
        if mean_shape:
            training, _ = models_of(mean_shape, "train", strict)
            table = evaluate_mean_shapes(training, chosen, threshold, strict)
        else:
            model = load(weights, network, device)
            table = run(model, chosen, most, threshold, strict, preprocessing, averaged, orders)
        print_skipped(table.skipped)
        if views is not None and not mean_shape and len(table.views) < views:
            print(f"warning: no object has more than {len(table.views)} views", file=sys.stderr)
        print(table.to_markdown(), end="", flush=True)
        write_tables(replace(table, skipped=missing + table.skipped), json, markdown)
        if failures:
            draw_failures(model, chosen, failures, min(most, 3), threshold, preprocessing, averaged)
