"""What the API's documents leave open and free calls can see: each question with our assumption, and what this account shows."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import ValidationError

from autobg_mcp.api.exchange import Answer, described
from autobg_mcp.client import Client
from autobg_mcp.doctor.asking import Heard, ask
from autobg_mcp.errors import AutobgError, NotReadyError, RequestRefusedError
from autobg_mcp.files.base64 import decoded
from autobg_mcp.files.kinds import is_picture, kind_of
from autobg_mcp.text import cleaned, counted
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.account import GetUserCreditDetails, GetUserUsage
from autobg_mcp.tools.batches import KnownBatch, ListBatches
from autobg_mcp.tools.images import GetImagesBase64, GetImagesRaw, GetImageStatus
from autobg_mcp.tools.library import ListLibraryTemplates
from autobg_mcp.tools.templates import ListTemplates
from autobg_mcp.tools.usage import credits_in_json

_NOBODYS: Final = 2_000_000_000
"""An id that no batch and no picture is likely to have, and that every database can hold."""

_MOST_BATCHES: Final = 3

Holds = Literal["yes", "no", "not seen"]
"""Whether what we assume holds for this account."""


@dataclass(frozen=True)
class Observation:
    """What one free call says of one question that the documents leave open.

    Attributes:
        question: What is not documented.
        assumed: What this package takes for true.
        seen: What the API answered, in words.
        holds: Whether that agrees.
    """

    question: str
    assumed: str
    seen: str
    holds: Holds


Judge = Callable[[Heard], tuple[str, Holds]]


async def observe(client: Client) -> tuple[list[Observation], list[Heard]]:
    """Ask each question by a free call; nothing is kept of the answers, and no picture is saved."""
    asked: list[Heard] = []
    in_work, done = await _pictures(client, asked)
    seen = [await _one(client, asked, *question) for question in _QUESTIONS]
    for picture, questions in ((in_work, _OF_A_PICTURE_IN_WORK), (done, _OF_A_PICTURE_DONE)):
        for question, assumed, endpoint, judge in questions:
            if picture is None:
                seen.append(
                    Observation(
                        question, assumed, "no such picture of this account is known here", "not seen"
                    )
                )
            else:
                seen.append(await _one(client, asked, question, assumed, endpoint(picID=picture), judge))
    return [*seen, _rate_headers(asked)], asked


async def _one(
    client: Client, kept: list[Heard], question: str, assumed: str, endpoint: Endpoint[Result], judge: Judge
) -> Observation:
    try:
        asked = await ask(client, endpoint)
    except AutobgError as error:
        return Observation(question, assumed, cleaned(str(error)), "not seen")
    kept.append(asked)
    seen, holds = judge(asked)
    return Observation(question, assumed, seen, holds)


async def _pictures(client: Client, kept: list[Heard]) -> tuple[int | None, int | None]:
    """A picture that is in work and one that is done, of the newest batches from here; None where there is none."""
    in_work = done = None
    for batch in await _newest(client):
        status = GetImageStatus(batchID=batch.batchID)
        try:
            asked = await ask(client, status)
            images = status.result(asked.data).images
        except (AutobgError, ValidationError):
            continue
        kept.append(asked)
        for image in images:
            if image.isProcessed and not image.isFailed:
                done = done or int(image.picID)
            elif not image.isFailed:
                in_work = in_work or int(image.picID)
    return in_work, done


async def _newest(client: Client) -> list[KnownBatch]:
    try:
        return (await client.call(ListBatches(limit=_MOST_BATCHES))).batches
    except AutobgError:  # a finding of its own
        return []


def _code(asked: Heard) -> str:
    envelope = asked.answer.envelope()
    status = f", status: {str(envelope['status']).lower()}" if envelope else ""
    return f"HTTP {asked.answer.status}{status}"


def _is_refused(asked: Heard) -> tuple[str, Holds]:
    if asked.refusal is None:
        return f"{_code(asked)}: a success", "no"
    kind = type(asked.refusal).__name__.removesuffix("Error")
    return f"{_code(asked)}, taken for {kind}", "yes" if isinstance(
        asked.refusal, RequestRefusedError
    ) else "no"


def _is_not_ready(asked: Heard) -> tuple[str, Holds]:
    seen, _ = _is_refused(asked)
    return seen, "yes" if isinstance(asked.refusal, NotReadyError) else "no"


def _reads(result: Callable[[Heard], str]) -> Judge:
    """Judges an answer that has to be understood."""

    def judge(asked: Heard) -> tuple[str, Holds]:
        if asked.refusal is not None:
            return f"{_code(asked)}, a refusal", "no"
        try:
            return f"{_code(asked)}: {result(asked)}", "yes"
        except (ValidationError, TypeError):
            return f"{_code(asked)}: {described(asked.answer)}, or data of another shape", "no"

    return judge


def _templates(asked: Heard) -> str:
    return counted(ListTemplates().result(asked.data).total, "template")


def _library(asked: Heard) -> str:
    library = ListLibraryTemplates().result(asked.data)
    return f"{counted(library.total, 'backdrop')}, {counted(len(library.links), 'link')}"


def _credits(asked: Heard) -> str:
    credit = GetUserCreditDetails().result(asked.data)
    return "both numbers" if credit.total_credits is not None else "no total"


def _usage(asked: Heard) -> tuple[str, Holds]:
    if asked.refusal is not None:
        return f"{_code(asked)}, a refusal", "no"
    envelope = asked.answer.envelope()
    try:
        figure = credits_in_json(asked.answer.json() if envelope is None else asked.data)
    except ValueError:
        return f"{_code(asked)}: {_kind(asked.answer)}", "no"
    if envelope is None:
        return f"{_code(asked)}: JSON without an envelope", "no"
    return (
        f"{_code(asked)}: {'a figure is found' if figure is not None else 'no figure is found'}",
        "yes" if figure is not None else "no",
    )


def _kind(answer: Answer) -> str:
    declared = cleaned(answer.headers.get("content-type", "no type"), 60)
    return f"{kind_of(answer.content) or 'bytes of an unknown kind'}, declared as {declared}"


def _is_bytes(asked: Heard) -> tuple[str, Holds]:
    return f"{_code(asked)}: {_kind(asked.answer)}", "yes" if is_picture(asked.answer.content) else "no"


def _is_base64(asked: Heard) -> tuple[str, Holds]:
    bare = decoded(asked.answer.content) or b""
    how = "bare base64" if is_picture(bare) and asked.answer.start(5) != b"data:" else "no bare base64"
    return f"{_code(asked)}: {how}, {_kind(asked.answer)}", "yes" if how == "bare base64" else "no"


def _rate_headers(asked: list[Heard]) -> Observation:
    names = {name for one in asked for name in one.answer.headers if re.search(r"rate-?limit", name)}
    seen = f"answers carry {', '.join(map(cleaned, sorted(names)))}" if names else "no answer carries any"
    holds: Holds = "not seen" if not asked else "no" if names else "yes"
    return Observation("Headers about limits", "none", seen, holds)


_QUESTIONS: Final[tuple[tuple[str, str, Endpoint[Result], Judge], ...]] = (
    ("Status of an unknown batch", "a refusal of the id", GetImageStatus(batchID=str(_NOBODYS)), _is_refused),
    ("An unknown picture, raw", "a refusal of the id", GetImagesRaw(picID=_NOBODYS), _is_refused),
    ("An unknown picture, base64", "a refusal of the id", GetImagesBase64(picID=_NOBODYS), _is_refused),
    ("List of templates", "a list of templateID and templateName", ListTemplates(), _reads(_templates)),
    ("Library of backdrops", "a list, bare or under a name", ListLibraryTemplates(), _reads(_library)),
    ("Credits", "current_credits and total_credits", GetUserCreditDetails(), _reads(_credits)),
    ("Usage", "JSON in an envelope, with a figure", GetUserUsage(reportOption="Last 7 days"), _usage),
)
_OF_A_PICTURE_IN_WORK: Final = (
    ("A picture in work, raw", "a refusal that says so", GetImagesRaw, _is_not_ready),
    ("A picture in work, base64", "a refusal that says so", GetImagesBase64, _is_not_ready),
)
_OF_A_PICTURE_DONE: Final = (
    ("A picture that is done, raw", "its bytes", GetImagesRaw, _is_bytes),
    ("A picture that is done, base64", "bare base64", GetImagesBase64, _is_base64),
)
