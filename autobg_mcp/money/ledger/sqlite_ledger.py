"""The ledger in one SQLite file, which any number of processes of a user share."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from autobg_mcp.errors import StateError
from autobg_mcp.money.ledger import (
    batch_rows,
    digests,
    entries,
    looks,
    picture_rows,
    report_rows,
    settling,
    sightings,
    template_rows,
)
from autobg_mcp.money.ledger.credit_rows import SqliteCreditLedger
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

T = TypeVar("T")


class SqliteLedger(SqliteCreditLedger):
    """A ledger on a local disk; its methods are those of `Ledger`."""

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
        def work(db: sqlite3.Connection, now: float) -> Claim:
            if not allow_duplicate and (earlier := entries.earlier(db, intent, now - duplicate_window_s)):
                return Claim(duplicate_of=earlier)
            if daily_limit is not None:
                left = daily_limit - entries.spent(db, intent.account, day_start)
                if intent.pictures > left:
                    return Claim(over_limit=max(0, left))
            return Claim(entry=entries.claimed(db, intent, self.owner, now, lease_s))

        return await self._write(work)

    async def sent(self, entry_id: int, *, lease_s: float) -> None:
        def work(db: sqlite3.Connection, now: float) -> int:
            return db.execute(
                "UPDATE entries SET sent_at = ?, lease_until = ? "
                "WHERE id = ? AND owner = ? AND state = 'intended'",
                (now, now + lease_s, entry_id, self.owner),
            ).rowcount

        if not await self._write(work):
            raise StateError(
                f"Submission {entry_id} was given up because this process did not move for too long (sleep, or a change "
                "of the clock). Nothing was sent.",
                next_step="Call again.",
            )

    async def settle(
        self, entry_id: int, state: Outcome, *, batch_id: str | None = None, reason: str | None = None
    ) -> None:
        outcome = settling.Settlement(entry_id, state, batch_id, reason)
        try:
            is_known = await self._write(lambda db, now: settling.settle(db, now, outcome))
        except StateError as error:
            self._unsettled.append(outcome)
            raise StateError(
                f"{error} The next call that can write will do it; until then a repeat may be answered as unknown."
            ) from error
        if not is_known:
            raise StateError(
                f"The ledger {self._file.path} holds no submission {entry_id}: the file was replaced meanwhile. A repeat is sent and paid again."
            )

    async def duplicates(self, intents: Iterable[Intent], *, duplicate_window_s: float) -> dict[str, Entry]:
        def work(db: sqlite3.Connection, now: float) -> dict[str, Entry]:
            found = (entries.earlier(db, intent, now - duplicate_window_s) for intent in intents)
            return {entry.fingerprint: entry for entry in found if entry}

        return await self._read(work)

    async def refused(self, intents: Iterable[Intent], *, since_s: float) -> set[str]:
        return await self._read(lambda db, now: entries.refused(db, intents, now - since_s))

    async def unknown(self, account: str) -> list[Entry]:
        return await self._read(lambda db, _: entries.unknown(db, account))

    async def batches(
        self,
        account: str,
        *,
        since: float | None = None,
        until: float | None = None,
        text: str | None = None,
        limit: int = 20,
    ) -> list[Batch]:
        return await self._read(lambda db, _: batch_rows.found(db, account, since, until, text, limit))

    async def batch(self, account: str, batch_id: str) -> Batch | None:
        return await self._read(lambda db, _: batch_rows.one(db, account, batch_id))

    async def seen(self, account: str, batch_id: str) -> list[PictureState]:
        return await self._read(lambda db, _: picture_rows.of_batch(db, account, batch_id))

    async def progress(self, account: str, batch_ids: Iterable[str]) -> dict[str, BatchProgress]:
        return await self._each(batch_ids, lambda db, batch_id: batch_rows.progress(db, account, batch_id))

    async def vehicle_of(self, account: str, batch_id: str) -> str | None:
        return await self._read(lambda db, _: batch_rows.vehicle_of(db, account, batch_id))

    async def handed_to_people(self, account: str, batch_id: str) -> float | None:
        return await self._read(lambda db, _: entries.handed_to_people(db, account, batch_id))

    async def picture(self, account: str, pic_id: str) -> KnownPicture | None:
        return await self._read(lambda db, _: picture_rows.known(db, account, pic_id))

    async def status_lease(self, account: str, batch_id: str, *, fresh_s: float, lease_s: float) -> Poll:
        def look(db: sqlite3.Connection, now: float) -> Poll:
            return looks.poll(db, account, batch_id, now, fresh_s, lease_s)

        def take(db: sqlite3.Connection, now: float) -> Poll:
            poll = look(db, now)
            if poll.may_poll:
                looks.lease(db, account, batch_id, now + lease_s)
            return poll

        poll = await self._read(look)
        return await self._note(take) if poll.may_poll else poll

    async def worth_a_look(self, account: str, vehicle: str, *, limit: int) -> list[str]:
        return await self._read(lambda db, _: sightings.worth_a_look(db, account, vehicle, limit))

    async def give_up_look(self, account: str, batch_id: str) -> None:
        await self._note(lambda db, _: looks.give_up(db, account, batch_id))

    async def record_status(self, account: str, batch_id: str, pictures: Sequence[PictureState]) -> None:
        def work(db: sqlite3.Connection, now: float) -> None:
            picture_rows.keep(db, account, batch_id, pictures)
            report_rows.seen(db, account, pictures)
            looks.looked(db, account, batch_id, now)
            settling.settle_what_is_seen(db, account, batch_id, now)

        await self._note(work)

    async def record_vehicles(self, account: str, vehicles: Mapping[str, str]) -> None:
        await self._note(lambda db, _: sightings.name_vehicles(db, account, vehicles))

    async def last_seen(self, account: str, pic_ids: Iterable[str]) -> dict[str, LastSeen]:
        return await self._each(pic_ids, lambda db, pic_id: picture_rows.last_seen(db, account, pic_id))

    async def fetched(self, account: str, pic_id: str, sha256: str) -> set[str]:
        return await self._note(lambda db, _: report_rows.fetched(db, account, pic_id, sha256))

    async def fetched_before(self, account: str, pic_ids: Iterable[str]) -> set[str]:
        return set(await self._each(pic_ids, lambda db, pic_id: report_rows.newest(db, account, pic_id)))

    async def reported(self, account: str, reports: Mapping[str, Complaint], *, window_s: float) -> set[str]:
        return await self._read(lambda db, now: report_rows.known(db, account, reports, now - window_s))

    async def record_report(self, account: str, pic_ids: Iterable[str], report: Complaint) -> None:
        def work(db: sqlite3.Connection, now: float) -> None:
            reported = list(pic_ids)
            report_rows.add(db, account, reported, report, now)
            looks.ask_anew_for(db, account, reported)

        await self._write(work)

    async def rework(self, account: str, pic_ids: Iterable[str]) -> dict[str, Rework]:
        return await self._each(pic_ids, lambda db, pic_id: report_rows.rework(db, account, pic_id))

    async def template_names(self, account: str, template_ids: Iterable[str]) -> dict[str, str]:
        return await self._read(lambda db, _: template_rows.names(db, account, template_ids))

    async def templates_like(self, account: str, text: str, *, limit: int) -> dict[str, str]:
        return await self._read(lambda db, _: template_rows.like(db, account, text, limit))

    async def record_templates(self, account: str, names: Mapping[str, str]) -> None:
        await self._note(lambda db, _: template_rows.keep(db, account, names))

    async def known_digests(self, stamps: Iterable[FileStamp]) -> dict[FileStamp, str]:
        return await self._read(lambda db, _: digests.known(db, stamps))

    async def keep_digests(self, kept: Mapping[FileStamp, str]) -> None:
        await self._note(lambda db, now: digests.keep(db, kept, now))

    async def _each(
        self, keys: Iterable[str], found: Callable[[sqlite3.Connection, str], T | None]
    ) -> dict[str, T]:
        """What is found by each key, in one reading; a key that nothing is found by is left out."""
        asked = list(keys)

        def work(db: sqlite3.Connection, _: float) -> dict[str, T]:
            return {key: value for key in asked if (value := found(db, key)) is not None}

        return await self._read(work)
