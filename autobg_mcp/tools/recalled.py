"""What the ledger recalls for a person who browses at the host: no request is made, and nothing of another account is told."""

from typing import TYPE_CHECKING

from autobg_mcp.files.saved import newest_results
from autobg_mcp.text import cleaned, local_path
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.batches import known_batch
from autobg_mcp.tools.keeping import mark_of, place_of

if TYPE_CHECKING:
    from pydantic import JsonValue

    from autobg_mcp.money.ledger import PictureState

_BATCHES_LOOKED_THROUGH = 20


async def recalled_batch(batch_id: str, context: Context) -> "dict[str, JsonValue] | None":
    """A batch with its pictures as last known; None where nothing was submitted to it from here."""
    ledger, account = context.ledger, context.account.id
    batch = await ledger.batch(account, batch_id)
    if batch is None:
        return None
    names = await ledger.template_names(account, filter(None, [batch.template]))
    pictures = await ledger.seen(account, batch_id)
    return known_batch(batch, names.get(batch.template or "")).model_dump(exclude_none=True) | {
        "images": [_told(picture) for picture in pictures]
    }


async def recalled_picture(pic_id: str, context: Context) -> "dict[str, JsonValue] | None":
    """A picture with links to its saved files, never their bytes; None where no batch of this account was seen to hold it."""
    known = await context.ledger.picture(context.account.id, pic_id)
    if known is None:
        return None
    folder, stem = place_of(pic_id, known)
    saved = await context.look(newest_results, context.settings.output_folder(), folder=folder, stem=stem)
    state = next(
        one for one in await context.ledger.seen(context.account.id, known.batch_id) if one.pic_id == pic_id
    )
    files: list[JsonValue] = [{"path": local_path(path), "uri": path.as_uri()} for path in saved]
    found: dict[str, JsonValue] = _told(state) | {"batchID": known.batch_id, "files": files}
    if known.source:
        found["original"] = local_path(known.source)
    if mark := await mark_of(pic_id, context):
        found["sinceReport"] = mark
    if not files:
        found["next"] = "reviewBatch saves the pictures of a batch, getImagesRaw one of them."
    return found


async def known_batch_ids(text: str, most: int, context: Context) -> list[str]:
    """The batches whose number, vehicle, template or file names hold a text, newest first."""
    found = await context.ledger.batches(context.account.id, text=text or None, limit=most)
    return [batch.batch_id for batch in found]


async def known_pic_ids(text: str, most: int, context: Context) -> list[str]:
    """The pictures of the newest batches whose number begins with a text."""
    batches = await context.ledger.batches(context.account.id, limit=_BATCHES_LOOKED_THROUGH)
    found: dict[str, None] = {}
    for batch in batches:
        pictures = await context.ledger.seen(context.account.id, batch.batch_id)
        found |= {one.pic_id: None for one in pictures if one.pic_id.startswith(text)}
        if len(found) >= most:
            break
    return [*found][:most]


async def known_templates(text: str, most: int, context: Context) -> list[str]:
    """The templates that listTemplates has told, by name, each with its id in brackets."""
    found = await context.ledger.templates_like(context.account.id, text, limit=most)
    return [f"{cleaned(name, 100)} ({template_id})" for template_id, name in found.items()]


def _told(picture: "PictureState") -> "dict[str, JsonValue]":
    return {
        "picID": picture.pic_id,
        "picName": cleaned(picture.name),
        "isProcessed": picture.processed,
        "isFailed": picture.failed,
        "uri": f"autobg://pictures/{picture.pic_id}",
    }
