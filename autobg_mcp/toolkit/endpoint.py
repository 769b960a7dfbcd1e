"""A tool that is one REST call: how a declaration becomes a request, and an answer a result."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

import anyio.to_thread
from pydantic import JsonValue, ValidationError

from autobg_mcp.api.bodies import LARGE_BYTES
from autobg_mcp.api.exchange import Answer, FilePart, Method, Request, described, unexpected
from autobg_mcp.api.link_rules import check_hosts
from autobg_mcp.errors import FileRefusedError, RequestRefusedError, StateError
from autobg_mcp.files.originals import read_original
from autobg_mcp.money.facts import Fact
from autobg_mcp.pictures.intake import take_in
from autobg_mcp.pictures.lane import in_lane
from autobg_mcp.text import expected, place, quoted
from autobg_mcp.throttle import Limit
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.reshaping import Reshaping, parts_of, text_of
from autobg_mcp.toolkit.tool import ResultT_co, Tool

T = TypeVar("T")

FAST = Limit(calls=100, window_s=60)
"""100 calls a minute per user. Source: the page of each endpoint that names it."""

SLOW = Limit(calls=10, window_s=60)
"""10 calls a minute per user: what starts work. Source: the page of each endpoint that names it."""

FAST_INFERRED = Limit(calls=100, window_s=60, documented=False)
"""100 calls a minute, concluded from sibling endpoints: no page says so."""

SLOW_INFERRED = Limit(calls=10, window_s=60, documented=False)
"""10 calls a minute, concluded from sibling endpoints: no page says so."""


class Endpoint(Tool[ResultT_co], Generic[ResultT_co]):
    """One REST call and one tool: class attributes say where it goes, fields what it carries, in the documents' order."""

    method: ClassVar[Method] = "POST"
    path: ClassVar[str]
    """Below the base address. An operator may replace it with `AUTOBG_PATHS`."""
    encoding: ClassVar[Literal["none", "query", "json", "form"]] = "json"
    rate: ClassVar[Limit]
    files: ClassVar[frozenset[str]] = frozenset()
    """Request fields that carry a local file; their values are paths."""
    max_answer_bytes: ClassVar[int] = 4 * 2**20
    """The most bytes of a successful answer, unpacked. 4 MB of JSON hold the states of 30,000 pictures."""

    async def run(self, context: Context) -> ResultT_co:
        """Send the request and read the answer."""
        request = await self.request(context)
        try:
            answer = await context.send(request)
        except RequestRefusedError as error:
            with suppress(StateError):  # the refusal itself is to be told, not that nothing more is known
                await self.advise(error, context)
            raise
        result = await self.parse(request, answer, context)
        for fact in self.teaches(result):
            await context.remember(fact)
        return result

    def teaches(self, result: ResultT_co) -> Sequence[Fact]:  # type: ignore[misc]  # noqa: ARG002  # covariant for lists of endpoints; overrides name their own result
        """What a success says that is worth remembering."""
        return ()

    async def advise(self, error: RequestRefusedError, context: Context) -> None:
        """Add to a refusal what is known here of the call's ids, and what to do then; nothing where ids are not mistaken."""

    @classmethod
    def wire_names(cls) -> list[str]:
        """The names of the request's fields."""
        fields = cls.model_fields.items()
        return [field.serialization_alias or name for name, field in fields if not field.exclude]

    def wire(self) -> dict[str, JsonValue]:
        """What the request carries, by the API's field names; a field that is None is not sent."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def request(self, context: Context, loaded: Mapping[str, FilePart] | None = None) -> Request:
        """This call as a request.

        Args:
            context: What the running tool may use.
            loaded: Files that have been read already, by field; None reads them all.

        Raises:
            FileRefusedError: A file may not be read or is not a picture.
        """
        files = {**await self.files_beside(*(loaded or ()), context=context), **(loaded or {})}
        fields = self._reshaping(context)
        values = {name: files.get(name, value) for name, value in self.wire().items()}
        sent = fields.applied({**values, **files}, nests=self.encoding == "json")
        bare = {name: value for name, value in sent.items() if not isinstance(value, FilePart)}
        check_hosts(bare, context.settings.link_hosts)
        return Request(
            tool=self.tool,
            method=self.method,
            path=context.settings.paths.get(self.tool, self.path),
            rate=self.rate,
            query={name: text_of(value) for name, value in bare.items()} if self.encoding == "query" else {},
            body=bare if self.encoding == "json" else None,
            form=tuple(parts_of(sent)) if self.encoding == "form" else None,
            spends=self.effect == "spends",
            repeatable=self.effect in ("reads", "saves"),
            max_answer_bytes=self.max_answer_bytes,
        )

    async def files_beside(self, *loaded: str, context: Context) -> dict[str, FilePart]:
        """The local files that a request carries, by field, all but those that are `loaded`; read in a worker thread.

        Raises:
            FileRefusedError: A file may not be read or is not a picture.
        """
        paths = self._reshaping(context).files()
        if self.files.difference(loaded):
            paths |= {name: str(value) for name, value in self.wire().items() if name in self.files}
        return {name: await _file_part(path, context) for name, path in paths.items() if name not in loaded}

    def _reshaping(self, context: Context) -> Reshaping:
        return Reshaping.of(context.settings.fields.get(self.tool, {}))

    async def parse(self, request: Request, answer: Answer, context: Context) -> ResultT_co:  # noqa: ARG002  # for endpoints that save what came
        """The result in an answer.

        Raises:
            UnexpectedAnswerError: It is not the API's envelope, or its data has another shape.
        """
        return await self.read(self.result, request, answer)

    async def read(self, result: Callable[[JsonValue], T], request: Request, answer: Answer) -> T:
        """What `result` makes of the `data` in an answer's envelope.

        Raises:
            UnexpectedAnswerError: It is not the API's envelope, or its data has another shape.
        """
        envelope = answer.envelope()
        if envelope is None:
            raise unexpected(request, described(answer))
        data = envelope.get("data")
        try:
            if len(answer.content) > LARGE_BYTES:
                return await anyio.to_thread.run_sync(result, data)
            return result(data)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            raise unexpected(
                request, f"data of another shape ({place(problem, 'data')}: {expected(problem)})"
            ) from None

    def result(self, data: JsonValue) -> ResultT_co:
        """The result in an envelope's `data`.

        Raises:
            ValidationError: The data has another shape.
        """
        return self.result_type().model_validate(data)


async def _file_part(name: str, context: Context) -> FilePart:
    def found() -> tuple[Path, bytes]:
        path, *more = context.fence.find([name]).paths
        if more:
            raise FileRefusedError(f"{quoted(name)} stands for {1 + len(more)} pictures; name one.")
        return path, read_original(context.fence, path)

    path, original = await context.look(found)
    return await part_of(path.name, original, str(path), context)


async def part_of(name: str, original: bytes, source: str, context: Context) -> FilePart:
    """A picture as a part of a request.

    Args:
        name: Its file's name.
        original: Its bytes.
        source: Where it comes from.
        context: Says whether its metadata is kept.

    Raises:
        FileRefusedError: It is no picture.
    """
    photo = await in_lane(take_in, name, original, keep_metadata=context.settings.keep_metadata)
    return FilePart(photo.name, photo.mime, photo.content, sha256=photo.sha256, source=source)
