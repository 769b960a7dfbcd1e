"""The receipt of a paying call: what was sent and what came of it, and whether the balance agrees."""

from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.tally import Tally


async def receipt(tally: Tally, outlook: Outlook) -> str:
    """How many pictures were sent, accepted, skipped, refused or are unknown, and what became of the credits."""
    total, taken = len(tally.fates), tally.count("accepted", "paid before")
    missing = total - taken
    head = f"{taken} of {total} taken"
    if missing:
        head += f", {missing} not" + (f": {tally.stopped}" if tally.stopped else "")
    counts = (
        f"sent {tally.sent('accepted', 'refused', 'unknown', 'left')}, accepted {tally.count('accepted')}, "
        f"paid before {tally.count('paid before')}, refused {tally.sent('refused', 'left')}, "
        f"unknown {tally.count('unknown')}"
    )
    return f"{head.rstrip('.')}. {counts}{await _balances(tally, outlook)}."


async def _balances(tally: Tally, outlook: Outlook) -> str:
    accepted, unknown = tally.count("accepted"), tally.sent("unknown")
    if not accepted + unknown:
        return ""
    before, after = outlook.credits_before, await outlook.balance()
    if before is None or after is None:
        return "; credits before and after are not both known"
    spent = before - after
    return f"; credits {before:g} → {after:g}, explained: {_explained(spent, accepted, unknown)}"


def _explained(spent: float, accepted: int, unknown: int) -> str:
    """Whether one credit for each accepted picture, which is inferred, explains what was spent."""
    if spent == accepted:
        return "yes" + (", those of unknown outcome not charged, almost surely" if unknown else "")
    if spent == accepted + unknown:
        return "yes, those of unknown outcome charged, almost surely"
    return f"no, {spent:g} spent for {accepted} accepted (another program, or another price)"
