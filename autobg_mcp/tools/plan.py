"""The plan of a paying call: what it would send and cost, with nothing sent."""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from autobg_mcp.errors import AutobgError, OutOfCreditsError
from autobg_mcp.text import quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Roll
from autobg_mcp.tools.submitted import Submitted, lines
from autobg_mcp.tools.tally import Tally

_MOST_NAMED: Final = 5


async def planned(
    submission: Submission, roll: Roll, tally: Tally, outlook: Outlook, context: Context
) -> Submitted:
    """The plan: every picture is read as long as the call's time lasts, and the free looks are made.

    Raises:
        ArgumentsRefusedError: There is no such template.
    """
    twins, unread = await _read(submission, roll, tally, context)
    await roll.keep()
    to_send, notes = tally.count("left") - len(twins), outlook.notes
    await outlook.ask_balance()  # what is planned with is of now
    with suppress(OutOfCreditsError):  # the plan tells the balance
        await outlook.look(max(1, to_send))
    template = outlook.template()
    plan = [
        _counts(tally, to_send),
        *_beside(
            [roll.told(picture)[0] for picture in twins], "the same photo as another of them, sent once"
        ),
        *_beside(roll.others, "no picture, not taken"),
        *([f"template {template}"] if template else []),
        f"up to {to_send} credits, one a picture (inferred). {outlook.balance_after(to_send)}",
        _duration(submission, roll, to_send, context),
        *([f"{unread} pictures were not read for lack of time"] if unread else []),
    ]
    return Submitted(
        plan=plan,
        paidBefore=tally.count("paid before"),
        notSubmitted=lines(tally, "refused"),
        outcomeUnknown=lines(tally, "unknown"),
        note="; ".join([*notes, *tally.notes(submission.vehicle())]) or None,
        steps=["the same call without dryRun sends them"] if to_send else [],
    )


def _duration(submission: Submission, roll: Roll, to_send: int, context: Context) -> str:
    if not to_send:
        return "nothing is left to send"
    limit = context.sender.limit(submission.tool, submission.rate)
    windows = math.ceil(math.ceil(to_send / roll.per_request) / limit.calls)
    return f"about {max(1, round(windows * limit.window_s / 60))} min at {limit.calls} requests in {limit.window_s:g} s"


def _beside(names: Sequence[str], what: str) -> list[str]:
    """What else was found, of many the number."""
    told = ", ".join(quoted(name.rpartition("/")[2], 60) for name in names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"{told}{more}: {what}"] if names else []


def _counts(tally: Tally, to_send: int) -> str:
    return (
        f"{len(tally.fates)} pictures: {to_send} to send, {tally.count('paid before')} paid before, "
        f"{tally.count('refused')} not to be sent, {tally.count('unknown')} of unknown outcome"
    )


async def _read(submission: Submission, roll: Roll, tally: Tally, context: Context) -> tuple[list[str], int]:
    """Look at every picture that is left; answers those that are the same as another, and how many there was no time for."""
    unread, seen, twins = 0, set[str](), list[str]()
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
            elif intent.fingerprint in seen and not submission.allowDuplicate:
                twins.append(picture)
            seen.add(intent.fingerprint)
    return twins, unread
