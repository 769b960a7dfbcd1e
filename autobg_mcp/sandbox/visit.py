"""One call on its way through the sandbox: who asked for what, and the shape of a success."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse

from autobg_mcp.sandbox.reading import Asked, Refused
from autobg_mcp.sandbox.world import FakeAccount, FakePicture, World


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that was let in and read, with the account it belongs to."""

    world: World
    account: FakeAccount
    asked: Asked
    request: Request

    def picture(self, picture_id: int) -> FakePicture:
        """Find one of the user's pictures.

        Raises:
            Refused: The user has none with this id.
        """
        picture = self.account.pictures.get(picture_id)
        if picture is None:
            raise self.refused(picture_id, "not found")
        return picture

    def processed_picture(self, picture_id: int) -> FakePicture:
        """Find one of the user's pictures that has a result.

        Raises:
            Refused: There is no such picture, it is in work, or it failed.
        """
        picture = self.picture(picture_id)
        if not picture.is_processed(self.world.now()):
            raise self.refused(picture_id, "is not processed")
        return picture

    def refused(self, picture_id: int, why: str) -> Refused:
        """Make the refusal about a picture, which names it where the options say so."""
        name = f"Image {picture_id}" if self.world.options.refusals_name_pictures else "Image"
        return Refused(f"{name} {why}")


def ok(data: object, message: str = "") -> JSONResponse:
    """Answer the envelope of a success."""
    return JSONResponse({"status": True, "message": message, "data": data})
