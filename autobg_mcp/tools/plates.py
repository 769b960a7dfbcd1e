"""Number plates: covered or replaced without touching the background. Each picture costs credits."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from autobg_mcp.toolkit.endpoint import SLOW_INFERRED
from autobg_mcp.tools.fields import ClientS3Uris, Link, PicturePath, PlateReplacement, ProcessType, Vehicle
from autobg_mcp.tools.linked import LinkSubmission
from autobg_mcp.tools.photos import PhotoSubmission

REPLACE = 2


class ReplaceNumPlate(PhotoSubmission):
    """Cover or replace only the number plate on local photos.

    Spends 1 credit a photo (inferred). 10 photos/min assumed. Next: waitForBatch.
    """

    tool = "replaceNumPlate"
    title = "Replace number plates"
    toolset = "enterprise"
    path = "/images/replaceNumPlate-v3"
    encoding = "form"
    rate = SLOW_INFERRED
    files = frozenset({"cc", "numPlateImage"})

    numberPlate: Vehicle
    numPlateProcessor: PlateReplacement
    numPlateImage: Annotated[
        PicturePath | None, Field(description="Path of your plate picture; needed for 2.")
    ] = None
    processType: ProcessType

    @model_validator(mode="after")
    def _plate_for_replacing(self) -> Self:
        if self.numPlateProcessor == REPLACE and self.numPlateImage is None:
            raise ValueError("numPlateProcessor 2 needs numPlateImage")
        return self


class ReplaceNumPlateS3(LinkSubmission):
    """Cover or replace only the number plate on linked photos, in one call.

    Spends 1 credit a photo (inferred). 10 calls/min assumed. Next: waitForBatch.
    """

    tool = "replaceNumPlateS3"
    title = "Replace plates on linked photos"
    toolset = "enterprise"
    path = "/images/replaceNumPlateS3-v3"
    rate = SLOW_INFERRED

    numberPlate: Vehicle
    clientS3Uris: ClientS3Uris
    numberPlateS3String: Annotated[
        Link | None, Field(description="Link to your plate picture; needed for 2.")
    ] = None
    numPlateProcessor: PlateReplacement
    processType: ProcessType

    @model_validator(mode="after")
    def _plate_for_replacing(self) -> Self:
        if self.numPlateProcessor == REPLACE and self.numberPlateS3String is None:
            raise ValueError("numPlateProcessor 2 needs numberPlateS3String")
        return self
