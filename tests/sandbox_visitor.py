"""A client of the sandbox that has its own clock, as a caller of the real API would come to it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import httpx
from PIL import Image
from starlette.applications import Starlette

from autobg_mcp.sandbox import SandboxOptions, World, build_sandbox
from autobg_mcp.sandbox.app import PREFIX

UPLOAD = {"numberPlate": "KA-01", "processType": "ai"}
PLAIN = "/images/uploadWithoutTemplateCC"
STATUS = "/images/imagesStatus"
REPORT = {"picIDs": [512251], "reportReason": ["Bad clipping"], "reportComment": ""}


def picture(colour: str = "navy", size: tuple[int, int] = (400, 300), kind: str = "JPEG") -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@dataclass
class Visitor:
    """A sandbox with a clock that the test turns."""

    options: SandboxOptions = field(default_factory=SandboxOptions)
    now_s: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app: Starlette = build_sandbox(self.options, clock=lambda: self.now_s, sleep=self._sleep)
        self.world: World = self.app.state.world
        self.world._opened_at = datetime(2026, 3, 31, 12, tzinfo=UTC)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def client(self, key: str = "key-a") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app)
        headers = {"Authorization": key} if key else {}
        return httpx.AsyncClient(transport=transport, base_url=f"http://sandbox{PREFIX}", headers=headers)

    async def post(self, path: str, body: object = None, key: str = "key-a", **rest: Any) -> httpx.Response:
        async with self.client(key) as client:
            return (
                await client.post(path, json=body, **rest)
                if body is not None
                else await client.post(path, **rest)
            )

    async def get(self, path: str, key: str = "key-a", **query: object) -> httpx.Response:
        async with self.client(key) as client:
            return await client.get(path, params={name: str(value) for name, value in query.items()})

    async def upload(
        self, *names: str, key: str = "key-a", path: str = PLAIN, **fields: str
    ) -> httpx.Response:
        files = [("cc", (name, picture())) for name in names or ("car.jpg",)]
        data = UPLOAD | ({"numPlateProcessor": "0"} if path == PLAIN else {}) | fields
        return await self.post(path, data=data, files=files, key=key)

    async def template(self, **files: bytes) -> str:
        sent = {
            name: (f"{name}.png", data) for name, data in ({"background": picture("green")} | files).items()
        }
        data = {"name": "Showroom", "numPlate": "true", "bAlignment": "TR"}
        return str((await self.post("/templates/create", data=data, files=sent)).json()["data"]["templateID"])

    async def result(self, picture_id: int = 512251) -> Image.Image:
        self.now_s += self.options.turnaround_s
        return opened((await self.get("/images/getImagesRaw", picID=picture_id)).content)


def message(answer: httpx.Response) -> str:
    body = answer.json()
    assert body["status"] is False
    return str(body["message"])
