"""Serve the page and the downloads on this machine's own address only, until Ctrl-C."""

import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from r2n2.errors import UserError
from r2n2.shapes.reconstruction import Reconstructor

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from r2n2.app.page import Page

ADDRESS = "127.0.0.1"
PORT = 7860


def check_extra() -> None:
    """Raise UserError unless Gradio is installed."""
    if find_spec("gradio") is None:
        raise UserError("The app needs gradio, which is not installed; install the extra with pip install '.[app]'.")


def run_app(model: Reconstructor, port: int | None = None, browse: bool = False) -> None:
    """Serve the app until Ctrl-C, then remove its files. port: by default 7860, or a free one if that is taken.

    browse: open the page in the browser. Call it in the main thread, which receives the signals. Raises UserError if
    the given port is taken, or if Gradio is not installed.
    """
    check_extra()
    listening = _listen(port)
    address = f"http://{ADDRESS}:{listening.getsockname()[1]}"
    with listening, tempfile.TemporaryDirectory(prefix="r2n2-app-") as folder:
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": folder}  # read when Gradio is imported
        import uvicorn

        from r2n2.app.page import Page

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                print(f"r2n2 is running on {address} (Ctrl-C stops it)", flush=True)
                if browse:
                    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

            async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                # Open pages wait for events without end; each one cut off would log an error with a traceback.
                logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
                await super().shutdown(sockets)

        app = create_app(Page(model, Path(folder)))
        # uvicorn stops on either signal and then raises it again; it is handled here so that the folder is removed.
        before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        try:
            Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)).run([listening])
        except KeyboardInterrupt:
            print(file=sys.stderr)
        finally:
            signal.signal(signal.SIGTERM, before)


def create_app(page: "Page") -> "ASGIApp":
    """An ASGI app with the page at / and downloads at /shapes/<token>/shape<suffix>."""
    import gradio as gr
    from fastapi import FastAPI, HTTPException, Response

    from r2n2.app.downloads import saved
    from r2n2.app.guard import Guard
    from r2n2.app.page import CSS, THEME, build
    from r2n2.app.uploads import MAX_FILE

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/shapes/{token}/{name}")
    def download(token: str, name: str, threshold: float) -> Response:
        shape = page.shelf.get(token)
        if shape is None:
            raise HTTPException(404, "This shape is no longer available; add its pictures again.")
        try:
            content = saved(shape, Path(name).suffix, threshold, page.folder)
        except UserError as error:
            raise HTTPException(400, str(error)) from error
        return Response(content, media_type="application/octet-stream")

    blocks = build(page)
    # Only in apps that it launched itself does Gradio refuse inputs that name files nobody uploaded.
    blocks.has_launched = True
    app = gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        server_name=ADDRESS,
        max_file_size=MAX_FILE,
        ssr_mode=False,
        run_history=False,
        footer_links=[],
        show_error=True,
        theme=THEME,
        css=CSS,
    )
    return Guard(app, hosts=[ADDRESS, "localhost"])


def _listen(port: int | None) -> socket.socket:
    """A socket bound to `port` of the local address; if None, to 7860, or to any free port if that is taken."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port or PORT))
    except OSError as error:
        if port is not None:
            listening.close()
            raise UserError(
                f"Port {port} cannot be used ({error.strerror}); choose another port, or omit it."
            ) from error
        listening.bind((ADDRESS, 0))
    return listening
