"""What a paying call answers: counts, the exceptions, a receipt, and what to do with what is left."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import Field

from autobg_mcp.errors import ArgumentsRefusedError, AutobgError, OutOfCreditsError
from autobg_mcp.toolkit.tool import Part, Result
from autobg_mcp.tools.answer_fields import AnswerID
from autobg_mcp.tools.tally import FateState, Tally

_MOST_NAMED = 3
"""Pictures of one place and one fate that are named one by one; more are counted."""

_MOST_LINES = 20


class Left(Part):
    """A picture, or many of one place, that is not known to be accepted, and why."""

    file: str
    reason: str
    retryAfterS: int | None = None


@dataclass(frozen=True)
class Rest:
    """The rest of a call.

    Attributes:
        job: The job that sends it.
        queued: How many pictures it sends.
        done_by: When it has sent them, in words; None where it stands still.
        stands_still: Why no process carries it on, or why a task does not wait for it; None for neither.
    """

    job: str
    queued: int
    done_by: str | None
    stands_still: str | None


class Submitted(Result):
    """What came of a paying call: how many pictures the API accepted, an earlier call had paid, and a job sends, and which are in no batch.

    A dry run answers `plan` alone.
    """

    batchID: AnswerID | None = None
    accepted: int = 0
    paidBefore: int = 0
    queued: int | None = None
    job: str | None = None
    doneBy: str | None = None
    notSubmitted: list[Left] = Field(default_factory=list)
    outcomeUnknown: list[str] = Field(default_factory=list)
    note: str | None = None
    receipt: str | None = None
    plan: list[str] | None = None
    batchIDs: list[AnswerID] = Field(default_factory=list, exclude=True)
    """All batches, should there be several."""
    steps: list[str] = Field(default_factory=list, exclude=True)
    """What to do next."""

    def next_step(self) -> str:
        """Wait for the batch; then whatever the rest needs."""
        return _joined(self.steps)


def submitted(tally: Tally, vehicle: str, receipt: str, notes: Iterable[str], rest: Rest | None) -> Submitted:
    """The answer.

    Raises:
        AutobgError: Not one picture is in a batch or queued; it tells the fate of each.
    """
    if not tally.count("accepted", "paid before", "queued"):
        failure = _failure(tally)
        for note in notes if isinstance(failure, OutOfCreditsError) else ():
            failure.add_note(f"{note}.")  # some of them may be left
        raise failure
    batch_ids = tally.batch_ids()
    still = [rest.stands_still] if rest and rest.stands_still else []
    return Submitted(
        batchID=batch_ids[-1] if batch_ids else None,
        accepted=tally.count("accepted"),
        paidBefore=tally.count("paid before"),
        queued=rest and rest.queued,
        job=rest and rest.job,
        doneBy=rest and rest.done_by,
        notSubmitted=lines(tally, "refused", "left"),
        outcomeUnknown=doubtful(tally),
        note="; ".join([*notes, *tally.notes(vehicle), *still]) or None,
        receipt=receipt,
        batchIDs=batch_ids,
        steps=[
            f"waitForBatch batchID={batch_ids[-1]}"
            if batch_ids
            else f"getJobs job={rest.job if rest else ''}",
            *_steps(tally),
        ],
    )


def lines(tally: Tally, *states: FateState) -> list[Left]:
    """Pictures in some states, each with its reason; many of one place and one reason share a line."""
    stop = tally.stopped
    why_left = (
        None if stop is None or stop.spent == "unknown" else stop
    )  # a doubt is about the one that met it
    groups: dict[tuple[str, FateState, AutobgError | None], list[str]] = {}
    for picture, fate in tally.in_state(*states).items():
        name, place = tally.told(picture)
        groups.setdefault((place, fate.state, fate.error or why_left), []).append(name)
    told = [
        Left(
            file=name,
            reason=_reason(state, error),
            retryAfterS=None if error is None or error.spent == "unknown" else error.told_retry_after_s,
        )
        for (place, state, error), names in groups.items()
        for name in (names if len(names) <= _MOST_NAMED else [f"{len(names)} pictures of {place}"])
    ]
    more = len(told) - _MOST_LINES
    return [*told[:_MOST_LINES], *([Left(file=f"{more} more", reason="as those above")] if more > 0 else [])]


def doubtful(tally: Tally) -> list[str]:
    """Pictures of unknown outcome, each with what is known, a line each."""
    return [f"{one.file}: {one.reason}" for one in lines(tally, "unknown")]


def _reason(state: FateState, error: AutobgError | None) -> str:
    """Why, with what was noted of the picture itself; one that is left has met nothing."""
    if error is None:
        return "not tried"
    return str(error) if state == "left" else " ".join([str(error), *error.notes])


def _steps(tally: Tally) -> Iterator[str]:
    """What to do with the pictures that are in no batch."""
    if tally.stopped is not None and tally.count("left"):
        yield from _resume(tally.stopped, _again(tally.repeats_known_h))
    advice = [fate.error.next_step for fate in tally.in_state("refused").values() if fate.error is not None]
    yield from list(dict.fromkeys(filter(None, advice)))[:_MOST_NAMED]
    if tally.count("unknown"):
        yield "listBatches tells what is known of those of unknown outcome"


def _joined(steps: Iterable[str]) -> str:
    return "; ".join(step.removesuffix(".") for step in steps)


def _again(repeats_known_h: float) -> str:
    """The call that goes on with what is left: the same one for as long as repeats are recognised."""
    if not repeats_known_h:
        return (
            "call again with what is in notSubmitted alone: AUTOBG_DUPLICATE_WINDOW_H=0 pays for every repeat"
        )
    return f"make the same call again within {repeats_known_h:g} h: what was accepted is not sent twice"


def _resume(stop: AutobgError, again: str) -> Iterator[str]:
    """How to go on after what stopped a call."""
    if isinstance(stop, ArgumentsRefusedError):  # which the same call would meet again
        yield stop.next_step
    elif stop.told_retry_after_s is not None:
        yield f"in {stop.told_retry_after_s} s {again}"
    elif stop.spent == "unknown":  # that is about the one picture that it met
        yield again
    else:
        yield from (stop.next_step.rstrip("."), f"then {again}")


def _failure(tally: Tally) -> AutobgError:
    """The error of the one request there was, or one that holds for all pictures."""
    errors = list(dict.fromkeys(filter(None, (fate.error for fate in tally.fates.values()))))
    if len(errors) == 1 and all(fate.error for fate in tally.fates.values()):
        return errors[0]
    last = tally.stopped or errors[-1]
    is_left = bool(tally.count("left"))
    again = (last.repeatable or last.spent == "unknown") if is_left else any(one.repeatable for one in errors)
    told, what = lines(tally, "refused", "unknown", "left"), str(last).rstrip(".")
    return type(last)(
        f"Not one of the pictures was accepted. {last}",
        details=[f"{one.file}: {one.reason.replace(what, 'that').rstrip('.')}" for one in told],
        spent="unknown" if tally.count("unknown") else "no",
        repeatable=again,
        next_step=_joined(_steps(tally)),
        retry_after_s=last.retry_after_s if again else None,
    )
