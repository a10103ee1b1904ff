"""A reconstruction as one self-contained HTML file: the views, the shape after each, and how much each view wrote.

The viewer (viewer/) draws with three.js and computes the surfaces itself from the occupancy of every step, so that the
threshold can be changed. The occupancy o is stored in levels of half a percent: the level q is the number of n with
o > n / 200, so that q > n exactly where o > n / 200. Occupancy and library are deflated. The page's own content
security policy forbids every connection.
"""

import base64
import html
import io
import json
import re
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from r2n2.shapes.picture import view_image
from r2n2.shapes.three import three_js

LEVELS = 200
SCRIPTS = ("surface.js", "orbit.js", "stage.js", "page.js")
FRAME_HEIGHT = 620  # pixels, in a notebook


def page(
    title: str,
    names: Sequence[str],
    views: np.ndarray,
    steps: np.ndarray,
    written: np.ndarray,
    gate: str,
    threshold: float,
    style: str,
    earlier: bool = False,
) -> str:
    """The page's HTML.

    names: the names of the T pictures; views (T, 3, H, W) float in [0, 1]; steps (T, N, N, N): the occupancy after each
    view; written (T, n, n, n) in [0, 1]: how much of the hidden grid each view wrote; gate: one sentence that explains
    `written`; threshold: the slider's initial value; style: "smooth" or "blocky" surface; earlier: whether the first
    view was added to a shape from earlier views.
    """
    count = len(views)
    if not len(names) == len(steps) == len(written) == count:
        raise ValueError(f"{count} views, but {len(names)} names, {len(steps)} steps, {len(written)} gates")
    levels = np.searchsorted(np.arange(LEVELS, dtype=np.float32) / np.float32(LEVELS), steps).astype(np.uint8)
    content = {
        "side": steps.shape[-1],
        "levels": LEVELS,
        "occupancy": _deflated(levels.tobytes()),
        "cells": written.shape[-1],
        "threshold": min(max(round(threshold * LEVELS), 1), LEVELS - 1) / LEVELS,
        "style": style,
        "views": [
            {"name": name, "image": _data_uri(view), "written": np.round(cells, 3).ravel().tolist()}
            for name, view, cells in zip(names, views, written, strict=True)
        ],
    }
    parts = {
        "title": html.escape(title),
        "summary": f"rebuilt from {count} {'view' if count == 1 else 'views'}{' and earlier ones' if earlier else ''}",
        "class": "single" if count == 1 else "several",
        "note": html.escape(gate),
        "style": _asset("page.css"),
        "script": "\n".join(map(_asset, SCRIPTS)),
        "object": json.dumps(content).replace("<", "\\u003c"),  # so that a name cannot close the script element
        "three": _library(),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _asset("page.html"))


def frame(document: str) -> str:
    """An iframe that shows a page within another one, as a separate document, so that several do not clash."""
    return (
        f'<iframe srcdoc="{html.escape(document)}" sandbox="allow-scripts" title="reconstruction" '
        f'style="width: 100%; height: {FRAME_HEIGHT}px; border: 1px solid #8884; border-radius: 8px"></iframe>'
    )


@cache
def _asset(name: str) -> str:
    return (files("r2n2.shapes") / "viewer" / name).read_text(encoding="utf-8")


@cache
def _library() -> str:
    return _deflated(three_js().encode())


def _deflated(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def _data_uri(view: np.ndarray) -> str:
    buffer = io.BytesIO()
    view_image(view).save(buffer, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
