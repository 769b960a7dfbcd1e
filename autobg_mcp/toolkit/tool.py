"""What a tool declares: name, title, effect, toolset, arguments and result, and how it runs."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, Generic, Literal, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, computed_field
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import ErrorDetails

from autobg_mcp.errors import ArgumentsRefusedError
from autobg_mcp.settings import Toolset
from autobg_mcp.text import expected, place
from autobg_mcp.toolkit.arguments import Arguments, bounded
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.schema import schema_of

Effect = Literal["reads", "saves", "changes", "spends"]
"""reads: asks only; saves: writes local files; changes: alters the account free of charge; spends: takes credits."""


class Part(BaseModel):
    """A part of a result. Unknown fields are dropped: the API may grow."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Result(Part):
    """What a tool answers."""

    @computed_field  # type: ignore[prop-decorator]  # mypy has no word for a decorated property
    @property
    def next(self) -> str:  # noqa: D102  # a docstring would be listed with every tool
        return self.next_step()

    def next_step(self) -> str:
        """The next tool in a sentence; empty where nothing follows."""
        return ""

    def structured(self) -> dict[str, JsonValue]:
        """The result as the JSON object a model reads; None is left out."""
        values: dict[str, JsonValue] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: value for name, value in values.items() if name != "next" or value}


class PictureResult(Result):
    """A result that a model looks at.

    Its tool is listed without an output schema and answers without structured content, because some hosts drop the
    pictures where there is any.
    """

    pictures: list[bytes] = Field(default_factory=list, exclude=True, repr=False)
    """JPEG files, small enough for a model's eyes."""

    def text(self) -> str:
        """What the pictures are, in words."""
        raise NotImplementedError


ResultT_co = TypeVar("ResultT_co", bound=Result, covariant=True)


class Tool(Arguments, ABC, Generic[ResultT_co]):
    """One tool: class attributes say what it is, fields what it takes, the bracketed type what it answers.

    The class docstring is the description a model reads, a field's description that of the argument.
    """

    tool: ClassVar[str]
    title: ClassVar[str]
    effect: ClassVar[Effect]
    toolset: ClassVar[Toolset]
    idempotent: ClassVar[bool] = False
    """Whether repeating a call that changes or spends adds nothing."""
    audited_fields: ClassVar[tuple[str, ...]] = ()
    """Fields of the result that a line in the audit log carries."""

    @abstractmethod
    async def run(self, context: Context) -> ResultT_co:
        """Do the work.

        Raises:
            AutobgError: It could not be done; the error says what came of it.
        """

    def audited(self, result: Result | None) -> dict[str, str | None]:
        """What the audit log keeps of a call that changes something; the result is None where there is none (yet)."""
        found = {name: getattr(result, name, None) for name in self.audited_fields}
        return {name: str(value) for name, value in found.items() if value}

    @classmethod
    def result_type(cls) -> type[ResultT_co]:
        """The class inside the brackets of the base class."""
        for base in cls.__mro__:
            arguments = getattr(base, "__pydantic_generic_metadata__", {}).get("args", ())
            if arguments and isinstance(arguments[0], type):
                return cast("type[ResultT_co]", arguments[0])  # the brackets of Tool[...] hold nothing else
        raise TypeError(f"{cls.__name__} names no result: derive it from Tool[SomeResult]")

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, JsonValue]) -> Self:
        """Check raw arguments, as a model or a command line gives them.

        Raises:
            ArgumentsRefusedError: One short line per problem, naming the argument and what it takes; the first line, which
                is all that some hosts show, names the first.
        """
        try:
            bounded(arguments)
            return cls.model_validate(dict(arguments))
        except ValidationError as error:  # which is a ValueError too
            problems = error.errors(include_url=False, include_input=False)
            details = [_explained(cls, problem, arguments) for problem in problems]
        except ValueError as error:
            details = [f"arguments: {error}"]
        first, *more = details
        end = "" if first.endswith("?") else "."
        raise ArgumentsRefusedError(f"{cls.tool}: {first}{end} No request was made.", details=more)

    @classmethod
    def description(cls) -> str:
        """What a model reads of it: the class's docstring on one line."""
        return " ".join((cls.__doc__ or "").split())

    @classmethod
    def input_schema(cls) -> JsonSchemaValue:
        """The JSON schema of the arguments."""
        return schema_of(cls, "validation")

    @classmethod
    def output_schema(cls) -> JsonSchemaValue | None:
        """The JSON schema of the result; None for pictures."""
        if issubclass(cls.result_type(), PictureResult):
            return None
        return schema_of(cls.result_type(), "serialization")


def _explained(tool: type[Tool[ResultT_co]], problem: ErrorDetails, given: Iterable[str]) -> str:
    """One validation problem as one line without the value that caused it."""
    where = place(problem) or "arguments"
    if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
        return f"{where}: no such argument{_suggested(tool, where, given)}"
    return f"{where}: {expected(problem)}"


def _suggested(tool: type[Tool[ResultT_co]], name: str, given: Iterable[str]) -> str:
    """The argument that is meant by a wrong name, which is none of those that are given too; else all there are."""
    names = {field.casefold(): field for field in tool.model_fields if field not in given}
    close = difflib.get_close_matches(name.casefold(), names, n=1)
    return (
        f"; did you mean {names[close[0]]}?"
        if close
        else f"; it takes {', '.join(tool.model_fields) or 'none'}"
    )
