"""Renders examples/contact-sheet.jpg: the photos of a car before and after, on the sheet that reviewBatch shows to a model.

Usage: `python examples/contact_sheet.py`; a sandbox in this process stands in for the API.
"""

import base64
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from mcp import Client as Host
from mcp.types import ImageContent
from PIL import Image

from autobg_mcp.client import Client
from autobg_mcp.sandbox import SandboxOptions, build_sandbox
from autobg_mcp.serving.server import build_server
from autobg_mcp.settings import Settings

EXAMPLES = Path(__file__).parent
SHOWN = ("01-front-left.jpg", "02-front.jpg", "05-rear-right.jpg", "11-dashboard.jpg")
WIDTH_PX = 1200  # README shows it at 800, and screens have finer pixels than that
BRANDING = {
    "background": "background-showroom.jpg",
    "brandLogo": "logo.png",
    "bAlignment": "TL",
    "numPlate": True,
    "numberPlate": "plate.png",
}


async def main(folder: Path) -> None:
    settings = Settings.load(
        api_key="sandbox-key",
        image_dirs=(EXAMPLES / "photos", EXAMPLES / "branding"),
        output_dir=folder / "results",
        state_dir=folder / "state",
    )
    api = build_sandbox(SandboxOptions(turnaround_s=0))
    async with Host(build_server(settings, lambda: Client(settings, app=api))) as host:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            return (await host.call_tool(tool, arguments)).structured_content or {}

        template = await call("createTemplate", name="Showroom", **BRANDING)
        batch = await call(
            "uploadImagesWithTemplate",
            images=[str(EXAMPLES / "photos" / name) for name in SHOWN],
            numberPlate="DEMO-AB123",
            templateCC=template["templateID"],
            processType="ai",
        )
        review = await host.call_tool("reviewBatch", {"batchID": batch["batchID"]})
    [sheet] = [content for content in review.content if isinstance(content, ImageContent)]
    seen = Image.open(io.BytesIO(base64.b64decode(sheet.data)))
    small = seen.resize((WIDTH_PX, round(seen.height * WIDTH_PX / seen.width)), Image.Resampling.LANCZOS)
    small.save(EXAMPLES / "contact-sheet.jpg", quality=82, optimize=True)  # a model sees it a little sharper


with TemporaryDirectory() as name:
    anyio.run(main, Path(name))
