"""Folders and sheets of cars, and the plan that is made of them."""

from pathlib import Path
from typing import Any

from autobg_mcp.client import Client
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.manifest import Manifest, read_manifest
from autobg_mcp.tools.prospect import VehiclesPlanned
from autobg_mcp.tools.vehicles import ProcessVehicles


def put(folder: Path, *names: str) -> None:
    """Files with pictures' endings; a plan reads none of them."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode(errors="surrogateescape"))


async def planned(client: Client, **arguments: Any) -> VehiclesPlanned:
    return await client.call(ProcessVehicles.from_arguments(arguments))


def told(plan: VehiclesPlanned) -> str:
    """Everything that a plan says."""
    return "\n".join([*plan.summary, *plan.vehicles, *plan.odd, *plan.notSent, plan.next])


def sheet(folder: Path, content: str | bytes, name: str = "cars.csv") -> Manifest:
    """What a manifest of this content says."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_manifest(Fence([folder]), name)


def vehicles_of(manifest: Manifest) -> dict[str, list[str]]:
    """What each vehicle's rows name, files before links."""
    named: dict[str, list[str]] = {}
    for row in manifest.rows:
        named.setdefault(row.named.vehicle, []).extend([*row.named.photos, *row.named.links])
    return named
