"""A dry run of a paying call: what it would send and cost, with nothing sent."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from autobg_mcp.errors import AutobgError
from autobg_mcp.money.ledger import Intent
from autobg_mcp.text import at, counted, quoted, some
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.forecast import minutes, takes_s
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Roll
from autobg_mcp.tools.submitted import Submitted, doubtful, lines
from autobg_mcp.tools.tally import Tally


async def planned(
    submission: Submission, roll: Roll, tally: Tally, outlook: Outlook, context: Context
) -> Submitted:
    """The plan: every picture is read as long as the call's time lasts, and the free looks are made.

    Raises:
        ArgumentsRefusedError: There is no such template.
    """
    read = await _read(submission, roll, tally, context)
    await roll.keep()
    to_send, notes = tally.count("left") - len(read.twins), outlook.notes
    obstacle = await outlook.obstacle(to_send)
    template = outlook.template()
    plan = [
        _counts(tally, to_send),
        *_beside([roll.told(one)[0] for one in read.twins], "the same photo as another of them, sent once"),
        *_beside(roll.others, "no picture, not sent"),
        *await _paid_anew(submission, roll, read, context),
        *([f"template {template}"] if template else []),
        f"up to {counted(to_send, 'credit')}. {outlook.balance_after(to_send)}",
        _duration(submission, to_send, context),
        *([f"{counted(read.unread, 'picture')} not read for lack of time"] if read.unread else []),
    ]
    return Submitted(
        plan=plan,
        paidBefore=tally.count("paid before"),
        notSubmitted=lines(tally, "refused"),
        outcomeUnknown=doubtful(tally),
        note="; ".join([*notes, *tally.notes(submission.vehicle())]) or None,
        steps=_steps(outlook.first_step(obstacle), is_stopped=obstacle is not None) if to_send else [],
    )


def _steps(before: str, *, is_stopped: bool) -> list[str]:
    send = "the same call without dryRun sends them"
    return [before] if is_stopped else [f"{before}; then {send}" if before else send]


def _duration(submission: Submission, to_send: int, context: Context) -> str:
    if not to_send:
        return "nothing is left to send"
    limit = context.sender.limit(submission.tool, submission.rate)
    requests = math.ceil(to_send / submission.per_request(context.settings))
    return f"about {minutes(takes_s(requests, limit))} at {limit.calls} requests in {limit.window_s:g} s"


def _beside(names: Sequence[str], what: str) -> list[str]:
    """What else was found, of many the number."""
    told = some([quoted(name.rpartition("/")[2], 60) for name in names])
    return [f"{told}: {what}"] if names else []


def _counts(tally: Tally, to_send: int) -> str:
    return (
        f"{counted(len(tally.fates), 'picture')}: {to_send} to send, {tally.count('paid before')} paid before, "
        f"{tally.count('refused')} not to be sent, {tally.count('unknown')} of unknown outcome"
    )


async def _paid_anew(submission: Submission, roll: Roll, read: "_Read", context: Context) -> list[str]:
    """What was paid for so long ago that the call pays again."""
    known = await context.ledger.duplicates(read.new.values(), duplicate_window_s=math.inf)
    names = [roll.told(one)[0] for one, intent in read.new.items() if intent.fingerprint in known]
    why = "" if submission.allowDuplicate else ", since that was more than AUTOBG_DUPLICATE_WINDOW_H ago"
    newest = max((entry.at for entry in known.values()), default=0.0)
    return _beside(names, f"submitted before ({at(newest)}), to be PAID FOR AGAIN{why}")


class _Read(NamedTuple):
    """What a look at the pictures shows: what is new, what is the same as another, and for how many there was no time."""

    new: dict[str, Intent]
    twins: list[str]
    unread: int


async def _read(submission: Submission, roll: Roll, tally: Tally, context: Context) -> _Read:
    """Look at every picture that is left."""
    new, twins, unread = dict[str, Intent](), list[str](), 0
    for picture in tally.in_state("left"):
        if not context.time.left_s():
            unread += 1
            continue
        try:
            intent = (await roll.ready([picture])).intents[picture]
            entry = None if submission.allowDuplicate else await context.till.earlier(intent, context.time)
        except AutobgError as error:
            tally.fail(picture, error)
        else:
            if entry is not None:
                tally.recognise(picture, entry)
            elif submission.allowDuplicate or all(
                intent.fingerprint != one.fingerprint for one in new.values()
            ):
                new[picture] = intent
            else:
                twins.append(picture)
    return _Read(new, twins, unread)
