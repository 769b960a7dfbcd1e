"""What a call teaches: endpoints declare what the API's answer says, and the ledger keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autobg_mcp.money.ledger import Complaint, FileStamp, Intent, Ledger, PictureState

NO_PICTURE = ""
"""What is kept in place of a digest for a file whose bytes are no picture: a plan needs not read it again to say so.

A release that takes in other files than the last one forgets these, by a step of the ledger's schema.
"""

_LEASE_S = 60.0  # between two writes that follow each other at once


@dataclass(frozen=True)
class BalanceTold:
    """The credits that are left now; `asked_after` is what `Ledger.calm` answered before the API was asked."""

    left: float
    asked_after: int | None


@dataclass(frozen=True)
class TemplatesNamed:
    """The names of templates, by id: people speak of templates by name."""

    names: Mapping[str, str]


@dataclass(frozen=True)
class BatchSeen:
    """How far the pictures of a batch are: it also settles submissions whose outcome nobody knew."""

    batch_id: str
    pictures: Sequence[PictureState]


@dataclass(frozen=True)
class BatchesNamed:
    """The vehicles that the API names batches of the account after, by batch."""

    vehicles: Mapping[str, str]


@dataclass(frozen=True)
class PicturesReported:
    """Pictures that the API took a report of: they are done again, and what was last seen of them holds no longer."""

    pic_ids: Sequence[str]
    reasons: Sequence[str]
    comment: str


@dataclass(frozen=True)
class PicturesSentToQA:
    """Pictures that people do again, in a batch that may be a new one; `names` are the API's for them."""

    tool: str
    pic_ids: Sequence[str]
    batch_id: str
    names: Sequence[str]


@dataclass(frozen=True)
class FilesIdentified:
    """What identifies local files, or that they are no picture, so that they need not be read again."""

    digests: Mapping[FileStamp, str]


Fact = (
    BalanceTold
    | TemplatesNamed
    | BatchSeen
    | BatchesNamed
    | PicturesReported
    | PicturesSentToQA
    | FilesIdentified
)
"""Anything worth remembering."""


async def keep(fact: Fact, ledger: Ledger, account: str, host: str) -> None:
    """Write a fact down.

    Raises:
        StateError: The ledger cannot be used.
    """
    match fact:
        case BalanceTold(left, asked_after):
            await ledger.record_credits(account, left, asked_after=asked_after)
        case TemplatesNamed(names):
            await ledger.record_templates(account, names)
        case BatchSeen(batch_id, pictures):
            await ledger.record_status(account, batch_id, pictures)
        case BatchesNamed(vehicles):
            await ledger.record_vehicles(account, vehicles)
        case PicturesReported(pic_ids, reasons, comment):
            await ledger.record_report(account, pic_ids, Complaint(reasons, comment))
        case FilesIdentified(digests):
            await ledger.keep_digests(digests)
        case PicturesSentToQA():
            await _keep_sent_to_qa(fact, ledger, account, host)


async def _keep_sent_to_qa(fact: PicturesSentToQA, ledger: Ledger, account: str, host: str) -> None:
    """As a report without reasons, and a submission that costs nothing, for the vehicle whose pictures they are."""
    await ledger.record_report(account, fact.pic_ids, Complaint(()))
    found = [await ledger.picture(account, pic_id) for pic_id in fact.pic_ids]
    known = [one for one in found if one]
    vehicle = await ledger.vehicle_of(account, known[0].batch_id) if known else None
    intent = Intent(
        account=account,
        host=host,
        tool=fact.tool,
        vehicle=vehicle or "QA",
        template=None,
        file_name="\n".join([one.name for one in known] or fact.names),
        pictures=0,
        fingerprint=f"{fact.tool} {', '.join(fact.pic_ids)}",
        source=None,
        process_type="collab",
    )
    claim = await ledger.claim(intent, lease_s=_LEASE_S, duplicate_window_s=0, allow_duplicate=True)
    if claim.entry is not None:
        await ledger.settle(claim.entry.id, "accepted", batch_id=fact.batch_id)
