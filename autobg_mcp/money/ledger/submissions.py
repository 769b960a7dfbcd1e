"""What was submitted, what came of it, and what it cost."""

import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from autobg_mcp.errors import StateError
from autobg_mcp.money.ledger import entries
from autobg_mcp.money.ledger.database import Database
from autobg_mcp.money.ledger.entries import LEASE_S
from autobg_mcp.money.ledger.looks import ask_anew
from autobg_mcp.money.ledger.records import Claim, Entry, Intent, Outcome

_RANK = {"intended": 0, "unknown": 1, "refused": 2, "accepted": 3}  # evidence only grows


class Submissions(Database):
    """The entries of the ledger: intent before sending, outcome after.

    Args:
        folder: Where the file lives; made with mode 0700 where missing, at the first use.
        clock: The wall clock, in seconds since 1970.
        owner: Name of this process in its entries, unlike every other's; None makes one.
        sleep: Sleeps for that many seconds while another process holds the file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        owner: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(folder, clock=clock, sleep=sleep)
        self.owner = owner or f"{os.getpid()}-{uuid.uuid4().hex}"

    def claim(
        self,
        submission: Intent,
        *,
        duplicate_window_s: float,
        allow_duplicate: bool = False,
        daily_limit: int | None = None,
        day_start: float = 0.0,
    ) -> Claim:
        """Write down the intent to submit, unless it was submitted before or would cost too much.

        Of several calls at once, in any process, with the same account and fingerprint exactly one gets
        the entry. An earlier entry counts when it is accepted, unknown or under way.

        Args:
            submission: What is about to be sent.
            duplicate_window_s: How far back an earlier entry is a duplicate. A wall clock that is set
                back, for good or for a while, never makes this shorter.
            allow_duplicate: Do not look for an earlier entry.
            daily_limit: Credits that may be spent from `day_start` on; None for no limit.
            day_start: Start of the day that `daily_limit` speaks of.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            now = self._clock()
            entries.give_up_on_the_dead(db, now)
            if not allow_duplicate and (earlier := entries.earlier(db, submission, now - duplicate_window_s)):
                return Claim(duplicate_of=earlier)
            if daily_limit is not None:
                left = daily_limit - entries.spent(db, submission.account, day_start, None)
                if submission.pictures > left:
                    return Claim(over_limit=max(0, left))
            return Claim(entry=entries.write_down(db, submission, self.owner, now))

    def duplicate(self, submission: Intent, *, duplicate_window_s: float) -> Entry | None:
        """The earlier entry that `claim` would answer with; nothing is written down for `submission`.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            now = self._clock()
            entries.give_up_on_the_dead(db, now)
            return entries.earlier(db, submission, now - duplicate_window_s)

    def sent(self, entry_id: int) -> None:
        """Say that bytes may leave from now on; call it before the first one does.

        From here on the death of this process leaves the entry unknown; before, it leaves it refused.

        Raises:
            StateError: The ledger cannot be used, or this process was taken for dead and the entry given
                up: do not send.
        """
        with self._transaction() as db:
            now = self._clock()
            changed = db.execute(
                "UPDATE entries SET sent_at = coalesce(sent_at, ?), lease_until = ? "
                "WHERE id = ? AND owner = ? AND state = 'intended'",
                (now, now + LEASE_S, entry_id, self.owner),
            ).rowcount
        if not changed:
            raise StateError(
                f"Submission {entry_id} was given up because this process did not move for more than "
                f"{LEASE_S:g} s (sleep, or a change of the clock). Nothing was sent.",
                next_step="Call again.",
            )

    def settle(
        self,
        entry_id: int,
        state: Outcome,
        *,
        batch_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Write down what came of a submission; the same again changes nothing.

        Stronger evidence replaces weaker (unknown, refused, accepted), never the reverse. With equal
        evidence only what was missing is filled in.

        Raises:
            StateError: The ledger cannot be used, or does not hold the entry.
        """
        with self._transaction() as db:
            if _RANK[state] < _RANK[entries.entry(db, self.path, entry_id).state]:
                return
            db.execute(
                """UPDATE entries SET
                    state = :state,
                    settled_at = CASE state WHEN :state THEN settled_at ELSE :now END,
                    reason = CASE state WHEN :state THEN coalesce(reason, :reason) ELSE :reason END,
                    batch_id = coalesce(batch_id, :batch_id)
                WHERE id = :id""",
                {
                    "id": entry_id,
                    "state": state,
                    "now": self._clock(),
                    "reason": reason,
                    "batch_id": batch_id,
                },
            )
            if state == "accepted":  # what was last seen of its batch holds no longer
                ask_anew(db, entries.entry(db, self.path, entry_id).account, batch_id)

    def get(self, entry_id: int) -> Entry:
        """One entry as it stands now.

        Raises:
            StateError: The ledger cannot be used, or does not hold the entry.
        """
        with self._transaction() as db:
            entries.give_up_on_the_dead(db, self._clock())
            return entries.entry(db, self.path, entry_id)

    def record_credits(self, account: str, left: float) -> None:
        """Keep the balance the API told just now: the balance after the newest entry and before the next one.

        A balance told while an entry of the account is under way is dropped: it may count that entry or not.

        Args:
            account: Hash of the API key.
            left: Credits left; kept as told, whole or not.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            now = self._clock()
            entries.give_up_on_the_dead(db, now)
            entries.keep_balance(db, account, left, now)

    def unknown(self, account: str, vehicle: str | None = None) -> list[Entry]:
        """Submissions whose outcome nobody knows, oldest first; of one vehicle, or of all with None."""
        with self._transaction() as db:
            entries.give_up_on_the_dead(db, self._clock())
            rows = db.execute(
                "SELECT * FROM entries WHERE account = :account AND state = 'unknown' "
                "AND (:vehicle IS NULL OR vehicle = :vehicle) ORDER BY id",
                {"account": account, "vehicle": vehicle},
            )
            return [entries.from_row(row) for row in rows]

    def spent(self, account: str, since: float, until: float | None = None) -> int:
        """Credits spent from `since` up to, not including, `until`; None means to this day.

        Unknown submissions and those under way count as spent, refused ones do not.
        """
        with self._transaction() as db:
            entries.give_up_on_the_dead(db, self._clock())
            return entries.spent(db, account, since, until)
