"""Keeps a picture's result: where it lies, which name it has, and whether it changed since it was reported."""

import hashlib
from typing import NamedTuple

import anyio.to_thread

from autobg_mcp.files.outbox import SavedFile
from autobg_mcp.money.ledger import KnownPicture, Rework
from autobg_mcp.text import at
from autobg_mcp.toolkit.context import Context


class Kept(NamedTuple):
    """A result that was just saved."""

    file: SavedFile
    known: KnownPicture | None
    """What is known of the picture."""
    mark: str
    """What became of it since it was reported, in words; empty where it was not."""
    unchanged: bool
    """Whether it is the same as when it was reported."""


async def keep(pic_id: int, content: bytes, context: Context) -> Kept:
    """Save what was fetched of a picture as `batch/picID_name`; what was saved of it before goes to `superseded/`.

    What it is goes into the ledger first: should the process die in between, a repeat knows its own files.

    Raises:
        FileRefusedError: It cannot be saved.
    """
    ledger, account = context.ledger, context.account.id
    digest = (await anyio.to_thread.run_sync(hashlib.sha256, content)).hexdigest()
    earlier = await ledger.fetched(account, str(pic_id), digest)
    known = await ledger.picture(account, str(pic_id))
    folder, stem = place_of(str(pic_id), known)
    file = await context.save(content, folder=folder, stem=stem, earlier=earlier)
    rework = (await ledger.rework(account, [str(pic_id)])).get(str(pic_id))
    return Kept(file, known, mark(rework) if rework else "", bool(rework and rework.changed is False))


def place_of(pic_id: str, known: KnownPicture | None) -> tuple[str, str]:
    """The folder and the name of a picture's results."""
    return (known.batch_id, f"{pic_id}_{known.name}".rstrip("_")) if known else ("pictures", pic_id)


async def mark_of(pic_id: int | str, context: Context) -> str:
    """What became of a picture since it was reported, in words; empty where it was not."""
    found = await context.ledger.rework(context.account.id, [str(pic_id)])
    return "".join(map(mark, found.values()))


def mark(rework: Rework) -> str:
    """Reported, redone, changed: what a status and the bytes tell, and where neither can tell."""
    what, when = "sent to people" if rework.by_people else "reported", at(rework.reported_at)
    if rework.changed:
        return f"{what}, redone, changed since {when}" if rework.redone else f"{what}, changed since {when}"
    told = f"{what} {when}" + (", redone since" if rework.redone else "")
    if rework.changed is not None:
        return f"{told}, same as when {what}"
    return f"{told}, whether it changed cannot be told: it was not saved before" if rework.fetched else told
