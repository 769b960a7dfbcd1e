"""What the sandbox writes down about each request it received."""

from dataclasses import dataclass
from typing import NamedTuple

KEPT_BODY_BYTES = 64 * 1024


class FormPart(NamedTuple):
    """One part of a multipart body; `text` is the value of a plain field, None for a file."""

    name: str
    filename: str | None
    content_type: str | None
    size_bytes: int
    text: str | None


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it arrived.

    Attributes:
        method: HTTP method.
        path: Full path, `/public/api/v1` included.
        query: Query string without the question mark.
        headers: Headers by lower-case name, without Authorization.
        content_type: The Content-Type header, empty if there was none.
        body: The first 64 KiB of the body.
        form: The parts of a multipart body in their order; empty for other bodies.
        at: Seconds on the sandbox's clock when the headers had arrived.
        user: Fingerprint of the API key, empty if the key was refused.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    content_type: str
    body: bytes
    form: tuple[FormPart, ...]
    at: float
    user: str
