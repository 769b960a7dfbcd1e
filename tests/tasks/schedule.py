"""One run of a blunder: what is drawn from a seed, and what holds in the end whatever was done."""

import random
import re
from dataclasses import dataclass, field
from typing import Any

from agent import Agent, Answer
from conftest import KEY
from scenes import draw
from task import Stage, Task

from autobg_mcp.sandbox import SandboxOptions

SECRET = "Sold to Mr Smith, 14,300 pounds"
"""What stands in a file that is no photo."""

POLLS = 5
"""Statuses a minute that the API allows here, so that a loop soon meets its limit."""

LIMITED = Task(
    "Send the car.",
    Agent.nothing,
    (),
    options=SandboxOptions(limits={"/images/imagesStatus": POLLS}),
    settings={"rate_limits": f"getImageStatus={POLLS}/60s"},
)
"""What a blunderer is asked to do, and the API that it finds."""

UPLOAD = "uploadImagesWithoutTemplate"


@dataclass
class Schedule:
    """One run of a blunder: a car of some photos, faults that wait, and an agent, all drawn from a seed.

    Attributes:
        seed: What decides everything that is random.
        stage: Where it is played.
        agent: Who blunders.
        vehicle: The car's id, which is the name of its folder.
        names: Its photos.
        back: Calls that it took from the answer to the blunder to the goal.
    """

    seed: int
    stage: Stage
    agent: Agent
    vehicle: str = ""
    names: list[str] = field(default_factory=list)
    back: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # schedules have to be repeatable
        self.vehicle = self.chance.choice(("AB-123", "GT 40", "Müller", "L_77"))
        self.names = [f"{one:02}.jpg" for one in range(1, self.chance.randint(2, 5))]
        for name in self.names:
            draw(self.stage.photos / self.vehicle / name)
        for other in ("offers/contract.txt", "offers/private.jpg"):
            path = self.stage.photos.parent / other
            path.parent.mkdir(exist_ok=True)
            path.write_text(SECRET)

    def arguments(self, **changes: object) -> dict[str, Any]:
        """A right upload, but for these changes."""
        right = {
            "images": [self.vehicle],
            "numberPlate": self.vehicle,
            "numPlateProcessor": 1,
            "processType": "ai",
        }
        return right | changes

    async def upload(self, **changes: object) -> Answer:
        """A call of the upload, after a moment."""
        await self.agent.rest(self.chance.choice((0, 0, 0.1, 1)))
        return await self.agent.call(UPLOAD, **self.arguments(**changes))

    async def again(self, **changes: object) -> Answer:
        """A call on the way back."""
        self.back += 1
        return await self.upload(**changes)

    async def follow(self, tool: str) -> Answer:
        """A call on the way back that the last answer names."""
        self.back += 1
        return await self.agent.follow(tool)


def check(schedule: Schedule) -> None:
    """What holds whatever was done: each photo was paid for once, no call was refused, nothing leaked, two calls led back."""
    stage = schedule.stage
    paid = [picture.name for picture in stage.pictures]
    assert sorted(paid) == sorted(schedule.names)
    assert stage.spent == len(paid)
    assert stage.world.refused_429 == 0
    heard = "\n".join(schedule.agent.heard)
    assert KEY not in heard
    assert SECRET not in heard
    assert not re.search(r"[\w+/]{300}", heard)
    assert schedule.back <= 2
