"""Two agents that do the same by other tools: one with autobg-mcp, one with tools generated from a description of the API."""

import base64
import json
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.types import ImageContent, TextContent
from tokens import tokens

REPORTS, PHOTOS = 25, 40
PICTURE_TOKENS = 1_500
MOST_CALLS = 60
LINKS = [f"https://photos.example.com/{one}.jpg" for one in range(PHOTOS)]
CUT_OUT = {"numPlateProcessor": 1, "processType": "ai"}


class BenchAgent(ABC):
    """An agent's calls, counted.

    Args:
        host: The client.
        photos: The folder of photos.
        window_s: How long it rests when it hears that a limit is met.
    """

    def __init__(self, host: Client, photos: Path, window_s: float) -> None:
        self.host, self.photos, self._window_s = host, photos, window_s
        self.forget()

    def forget(self) -> None:
        """Count anew."""
        self.calls, self.tokens, self.pictures = 0, 0, 0
        self.heard_error = False
        self._began_s = time.monotonic()

    def counted(self) -> str:
        """What it took since it began to count."""
        return f"{self.calls} call{'s' * (self.calls > 1)}, {self.tokens:,} tokens, {time.monotonic() - self._began_s:.0f} s"

    async def call(self, tool: str, **arguments: object) -> Any:
        """One call; answers its JSON, or its text where it is none."""
        result = await self.host.call_tool(tool, arguments)
        text = "\n".join(one.text for one in result.content if isinstance(one, TextContent))
        pictures = sum(isinstance(one, ImageContent) for one in result.content)
        self.calls += 1
        self.pictures += pictures
        self.heard_error = bool(result.is_error)
        self.tokens += tokens(json.dumps([tool, arguments])) + tokens(text) + PICTURE_TOKENS * pictures
        try:
            return json.loads(text)
        except ValueError:
            return text

    async def credits(self) -> None:
        """Ask for the credits."""
        await self.call("getUserCreditDetails")

    async def unknown_batch(self) -> None:
        """Ask for a batch that is not there."""
        await self.call("getImageStatus", batchID="999999")

    @abstractmethod
    async def linked(self) -> None:
        """Send linked photos of one car, and see them done."""

    @abstractmethod
    async def report(self) -> None:
        """Report pictures, each with a comment of its own, until every report is taken."""

    @abstractmethod
    async def look(self) -> None:
        """Look at one result."""

    @abstractmethod
    async def one_by_path(self) -> None:
        """Send one photo of this machine."""

    @abstractmethod
    async def folder(self) -> None:
        """Send a folder of one car, and see it done."""


class OursAgent(BenchAgent):
    """Follows what answers say."""

    async def linked(self) -> None:
        sent = await self.call(
            "uploadS3UrlsWithoutTemplate", clientS3Uris=LINKS, numberPlate="LINKED", processType="ai"
        )
        await self._awaited(str(sent["batchID"]))

    async def report(self) -> None:
        status = await self.call("getImageStatus", batchID=await self._batch("LINKED"), all=True)
        left = [one["picID"] for one in status["images"][:REPORTS]]
        self.forget()
        while left and self.calls < MOST_CALLS:
            reports = [
                {"picID": one, "reportReason": ["Logo"], "reportComment": f"The logo of {one} is askew."}
                for one in left
            ]
            told = await self.call("reportManyImages", reports=reports)
            left = [one for one in left if one not in told["reported"]]

    async def look(self) -> None:
        status = await self.call("getImageStatus", batchID=await self._batch("LINKED"), all=True)
        self.forget()
        await self.call("getImagesRaw", picID=status["images"][-1]["picID"])

    async def one_by_path(self) -> None:
        await self.call(
            "uploadImagesWithoutTemplate",
            images=[str(min(self.photos.iterdir()))],
            numberPlate="ONE",
            **CUT_OUT,
        )

    async def folder(self) -> None:
        sent = await self.call(
            "uploadImagesWithoutTemplate", images=[str(self.photos)], numberPlate="FOLDER", **CUT_OUT
        )
        await self._awaited(str(sent["batchID"]))

    async def _awaited(self, batch_id: str) -> None:
        told = {"next": "waitForBatch"}
        while told["next"].startswith("waitForBatch") and self.calls < MOST_CALLS:
            told = await self.call("waitForBatch", batchID=batch_id)

    async def _batch(self, vehicle: str) -> str:
        return str((await self.call("listBatches", find=vehicle))["batches"][0]["batchID"])


class GeneratedAgent(BenchAgent):
    """Does what the generated tools allow, and rests for a window when it hears of a limit."""

    async def linked(self) -> None:
        sent = await self.call(
            "uploadS3UrlsWithoutTemplate", clientS3Uris=LINKS, numberPlate="LINKED", processType="ai"
        )
        self._batch = str(sent["data"]["batchID"])
        await self.call("getImageStatus", batchID=self._batch)

    async def report(self) -> None:
        left = await self._pictures()
        self.forget()
        for one in left[:REPORTS]:
            while self.calls < MOST_CALLS:
                comment = f"The logo of {one} is askew."
                await self.call("reportImages", picIDs=[one], reportReason=["Logo"], reportComment=comment)
                if not self.heard_error:
                    break
                await anyio.sleep(self._window_s)

    async def look(self) -> None:
        """As raw bytes it is a fault of the server; as base64 it comes as a text."""
        picture = (await self._pictures())[-1]
        self.forget()
        await self.call("getImagesRaw", picID=picture)
        await self.call("getImagesBase64", picID=picture)

    async def one_by_path(self) -> None:
        """As a path, and then as base64."""
        photo = min(self.photos.iterdir())
        for content in (str(photo), base64.b64encode(photo.read_bytes()).decode()):
            await self.call("uploadImagesWithoutTemplate", cc=content, numberPlate="ONE", **CUT_OUT)

    async def folder(self) -> None:
        """Photo by photo by path, as long as one is taken."""
        for photo in sorted(self.photos.iterdir()):
            told = await self.call(
                "uploadImagesWithoutTemplate", cc=str(photo), numberPlate="FOLDER", **CUT_OUT
            )
            if self.heard_error or not told["status"]:
                return

    async def _pictures(self) -> list[int]:
        return [one["picID"] for one in (await self.call("getImageStatus", batchID=self._batch))["data"]]
