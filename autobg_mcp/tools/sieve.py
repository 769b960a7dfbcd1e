"""One refused picture costs itself: the API refuses a whole call for it, so it is found, and the others are served."""

import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from autobg_mcp.errors import AutobgError, NotReadyError, OutcomeUnknownError, ThrottledError
from autobg_mcp.throttle import Limit
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.images import GetImageStatus
from autobg_mcp.tools.several import LeftOut
from autobg_mcp.tools.status import still_in_work

AnswerT = TypeVar("AnswerT")

_MOST_LOOKS = 5
"""Batches that one call looks at to find what is in work: a look is free, and one of 100 a minute."""

_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Group(Generic[AnswerT]):
    """Pictures that go out in one call.

    Attributes:
        pic_ids: The pictures.
        send: Sends a call about some of them.
        refusal: Why the call failed that they were part of; None before the first one.
    """

    pic_ids: list[int]
    send: Callable[[list[int]], Awaitable[AnswerT]]
    refusal: AutobgError | None = None

    def part(self, pic_ids: list[int], refusal: AutobgError | None = None) -> "Group[AnswerT]":
        """The same call about some of the pictures."""
        return replace(self, pic_ids=pic_ids, refusal=refusal or self.refusal)


@dataclass
class Sieve(Generic[AnswerT]):
    """Serves pictures by as few calls as it takes, and finds those that the API refuses a call for.

    What is free comes first: pictures that the last look showed in work are looked at anew. Then the text of a refusal: a
    picture it names is left out. Only then a group is divided, all other groups first, and never by more calls than half
    of a window allows.

    Args:
        context: What the running tool may use.
        tool: The tool that is called.
        limit: The limit of its calls.
    """

    context: Context
    tool: str
    limit: Limit
    answers: list[AnswerT] = field(default_factory=list)
    left: list[LeftOut] = field(default_factory=list)
    errors: list[AutobgError] = field(default_factory=list)
    """Why, one for each that was left out here; `left` may begin with others."""
    _asked: set[str] = field(default_factory=set)
    _looked: set[str] = field(default_factory=set)

    async def serve(self, groups: Sequence[Group[AnswerT]]) -> None:
        """Send every group; each picture ends in `answers` or in `left`. An error that would meet the rest ends it."""
        extra_calls = max(1, self.context.sender.limit(self.tool, self.limit).calls // 2)
        waiting = deque(groups)
        while waiting:
            group = waiting.popleft()
            if group.refusal is not None and not extra_calls:
                reason = f"refused together with others, and not yet known for which picture: {group.refusal}"
                self._leave(group.pic_ids, group.refusal, "to find out which one is refused", reason)
                continue
            extra_calls -= group.refusal is not None
            try:
                waiting.extend(await self._served(group))
            except AutobgError as error:
                self._stop(group, waiting, error)
                return

    def failure(self) -> AutobgError:
        """The error of a call that served no picture: the one there is, else one with the fate of every picture."""
        if all(error is self.errors[0] for error in self.errors):
            return self.errors[0]
        main = max(self.errors, key=lambda error: (error.meets_the_rest, error.repeatable))
        return type(main)(
            f"{self.tool}: not one of the pictures was accepted.",
            details=[f"picIDs {one.picIDs}: {one.reason}" for one in self.left],
            repeatable=main.repeatable,
            next_step=main.next_step,
            retry_after_s=main.retry_after_s,
        )

    async def _served(self, group: Group[AnswerT]) -> list[Group[AnswerT]]:
        """Send a group; answers what is to be sent instead, where it was refused.

        Raises:
            AutobgError: One that would meet the rest.
        """
        ready = self._without(group, await self._in_work(group))
        if ready is None:
            return []
        try:
            self.answers.append(await ready.send(ready.pic_ids))
        except AutobgError as error:
            if error.meets_the_rest:
                raise
            return await self._parts(ready, error)
        return []

    async def _parts(self, group: Group[AnswerT], error: AutobgError) -> list[Group[AnswerT]]:
        """What to send after a refusal: the rest where it is known which pictures it is about, else two parts."""
        ids = group.pic_ids
        named = [one for one in ids if one in _numbers_said(error)]
        if named or len(ids) == 1:
            self._leave(named or ids, error)
            rest = [one for one in ids if one not in named] if named else []
            return [group.part(rest, error)] if rest else []
        if in_work := await self._in_work(group, any_batch=True):
            ready = self._without(group, in_work)
            return [ready.part(ready.pic_ids, error)] if ready else []
        seen = await self.context.ledger.last_seen(self.context.account.id, map(str, ids))
        strangers = [one for one in ids if str(one) not in seen]
        first = [one for one in ids if one not in strangers] if strangers else []
        first = first or ids[: len(ids) // 2]
        return [group.part(first, error), group.part([one for one in ids if one not in first], error)]

    async def _in_work(self, group: Group[AnswerT], *, any_batch: bool = False) -> dict[int, str]:
        """The pictures that a look right now shows in work, with their batch; only batches that showed some are looked at."""
        ledger, account = self.context.ledger, self.context.account.id
        seen = await ledger.last_seen(account, map(str, group.pic_ids))
        for batch_id in dict.fromkeys(one.batch_id for one in seen.values() if one.in_work or any_batch):
            if batch_id not in self._asked and len(self._asked) < _MOST_LOOKS:
                await self._look(batch_id)
        seen = await ledger.last_seen(account, map(str, group.pic_ids))
        return {
            int(pic_id): one.batch_id
            for pic_id, one in seen.items()
            if one.in_work and one.batch_id in self._looked
        }

    async def _look(self, batch_id: str) -> None:
        """A look that fails stops nothing: then the API decides."""
        self._asked.add(batch_id)
        try:
            await GetImageStatus(batchID=batch_id).run(self.context)
        except AutobgError:
            return
        self._looked.add(batch_id)

    def _without(self, group: Group[AnswerT], in_work: Mapping[int, str]) -> Group[AnswerT] | None:
        """The group without what is in work, which is left out; None where nothing remains."""
        for batch_id in dict.fromkeys(in_work.values()):
            pending = [one for one in group.pic_ids if in_work.get(one) == batch_id]
            error = still_in_work(f"{self.tool}: in work, as batch {batch_id} was seen right now.", batch_id)
            self._leave(pending, error, f"after waitForBatch batchID={batch_id}")
        rest = [one for one in group.pic_ids if one not in in_work]
        return group.part(rest) if rest else None

    def _stop(self, group: Group[AnswerT], waiting: Iterable[Group[AnswerT]], error: AutobgError) -> None:
        """Leave out the group that met an error which would meet the rest, and the rest, of which surely nothing was sent."""
        gone = {pic_id for one in self.left for pic_id in one.picIDs}
        self._leave([one for one in group.pic_ids if one not in gone], error)
        if rest := [pic_id for other in waiting for pic_id in other.pic_ids]:
            is_late = isinstance(error, ThrottledError)
            again = "in a minute" if isinstance(error, OutcomeUnknownError) else ""
            self._leave(rest, error, again, None if is_late else "not sent after that failure")

    def _leave(
        self, pic_ids: list[int], error: AutobgError, again: str = "", reason: str | None = None
    ) -> None:
        if isinstance(error, NotReadyError):
            again = again or "after waitForBatch with their batch"
        self.left.append(LeftOut.of(pic_ids, error, reason, again))
        self.errors.append(error)


def _numbers_said(error: AutobgError) -> set[int]:
    """The numbers in the API's own words, which stand in quotation marks."""
    return {int(one) for one in _NUMBER.findall(str(error).partition("“")[2])}
