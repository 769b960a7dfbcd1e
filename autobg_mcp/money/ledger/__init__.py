"""What was submitted and spent, on disk: nothing is paid twice and nothing is forgotten.

A submission is written down before its first byte leaves and settled after the answer:

    claim = ledger.claim(submission, duplicate_window_s=86_400)
    if claim.entry:
        ledger.sent(claim.entry.id)          # just before the first byte
        ...                                  # the HTTP call
        ledger.settle(claim.entry.id, "accepted", batch_id="1004")

Every call is synchronous, thread-safe and one short transaction; an async caller runs it in a worker
thread. A process killed anywhere leaves each of its entries true or `unknown`.
"""

from autobg_mcp.money.ledger.batch_rows import BatchRows
from autobg_mcp.money.ledger.entries import LEASE_S
from autobg_mcp.money.ledger.looks import Looks
from autobg_mcp.money.ledger.records import (
    Batch,
    Claim,
    Entry,
    Intent,
    KnownPicture,
    Outcome,
    PictureState,
    Poll,
    State,
)
from autobg_mcp.money.ledger.report_rows import Reports
from autobg_mcp.money.ledger.submissions import Submissions


class Ledger(Submissions, BatchRows, Looks, Reports):
    """Submissions, batches, pictures, reports and names of templates in one SQLite file.

    Args:
        folder: Where the file lives; made with mode 0700 where missing, at the first use.
        clock: The wall clock, in seconds since 1970.
        owner: Name of this process in its entries, unlike every other's; None makes one.
        sleep: Sleeps for that many seconds while another process holds the file.
    """


__all__ = [
    "LEASE_S",
    "Batch",
    "Claim",
    "Entry",
    "Intent",
    "KnownPicture",
    "Ledger",
    "Outcome",
    "PictureState",
    "Poll",
    "State",
]
