"""What the balances before and after a submission of unknown outcome say about it, in words.

That a picture costs one credit, and that it is charged when it is sent, is inferred (no document says so), and other programs
may spend from the same balance: so a verdict is "almost surely" and never settles anything.
"""

from autobg_mcp.errors import StillUnknownError
from autobg_mcp.money.ledger import Entry, Intent, Spending
from autobg_mcp.text import amount, at, quoted

_SEE_LEDGER = (
    "Call listBatches to see it; allowDuplicate: true sends it all the same and may be charged again."
)


def told_by_credits(entry: Entry, spending: Spending) -> str:
    """Whether a submission was charged, as far as credits tell, with the ground; it begins with a small letter.

    Args:
        entry: Its outcome is unknown.
        spending: What `Ledger.evidence` answers for it.
    """
    before, first, last = spending.before, spending.after, spending.latest
    if before is None:
        return "no balance from before it is known, so credits tell nothing; getImageStatus of its batch (free) may"
    if first is None or last is None:
        return (
            f"credits were {amount(before.left)} before it and nobody asked since: "
            "getUserCreditDetails (free) tells whether it was charged"
        )
    charged = spending.charged_of_unknown()
    is_told_by_first = charged is not None and before.left - first.left - spending.accepted == charged
    left = first.left if is_told_by_first else last.left
    change = "stayed" if left == before.left else f"went {amount(before.left)} →"
    meaning = _meaning(entry, spending, charged)
    if charged == 0 and not spending.denies(entry):
        meaning = (
            f"not charged by {at(last.at)}, but the API may still have been at work on it; "
            "getUserCreditDetails (free) tells more a minute later"
        )
    return f"credits {change} {amount(left)} {_beside(entry, spending)}: {meaning}"


def _meaning(entry: Entry, spending: Spending, charged: int | None) -> str:
    alone = spending.unknown == entry.pictures
    if charged is None:
        return (
            "no verdict, since that does not explain it "
            "(another program with the same key, credits that were added, or a charge that came late)"
        )
    if charged == spending.unknown:
        return "charged, almost surely" if alone else f"all {charged} charged, almost surely"
    if charged:
        return f"{charged} of {spending.unknown} charged, almost surely, and nobody knows which"
    return f"{'not' if alone else 'none'} charged, almost surely; allowDuplicate: true would send it again"


def _beside(entry: Entry, spending: Spending) -> str:
    """What else was sent from here between the two balances."""
    counts = {
        "accepted": spending.accepted,
        "refused": spending.refused,
        "of unknown outcome": spending.unknown - entry.pictures,
    }
    others = " and ".join(f"{count} {what}" for what, count in counts.items() if count > 0)
    return f"with {others} sent from here beside it" if others else "with nothing else sent from here"


def still_unknown(picture: Intent, entry: Entry, verdict: str) -> StillUnknownError:
    """The error for a picture that an earlier call has sent, with what is free to know of it."""
    return StillUnknownError(
        f"{picture.tool}: {quoted(picture.file_name, 80)} was sent at {at(entry.at)} and nobody knows what came "
        f"of it ({entry.reason}); it was not sent again. {verdict}",
        next_step=_SEE_LEDGER,
    )
