"""The page, the downloads and the page's security, on this machine's own address.

Nothing but 127.0.0.1 is listened to, requests that name another host are refused (a web page elsewhere cannot reach
the app by a name that it lets point here), and the browser is told to load nothing from anywhere else.
"""

import os
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from r2n2.errors import UserError
from r2n2.shapes.reconstruction import Reconstructor

if TYPE_CHECKING:
    from fastapi import FastAPI

ADDRESS = "127.0.0.1"
PORT = 7860
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; connect-src 'self' blob: data:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)


def check_extra() -> None:
    """Raise UserError unless Gradio is installed."""
    if find_spec("gradio") is None:
        raise UserError("The app needs gradio, which is not installed; install the extra with pip install '.[app]'.")


def run_app(model: Reconstructor, port: int | None = None, browse: bool = False) -> None:
    """Serve the app until Ctrl-C; its files are removed then. port: left out, 7860, or a free one if that is taken.

    browse: open the page in the browser. Raises UserError if the port is taken, or Gradio is not installed.
    """
    check_extra()
    listening = _listen(port)
    address = f"http://{ADDRESS}:{listening.getsockname()[1]}"
    with listening, tempfile.TemporaryDirectory(prefix="r2n2-app-") as folder:
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": folder}
        import uvicorn

        app = create_app(model, Path(folder))
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)

        async def announce() -> None:
            print(f"r2n2 runs on {address} (Ctrl-C ends it)", flush=True)
            if browse:
                webbrowser.open(address)

        app.router.on_startup.append(announce)
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            print("", file=sys.stderr)


def create_app(model: Reconstructor, folder: Path) -> "FastAPI":
    """The ASGI app: the page at /, downloads at /shapes/<token>/shape<suffix>; temporary files go into `folder`."""
    import gradio as gr
    from fastapi import FastAPI, HTTPException, Request, Response
    from fastapi.responses import JSONResponse
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from r2n2.app.downloads import saved
    from r2n2.app.page import CSS, THEME, Page, build
    from r2n2.app.uploads import MAX_FILE, MAX_REQUEST

    page = Page(model, folder)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[ADDRESS, "localhost"])

    @app.middleware("http")
    async def guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if int(request.headers.get("content-length", 0)) > MAX_REQUEST:
            sentence = f"These pictures have more than {MAX_REQUEST // 2**20} MB together; add fewer at a time."
            return JSONResponse({"detail": sentence}, status_code=413)
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @app.get("/shapes/{token}/{name}")
    def download(token: str, name: str, threshold: float) -> Response:
        shape = page.shelf.get(token)
        if shape is None:
            raise HTTPException(404, "This shape is gone; rebuild it.")
        try:
            content = saved(shape, Path(name).suffix, threshold, folder)
        except UserError as error:
            raise HTTPException(400, str(error)) from error
        return Response(content, media_type="application/octet-stream")

    return gr.mount_gradio_app(
        app,
        build(page),
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


def _listen(port: int | None) -> socket.socket:
    """A socket bound to `port` of the local address; left out, to 7860 or any free one."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port or PORT))
    except OSError as error:
        if port is not None:
            listening.close()
            raise UserError(f"Port {port} is taken; choose another --port, or leave it out.") from error
        listening.bind((ADDRESS, 0))
    return listening
