"""The documents' own examples, one exchange per endpoint, read from `exchanges/*.json`."""

from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue

Mark: TypeAlias = Literal["documented", "inferred", "assumed"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Marks(_Frozen):
    """How sure the two halves of an exchange are, and the limit of its endpoint."""

    request: Mark
    response: Mark
    limit: Mark


class ExampleFile(_Frozen):
    """A file in a form; `file` is a placeholder name."""

    file: str


class ExampleRequest(_Frozen):
    """A request as it is seen on the wire.

    Attributes:
        method: HTTP method.
        path: Full path, `/public/api/v1` included.
        query: Query parameters.
        body: The JSON body letter by letter as the documents print it; None if there is none.
        form: The parts of a multipart body in the documents' order; None if there is none.
    """

    method: Literal["GET", "POST"]
    path: str
    query: dict[str, str] = {}
    body: str | None = None
    form: list[tuple[str, str | ExampleFile]] | None = None


class ExampleResponse(_Frozen):
    """An answer; `body` is None where the answer is a picture."""

    status: int
    contentType: str
    body: JsonValue


class Exchange(_Frozen):
    """One example of one endpoint.

    Attributes:
        tool: Name of the tool that makes this request.
        source: Address of the page that shows it.
        mark: How sure request, response and limit are.
        arguments: What a call of the tool carries; pictures by placeholder names such as `car.jpg`.
        request: What has to go over the wire for these arguments.
        response: What the documents show as the answer.
        softFailure: The refusal the documents show, None if they show none.
    """

    tool: str
    source: str
    mark: Marks
    arguments: dict[str, JsonValue]
    request: ExampleRequest
    response: ExampleResponse
    softFailure: JsonValue


@cache
def exchanges() -> dict[str, Exchange]:
    """Read all exchanges, by tool name."""
    folder = files("autobg_mcp.sandbox") / "exchanges"
    texts = [entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".json")]
    read = [Exchange.model_validate_json(text) for text in texts]
    return {exchange.tool: exchange for exchange in sorted(read, key=lambda exchange: exchange.tool)}
