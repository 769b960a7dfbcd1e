"""Library: the vendor's own backdrops, a beta of the API."""

from pydantic import JsonValue

from autobg_mcp.toolkit.endpoint import FAST, Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.answer_fields import Pruned, listed, pruned


class Library(Result):
    """Backdrops as the API lists them; their fields are undocumented."""

    backdrops: list[Pruned]

    def next_step(self) -> str:
        """A backdrop's id goes into an upload."""
        return "uploadImagesWithLibraryTemplate with a backdrop's id"


class ListLibraryTemplates(Endpoint[Library]):
    """Beta: list the backdrops of the vendor's library.

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

    def result(self, data: JsonValue) -> Library:
        """The answer is undocumented: a list, bare or under a name."""
        inner = (
            next((value for value in data.values() if isinstance(value, list)), data)
            if isinstance(data, dict)
            else data
        )
        return Library.model_validate({"backdrops": pruned(listed(inner, "templates"))})
