"""The receipt of a paying call: what was sent and what came of it, and whether the balance agrees."""

from contextlib import suppress

from autobg_mcp.errors import OutOfCreditsError, StateError
from autobg_mcp.money.ledger import Spending
from autobg_mcp.money.ledger.spending import Told
from autobg_mcp.text import amount, first_sentence
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.tally import Tally


async def receipt(tally: Tally, outlook: Outlook, context: Context) -> str:
    """How many pictures were sent, accepted, skipped, refused, queued or are unknown, and what became of the credits."""
    total, in_batch, queued = len(tally.fates), tally.count("accepted", "paid before"), tally.count("queued")
    spending = await _spending(tally, outlook, context)
    counts = (
        f"sent {tally.sent('accepted', 'refused', 'unknown', 'left')}, accepted {tally.count('accepted')}, "
        f"paid before {tally.count('paid before')}, refused {tally.sent('refused', 'left')}, "
        f"unknown {tally.count('unknown')}{f', queued {queued}' if queued else ''}"
    )
    before_now = None if tally.carried_on else outlook.before
    balances = _balances(spending, before_now) if tally.sent("accepted", "unknown") else ""
    others = _others(tally, total - in_batch - queued, spending)
    return f"{in_batch} of {total} in a batch{others}. {counts}{balances}."


def _others(tally: Tally, others: int, spending: Spending | None) -> str:
    """How many are in no batch, and what stopped the call; credits that are used up are told in numbers."""
    if not others:
        return ""
    stop, latest = tally.stopped, None if spending is None else spending.latest
    if isinstance(stop, OutOfCreditsError) and latest is not None and latest.left < others:
        return f", {others} not: credits are used up ({amount(latest.left)} left, {others} needed)"
    return f", {others} not" + (f": {first_sentence(str(stop)).rstrip('.')}" if stop else "")


async def _spending(tally: Tally, outlook: Outlook, context: Context) -> Spending | None:
    """What went out between the balances before and after; None where nothing was sent, or nobody can tell."""
    if not tally.sent("accepted", "unknown", "left"):
        return None
    await outlook.ask_balance()
    with suppress(StateError):  # which must not hide what was sent
        if tally.carried_on:
            return await _since_begun(tally, context)
        if outlook.before is not None:
            return await context.ledger.spending(context.account.id, since=outlook.before.entry)
    return None


async def _since_begun(tally: Tally, context: Context) -> Spending:
    """The same of a call that another process has begun: from the balance before the first entry that was made for it."""
    ledger, account, first = context.ledger, context.account.id, min(tally.carried_on)
    before = (await ledger.evidence(account, [first]))[first].before
    now = await ledger.balance(account)
    after = None if now is None or now.accepted or now.unknown else now
    spent = 0 if before is None else await ledger.spent(account, before.at)
    unknown = min(spent, tally.count("unknown"))
    return Spending(before, after, after, spent - unknown, 0, unknown)


def _balances(spending: Spending | None, before_now: Told | None) -> str:
    """The balance before and after, and whether the ledger explains the difference."""
    told = before_now if spending is None or spending.before is None else spending.before
    if told is None:
        return "; the credits before are not known"
    if spending is None or spending.latest is None or spending.before is None:
        return f"; credits before {amount(told.left)}, after is not known"
    before, after, charged = spending.before.left, spending.latest.left, spending.charged_of_unknown()
    change = f"; credits {amount(before)} → {amount(after)}, explained: "
    if charged is not None:
        return change + (
            "yes" if not spending.unknown else f"yes, with {charged} of {spending.unknown} unknown charged"
        )
    return (
        f"{change}no, {amount(before - after)} gone for {spending.accepted} accepted from here (another program with "
        "the same key, credits that were added, or another price)"
    )
