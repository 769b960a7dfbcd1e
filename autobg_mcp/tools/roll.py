"""The pictures that one paying call names: how each is told, known again, and made ready to be sent."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autobg_mcp.api.exchange import FilePart
from autobg_mcp.errors import AutobgError
from autobg_mcp.jobs.plan import PlannedPhoto
from autobg_mcp.money.ledger import Intent

Files = Mapping[str, FilePart]
"""Files of a request by field, read once."""


@dataclass(frozen=True)
class Ready:
    """Pictures of one request.

    Attributes:
        intents: How the ledger writes down each.
        files: The files that the request carries.
    """

    intents: dict[str, Intent]
    files: Files


class Roll(ABC):
    """The pictures of one call, in order, each once.

    Attributes:
        pictures: What identifies each within the call.
        unread: Those that cannot be looked at, and why.
        others: Names of what lies beside them and is no picture.
    """

    pictures: Sequence[str]
    unread: Mapping[str, AutobgError] = {}
    others: Sequence[str] = ()

    @abstractmethod
    def told(self, picture: str) -> tuple[str, str]:
        """How a picture is named to a caller, and the place that it is one of many of."""

    @abstractmethod
    def planned(self, picture: str) -> PlannedPhoto:
        """A picture as a job keeps it."""

    def size_bytes(self, pictures: Sequence[str]) -> int:  # noqa: ARG002  # a link takes no memory here
        """How much memory pictures take while they are on their way."""
        return 0

    @abstractmethod
    async def known(self) -> dict[str, Intent]:
        """The pictures that are identified without being read."""

    @abstractmethod
    async def ready(self, pictures: Sequence[str]) -> Ready:
        """Pictures that may go out together, read now.

        Raises:
            AutobgError: One cannot be read.
        """

    async def keep(self) -> None:  # noqa: B027  # a link has nothing to be kept
        """Let later calls know what this one has read."""
