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

from autobg_mcp.ledger.entries import LEASE_S
from autobg_mcp.ledger.records import Claim, Entry, Outcome, State, Submission
from autobg_mcp.ledger.submissions import Submissions


class Ledger(Submissions):
    """Submissions, batches, pictures, reports and names of templates in one SQLite file."""


__all__ = ["LEASE_S", "Claim", "Entry", "Ledger", "Outcome", "State", "Submission"]
