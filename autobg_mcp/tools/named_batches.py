"""A free look at the account's batches: no endpoint lists them, but the answer of its usage may, one row a batch."""

import anyio.to_thread

from autobg_mcp.api.exchange import Answer
from autobg_mcp.files.spreadsheet import table_in
from autobg_mcp.money.facts import BatchesNamed
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.account import GetUserUsage
from autobg_mcp.tools.usage import batches_in_json, batches_in_table


async def look_for_batches(context: Context) -> None:
    """Ask which batches the credits of the last days went to, and keep what they are named after; nothing is saved.

    The vendor's own app shows its usage history with one row a batch (its id, its name, a day, credits); whether the API
    answers the same is unknown. Where it does not, this teaches nothing.

    Raises:
        AutobgError: There is no answer.
    """
    usage = GetUserUsage(reportOption="Last 7 days")  # its days are the API's, which may be in another zone
    answer = await context.send(await usage.request(context))
    await context.remember(BatchesNamed(await anyio.to_thread.run_sync(_named_in, answer)))


def _named_in(answer: Answer) -> dict[str, str]:
    """The vehicles that an answer of whatever form names batches after, by batch."""
    try:
        return batches_in_json(answer.json())
    except ValueError:
        pass
    try:
        header, *rows = table_in(answer.content).rows or [[]]
    except ValueError:
        return {}
    return batches_in_table([str(name) for name in header], rows)
