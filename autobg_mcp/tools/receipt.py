"""The receipt of a paying call: what was sent and what came of it, and whether the balance agrees."""

from autobg_mcp.errors import StateError
from autobg_mcp.money.ledger import Spending
from autobg_mcp.text import amount, first_sentence
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.tally import Tally


async def receipt(tally: Tally, outlook: Outlook, context: Context) -> str:
    """How many pictures were sent, accepted, skipped, refused or are unknown, and what became of the credits."""
    total, taken = len(tally.fates), tally.count("accepted", "paid before")
    head = f"{taken} of {total} taken"
    if total > taken:
        head += f", {total - taken} not" + (
            f": {first_sentence(str(tally.stopped))}" if tally.stopped else ""
        )
    counts = (
        f"sent {tally.sent('accepted', 'refused', 'unknown', 'left')}, accepted {tally.count('accepted')}, "
        f"paid before {tally.count('paid before')}, refused {tally.sent('refused', 'left')}, "
        f"unknown {tally.count('unknown')}"
    )
    return f"{head.rstrip('.')}. {counts}{await _balances(tally, outlook, context)}."


async def _balances(tally: Tally, outlook: Outlook, context: Context) -> str:
    """The balance before and after, and whether the ledger explains the difference; empty where nothing was sent."""
    if not tally.sent("accepted", "unknown"):
        return ""
    await outlook.ask_balance()
    if outlook.before is None:
        return "; the credits before are not known"
    try:
        spending = await context.ledger.spending(context.account.id, since=outlook.before.entry)
    except StateError:  # which must not hide what was sent
        return f"; credits before {amount(outlook.before.left)}, after is not known"
    if spending.latest is None or spending.before is None:
        return f"; credits before {amount(outlook.before.left)}, after is not known"
    change = f"; credits {amount(spending.before.left)} → {amount(spending.latest.left)}"
    return f"{change}, explained: {_explained(spending)}"


def _explained(spending: Spending) -> str:
    """Whether one credit for each picture, which is inferred, explains what was spent by every call from here."""
    charged = spending.charged_of_unknown()
    if charged is not None:
        return "yes" if not spending.unknown else f"yes, with {charged} of {spending.unknown} unknown charged"
    spent = (
        0.0
        if spending.before is None or spending.latest is None
        else spending.before.left - spending.latest.left
    )
    return (
        f"no, {amount(spent)} gone for {spending.accepted} accepted from here (another program with the same key, "
        "credits that were added, or another price)"
    )
