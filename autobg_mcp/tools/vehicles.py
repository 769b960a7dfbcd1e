"""Any number of vehicles: from a folder, a manifest or a list to a plan, and from a plan to work."""

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, model_validator

from autobg_mcp.errors import ConfigurationError, FileRefusedError
from autobg_mcp.files.manifest import read_manifest
from autobg_mcp.jobs.plan import Plan
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Tool
from autobg_mcp.tools.drafting import Draft, Drafting, Processing
from autobg_mcp.tools.fields import (
    MOST_ITEMS,
    NumPlateProcessor,
    OneLine,
    PicturePath,
    ProcessType,
    TemplateCC,
)
from autobg_mcp.tools.oddities import oddities
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.prospect import INSTEAD, OFF, VehiclesPlanned, prospect
from autobg_mcp.tools.routes import Forecast
from autobg_mcp.tools.sources import Sources, VehicleGiven
from autobg_mcp.tools.starting import started
from autobg_mcp.tools.vehicle_states import standings

MOST_PLANNED = 20_000
"""Photos of one plan: at 10 a minute they take more than a day."""


class ProcessVehicles(Tool[VehiclesPlanned]):
    """Process any number of cars: first call answers a plan and sends nothing, second call with `plan` sends it.

    The plan tells what is new, in work, to review and done, credits, time and what is odd. Spends 1 credit a photo
    (inferred), never twice.
    """

    tool = "processVehicles"
    title = "Process vehicles"
    effect = "spends"
    toolset = "workflow"
    idempotent = True  # the ledger answers a repeat
    audited_fields = ("plan",)

    folder: Annotated[
        PicturePath | None, Field(description="Each folder below with photos is a vehicle, its name the id.")
    ] = None
    manifest: Annotated[
        PicturePath | None,
        Field(description="CSV, JSON or XLSX with columns vehicle, photos or links, template."),
    ] = None
    vehicles: Annotated[
        list[VehicleGiven],
        # Some hosts lose what stands inside the items of a list, so it is said here too.
        Field(
            max_length=MOST_ITEMS,
            fail_fast=True,
            description="Instead: vehicle, photos or links, template of each.",
        ),
    ] = Field(default_factory=list)
    templateCC: TemplateCC | None = None
    processType: ProcessType = "ai"
    numPlateProcessor: NumPlateProcessor | None = None
    download: Annotated[bool, Field(description="Save results as they finish.")] = False
    plan: Annotated[OneLine | None, Field(description="Alone: starts that plan.")] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("folder", "manifest", "vehicles", "plan") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("exactly one of folder, manifest, vehicles and plan")
        fields = type(self).model_fields.items()
        if self.plan and any(
            getattr(self, name) != field.get_default(call_default_factory=True)
            for name, field in fields
            if name != "plan"
        ):
            raise ValueError("plan alone: all else stands in it")
        return self

    async def run(self, context: Context) -> VehiclesPlanned:
        """Plan, or start a plan.

        Raises:
            AutobgError: There is no photo to plan with, no such template, or no such plan.
        """
        return await (started(self.plan, context) if self.plan else self._planned(context))

    async def _planned(self, context: Context) -> VehiclesPlanned:
        """Plan; nothing is sent."""
        plan, answer = await self.planned(context)
        if not plan.vehicles:
            return answer
        return answer.model_copy(update={"plan": await context.jobs.plans.keep(context.account.id, plan)})

    async def planned(self, context: Context) -> tuple[Plan, VehiclesPlanned]:
        """What would be sent, and the answer that tells it.

        Raises:
            ArgumentsRefusedError: There is no such template.
            FileRefusedError: There is no photo, or there are too many.
        """
        sources = await self._sources(context)
        drafting = Drafting(Processing(self.processType, self.numPlateProcessor or 0), context)
        drafts = await drafting.drafts(sources.vehicles)
        refused = [*sources.refused, *drafting.refused]
        if not drafts:
            raise FileRefusedError("Not one photo can be sent.", details=refused)
        templates = dict.fromkeys(one.source.template for one in drafts if one.source.template)
        outlook = Outlook(self.tool, context, list(templates))
        to_send = sum(len(draft.to_send) for draft in drafts)
        obstacle = await outlook.obstacle(to_send, waits=True) or _off(context)
        answer = prospect(
            await standings(drafts, context),
            outlook,
            Forecast.of(drafts, context),
            how=self._how(outlook, drafts),
            odd=[*oddities(drafts, drafting.digests), *sources.odd],
            refused=refused,
            others=sources.others,
            obstacle=obstacle,
        )
        planned = [draft.planned() for draft in drafts if draft.to_send]
        return Plan(planned, self.download), answer

    async def _sources(self, context: Context) -> Sources:
        """The vehicles that are named.

        Raises:
            FileRefusedError: There is no photo, or there are too many.
        """
        fence = context.fence
        sources = Sources(self.templateCC, context.settings.link_hosts)
        if self.folder:
            sources.take_fleet(await context.look(fence.fleet, self.folder))
        elif self.manifest:
            manifest = await context.look(read_manifest, fence, self.manifest)
            names = {name: None for row in manifest.rows for name in row.named.photos}
            found = await context.look(fence.find_each, names, beside=manifest.path.parent)
            sources.take_manifest(manifest, found)
        else:
            names = {name: None for one in self.vehicles for name in one.photos}
            sources.take_list(self.vehicles, await context.look(fence.find_each, names))
        photos = sum(len(one.photos) + len(one.links) for one in sources.vehicles)
        if photos > MOST_PLANNED:
            raise FileRefusedError(
                f"{photos:,} photos are named, more than the {MOST_PLANNED:,} of one plan.",
                next_step="Name fewer vehicles, for example the folders below one by one.",
            )
        return sources

    def _how(self, outlook: Outlook, drafts: Iterable[Draft]) -> str:
        """How the photos are processed, in words."""
        template = outlook.template()
        takes_plates = any("numPlateProcessor" in draft.arguments for draft in drafts)
        told = [f"template {template}" if template else "no template", f"processType {self.processType}"]
        if takes_plates:
            told.append(f"numPlateProcessor {self.numPlateProcessor or 0}")
        elif self.numPlateProcessor is not None:
            told.append("numPlateProcessor left out: only files without a template take it")
        return ", ".join([*told, *(["results are saved"] if self.download else [])])


def _off(context: Context) -> ConfigurationError | None:
    """What keeps a plan from being started, whatever it holds; None for nothing."""
    return None if context.settings.background else ConfigurationError(OFF, next_step=INSTEAD)
