"""A model on loopback that plays by a script, in both protocols: it asks for the credits, and tells what it heard."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOOL = "getUserCreditDetails"


class Model(BaseHTTPRequestHandler):
    """Calls the tool once, and then tells a number of its answer; one named `guesser` tells one of its own."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        last = json.dumps(body["messages"][-1])
        heard = re.search(r"current_credits\D+(\d+)", last)
        told = "1000000" if body["model"] == "guesser" else heard and heard[1]
        if "/nothing/" in self.path:
            self.send_error(404)
            return
        said = self._messages(told) if self.path.endswith("/messages") else self._chat(told)
        raw = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass

    def _chat(self, told: str | None) -> dict[str, Any]:
        call = {"id": "c1", "type": "function", "function": {"name": TOOL, "arguments": "{}"}}
        message = {"role": "assistant", "content": told and f"{told} are left."} | (
            {} if told else {"tool_calls": [call]}
        )
        return {"choices": [{"message": message}], "usage": {"total_tokens": 50}}

    def _messages(self, told: str | None) -> dict[str, Any]:
        call = {"type": "tool_use", "id": "c1", "name": TOOL, "input": {}}
        block = {"type": "text", "text": f"{told} are left."} if told else call
        return {"content": [block], "usage": {"input_tokens": 40, "output_tokens": 10}}


@contextmanager
def served() -> Iterator[str]:
    """The address of such a model."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()
