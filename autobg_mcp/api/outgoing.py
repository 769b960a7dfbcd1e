"""A request as it goes out: its headers and its body."""

import io
import json
from contextlib import ExitStack
from typing import IO, TypedDict

from autobg_mcp.api.exchange import FilePart, Request


class Outgoing(TypedDict, total=False):
    """What an HTTP client sends, by the names of httpx's arguments."""

    headers: dict[str, str]
    content: bytes
    files: list[tuple[str, tuple[str | None, IO[bytes] | str, str | None]]]


def body_of(request: Request, secret: str, opened: ExitStack) -> Outgoing:
    """Headers and body as httpx takes them; every form field goes through `files`, which keeps their order.

    Files go in as streams that `opened` closes: httpx ties request and response into a cycle, which would keep the photo in
    memory until the garbage collector comes by.
    """
    headers = {"Authorization": secret}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
        return Outgoing(headers=headers, content=json.dumps(request.body, ensure_ascii=False).encode())
    if request.form is None:
        return Outgoing(headers=headers)
    files: list[tuple[str, tuple[str | None, IO[bytes] | str, str | None]]] = []
    for name, part in request.form:
        if isinstance(part, FilePart):
            files.append((name, (part.file_name, opened.enter_context(io.BytesIO(part.content)), part.mime)))
        else:
            files.append((name, (None, part, None)))
    return Outgoing(headers=headers, files=files)
