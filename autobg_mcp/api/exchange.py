"""One HTTP exchange in plain data: what an endpoint asks for, what the API answered, and what came of it."""

import hashlib
import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypedDict

from pydantic import JsonValue

from autobg_mcp.api.bodies import TooManyValuesError, parsed, retry_after_s, sent_at_s
from autobg_mcp.api.same_link import same_link
from autobg_mcp.errors import (
    OutcomeUnknownError,
    Spent,
    UnexpectedAnswerError,
)
from autobg_mcp.throttle import Limit

Method = Literal["GET", "POST"]

_AFTER_SPENDING = (
    "Do not repeat it blindly: call listBatches and getUserCreditDetails to find out whether it was accepted."
)
_PROBE_BYTES = 4096


@dataclass(frozen=True)
class FilePart:
    """One file of a multipart request.

    Args:
        file_name: Name the API sees.
        mime: MIME type of `content`.
        content: The bytes that are sent.
        sha256: Hex digest of `content` without metadata, which tells one picture from another; see `Photo`.
        source: Path of the file.
    """

    file_name: str
    mime: str
    content: bytes = field(repr=False)
    sha256: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request to the API, ready to send.

    Args:
        tool: The tool it belongs to; also the name of its rate limit.
        method: HTTP method.
        path: Path below the base address, beginning with a slash.
        query: Query parameters.
        body: JSON body; None sends none.
        form: Multipart fields in order; None sends none.
        rate: The limit of calls it counts against.
        spends: True where the API takes credits for it.
        repeatable: True where the API does nothing but answer, so that a lost answer may be asked for again.
        max_answer_bytes: The most bytes its answer may have.
    """

    tool: str
    method: Method
    path: str
    rate: Limit
    max_answer_bytes: int
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, JsonValue] | None = None
    form: tuple[tuple[str, str | FilePart], ...] | None = None
    spends: bool = False
    repeatable: bool = False

    def fingerprint(self) -> str:
        """A hash that is equal for equal submissions: the tool, every field, each file by what it holds, each link by where it leads."""
        fields = [
            (name, part.sha256 if isinstance(part, FilePart) else part) for name, part in self.form or ()
        ]
        body = _by_meaning(dict(self.body or {}))
        return hashlib.sha256(
            json.dumps([self.tool, sorted(fields), body], sort_keys=True).encode()
        ).hexdigest()

    def file(self) -> FilePart | None:
        """The first file it carries; None where it carries none."""
        return next((part for _, part in self.form or () if isinstance(part, FilePart)), None)


def _by_meaning(value: JsonValue) -> JsonValue:
    """A value that is equal for all spellings of it: links in one form, and a list in any order without repeats."""
    if isinstance(value, dict):
        return {name: _by_meaning(item) for name, item in value.items()}
    if isinstance(value, list):
        return [*sorted({json.dumps(_by_meaning(item), sort_keys=True) for item in value})]
    return same_link(value) if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One complete answer of the API; the names of its headers are in lower case."""

    status: int
    content: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def retry_after_s(self) -> float | None:
        """Seconds after which the server wants to be asked again; None where it does not say."""
        return retry_after_s(self.headers)

    @property
    def sent_at_s(self) -> float | None:
        """When it was sent by the server's clock, in seconds since 1970; None where it does not say."""
        return sent_at_s(self.headers)

    def json(self) -> JsonValue:
        """The body as JSON, read once; see `bodies.parsed`.

        Raises:
            ValueError: It is not JSON, or more than is read.
        """
        if isinstance(self._parsed, ValueError):
            raise self._parsed
        return self._parsed

    def envelope(self) -> dict[str, JsonValue] | None:
        """The body where it is the API's envelope, an object with a `status`; else None."""
        if self.start() != b"{" or isinstance(self._parsed, ValueError):
            return None
        return self._parsed if isinstance(self._parsed, dict) and "status" in self._parsed else None

    def start(self, size_bytes: int = 1) -> bytes:
        """The first bytes of the body after blanks and a byte order mark."""
        return self.content[:_PROBE_BYTES].removeprefix(BOM_UTF8).lstrip()[:size_bytes]

    def unfold(self) -> None:
        """Read the JSON now where the body looks like it, so that what follows does no long work."""
        if self.start() in (b"{", b"["):
            self._parsed  # noqa: B018  # kept from here on

    @cached_property
    def _parsed(self) -> JsonValue | ValueError:
        try:
            return parsed(self.content)
        except ValueError as error:
            return error.with_traceback(None)


def is_page(answer: Answer) -> bool:
    """Whether the body is markup, as a web page is, which no endpoint answers."""
    return answer.start() == b"<"


def described(answer: Answer) -> str:
    """What came instead of an envelope, in a few words and without its text."""
    if not answer.start():
        return "an empty body"
    if answer.start() in (b"{", b"["):
        try:
            answer.json()
        except TooManyValuesError as error:
            return str(error)
        except ValueError:
            return "JSON that is broken"
        return "JSON that is not its usual envelope"
    return f"{len(answer.content):,} bytes that are no JSON"


def unexpected(request: Request, what: str) -> UnexpectedAnswerError:
    """The error for a success that is not what the endpoint answers; `what` says what came instead."""
    return UnexpectedAnswerError(f"{request.tool}: the API answered with {what}.", **aftermath(request))


def lost(request: Request, what: str) -> OutcomeUnknownError:
    """The error for a request that may have reached the API without an answer; `what` says what happened."""
    return OutcomeUnknownError(
        f"{request.tool}: {what}; whether the API acted is unknown.", **aftermath(request)
    )


class Aftermath(TypedDict):
    """What an error says of a request that may or may not have taken effect."""

    spent: Spent
    repeatable: bool
    next_step: str


def aftermath(request: Request) -> Aftermath:
    """What holds when a request may or may not have taken effect."""
    if request.spends:
        return Aftermath(spent="unknown", repeatable=False, next_step=_AFTER_SPENDING)
    if request.repeatable:
        return Aftermath(spent="no", repeatable=True, next_step="Call again; it only asks.")
    return Aftermath(
        spent="no", repeatable=False, next_step="Check whether it took effect before calling again."
    )
