"""Templates: a background with rules for plate and logo, made once and used by many uploads."""

from typing import Annotated

from pydantic import FailFast, Field, JsonValue

from autobg_mcp.api.exchange import FilePart
from autobg_mcp.api.same_link import IS_LINK
from autobg_mcp.money.facts import Fact, TemplatesNamed
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import FAST, Endpoint
from autobg_mcp.toolkit.tool import Part, Result
from autobg_mcp.tools.answer_fields import AnswerID, Words, listed
from autobg_mcp.tools.fields import Colour, LogoAlignment, OneLine, PicturePath
from autobg_mcp.tools.library import backdrop


class CreatedTemplate(Result):
    """A template that now exists."""

    templateID: AnswerID

    def next_step(self) -> str:
        """The id goes into uploads."""
        return f"uploadImagesWithTemplate with templateCC={self.templateID}"


class Template(Part):
    """One of the account's templates."""

    templateID: AnswerID
    templateName: Words = ""


class Templates(Result):
    """All templates made with createTemplate."""

    templates: Annotated[list[Template], FailFast()]

    def next_step(self) -> str:
        """Use one, or make the first."""
        return "uploadImagesWithTemplate with templateCC=templateID" if self.templates else "createTemplate"


class CreateTemplate(Endpoint[CreatedTemplate]):
    """Create a template (background, plate and logo rules); answers its templateID.

    Each call makes another and none can be deleted: listTemplates first. Not known to cost credits. 100
    calls/min. Next: an upload.
    """

    tool = "createTemplate"
    title = "Create a template"
    effect = "changes"
    toolset = "enterprise"
    path = "/templates/create"
    encoding = "form"
    rate = FAST
    audited_fields = ("templateID",)
    files = frozenset({"background", "side", "frontRear", "numberPlate", "brandLogo"})

    background: Annotated[
        PicturePath, Field(description="Path of the background, or a link from listLibraryTemplates.")
    ]
    side: Annotated[PicturePath | None, Field(description="Path: background of side views.")] = None
    frontRear: Annotated[
        PicturePath | None, Field(description="Path: background of front and rear views.")
    ] = None
    numberPlate: Annotated[PicturePath | None, Field(description="Path: picture put over plates.")] = None
    brandLogo: Annotated[PicturePath | None, Field(description="Path of the logo.")] = None
    numPlate: Annotated[bool, Field(description="Process number plates.")]
    bAlignment: LogoAlignment | None = None
    name: Annotated[OneLine, Field(description="Name of the template.")]
    numPlateBgHexCode: Annotated[Colour | None, Field(description="Plate colour, e.g. #FFFFFF.")] = None

    async def files_beside(self, *taken: str, context: Context) -> dict[str, FilePart]:
        """The pictures; a background may be one of the library, which is fetched."""
        asked = self.model_dump(include={"background", "side", "frontRear"}, exclude=set(taken))
        linked = {
            name: await backdrop(value, context)
            for name, value in asked.items()
            if value is not None and IS_LINK.fullmatch(value)
        }
        return {**await super().files_beside(*taken, *linked, context=context), **linked}

    def teaches(self, result: CreatedTemplate) -> list[Fact]:
        """The new template's name."""
        return [TemplatesNamed({str(result.templateID): self.name})]


class ListTemplates(Endpoint[Templates]):
    """List the account's templates with their ids. Free. 100 calls/min."""

    tool = "listTemplates"
    title = "List templates"
    effect = "reads"
    toolset = "enterprise"
    path = "/templates/list"
    encoding = "none"
    rate = FAST

    def teaches(self, result: Templates) -> list[Fact]:
        """The names of all."""
        return [TemplatesNamed({str(one.templateID): one.templateName for one in result.templates})]

    def result(self, data: JsonValue) -> Templates:
        """The documents show a bare list."""
        return Templates.model_validate({"templates": listed(data, "templates")})
