"""Failures on demand: what the next answer at a path does wrong.

Kinds that stop a request before it acts: HTTP codes with `status: false` (`401`, `402`, `403`, `404`, `410`, `412`, `413`,
`415`, `422`, `429`, `500`, `503`; 429 with `Retry-After: delay_s`, 503 with it where `delay_s` is not 0); `soft`, `credits`,
`no_car`, `too_large` and `pending` (HTTP 200 with `status: false` and words); `html` (200 with a web page, as a captive
portal sends), `403_page` (as a firewall sends), `413_page` (as a web server in front sends) and `drop_before`.
Kinds that act and spoil the answer: `truncated`, `empty`, `not_json`, `wrong_shape`, `drop_after`, `slow` (a proper answer
after `delay_s`) and `hang` (no answer; the connection breaks after `delay_s`).
"""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from starlette.responses import HTMLResponse, JSONResponse, Response

FailureKind: TypeAlias = Literal[
    "401", "402", "403", "404", "410", "412", "413", "415", "422", "429", "500", "503",
    "soft", "credits", "no_car", "too_large", "pending", "html", "403_page", "413_page",
    "truncated", "empty", "not_json", "wrong_shape", "slow", "hang", "drop_before", "drop_after",
]  # fmt: skip
FAILURE_KINDS: tuple[FailureKind, ...] = get_args(FailureKind)
UNAUTHORIZED = "You are not Authorized"  # the one message the documents show


class ConnectionDropped(ConnectionResetError):  # noqa: N818 - it is an event of the story, not an error of the sandbox
    """The sandbox broke the connection instead of answering.

    In one process it comes out of `httpx.ASGITransport` as it is. Under uvicorn the socket is closed without a byte.
    """


@dataclass(slots=True)
class Failure:
    """A failure waiting for its requests; `path_suffix` is the end of the path they go to, empty for every path.

    It lets `after` of them through and meets the next `times`.
    """

    path_suffix: str
    kind: FailureKind
    times: int = 1
    delay_s: float = 0.0
    after: int = 0


def refusal(message: str, status_code: int = 200) -> JSONResponse:
    """Answer `{"status": false, "message": ...}`."""
    return JSONResponse({"status": False, "message": message}, status_code)


def too_many(wait_s: float) -> JSONResponse:
    """Answer 429; `wait_s` is rounded up into a Retry-After header."""
    answer = refusal("Too many requests", 429)
    answer.headers["Retry-After"] = str(max(1, math.ceil(wait_s)))
    return answer


REFUSALS: dict[FailureKind, tuple[int, str]] = {
    "401": (401, UNAUTHORIZED),
    "402": (402, "Payment Required"),
    "403": (403, "Forbidden"),
    "404": (404, "Not Found"),
    "410": (410, "Gone"),
    "412": (412, "Precondition Failed"),
    "413": (413, "Payload Too Large"),
    "415": (415, "Unsupported Media Type"),
    "422": (422, "Unprocessable Entity"),
    "500": (500, "Internal Server Error"),
    "503": (503, "Service Unavailable"),
    "soft": (200, "Something went wrong"),
    "credits": (200, "Insufficient credits"),
    "no_car": (200, "No car found in the image"),
    "too_large": (200, "File too large"),
    "pending": (200, "Image is not processed"),
}
"""Kinds that are a code and a message in the envelope; all but the 401 are assumed."""

PAGES: dict[FailureKind, tuple[int, str]] = {
    "html": (200, "<!doctype html><title>Sign in</title><h1>Sign in to continue</h1>"),
    "403_page": (403, "<html><head><title>403 Forbidden</title></head><body>Request blocked</body></html>"),
    "413_page": (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
}
"""Kinds that are a web page of something in front of the API."""


def early_answer(failure: Failure) -> Response | None:
    """Answer for a failure that keeps the request from acting, or None if it acts.

    Raises:
        ConnectionDropped: The kind is `drop_before`.
    """
    if failure.kind == "drop_before":
        raise ConnectionDropped
    if failure.kind == "429":
        return too_many(failure.delay_s)
    if failure.kind in PAGES:
        status_code, page = PAGES[failure.kind]
        return HTMLResponse(page, status_code)
    if failure.kind not in REFUSALS:
        return None
    status_code, message = REFUSALS[failure.kind]
    answer = refusal(message, status_code)
    if failure.kind == "503" and failure.delay_s:
        answer.headers["Retry-After"] = str(math.ceil(failure.delay_s))
    return answer


async def spoil(failure: Failure, answer: Response, sleep: Callable[[float], Awaitable[None]]) -> Response:
    """Turn the proper answer of a request that has acted into what the failure wants.

    Raises:
        ConnectionDropped: The kind is `drop_after`, or `hang` and `delay_s` have passed.
    """
    if failure.kind in {"slow", "hang"}:
        await sleep(failure.delay_s)
    if failure.kind in {"hang", "drop_after"}:
        raise ConnectionDropped
    content = bytes(answer.body)
    bodies: dict[FailureKind, bytes] = {
        "truncated": content[: len(content) // 2],
        "empty": b"",
        "not_json": b"Processed OK",
        "wrong_shape": _other_shape(content),
    }
    if failure.kind not in bodies:
        return answer
    return Response(bodies[failure.kind], answer.status_code, media_type="application/json")


def _other_shape(content: bytes) -> bytes:
    """Keep the envelope and replace its data: an array by an object, everything else by an array."""
    try:
        envelope = json.loads(content)
    except ValueError:
        envelope = {"status": True, "message": ""}
    data: object = {"unexpected": True} if isinstance(envelope.get("data"), list) else [["unexpected"]]
    return json.dumps(envelope | {"data": data}).encode()


async def close_socket(send: object) -> bool:
    """Close the socket behind an ASGI `send` of uvicorn at once; False if there is none.

    ASGI has no message for this. uvicorn's `send` is a method of the object that owns the transport; once the transport
    is gone, uvicorn takes the client for disconnected, sends nothing more and logs nothing.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.WriteTransport):
        return False
    transport.abort()
    await asyncio.sleep(0)  # lets uvicorn hear of it before the application returns
    return True


def ask_failure(request_body: object) -> Failure:
    """Read a failure from the body of `POST /_sandbox/failures`.

    Raises:
        ValueError: The body names no known kind, or a value has the wrong type.
    """
    if not isinstance(request_body, dict) or request_body.get("kind") not in FAILURE_KINDS:
        raise ValueError(
            f"Send a JSON object with path, kind, times, delay_s and after; kind is one of {FAILURE_KINDS}"
        )
    return Failure(
        str(request_body.get("path", "")),
        request_body["kind"],
        int(request_body.get("times", 1)),
        float(request_body.get("delay_s", 0.0)),
        int(request_body.get("after", 0)),
    )
