"""What is odd about vehicles that are named together: ids that look like one car, a photo in two of them, too many photos."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from autobg_mcp.api.same_link import same_link, unsigned
from autobg_mcp.jobs.plan import PlannedPhoto
from autobg_mcp.money.identity import same_vehicle
from autobg_mcp.money.ledger import FileStamp
from autobg_mcp.text import counted, quoted
from autobg_mcp.tools.drafting import Draft
from autobg_mcp.tools.photos import MOST_PHOTOS
from autobg_mcp.tools.sources import ID_CHARS

_MOST_NAMED = 3


def oddities(drafts: Sequence[Draft], digests: Mapping[FileStamp, str]) -> list[str]:
    """What a person should look at before anything is paid, a line each.

    Args:
        drafts: The vehicles.
        digests: What identifies the files that were read before.
    """
    return [
        *_look_alikes(drafts),
        *_in_two_vehicles(drafts, digests),
        *_large(drafts),
        *_with_two_templates(drafts),
    ]


def _look_alikes(drafts: Sequence[Draft]) -> Iterator[str]:
    spelled = defaultdict[str, dict[str, None]](dict)
    for draft in drafts:
        spelled[same_vehicle(draft.source.vehicle)][draft.source.vehicle] = None
    for vehicles in spelled.values():
        if len(vehicles) > 1:
            told = " and ".join(quoted(one, ID_CHARS) for one in list(vehicles)[:_MOST_NAMED])
            yield f"{told} look like one car: the same photo is paid once for both"


def _in_two_vehicles(drafts: Sequence[Draft], digests: Mapping[FileStamp, str]) -> Iterator[str]:
    first: dict[object, str] = {}
    shared: dict[str, tuple[str, str]] = {}
    for draft in drafts:
        vehicle = draft.source.vehicle
        for photo in draft.photos:
            for key in _keys(photo, digests):
                if (other := first.setdefault(key, vehicle)) != vehicle:
                    shared[photo.picture] = (other, vehicle)
    for picture, vehicles in list(shared.items())[:1]:
        told = " and ".join(quoted(name, ID_CHARS) for name in vehicles)
        yield (
            f"{counted(len(shared), 'photo')} also in another vehicle, by content or by name, size and time, "
            f"such as {quoted(unsigned(picture).rpartition('/')[2], ID_CHARS)} in {told}"
        )


def _keys(photo: PlannedPhoto, digests: Mapping[FileStamp, str]) -> Sequence[object]:
    """What two pictures have in common that are the same, or look so without being read."""
    stamp = photo.stamp
    if stamp is None:
        return (same_link(photo.picture),)
    looks = (os.path.basename(stamp.path), stamp.size_bytes, stamp.mtime_ns)  # noqa: PTH119  # of thousands
    return (stamp.identity, looks, digests.get(stamp, looks))


def _large(drafts: Sequence[Draft]) -> Iterator[str]:
    photos = defaultdict[str, int](int)
    for draft in drafts:
        photos[draft.source.vehicle] += len(draft.photos)
    for vehicle, count in photos.items():
        if count > MOST_PHOTOS:
            yield f"{quoted(vehicle, ID_CHARS)} has {count:,} photos; is it one car?"


def _with_two_templates(drafts: Sequence[Draft]) -> Iterator[str]:
    templates = defaultdict[str, dict[str | None, None]](dict)
    for draft in drafts:
        templates[draft.source.vehicle][draft.source.template] = None
    for vehicle, named in templates.items():
        if len(named) > 1:
            told = " and ".join(quoted(one or "none", ID_CHARS) for one in list(named)[:_MOST_NAMED])
            yield f"{quoted(vehicle, ID_CHARS)} has photos for several templates: {told}"
