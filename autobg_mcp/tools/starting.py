"""From a plan to a job: exactly what was planned is begun, once, and what changed meanwhile is left out and told."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from autobg_mcp.errors import ArgumentsRefusedError, ConfigurationError
from autobg_mcp.jobs.job import JobStanding
from autobg_mcp.jobs.plan import Plan, PlannedPhoto
from autobg_mcp.text import by_state, counted, local_path, quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.begun import begin, new_job
from autobg_mcp.tools.consent import ask_person
from autobg_mcp.tools.forecast import done_by, standstill
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.photos import stamped
from autobg_mcp.tools.prospect import INSTEAD, OFF, VehiclesPlanned, bounded
from autobg_mcp.tools.until_sent import until_sent

_TOOL: Final = "processVehicles"


async def started(plan_id: str, context: Context) -> VehiclesPlanned:
    """Begin the job of a plan, or tell of the one that it has begun.

    Raises:
        ArgumentsRefusedError: There is no such plan, or nothing of it can be sent any more.
        ConfigurationError: Nothing may be sent in the background.
        SpendingRefusedError: A person said no, or there is no way to ask.
        OutOfCreditsError: No credit is left.
    """
    kept = await context.jobs.plans.find(context.account.id, plan_id)
    if kept is None:
        raise ArgumentsRefusedError(
            f"plan: there is no plan {quoted(plan_id, 40)}. Nothing was sent.",
            next_step="Call processVehicles with folder, manifest or vehicles: it answers a plan.",
        )
    if kept.job is not None:
        is_own = kept.job in await context.jobs.awaited.jobs_of(context.account.id, context.call.task)
        before = [] if is_own else ["this plan was started before; nothing was added"]
        return await _told(kept.job, before, [], context)
    if not context.settings.background:
        raise ConfigurationError(
            f"{OFF}, so no plan can be started. Nothing was sent.", next_step=f"{INSTEAD}."
        )
    plan, changed = await _as_it_is(kept.plan, context)
    return await _begun(plan_id, plan, changed, context)


async def _begun(plan_id: str, plan: Plan, changed: Sequence[str], context: Context) -> VehiclesPlanned:
    if not plan.photo_count:
        raise ArgumentsRefusedError(
            f"plan: every photo of plan {plan_id} has changed or is gone. Nothing was sent.",
            details=list(changed),
            next_step="Plan anew: call processVehicles with folder, manifest or vehicles.",
        )
    outlook = await _allowed(plan_id, plan, context)
    job = replace(new_job(_TOOL, context), follows=True, download=plan.download)
    if not await begin(job, plan.vehicles, context, plan_id=plan_id):  # another call was faster
        return await started(plan_id, context)
    told = [f"{counted(plan.photo_count, 'photo')} of {counted(plan.vehicle_count, 'vehicle')} queued"]
    told += ["results are saved as they finish"] if plan.download else []
    notes = [note.removesuffix(" Nothing was sent.") for note in outlook.notes]
    return await _told(job.id, [*told, *notes], changed, context, short=outlook.is_short)


async def _told(
    job_id: str, summary: Sequence[str], changed: Sequence[str], context: Context, *, short: bool = False
) -> VehiclesPlanned:
    """The answer; `short` where credits do not suffice, so that nobody can tell when all is sent.

    As a task it is answered once all is sent, or cannot be soon.
    """
    is_task = context.call.task is not None
    why_not = await until_sent(job_id, context) if is_task else None
    standing = await context.jobs.book.standing(context.account.id, job_id)
    still = await standstill(context) if standing and standing.photos.get("queued") else None
    if still and still.no_process:
        why_not = still.no_process
    waited_for = standing if is_task else None
    return VehiclesPlanned(
        job=job_id,
        doneBy=await done_by(job_id, context, still) if still and not short else None,
        summary=[
            *summary,
            *([f"photos by now: {by_state(waited_for.photos)}"] if waited_for else []),
            *([why_not] if why_not else []),
        ],
        notSent=bounded([*changed, *(_refused(waited_for) if waited_for else [])]),
    )


def _refused(standing: JobStanding) -> list[str]:
    """Why photos were refused, a line each."""
    refusals = standing.refusals.items()
    return [f"{counted(count, 'photo')}: {quoted(reason, 160)}" for reason, count in refusals]


async def _as_it_is(plan: Plan, context: Context) -> tuple[Plan, list[str]]:
    """The plan without files that are not as they were when it was made, and those in words."""
    files = [Path(photo.picture) for one in plan.vehicles for photo in one.photos if photo.stamp]
    now = await context.look(stamped, files)
    changed: list[str] = []

    def is_same(photo: PlannedPhoto) -> bool:
        if photo.stamp is None or now.get(Path(photo.picture)) == photo.stamp:
            return True
        what = "has changed since" if Path(photo.picture) in now else "is gone"
        changed.append(f"{local_path(Path(*Path(photo.picture).parts[-2:]))}: {what}")
        return False

    vehicles = [replace(one, photos=list(filter(is_same, one.photos))) for one in plan.vehicles]
    return replace(plan, vehicles=[one for one in vehicles if one.photos]), changed


async def _allowed(plan_id: str, plan: Plan, context: Context) -> Outlook:
    """See that credits are there, and where the settings want it, that a person allows exactly this plan; answers what was seen.

    Raises:
        OutOfCreditsError: No credit is left.
        SpendingRefusedError: The person said no, or there is no way to ask.
    """
    templates = dict.fromkeys(
        str(one.arguments["templateCC"]) for one in plan.vehicles if "templateCC" in one.arguments
    )
    outlook = Outlook(_TOOL, context, list(templates))
    if obstacle := await outlook.obstacle(plan.photo_count, waits=True):
        raise obstacle
    if context.settings.approve != "paid":
        return outlook
    on = f" on template {outlook.template()}" if templates else ""
    question = (
        f"{_TOOL}: submit {counted(plan.photo_count, 'photo')} of {counted(plan.vehicle_count, 'vehicle')}{on} for up to "
        f"{counted(plan.photo_count, 'credit')}? Plan {plan_id}. {outlook.balance_after(plan.photo_count)}"
    )
    await ask_person(_TOOL, question, [plan_id, json.dumps(asdict(plan))], context)
    return outlook
