"""Templates: a background with rules for plate and logo, made once and used by many uploads."""

from typing import Annotated, Final, Self

from pydantic import FailFast, Field, JsonValue, model_validator

from autobg_mcp.api.exchange import FilePart
from autobg_mcp.api.same_link import IS_LINK
from autobg_mcp.errors import ArgumentsRefusedError
from autobg_mcp.money.facts import Fact, TemplatesNamed
from autobg_mcp.text import quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import FAST, Endpoint
from autobg_mcp.toolkit.tool import Part, Result
from autobg_mcp.tools.answer_fields import AnswerID, Words, listed
from autobg_mcp.tools.fields import Colour, LogoAlignment, OneLine, PicturePath
from autobg_mcp.tools.glance import glance
from autobg_mcp.tools.library import backdrop

MOST_LISTED: Final = 50
"""The most templates that one answer lists."""


class CreatedTemplate(Result):
    """A template that now exists."""

    templateID: AnswerID
    note: str | None = None

    def next_step(self) -> str:
        """The id goes into uploads."""
        return f"uploadImagesWithTemplate with templateCC={self.templateID}"


class Template(Part):
    """One of the account's templates."""

    templateID: AnswerID
    templateName: Words = ""


class Templates(Result):
    """Templates made with createTemplate, those that were looked for."""

    templates: Annotated[list[Template], FailFast()]
    total: int = 0
    """How many the account has."""
    found: int = Field(default=0, exclude=True)
    """How many fit what was looked for."""
    every: list[Template] = Field(default_factory=list, exclude=True, repr=False)
    """All of the account's."""

    def structured(self) -> dict[str, JsonValue]:
        """The first ones: an account may have thousands, and a model pays for each."""
        told = self.model_copy(update={"templates": self.templates[:MOST_LISTED]})
        return super(Templates, told).structured()

    def next_step(self) -> str:
        """Use one, look closer, or make the first."""
        if not self.templates:
            return "listTemplates without find, or createTemplate" if self.total else "createTemplate"
        use = "uploadImagesWithTemplate with templateCC=templateID"
        if self.found <= MOST_LISTED:
            return use
        return f"{MOST_LISTED} of {self.found:,} are listed: listTemplates with find; {use}"


class CreateTemplate(Endpoint[CreatedTemplate]):
    """Create a template (background, plate and logo rules); answers its templateID.

    None can be deleted; a name that is taken is refused. Not known to cost credits. 100 calls/min. Next: an
    upload.
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

    @model_validator(mode="after")
    def _both_views(self) -> Self:
        """Each is mandatory for templates of several backdrops: documented for `side`, inferred for `frontRear`."""
        if (self.side is None) != (self.frontRear is None):
            raise ValueError("side and frontRear go together: give both, or background alone")
        return self

    async def run(self, context: Context) -> CreatedTemplate:
        """Create it, unless a free look shows that the name is taken: it may be what an earlier call has made.

        Raises:
            ArgumentsRefusedError: The account has a template of this name.
        """
        # Where a call has little time, the look leaves enough of it to begin what it precedes.
        known = await glance(ListTemplates().run, context, context.time.begins_s() / 2)
        taken = [one for one in known.every if _same_name(one.templateName, self.name)] if known else []
        if taken:
            name, template_id = quoted(taken[-1].templateName, 60), taken[-1].templateID
            raise ArgumentsRefusedError(
                f"{self.tool}: the account has template {template_id} {name} already. Nothing was created.",
                next_step=f"Use templateCC={template_id}, or call again with another name.",
            )
        created = await super().run(context)
        note = None if known else "whether the name was taken before could not be looked at"
        return created.model_copy(update={"note": note})

    async def files_beside(self, *loaded: str, context: Context) -> dict[str, FilePart]:
        """The pictures; a background may be one of the library, which is fetched."""
        asked = self.model_dump(include={"background", "side", "frontRear"}, exclude=set(loaded))
        linked = {
            name: await backdrop(value, context)
            for name, value in asked.items()
            if value is not None and IS_LINK.fullmatch(value)
        }
        return {**await super().files_beside(*loaded, *linked, context=context), **linked}

    def teaches(self, result: CreatedTemplate) -> list[Fact]:
        """The new template's name."""
        return [TemplatesNamed({str(result.templateID): self.name})]


class ListTemplates(Endpoint[Templates]):
    """List the account's templates with their ids, the first 50 of them. Free. 100 calls/min."""

    tool = "listTemplates"
    title = "List templates"
    effect = "reads"
    toolset = "enterprise"
    path = "/templates/list"
    encoding = "none"
    rate = FAST

    find: Annotated[OneLine | None, Field(exclude=True, description="Part of a name or id.")] = None

    def teaches(self, result: Templates) -> list[Fact]:
        """The names of all."""
        return [TemplatesNamed({str(one.templateID): one.templateName for one in result.every})]

    def result(self, data: JsonValue) -> Templates:
        """The documents show a bare list."""
        every = Templates.model_validate({"templates": listed(data, "templates")}).templates
        found = [one for one in every if self._fits(one)]
        return Templates(templates=found, total=len(every), found=len(found), every=every)

    def _fits(self, template: Template) -> bool:
        wanted = (self.find or "").casefold()
        return wanted in template.templateName.casefold() or wanted in str(template.templateID).casefold()


def _same_name(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
