"""The ledger in one SQLite file, which any number of processes of a user share."""

import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import anyio.to_thread

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.errors import StateError
from autobg_mcp.money.ledger import (
    balances,
    batch_rows,
    digests,
    entries,
    looks,
    picture_rows,
    report_rows,
    settling,
    template_rows,
)
from autobg_mcp.money.ledger.credit_rows import CreditQuestions, T, Work
from autobg_mcp.money.ledger.migrations import MIGRATIONS
from autobg_mcp.money.ledger.records import (
    Batch,
    Claim,
    Entry,
    FileStamp,
    Intent,
    KnownPicture,
    Outcome,
    PictureState,
    Poll,
)
from autobg_mcp.state import StateFile

FILE_NAME: Final = "ledger.sqlite3"
_IF_LOST: Final = (
    "The new one does not know what was submitted before: a repeated picture is paid again, earlier batch numbers stand "
    "only in the copy and in audit.jsonl, and today's credits under AUTOBG_DAILY_CREDIT_LIMIT count from zero."
)


class SqliteLedger(CreditQuestions):
    """A ledger on a local disk; its methods are those of `Ledger`. A call is one transaction in a worker thread.

    Args:
        folder: Where the file lives; made with mode 0700 where missing, at the first use.
        clock: Tells the time; only the wall's is asked.
        sleep: Sleeps for that many seconds while another process holds the file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock = SYSTEM,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.owner = f"{os.getpid()}-{uuid.uuid4().hex}"  # unlike every other's
        self._clock = clock
        self._file = StateFile(
            folder / FILE_NAME,
            called="ledger",
            if_lost=_IF_LOST,
            migrations=MIGRATIONS,
            flushed=True,
            sleep=sleep,
        )
        self._unsettled: list[settling.Settlement] = []

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

    async def unknown(self, account: str) -> list[Entry]:
        return await self._read(lambda db, _: entries.unknown(db, account))

    async def record_credits(self, account: str, left: float) -> None:
        await self._note(lambda db, now: balances.keep(db, account, left, now))

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

    async def give_up_look(self, account: str, batch_id: str) -> None:
        await self._note(lambda db, _: looks.give_up(db, account, batch_id))

    async def record_status(self, account: str, batch_id: str, pictures: Sequence[PictureState]) -> None:
        def work(db: sqlite3.Connection, now: float) -> None:
            picture_rows.keep(db, account, batch_id, pictures)
            looks.looked(db, account, batch_id, now)
            settling.settle_what_is_seen(db, account, batch_id, now)

        await self._note(work)

    async def reported(
        self, account: str, reports: Mapping[str, Iterable[str]], *, window_s: float
    ) -> set[str]:
        return await self._read(lambda db, now: report_rows.known(db, account, reports, now - window_s))

    async def record_report(
        self, account: str, pic_ids: Iterable[str], reasons: Iterable[str], comment: str
    ) -> None:
        await self._write(lambda db, now: report_rows.add(db, account, pic_ids, reasons, comment, now))

    async def make_stale(self, account: str, pic_ids: Iterable[str]) -> None:
        await self._note(lambda db, _: looks.ask_anew_for(db, account, pic_ids))

    async def template_names(self, account: str, template_ids: Iterable[str]) -> dict[str, str]:
        return await self._read(lambda db, _: template_rows.names(db, account, template_ids))

    async def record_templates(self, account: str, names: Mapping[str, str]) -> None:
        await self._note(lambda db, _: template_rows.keep(db, account, names))

    async def known_digests(self, stamps: Iterable[FileStamp]) -> dict[FileStamp, str]:
        return await self._read(lambda db, _: digests.known(db, stamps))

    async def keep_digests(self, kept: Mapping[FileStamp, str]) -> None:
        await self._note(lambda db, now: digests.keep(db, kept, now))

    async def aclose(self) -> None:
        if self._unsettled:
            with suppress(StateError):
                await self._write(lambda *_: None)
        await anyio.to_thread.run_sync(self._file.close)

    async def _read(self, work: Work[T]) -> T:
        return await anyio.to_thread.run_sync(self._reading, work)

    async def _write(self, work: Work[T]) -> T:
        return await anyio.to_thread.run_sync(partial(self._writing, flushed=True), work)

    async def _note(self, work: Work[T]) -> T:
        """Write what the API would tell again; a machine that loses its power may forget it."""
        return await anyio.to_thread.run_sync(partial(self._writing, flushed=False), work)

    def _reading(self, work: Work[T]) -> T:
        with self._file.reading() as db:
            now = self._clock.wall_s()
            if not self._unsettled and not settling.dead(db, now):
                return work(db, now)
        return self._writing(work, flushed=True)

    def _writing(self, work: Work[T], *, flushed: bool) -> T:
        """Write, after what has to be settled first."""
        late = tuple(self._unsettled)
        with self._file.writing(flushed=flushed or bool(late)) as db:
            now = self._clock.wall_s()
            for outcome in late:
                settling.settle(db, now, outcome)
            settling.give_up(db, now, settling.dead(db, now))
            result = work(db, now)
        for outcome in late:
            with suppress(ValueError):  # another thread has written it, too
                self._unsettled.remove(outcome)
        return result
