"""What is to be sent, by vehicle: written down before anything is, so that exactly this is started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from autobg_mcp.money.ledger import FileStamp


@dataclass(frozen=True)
class PlannedPhoto:
    """One photo that is to be sent.

    Attributes:
        picture: The absolute path of a local file, or a link.
        stamp: The file as it was when it was planned; None for a link.
    """

    picture: str
    stamp: FileStamp | None


@dataclass(frozen=True)
class PlannedVehicle:
    """Photos of one vehicle that one paying tool takes: a vehicle with files and links stands in a plan twice.

    Attributes:
        vehicle: Its id as it was written.
        tool: The name of the tool.
        arguments: The tool's arguments without the pictures.
        photos: What is to be sent, in order.
    """

    vehicle: str
    tool: str
    arguments: Mapping[str, JsonValue]
    photos: Sequence[PlannedPhoto]


@dataclass(frozen=True)
class Plan:
    """All that is to be sent; what was paid before is not in it.

    Attributes:
        vehicles: In the order in which they were named.
        download: Whether results are saved as they finish.
    """

    vehicles: Sequence[PlannedVehicle]
    download: bool

    @property
    def photo_count(self) -> int:
        """The photos, which is the most credits that it costs at one a photo (inferred)."""
        return sum(len(one.photos) for one in self.vehicles)

    @property
    def vehicle_count(self) -> int:
        """The vehicles, by their ids as they were written; one whose photos several tools take is one."""
        return len({one.vehicle for one in self.vehicles})
