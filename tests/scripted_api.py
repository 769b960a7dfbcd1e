"""An API that answers whatever a test wrote down, where the sandbox would be too well-behaved."""

import json
from collections.abc import Mapping

from pydantic import JsonValue
from starlette.types import Receive, Scope, Send


class ScriptedApi:
    """An ASGI application: the same answer to every request, and a count of them."""

    def __init__(self) -> None:
        self.requests = 0
        self.sent_bytes: list[int] = []
        self.received: list[dict[str, str]] = []
        self.says(b"")

    def says(
        self,
        content: bytes,
        *,
        content_type: str = "application/json",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer this from now on."""
        self._content, self._status = content, status
        named = {"content-type": content_type, "content-length": str(len(content))} | dict(headers or {})
        self._headers = [(name.encode(), value.encode()) for name, value in named.items()]

    def data(self, data: JsonValue) -> None:
        """Answer a successful envelope around `data` from now on."""
        self.says(json.dumps({"status": True, "message": "", "data": data}).encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size_bytes, more = 0, True
        while more:
            message = await receive()
            size_bytes += len(message.get("body", b""))
            more = message.get("more_body", False)
        self.requests += 1
        self.received.append({name.decode(): value.decode() for name, value in scope.get("headers", ())})
        self.sent_bytes.append(size_bytes)
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._content})
