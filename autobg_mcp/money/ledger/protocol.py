"""What a ledger does, whatever it is kept in."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

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
)
from autobg_mcp.money.ledger.spending import CreditLedger


class Ledger(CreditLedger, Protocol):
    """Submissions, batches, pictures, reports and names of templates, shared by all processes of an operator.

    Accounts are hashes of API keys. Every method raises `StateError` where the ledger cannot be used. A call that has begun
    to write runs to its end, even when it is cancelled.
    """

    async def claim(
        self,
        intent: Intent,
        *,
        lease_s: float,
        duplicate_window_s: float,
        allow_duplicate: bool = False,
        daily_limit: int | None = None,
        day_start: float = 0.0,
    ) -> Claim:
        """Write down the intent to submit, unless it was submitted before or would cost too much.

        Of several calls at once, in any process, with the same account and fingerprint exactly one gets
        the entry. An earlier entry counts when it is accepted, unknown or under way.

        Args:
            intent: What is about to be sent.
            lease_s: Seconds after which it counts as given up, unless `sent` comes first.
            duplicate_window_s: How far back an earlier entry is a duplicate. A wall clock that is set
                back, for good or for a while, never makes this shorter.
            allow_duplicate: Do not look for an earlier entry.
            daily_limit: Credits that may be spent from `day_start` on; None for no limit.
            day_start: Start of the day that `daily_limit` speaks of.
        """
        ...

    async def sent(self, entry_id: int, *, lease_s: float) -> None:
        """Say that bytes may leave from now on; call it before the first one does.

        From here on the death of this process leaves the entry unknown; before, it leaves it refused.

        Args:
            entry_id: The claimed entry.
            lease_s: The longest that the request may run; after that its process counts as dead.

        Raises:
            StateError: As always, or this process was taken for dead and the entry given up: do not send.
        """
        ...

    async def settle(
        self, entry_id: int, state: Outcome, *, batch_id: str | None = None, reason: str | None = None
    ) -> None:
        """Write down what came of a submission; the same again changes nothing.

        Stronger evidence replaces weaker (unknown, refused, accepted), never the reverse. With equal
        evidence only what was missing is filled in.

        Raises:
            StateError: It could not be written. It is kept in memory and written with the next use of the ledger.
        """
        ...

    async def duplicates(self, intents: Iterable[Intent], *, duplicate_window_s: float) -> dict[str, Entry]:
        """The earlier entries that `claim` would answer with, by fingerprint; nothing is written down."""
        ...

    async def refused(self, intents: Iterable[Intent], *, since_s: float) -> set[str]:
        """The fingerprints of those that were sent in the last `since_s` seconds and that the API did not take."""
        ...

    async def unknown(self, account: str) -> list[Entry]:
        """Submissions whose outcome nobody knows, oldest first."""
        ...

    async def batches(
        self,
        account: str,
        *,
        since: float | None = None,
        until: float | None = None,
        text: str | None = None,
        limit: int = 20,
    ) -> list[Batch]:
        """The batches with accepted submissions that fit every filter, newest first.

        Args:
            account: Whose.
            since: Submitted to at this time or later; None for any.
            until: Submitted to before this time; None for any.
            text: A part of batch number, vehicle, template, its name, tool or file name, or a whole picture number;
                None for any.
            limit: How many batches at most.
        """
        ...

    async def batch(self, account: str, batch_id: str) -> Batch | None:
        """One batch; None where nothing was submitted to it from here."""
        ...

    async def seen(self, account: str, batch_id: str) -> list[PictureState]:
        """The pictures of a batch as the API last told them; empty where it never did."""
        ...

    async def progress(self, account: str, batch_ids: Iterable[str]) -> dict[str, BatchProgress]:
        """How far batches are, by id; one that nothing was submitted to from here is left out."""
        ...

    async def vehicle_of(self, account: str, batch_id: str) -> str | None:
        """The vehicle that a batch was submitted for; None where it was not submitted from here."""
        ...

    async def handed_to_people(self, account: str, batch_id: str) -> float | None:
        """When pictures of a batch were last submitted for people to do; None where none were from here."""
        ...

    async def picture(self, account: str, pic_id: str) -> KnownPicture | None:
        """What is known of one picture; None where no status of its batch was recorded.

        Its original is told where it is certain: one original of that name was submitted to its batches,
        and they hold no more pictures of that name than were submitted.
        """
        ...

    async def status_lease(self, account: str, batch_id: str, *, fresh_s: float, lease_s: float) -> Poll:
        """The state of a batch where it is fresh, else the right for one waiter to ask the API.

        Args:
            account: Whose.
            batch_id: The batch.
            fresh_s: How old the last known state may be.
            lease_s: How long the caller may take to ask; after that the right goes to the next one.
        """
        ...

    async def worth_a_look(self, account: str, vehicle: str, *, limit: int) -> list[str]:
        """The batches whose pictures may settle a vehicle's unknown submissions; empty where it has none.

        Those of the vehicle come first, newest first, then those that were first seen since its oldest unknown submission and
        that nothing from here is in.
        """
        ...

    async def give_up_look(self, account: str, batch_id: str) -> None:
        """Leave the right to ask the API to the next waiter, after a look that failed."""
        ...

    async def record_status(self, account: str, batch_id: str, pictures: Sequence[PictureState]) -> None:
        """Keep what the API told about a batch, let every waiter have it, and settle the submissions it proves.

        An unknown submission is accepted where its file stands in a batch of its vehicle that others were accepted into; of
        several unknown files of one name all have to. A batch that nothing from here is in proves it where it holds nothing but
        files of unknown submissions of one vehicle and template, all that wait for such a name whatever their vehicle; where
        it was first seen after them, with a higher number than the last batch before them, and without a picture that is
        known from another batch; and where no balance says that nothing was charged.
        """
        ...

    async def record_vehicles(self, account: str, vehicles: Mapping[str, str]) -> None:
        """Keep which vehicles the API names batches after, by batch; of others than unknown submissions nothing is kept.

        Such a batch counts as seen from now on. The account's own list of batches is a better witness of which vehicle it is,
        so the batch may lack some of a request's links, and then proves those that it holds. It lists what other programs
        sent, too: only where the balances say that something was charged is anything proved.
        """
        ...

    async def last_seen(self, account: str, pic_ids: Iterable[str]) -> dict[str, LastSeen]:
        """Where and how pictures were last seen, of those that stood in a recorded status."""
        ...

    async def fetched(self, account: str, pic_id: str, sha256: str) -> set[str]:
        """Keep the digest of a picture that was just fetched; answers the digests of all others that it ever was."""
        ...

    async def fetched_before(self, account: str, pic_ids: Iterable[str]) -> set[str]:
        """Those of the pictures that were ever fetched."""
        ...

    async def reported(self, account: str, reports: Mapping[str, Complaint], *, window_s: float) -> set[str]:
        """The pictures, of those given with a report, of which the same was reported within `window_s`.

        A picture that came back since is none of them, nor is one with a comment that was not made before. It came back
        when it was seen in work and then done, when its bytes changed, or, where nobody fetched it since, when a later look
        shows it done.
        """
        ...

    async def record_report(self, account: str, pic_ids: Iterable[str], report: Complaint) -> None:
        """Keep one accepted report; nobody takes what was last seen of the pictures' batches for their state now."""
        ...

    async def rework(self, account: str, pic_ids: Iterable[str]) -> dict[str, Rework]:
        """What is known of pictures since they were last reported, of those that ever were."""
        ...

    async def template_names(self, account: str, template_ids: Iterable[str]) -> dict[str, str]:
        """The names of templates, of those that were ever recorded."""
        ...

    async def templates_like(self, account: str, text: str, *, limit: int) -> dict[str, str]:
        """The first names of templates, by template id, that hold a text in whatever case, or whose id begins with it."""
        ...

    async def record_templates(self, account: str, names: Mapping[str, str]) -> None:
        """Keep the names of templates, by template id; a known id gets the new name."""
        ...

    async def known_digests(self, stamps: Iterable[FileStamp]) -> dict[FileStamp, str]:
        """What was kept for files that have not changed since."""
        ...

    async def keep_digests(self, kept: Mapping[FileStamp, str]) -> None:
        """Keep what identifies files, so that they need not be read again.

        A file that was changed within the last seconds is left out: it may change again without a new time.
        """
        ...

    async def aclose(self) -> None:
        """Let go of whatever is open; the next call opens it again."""
        ...
