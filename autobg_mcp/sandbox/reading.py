"""Reading a request: its body, its fields, and whether they are the ones the documents name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self, TypeAlias

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from autobg_mcp.sandbox.failures import ConnectionDropped
from autobg_mcp.sandbox.recording import KEPT_BODY_BYTES, FormPart

MAX_BODY_BYTES = 64 * 1024 * 1024
BodyKind: TypeAlias = Literal["form", "json", "query", "none"]


class Refused(Exception):  # noqa: N818 - the API's word for it is a status, not an error
    """The API refuses the request: a message with `status: false`, over HTTP 200 unless told otherwise."""

    def __init__(self, message: str, status_code: int = 200) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code


@dataclass(frozen=True, slots=True)
class Contract:
    """The fields of one endpoint, read from words such as `cc@* numberPlate* processType* side@ ...`.

    `*` marks a required field, `@` a file; a final `...` admits fields of other names.
    """

    required: frozenset[str]
    files: frozenset[str]
    known: frozenset[str]
    is_open: bool

    @classmethod
    def of(cls, words: str) -> Self:
        """Read a contract from its words."""
        fields = [word for word in words.split() if word != "..."]
        return cls(
            frozenset(word.rstrip("*@") for word in fields if "*" in word),
            frozenset(word.rstrip("*@") for word in fields if "@" in word),
            frozenset(word.rstrip("*@") for word in fields),
            words.endswith("..."),
        )

    def check(self, asked: "Asked") -> None:
        """Hold a request to the contract.

        Raises:
            Refused: A field is missing, unknown, given twice, or a file where a text belongs, or the reverse.
        """
        given = [*asked.values, *asked.files]
        if unknown := [name for name in given if name not in self.known and not self.is_open]:
            raise Refused(f"{unknown[0]} is not allowed")
        if missing := sorted(self.required.difference(given)):
            raise Refused(f"{missing[0]} is required")
        for name in self.known.intersection(given):
            if (name in self.files) != (name in asked.files):
                raise Refused(f"{name} must be a {'file' if name in self.files else 'text'}")
            if name != "cc" and len(asked.files.get(name, ())) > 1:
                raise Refused(f"{name} is given twice")


@dataclass(slots=True)
class Asked:
    """A request's fields; `fault` is why its body could not be read, None if it could."""

    values: Mapping[str, object] = field(default_factory=dict)
    files: dict[str, list[UploadFile]] = field(default_factory=dict)
    parts: tuple[FormPart, ...] = ()
    body: bytes = b""
    fault: Refused | None = None
    form: FormData | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.form is not None:
            await self.form.close()

    def text(self, name: str, *, default: str = "") -> str:
        """Answer a text field, `default` if it is not there.

        Raises:
            Refused: It is no text, or empty though it is there.
        """
        value = self.values.get(name, default)
        if not isinstance(value, str) or (name in self.values and not value.strip()):
            raise Refused(f"{name} must be a text that is not empty")
        return value

    def number(self, name: str) -> int:
        """Answer a whole number, sent as a number or as its digits.

        Raises:
            Refused: It is neither.
        """
        return whole_number(name, self.values[name])

    def numbers(self, name: str) -> list[int]:
        """Answer an array of whole numbers that is not empty.

        Raises:
            Refused: It is something else.
        """
        return [whole_number(name, item) for item in self._array(name)]

    def texts(self, name: str) -> list[str]:
        """Answer an array of texts that is not empty.

        Raises:
            Refused: It is something else.
        """
        items = self._array(name)
        if not all(isinstance(item, str) for item in items):
            raise Refused(f"{name} must be an array of texts")
        return [str(item) for item in items]

    def _array(self, name: str) -> list[object]:
        value = self.values[name]
        if not isinstance(value, list) or not value:
            raise Refused(f"{name} must be an array that is not empty")
        return value


def whole_number(name: str, value: object) -> int:
    """Read a whole number from a number or from its digits.

    Raises:
        Refused: It is neither.
    """
    if isinstance(value, bool) or not str(value).isdecimal():
        raise Refused(f"{name} must be a whole number")
    return int(str(value))


class _Tap:
    """Passes the body on, keeps its beginning and stops it at 64 MB."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size_bytes = 0
        self.kept = bytearray()

    async def __call__(self) -> Message:
        message = await self._receive()
        chunk: bytes = message.get("body", b"")
        self._size_bytes += len(chunk)
        if self._size_bytes > MAX_BODY_BYTES:
            raise Refused("The request is too large", 413)
        self.kept += chunk[: KEPT_BODY_BYTES - len(self.kept)]
        return message


async def read(request: Request, kind: BodyKind) -> Asked:
    """Read a request to its end; what is wrong with its body goes into `fault`.

    Raises:
        ConnectionDropped: The client went away in the middle of it.
    """
    tap = _Tap(request.receive)
    tapped = Request(request.scope, tap)
    try:
        asked = await _read_body(tapped, kind)
    except Refused as refused:
        asked = Asked(fault=refused)
    except HTTPException as error:
        asked = Asked(fault=Refused(error.detail, 400))
    except ClientDisconnect as error:
        raise ConnectionDropped from error
    asked.body = bytes(tap.kept)
    return asked


async def _read_body(request: Request, kind: BodyKind) -> Asked:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "form" and sent == "multipart/form-data":
        return _read_form(await request.form())
    body = await request.body()
    if kind == "query":
        return Asked(dict(request.query_params))
    if kind == "none":
        return Asked(fault=Refused("No body is expected", 400) if body else None)
    wanted = "multipart/form-data" if kind == "form" else "application/json"
    if sent != wanted:
        raise Refused(f"Content-Type must be {wanted}", 400)
    try:
        values = json.loads(body)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise Refused("The body must be a JSON object", 400)
    return Asked(values)


def _read_form(form: FormData) -> Asked:
    asked = Asked(form=form)
    values: dict[str, object] = {}
    parts: list[FormPart] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            asked.files.setdefault(name, []).append(value)
            parts.append(FormPart(name, value.filename, value.content_type, value.size or 0, None))
        else:
            if name in values:
                asked.fault = Refused(f"{name} is given twice")
            values[name] = value
            parts.append(FormPart(name, None, None, len(value.encode()), value))
    asked.values, asked.parts = values, tuple(parts)
    return asked
