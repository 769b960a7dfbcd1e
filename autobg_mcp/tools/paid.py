"""A tool that costs credits: what it takes beside its endpoint's fields, and how the ledger knows its pictures again."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

from pydantic import Field, JsonValue

from autobg_mcp.api.exchange import Request
from autobg_mcp.jobs.plan import PlannedPhoto
from autobg_mcp.money.identity import same_vehicle
from autobg_mcp.money.ledger import Intent
from autobg_mcp.settings import Settings
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.roll import Files, Roll
from autobg_mcp.tools.submitted import Submitted


class Submission(Endpoint[Submitted]):
    """An endpoint that costs credits: every picture is paid for once."""

    effect = "spends"
    idempotent = True  # the ledger answers a repeat
    audited_fields = ("batchID",)
    pictures_field: ClassVar[str]
    """The argument that names the pictures."""
    own_template: ClassVar[bool] = True
    """Whether `templateCC` is one of the account's own templates, which listTemplates lists."""

    allowDuplicate: Annotated[bool, Field(exclude=True, description="Pay again for a repeat.")] = False
    dryRun: Annotated[bool, Field(exclude=True, description="Only plan; send nothing.")] = False

    @abstractmethod
    async def roll(self, context: Context) -> Roll:
        """The pictures that the call names.

        Raises:
            AutobgError: Not one can be looked at.
        """

    @abstractmethod
    async def queued(self, photos: Sequence[PlannedPhoto], context: Context) -> Roll:
        """The pictures of a job's vehicle.

        Raises:
            AutobgError: Not one can be looked at.
        """

    @abstractmethod
    def of(self, pictures: Sequence[str]) -> Self:
        """This submission for some of its pictures alone."""

    async def intent(self, picture: str, file_name: str, files: Files, context: Context) -> Intent:
        """How the ledger writes down one picture: its vehicle is known again in every spelling.

        Args:
            picture: One of the roll.
            file_name: Its name as the API tells it.
            files: The files of its request, by field.
            context: The call's.
        """
        folded = {"numberPlate": same_vehicle(self.vehicle())}
        request: Request = await self.of([picture]).model_copy(update=folded).request(context, files)
        file = request.file()
        return Intent(
            account=context.account.id,
            host=context.call.host,
            tool=self.tool,
            vehicle=self.vehicle(),
            template=self.template_id(),
            file_name=file.file_name if file else file_name,
            pictures=1,
            fingerprint=request.fingerprint(),
            source=file.source if file else None,
            process_type=getattr(self, "processType", None),
        )

    @classmethod
    def per_request(cls, settings: Settings) -> int:  # noqa: ARG003  # for tools whose requests carry several
        """How many pictures of a vehicle one request carries at most."""
        return 1

    def arguments(self) -> dict[str, JsonValue]:
        """Its arguments as JSON, without its pictures; `from_arguments` takes them back."""
        own = type(self).model_fields
        pictures = self.pictures_field
        return {
            name: value
            for name, value in self.model_dump(mode="json", exclude={pictures}, exclude_none=True).items()
            if not own[name].exclude
        }

    def outlook(self, context: Context) -> Outlook:
        """What free looks tell of it."""
        template = self.template_id()
        return Outlook(self.tool, context, [] if template is None else [template], own=self.own_template)

    def template_id(self) -> str | None:
        """The template; None where the tool takes none."""
        template: str | None = getattr(self, "templateCC", None)
        return template

    def vehicle(self) -> str:
        """The id of the vehicle, a field that each endpoint declares in the place its documents give it."""
        return str(dict(self)["numberPlate"])

    def audited(self, result: Result | None) -> dict[str, str | None]:
        """The vehicle, too."""
        return {"vehicle": self.vehicle(), **super().audited(result)}
