"""A first batch from Python, against the built-in sandbox: no key, no network, no cost.

Leave out `app`, `api_key` and `state_dir`, and the same code calls the API with the settings of the environment.
Concurrent calls of one client share its throttle. It prints:

    01-front-left.jpg is done: image/png 960 px wide
    02-front.jpg is done: image/png 960 px wide
    03-front-right.jpg is done: image/png 960 px wide
    97 credits are left
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from autobg_mcp import (
    Client,
    GetImagesRaw,
    GetUserCreditDetails,
    Settings,
    UploadImagesWithoutTemplate,
    WaitForBatch,
)
from autobg_mcp.sandbox import SandboxOptions, build_sandbox

PHOTOS = Path(__file__).parent / "photos"


async def main(state: Path) -> None:
    settings = Settings.load(
        api_key="sandbox-key", image_dirs=(PHOTOS,), output_dir=Path("autobg-output"), state_dir=state
    )
    async with Client(settings, app=build_sandbox(SandboxOptions(turnaround_s=1))) as autobg:
        batch = await autobg.call(
            UploadImagesWithoutTemplate(
                images=["*front*.jpg"], numberPlate="AB-123", numPlateProcessor=1, processType="ai"
            )
        )
        status = await autobg.call(WaitForBatch(batchID=str(batch.batchID)))
        for image in status.images:
            picture = await autobg.call(GetImagesRaw(picID=int(image.picID)))
            print(image.picName, "is done:", picture.file.mime, f"{picture.file.width_px} px wide")
        credit = await autobg.call(GetUserCreditDetails())
        print(credit.current_credits, "credits are left")


with TemporaryDirectory() as folder:  # this sandbox forgets its batches, so what is known of them goes too
    anyio.run(main, Path(folder))
