"""Uploads: photos that the API gives a new background, from local files or by link. Each costs credits."""

from typing import Annotated

from pydantic import Field

from autobg_mcp.toolkit.endpoint import SLOW, SLOW_INFERRED
from autobg_mcp.tools.fields import (
    ClientS3Uris,
    Link,
    LogoAlignment,
    LogoPath,
    NumPlateProcessor,
    OneLine,
    ProcessType,
    TemplateCC,
    Vehicle,
)
from autobg_mcp.tools.linked import LinkSubmission
from autobg_mcp.tools.photos import PhotoSubmission


class UploadImagesWithoutTemplate(PhotoSubmission):
    """Cut out cars from local photos, without a template (result likely transparent).

    Spends 1 credit a photo (inferred), never twice. 10 photos/min. Next: waitForBatch.
    """

    tool = "uploadImagesWithoutTemplate"
    title = "Upload photos without a template"
    toolset = "enterprise"
    path = "/images/uploadWithoutTemplateCC"
    encoding = "form"
    rate = SLOW
    files = frozenset({"cc"})

    numberPlate: Vehicle
    numPlateProcessor: NumPlateProcessor
    processType: ProcessType


class UploadImagesWithTemplate(PhotoSubmission):
    """Put cars from local photos on a template's background.

    Spends 1 credit a photo (inferred), never twice. 10 photos/min assumed. Next: waitForBatch.
    """

    tool = "uploadImagesWithTemplate"
    title = "Upload photos with a template"
    toolset = "enterprise"
    path = "/images/uploadWithTemplateCC"
    encoding = "form"
    rate = SLOW_INFERRED
    files = frozenset({"cc"})

    numberPlate: Vehicle
    templateCC: TemplateCC
    processType: ProcessType


class UploadImagesWithDynamicBranding(PhotoSubmission):
    """As uploadImagesWithTemplate, with a logo for these photos only.

    Unverified: the logo's field name. Spends credits, 10 photos/min assumed. Next: waitForBatch.
    """

    tool = "uploadImagesWithDynamicBranding"
    title = "Upload photos with own logo"
    toolset = "enterprise"
    path = "/images/uploadWithTemplateCCDynamicBranding"
    encoding = "form"
    rate = SLOW_INFERRED
    files = frozenset({"cc", "brandLogo"})

    numberPlate: Vehicle
    templateCC: TemplateCC
    processType: ProcessType
    brandLogo: LogoPath
    bAlignment: LogoAlignment | None = None


class UploadImagesWithLibraryTemplate(PhotoSubmission):
    """Beta: put cars from local photos on a backdrop of the vendor's library.

    Unverified: every field's name. Spends credits, 10 photos/min assumed. Next: waitForBatch.
    """

    tool = "uploadImagesWithLibraryTemplate"
    title = "Upload photos with a library backdrop"
    toolset = "beta"
    path = "/images/uploadWithDefaultTemplateCC"
    own_template = False
    encoding = "form"
    rate = SLOW_INFERRED
    files = frozenset({"cc"})

    numberPlate: Vehicle
    templateCC: Annotated[OneLine, Field(description="Id of the backdrop, from listLibraryTemplates.")]
    processType: ProcessType


class UploadS3UrlsWithoutTemplate(LinkSubmission):
    """Cut out cars from photos that the API fetches by link, in one call.

    Spends 1 credit a photo (inferred). 10 calls/min assumed. Next: waitForBatch.
    """

    tool = "uploadS3UrlsWithoutTemplate"
    title = "Submit linked photos without a template"
    toolset = "custom"
    path = "/images/uploadWithoutTemplateCC-v2"
    rate = SLOW_INFERRED

    numberPlate: Vehicle
    processType: ProcessType
    clientS3Uris: ClientS3Uris


class UploadS3UrlsWithTemplate(LinkSubmission):
    """Put cars from linked photos on a template's background, in one call.

    Spends 1 credit a photo (inferred). 10 calls/min. Next: waitForBatch.
    """

    tool = "uploadS3UrlsWithTemplate"
    title = "Submit linked photos with a template"
    toolset = "custom"
    path = "/images/uploadWithTemplateCC-v2"
    rate = SLOW

    numberPlate: Vehicle
    templateCC: TemplateCC
    processType: ProcessType
    clientS3Uris: ClientS3Uris


class UploadS3UrlsWithDynamicBranding(LinkSubmission):
    """As uploadS3UrlsWithTemplate, with a logo for these photos only.

    Unverified: path and branding fields. Spends credits, 10 calls/min assumed. Next: waitForBatch.
    """

    tool = "uploadS3UrlsWithDynamicBranding"
    title = "Submit linked photos with own logo"
    toolset = "custom"
    path = "/images/uploadWithTemplateCCDynamicBranding-v2"
    rate = SLOW_INFERRED

    numberPlate: Vehicle
    templateCC: TemplateCC
    processType: ProcessType
    clientS3Uris: ClientS3Uris
    brandLogo: Annotated[Link, Field(description="Link to the logo.")]
    bAlignment: LogoAlignment | None = None
