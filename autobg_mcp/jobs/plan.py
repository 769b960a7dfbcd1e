"""What is to be sent, before anything is: vehicles, each with its photos and the tool that submits them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from autobg_mcp.money.ledger import FileStamp


@dataclass(frozen=True)
class PlannedPhoto:
    """One photo.

    Attributes:
        picture: Its path, absolute, or its link.
        stamp: The file as it was when it was planned; None for a link.
    """

    picture: str
    stamp: FileStamp | None


@dataclass(frozen=True)
class PlannedVehicle:
    """Photos of one vehicle that one tool submits.

    Attributes:
        vehicle: Its id.
        tool: The paying tool.
        arguments: The tool's arguments, without the photos.
        photos: In order; each is sent once.
    """

    vehicle: str
    tool: str
    arguments: Mapping[str, JsonValue]
    photos: Sequence[PlannedPhoto]


@dataclass(frozen=True)
class Plan:
    """Everything that one call wants sent.

    Attributes:
        vehicles: In order.
        download: Whether results are saved as they finish.
    """

    vehicles: Sequence[PlannedVehicle]
    download: bool
