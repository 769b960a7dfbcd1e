"""How a job begins: written down, then offered to whoever carries jobs out."""

from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from autobg_mcp.errors import StateError
from autobg_mcp.jobs.job import Job
from autobg_mcp.jobs.plan import PlannedVehicle
from autobg_mcp.jobs.rows import new_id
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools import class_of
from autobg_mcp.tools.paid import Submission


def new_job(made_by: str, context: Context) -> Job:
    """A job that begins now; where a person has to allow payments, they have done so."""
    now, settings = context.clock.wall_s(), context.settings
    return Job(
        id=new_id("j"),
        account=context.account.id,
        host=context.call.host,
        made_by=made_by,
        created_at=now,
        ends_at=now + settings.job_hours * 3600,
        approved=settings.approve == "paid",
        follows=False,
        download=False,
        task=context.call.task,
    )


async def begin(
    job: Job,
    vehicles: Sequence[PlannedVehicle],
    context: Context,
    *,
    plan_id: str | None = None,
    batch_ids: Sequence[str] = (),
) -> bool:
    """Begin a job; once it is written down it is carried out, whether it could be offered or not.

    Args:
        job: The job.
        vehicles: What it sends.
        context: The call's.
        plan_id: The plan that it carries out; None for none.
        batch_ids: Batches that photos of its vehicles are in already.

    Returns:
        Whether it has begun; not where its plan has begun another one meanwhile.

    Raises:
        StateError: The file of jobs cannot be used.
    """
    tools = {one.tool: cast("type[Submission]", class_of(one.tool)) for one in vehicles}
    per_request = {name: tool.per_request(context.settings) for name, tool in tools.items()}
    turns = await context.jobs.book.begin(job, vehicles, per_request, plan_id=plan_id, batch_ids=batch_ids)
    with suppress(StateError):
        await context.jobs.queue.offer(turns, due_at=context.clock.wall_s())
    return bool(turns)
