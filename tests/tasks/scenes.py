"""What is there before a task: photos, files among them, templates, earlier batches, faults that wait."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent import Agent
from conftest import KEY
from PIL import Image
from task import Before, Stage

from autobg_mcp.sandbox import FailureKind
from autobg_mcp.sandbox.world import FakeTemplate

VIEWS = ("front", "rear", "side")
MOST_TURNED_MIN = 5  # a longer rest is skipped: jobs that sleep would be woken many times
BRANDING = ("branding/background.jpg", "branding/logo.png", "branding/plate.png")


def draw(path: Path) -> None:
    """A small photo that no other name has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = hashlib.sha256(bytes(path)).digest() * 2
    Image.frombytes("RGB", (4, 4), seed[:48]).resize((64, 48)).save(
        path, Image.registered_extensions()[path.suffix]
    )


def _placed(place: Callable[[Stage], object]) -> Before:
    async def before(stage: Stage, _agent: Agent) -> None:
        place(stage)

    return before


def photos(*names: str) -> Before:
    """Photos of these names, folders included."""

    def drawn(stage: Stage) -> None:
        for name in names:
            draw(stage.photos / name)

    return _placed(drawn)


def car(vehicle: str, *views: str) -> Before:
    """A folder with photos of one car, all three views where none is named."""
    return photos(*(f"{vehicle}/{view}.jpg" for view in views or VIEWS))


def numbered(vehicle: str, count: int) -> Before:
    """A folder with so many photos of one car."""
    return photos(*(f"{vehicle}/{one:02}.jpg" for one in range(1, count + 1)))


def file(name: str, content: str | bytes) -> Before:
    """A file that is no photo, or a broken one."""
    raw = content.encode() if isinstance(content, str) else content

    def write(stage: Stage) -> None:
        path = stage.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)

    return _placed(write)


def copied(name: str, copy: str) -> Before:
    """The same photo under a second name."""
    return _placed(lambda stage: (stage.photos / copy).write_bytes((stage.photos / name).read_bytes()))


async def branding(stage: Stage, _agent: Agent) -> None:
    """The dealer's backdrop, logo and plate."""
    for name in BRANDING:
        draw(stage.photos / name)


def template(*names: str) -> Before:
    """Templates of the account, the first of which is 136."""

    async def before(stage: Stage, agent: Agent) -> None:
        await branding(stage, agent)
        account = stage.world.account(KEY)
        assert account
        for name in names:
            background = (stage.photos / BRANDING[0]).read_bytes() + name.encode()
            stage.world.add_template(account, FakeTemplate(0, name, background, treats_plate=True))

    return before


def called(tool: str, /, rest_min: float = 5, **arguments: Any) -> Before:
    """An earlier call, and so much time after it."""

    async def before(stage: Stage, agent: Agent) -> None:
        assert not (await agent.call(tool, **arguments)).is_error, agent.last.text
        await agent.rest(min(rest_min, MOST_TURNED_MIN))
        stage.clock.now_s += 60 * max(0, rest_min - MOST_TURNED_MIN)

    return before


def cut_out(vehicle: str, *images: str, rest_min: float = 5) -> Before:
    """An earlier upload of a car without a template: of its folder, where no photo of it is named."""
    return called(
        "uploadImagesWithoutTemplate", rest_min, images=list(images or [vehicle]), numberPlate=vehicle,
        numPlateProcessor=1, processType="ai",
    )  # fmt: skip


def fault(path: str, kind: FailureKind, times: int = 1, *, after: int = 0, delay_s: float = 0) -> Before:
    """The API goes wrong with requests whose path ends so."""
    return _placed(lambda stage: stage.world.fail_next(path, kind, times, delay_s, after=after))


def credits_left(count: int) -> Before:
    """The account has so many credits left."""

    async def before(stage: Stage, agent: Agent) -> None:
        await agent.call("getUserCreditDetails")
        stage.account.credits = stage.spent + count

    return before


def changed(vehicle: str, view: str) -> Before:
    """Somebody took one of the photos anew."""
    return _placed(
        lambda stage: Image.new("RGB", (64, 48), "teal").save(stage.photos / vehicle / f"{view}.jpg")
    )
