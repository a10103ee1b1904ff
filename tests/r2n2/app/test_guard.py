"""What is refused before the page sees it, tested without a page: this needs starlette, but not Gradio."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("starlette")

from r2n2.app.guard import HEADERS, Guard
from r2n2.app.uploads import MAX_REQUEST

HOST = "127.0.0.1"


def answered(*headers: tuple[str, str]) -> dict[str, Any]:
    """The start of the response to a request with `headers`, from a guard around an app that accepts everything."""
    sent: list[dict[str, Any]] = []

    async def app(scope: dict[str, Any], receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "scheme": "http", "path": "/", "query_string": b""}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers]
    asyncio.run(Guard(app, hosts=[HOST])(scope, receive, send))
    return sent[0]


@pytest.mark.parametrize("host", ["shapes.example", "127.0.0.2", "127.0.0.1.example", ""])
def test_a_request_that_names_another_host_is_refused(host: str) -> None:
    assert answered(("host", host))["status"] == 400


@pytest.mark.parametrize("host", [HOST, f"{HOST}:7860"])
def test_a_request_that_names_the_host_is_answered_with_the_headers(host: str) -> None:
    start = answered(("host", host), ("content-length", str(MAX_REQUEST)))
    assert start["status"] == 200
    assert dict(start["headers"]) == {name.encode(): value.encode() for name, value in HEADERS.items()}


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (f"http://{HOST}:7860", 200),
        ("http://shapes.example", 403),
        (f"http://{HOST}:3000", 403),
        ("http://localhost:7860", 403),
        ("null", 403),
    ],
)
def test_a_request_from_another_page_is_refused(origin: str, status: int) -> None:
    """A browser sends the forms of any page to any address, without asking."""
    assert answered(("host", f"{HOST}:7860"), ("origin", origin))["status"] == status


def test_a_body_that_is_too_long_or_of_unknown_length_is_refused() -> None:
    assert answered(("host", HOST), ("content-length", str(MAX_REQUEST + 1)))["status"] == 413
    assert answered(("host", HOST), ("transfer-encoding", "chunked"))["status"] == 411
