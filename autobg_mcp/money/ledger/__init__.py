"""What was submitted and spent: nothing is paid twice and nothing is forgotten.

A submission is written down before its first byte leaves and settled after the answer:

    claim = await ledger.claim(intent, lease_s=150, duplicate_window_s=86_400)
    if claim.entry:
        await ledger.sent(claim.entry.id, lease_s=150)  # just before the first byte
        ...                                             # the HTTP call
        await ledger.settle(claim.entry.id, "accepted", batch_id="1004")

A process killed anywhere leaves each of its entries true or `unknown`.
"""

from autobg_mcp.money.ledger.protocol import Ledger
from autobg_mcp.money.ledger.records import (
    Batch,
    BatchProgress,
    Claim,
    Complaint,
    Entry,
    FileStamp,
    Intent,
    KnownPicture,
    LastSeen,
    Outcome,
    PictureState,
    Poll,
    Rework,
    State,
)
from autobg_mcp.money.ledger.spending import Balance, Spending, Told
from autobg_mcp.money.ledger.sqlite_ledger import SqliteLedger

__all__ = [
    "Balance",
    "Batch",
    "BatchProgress",
    "Claim",
    "Complaint",
    "Entry",
    "FileStamp",
    "Intent",
    "KnownPicture",
    "LastSeen",
    "Ledger",
    "Outcome",
    "PictureState",
    "Poll",
    "Rework",
    "Spending",
    "SqliteLedger",
    "State",
    "Told",
]
