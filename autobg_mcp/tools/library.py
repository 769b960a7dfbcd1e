"""Library: the vendor's own backdrops, a beta of the API."""

import json
from typing import Annotated, Final

from pydantic import Field, JsonValue, TypeAdapter

from autobg_mcp.toolkit.endpoint import FAST, Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.answer_fields import Pruned, listed, pruned
from autobg_mcp.tools.fields import OneLine

_BACKDROPS = TypeAdapter(list[JsonValue])


MOST_LISTED: Final = 25
"""The most backdrops that one answer lists: nobody knows how much the API says of each."""


class Library(Result):
    """Backdrops as the API lists them, those that were looked for; their fields are undocumented."""

    backdrops: list[Pruned]
    total: int = 0
    """How many the library has."""
    found: int = Field(default=0, exclude=True)
    """How many fit what was looked for."""

    def structured(self) -> dict[str, JsonValue]:
        """The first ones: a library may be long, and a model pays for each."""
        told = self.model_copy(update={"backdrops": self.backdrops[:MOST_LISTED]})
        return super(Library, told).structured()

    def next_step(self) -> str:
        """A backdrop's id goes into an upload."""
        if not self.backdrops:
            return "listLibraryTemplates without find" if self.total else ""
        use = "uploadImagesWithLibraryTemplate with a backdrop's id"
        if self.found <= MOST_LISTED:
            return use
        return f"{MOST_LISTED} of {self.found:,} are listed: listLibraryTemplates with find; {use}"


class ListLibraryTemplates(Endpoint[Library]):
    """Beta: list the backdrops of the vendor's library, the first 25 of them.

    Free. 100 calls/min. Unverified: the fields of a backdrop.
    """

    tool = "listLibraryTemplates"
    title = "List library backdrops"
    effect = "reads"
    toolset = "beta"
    method = "GET"
    path = "/templates/library"
    encoding = "none"
    rate = FAST

    find: Annotated[OneLine | None, Field(exclude=True, description="Part of a backdrop's texts.")] = None

    def result(self, data: JsonValue) -> Library:
        """The answer is undocumented: a list, bare or under a name."""
        inner = (
            next((value for value in data.values() if isinstance(value, list)), data)
            if isinstance(data, dict)
            else data
        )
        every = _BACKDROPS.validate_python(listed(inner, "templates"))
        found = [one for one in every if self._fits(one)]
        return Library(backdrops=[pruned(one) for one in found], total=len(every), found=len(found))

    def _fits(self, backdrop: JsonValue) -> bool:
        return (self.find or "").casefold() in json.dumps(backdrop, ensure_ascii=False).casefold()
