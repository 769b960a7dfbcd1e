"""What is kept on this machine: budgets of calls, the ledger of what was sent, and jobs."""

from typing import Final

from pydantic import JsonValue

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.doctor.finding import Finding
from autobg_mcp.errors import AutobgError
from autobg_mcp.text import cleaned, counted, some
from autobg_mcp.tools import ENDPOINTS
from autobg_mcp.tools.credits import DailyLimit
from autobg_mcp.tools.jobs import GetJobs

_MOST_TOLD: Final = 3


async def limits(client: Client) -> Finding:
    """The budgets of calls: what is used up now, and gates that the API has closed."""
    store = client.settings.throttle.partition(":")[0]
    try:
        budgets = await client.budgets(ENDPOINTS)
    except AutobgError as error:
        return Finding.of("limits", error)
    closed = [f"{one['tool']} for {one['closedS']} s" for one in budgets if _number(one.get("closedS")) > 0]
    if closed:
        remedy = "Wait; if nothing else uses the key, the limit is smaller than documented: see AUTOBG_RATE_LIMITS."
        return Finding("limits", "warn", f"the API has closed the gate of {some(closed, _MOST_TOLD)}", remedy)
    used_up = [f"{one['tool']} ({one['limit']})" for one in budgets if not _number(one["left"])]
    begun = [f"{one['tool']} {one['left']} left of {one['limit']}" for one in budgets if _number(one["used"])]
    if used_up:
        seen = f"no call left now: {some(used_up, _MOST_TOLD)}"
        return Finding("limits", "warn", seen, "Wait: calls do so by themselves.")
    seen = some(begun, _MOST_TOLD) if begun else "none is used"
    return Finding("limits", "ok", f"{counted(len(budgets), 'budget')}, kept in {store}: {seen}")


def _number(value: JsonValue) -> float:
    return value if isinstance(value, int | float) else 0


async def ledger(client: Client) -> list[Finding]:
    """Whether the ledger can be read, what of it nobody knows, and what a daily limit leaves."""
    try:
        context = client.context(Call())
        account = context.account.id
        newest = await context.ledger.batches(account, limit=1)
        unknown = len(await context.ledger.unknown(account))
        limit = await DailyLimit.now(context)
    except AutobgError as error:
        return [Finding.of("ledger", error)]
    found = [Finding("ledger", "ok", f"newest batch: {newest[0].batch_id if newest else 'none yet'}")]
    if unknown:
        seen = f"of {counted(unknown, 'submission')} nobody knows what came"
        found = [Finding("ledger", "warn", seen, "autobg-mcp call listBatches tells what is known of them.")]
    if limit is not None:
        seen = f"{limit.left} of {limit.limit} are left today"
        remedy = "" if limit.left else "Wait until tomorrow, or raise AUTOBG_DAILY_CREDIT_LIMIT."
        found.append(Finding("daily limit", "warn" if remedy else "ok", seen, remedy))
    return found


async def jobs(client: Client) -> Finding:
    """Which jobs are open, and who carries them out."""
    try:
        context = client.context(Call())
        worker = await context.jobs.signs.worker(context.account.id)
        told = await client.call(GetJobs())
    except AutobgError as error:
        return Finding.of("jobs", error)
    by = f"process {worker} of this machine carries them out"
    still = [f"{one.job} ({one.photos})" for one in told.jobs if one.is_open]
    if not still:
        return Finding("jobs", "ok", "no job is open")
    seen = f"open: {some(still, _MOST_TOLD)}"
    if worker is None:
        remedy = "Start a host that has the server, or: autobg-mcp work --once"
        return Finding("jobs", "warn", f"{seen}; nobody carries them out", remedy)
    if told.waits:
        waits = cleaned("; ".join(told.waits), 500)
        return Finding("jobs", "warn", f"{seen}; {by}, and waits: {waits}", "autobg-mcp call getJobs")
    return Finding("jobs", "ok", f"{seen}; {by}")
