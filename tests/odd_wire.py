"""The sandbox behind a socket, whose answer to one upload a test writes byte by byte."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
from pydantic import JsonValue
from starlette.types import ASGIApp
from uploading import PATH

Spoil = Callable[[bytes], bytes]
"""What stands on the wire in place of a proper answer's body."""

PROPER = json.dumps(
    {
        "status": True,
        "message": "Date Processed",
        "data": {"batchID": 1206, "images": [{"fileName": "x", "error": False, "errorMsg": ""}]},
    }
).encode()
"""The body of which a spoilt answer is made where the API has not acted."""


@dataclass
class OddWire:
    """A web server in front of the sandbox.

    Attributes:
        sandbox: Answers all that is not spoilt.
        spoil: Writes the odd answer.
        at: Which upload it comes to, counted from 1.
        acts: Whether the API acts on that upload.
        keeps_alive: Whether connections stay open after proper answers.
        stays_open: Whether one stays open after the odd answer.
        path: Where the uploads go to.
    """

    sandbox: ASGIApp
    spoil: Spoil
    at: int = 1
    acts: bool = True
    keeps_alive: bool = True
    stays_open: bool = False
    path: str = PATH
    uploads: int = field(default=0, init=False)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list, init=False)

    @asynccontextmanager
    async def served(self) -> AsyncGenerator[str]:
        """Serve on a loopback port; gives the base address."""
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/public/api/v1"
        finally:
            server.close()
            for writer in self._writers:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._answer(reader, writer):
                await writer.drain()
            await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read one request and answer it; whether the connection stays open."""
        start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}
        method, path, _ = start.split()
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        self.uploads += path == self.path
        if path != self.path or self.uploads != self.at:
            writer.write(await self._proper(method, path, headers, content))
            return self.keeps_alive
        if self.acts:
            await self._proper(method, path, headers, content)
        writer.write(self.spoil(self._body if self.acts else PROPER))
        return self.stays_open

    async def _proper(self, method: str, path: str, headers: dict[str, str], content: bytes) -> bytes:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.sandbox), verify=False) as http:
            answer = await http.request(method, f"http://sandbox{path}", headers=headers, content=content)
        self._body = answer.content
        head = [
            f"HTTP/1.1 {answer.status_code} X",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        return "\r\n".join([*head, "", ""]).encode() + answer.content


def changed(**changes: JsonValue) -> Spoil:
    """The proper envelope with other values; a name with an underscore before it is one of `data`."""

    def spoil(body: bytes) -> bytes:
        envelope = json.loads(body)
        for name, value in changes.items():
            (envelope["data"] if name.startswith("_") else envelope)[name.removeprefix("_")] = value
        return plain(json.dumps(envelope).encode())

    return spoil


def without(*names: str) -> Spoil:
    """The proper envelope without some of its fields."""

    def spoil(body: bytes) -> bytes:
        envelope = json.loads(body)
        for name in names:
            del (envelope["data"] if name.startswith("_") else envelope)[name.removeprefix("_")]
        return plain(json.dumps(envelope).encode())

    return spoil


def image(**changes: JsonValue) -> Spoil:
    """The proper envelope with other words for the photo."""
    entry: dict[str, JsonValue] = {"fileName": "car.jpg", "error": False, "errorMsg": ""}
    return changed(_images=[entry | changes])


def plain(body: bytes, *headers: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    """A whole response around a body, whose length it tells."""
    head = [f"HTTP/{version} {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def bare(*lines: str, body: bytes = b"") -> bytes:
    """A response of these lines alone."""
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(body: bytes, *, trailer: bytes = b"", extension: bytes = b"", end: bytes = b"0\r\n") -> bytes:
    """A response in two chunks."""
    pieces = [body[:20], body[20:]]
    told = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)
    return (
        bare("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=told)
        + end
        + trailer
        + (b"\r\n" if end else b"")
    )
