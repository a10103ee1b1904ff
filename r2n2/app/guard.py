"""Requests that the app refuses before Gradio sees them, and what it tells the browser to refuse.

The app refuses requests that name another host (so that a web page elsewhere cannot reach it through a domain name that
points to this machine), requests that a form or script of another page sends (recognised by the Origin header; a link
still opens the app), and bodies that are too long. The response headers stop the browser from loading anything from
elsewhere, whatever Gradio's page asks for.
"""

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from r2n2.app.uploads import MAX_REQUEST

HEADERS = {
    "content-security-policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "connect-src 'self' blob: data:; frame-ancestors 'none'; form-action 'self'; base-uri 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Guard:
    """ASGI middleware around an app that is served under the host names `hosts`."""

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        self.app = TrustedHostMiddleware(app, allowed_hosts=hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        origin = headers.get(b"origin")
        if origin is not None and origin.partition(b"://")[2] != headers.get(b"host"):
            await PlainTextResponse("This app answers only its own page.", 403)(scope, receive, send)
        elif b"transfer-encoding" in headers:  # of unknown length; no browser sends forms this way
            await PlainTextResponse("The request must have a Content-Length header.", 411)(scope, receive, send)
        elif int(headers.get(b"content-length", 0)) > MAX_REQUEST:
            sentence = f"These pictures have more than {MAX_REQUEST // 2**20} MB in total; add fewer at a time."
            await PlainTextResponse(sentence, 413)(scope, receive, send)
        else:
            await self.app(scope, receive, lambda message: send(_with_headers(message)))


def _with_headers(message: Message) -> Message:
    if message["type"] != "http.response.start":
        return message
    added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    return {**message, "headers": [*message.get("headers", ()), *added]}
