"""Google's SDK: it converts the tools, calls them by itself, and sends what they answer to a model, here one on loopback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from google import genai
from google.genai import types
from mcp import ClientSession, StdioServerParameters, stdio_client
from story import SERVED, Heard, command, environment, play, run


class Model(BaseHTTPRequestHandler):
    """Calls the tool that is wanted, and is content with the answer."""

    wanted: dict[str, Any] | None = None
    heard: dict[str, Any]
    """The last request."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Model.heard = json.loads(body)
        part = {"functionCall": Model.wanted} if Model.wanted else {"text": "Done."}
        Model.wanted = None
        answer = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def model_on_loopback() -> Iterator[genai.Client]:
    server = HTTPServer(("127.0.0.1", 0), Model)
    Thread(target=server.serve_forever, daemon=True).start()
    address = types.HttpOptions(base_url=f"http://127.0.0.1:{server.server_port}")
    yield genai.Client(api_key="no-key", http_options=address)
    server.shutdown()


async def google_genai() -> None:
    params = StdioServerParameters(command=command(), args=SERVED, env=environment())
    async with stdio_client(params) as streams, ClientSession(*streams) as session:
        await session.initialize()
        with model_on_loopback() as client:

            async def call(tool: str, arguments: dict[str, object]) -> Heard:
                Model.wanted = {"name": tool, "args": arguments}
                await client.aio.models.generate_content(
                    model="any", contents="Go on.", config={"tools": [session]}
                )
                return _heard(Model.heard)

            await call("getUserCreditDetails", {})
            (offered,) = [Model.heard["tools"]]
            tools = [one["name"] for tool in offered for one in tool["functionDeclarations"]]
            await play(tools, call)


def _heard(request: dict[str, Any]) -> Heard:
    """What the last content of a request tells the model of a call."""
    (part,) = request["contents"][-1]["parts"]
    answer = part["functionResponse"]
    assert "error" not in answer["response"], answer
    content = answer["response"]["result"]["content"]
    text = " ".join(block["text"] for block in content if block["type"] == "text")
    return Heard(text, sum(block["type"] == "image" for block in content))


run(google_genai)
