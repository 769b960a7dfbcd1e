"""Library: the vendor's own backdrops, and their pictures as backgrounds of templates."""

import json
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit

from pydantic import Field, JsonValue, TypeAdapter

from autobg_mcp.api.exchange import FilePart
from autobg_mcp.api.same_link import links_in, same_link, unsigned
from autobg_mcp.errors import FileRefusedError, LinkRefusedError
from autobg_mcp.text import quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import FAST, Endpoint, part_of
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.answer_fields import Pruned, listed, pruned
from autobg_mcp.tools.fields import OneLine

_BACKDROPS = TypeAdapter(list[JsonValue])


MOST_LISTED: Final = 25
"""The most backdrops that one answer lists: nobody knows how much the API says of each."""

_MOST_NAME_CHARS = 100
_BY_HAND = "Ask the user to save the backdrop's picture in a folder of AUTOBG_IMAGE_DIRS, and name its path."


class Library(Result):
    """Backdrops as the API lists them, those that were looked for; their fields are undocumented. Links are shown without a signature."""

    backdrops: list[Pruned]
    total: int = 0
    """How many the library has."""
    found: int = Field(default=0, exclude=True)
    """How many fit what was looked for."""
    links: list[str] = Field(default_factory=list, exclude=True)
    """Every link in the whole library as it came."""

    def structured(self) -> dict[str, JsonValue]:
        """The first ones: a library may be long, and a model pays for each."""
        told = self.model_copy(update={"backdrops": self.backdrops[:MOST_LISTED]})
        return super(Library, told).structured()

    def next_step(self) -> str:
        """A backdrop's picture becomes the background of a template."""
        if not self.backdrops:
            return "listLibraryTemplates without find" if self.total else ""
        use = "createTemplate with a picture's link as background" if self.links else ""
        if self.found <= MOST_LISTED:
            return use
        return f"{MOST_LISTED} of {self.found:,} are listed: listLibraryTemplates with find; {use}"


class ListLibraryTemplates(Endpoint[Library]):
    """List the vendor's library of backdrops, which can be selected for templates; the first 25 of them.

    Free. 100 calls/min. Unverified: the fields of a backdrop.
    """

    tool = "listLibraryTemplates"
    title = "List library backdrops"
    effect = "reads"
    toolset = "enterprise"
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
        return Library(
            backdrops=[pruned(_without_signatures(one)) for one in found],
            total=len(every),
            found=len(found),
            links=list(links_in(every)),
        )

    def _fits(self, backdrop: JsonValue) -> bool:
        return (self.find or "").casefold() in json.dumps(backdrop, ensure_ascii=False).casefold()


async def backdrop(link: str, context: Context) -> FilePart:
    """A picture of the library as a part of a request; only links that the API lists now are fetched.

    Raises:
        FileRefusedError: The library has no such link, or it leads to no picture.
        LinkRefusedError: It cannot be fetched.
    """
    library = await ListLibraryTemplates().run(context)
    fresh = next((one for one in library.links if same_link(one) == same_link(link)), None)
    if fresh is None:
        raise FileRefusedError(
            f"{quoted(link)} is no link that listLibraryTemplates tells; others are not fetched.",
            next_step=_BY_HAND,
        )
    try:
        content = await context.fetch(fresh)
    except LinkRefusedError as error:
        raise LinkRefusedError(str(error), next_step=_BY_HAND) from error
    name = unquote(urlsplit(fresh).path).rpartition("/")[2][-_MOST_NAME_CHARS:] or "backdrop"
    return await part_of(name, content, unsigned(fresh), context)


def _without_signatures(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _without_signatures(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_signatures(inner) for inner in value]
    return unsigned(value) if isinstance(value, str) else value
