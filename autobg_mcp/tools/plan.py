"""The plan of a paying call: what it would send and cost, with nothing sent."""

import math

from autobg_mcp.errors import AutobgError, OutOfCreditsError
from autobg_mcp.text import counted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Roll
from autobg_mcp.tools.submitted import Submitted, lines
from autobg_mcp.tools.tally import Tally


async def planned(
    submission: Submission, roll: Roll, tally: Tally, outlook: Outlook, context: Context
) -> Submitted:
    """The plan: every picture is read as long as the call's time lasts, and the free looks are made.

    Raises:
        ArgumentsRefusedError: There is no such template.
    """
    unread = 0
    for picture in tally.in_state("left"):
        if context.time.left_s():
            await _look_at(picture, submission, roll, tally, context)
        else:
            unread += 1
    await roll.keep()
    to_send, notes = tally.count("left"), outlook.notes
    steps = await _steps(to_send, outlook)
    template = outlook.template()
    plan = [
        _counts(tally),
        *([f"template {template}"] if template else []),
        f"up to {counted(to_send, 'credit')}. {outlook.balance_after(to_send)}",
        _duration(submission, roll, to_send, context),
        *([f"{counted(unread, 'picture')} not read for lack of time"] if unread else []),
    ]
    return Submitted(
        plan=plan,
        paidBefore=tally.count("paid before"),
        notSubmitted=lines(tally, "refused"),
        outcomeUnknown=lines(tally, "unknown"),
        note="; ".join([*notes, *tally.notes(submission.vehicle())]) or None,
        steps=steps,
    )


async def _steps(to_send: int, outlook: Outlook) -> list[str]:
    """What to do next; where no credit is left, sending is not it."""
    try:
        await outlook.look(max(1, to_send))
    except OutOfCreditsError as error:  # the plan tells the balance
        return [error.next_step] if to_send else []
    return ["the same call without dryRun sends them"] if to_send else []


def _duration(submission: Submission, roll: Roll, to_send: int, context: Context) -> str:
    if not to_send:
        return "nothing is left to send"
    limit = context.sender.limit(submission.tool, submission.rate)
    windows = math.ceil(math.ceil(to_send / roll.per_request) / limit.calls)
    return f"about {max(1, round(windows * limit.window_s / 60))} min at {limit}"


def _counts(tally: Tally) -> str:
    return (
        f"{counted(len(tally.fates), 'picture')}: {tally.count('left')} to send, {tally.count('paid before')} paid before, "
        f"{tally.count('refused')} not to be sent, {tally.count('unknown')} of unknown outcome"
    )


async def _look_at(picture: str, submission: Submission, roll: Roll, tally: Tally, context: Context) -> None:
    try:
        intent = (await roll.ready([picture])).intents[picture]
        if submission.allowDuplicate:
            return
        if entry := await context.till.earlier(intent, context.time):
            tally.recognise(picture, entry)
    except AutobgError as error:
        tally.fail(picture, error)
