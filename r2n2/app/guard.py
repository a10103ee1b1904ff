"""What the app refuses before Gradio sees it, and what it tells the browser to refuse.

Requests that name another host are refused (a web page elsewhere cannot reach the app by a name that it lets point to
this machine) or that another page's form or script sends (by the Origin that browsers name; a link opens the app),
bodies that are too long, too, and the browser loads nothing from anywhere else, whatever Gradio's page asks for.
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
    """ASGI middleware around an app that answers to the names `hosts`."""

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        self.app = TrustedHostMiddleware(app, allowed_hosts=hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        origin = headers.get(b"origin")
        if origin is not None and origin.partition(b"://")[2] != headers.get(b"host"):
            await PlainTextResponse("This app answers its own page alone.", 403)(scope, receive, send)
        elif b"transfer-encoding" in headers:  # of unknown length; no browser sends its forms so
            await PlainTextResponse("A request has to say how long it is.", 411)(scope, receive, send)
        elif int(headers.get(b"content-length", 0)) > MAX_REQUEST:
            sentence = f"These pictures have more than {MAX_REQUEST // 2**20} MB together; add fewer at a time."
            await PlainTextResponse(sentence, 413)(scope, receive, send)
        else:
            await self.app(scope, receive, lambda message: send(_with_headers(message)))


def _with_headers(message: Message) -> Message:
    if message["type"] != "http.response.start":
        return message
    added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    return message | {"headers": [*message.get("headers", ()), *added]}
