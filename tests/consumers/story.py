"""What every consumer does with the server: reads, pays with unset options, gets a picture, and reports it.

A consumer is a library that turns the tools of MCP into those of its own model. Each file beside this one is run by an
interpreter that has that library: `python langchain_tools.py COMMAND PHOTOS`.
"""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

SERVED = ["serve", "--sandbox"]
LONGEST_S = 100


@dataclass(frozen=True)
class Heard:
    """What a consumer hands to its model of one call.

    Attributes:
        text: All words.
        pictures: How many pictures the model sees.
    """

    text: str
    pictures: int = 0


Call = Callable[[str, dict[str, object]], Awaitable[Heard]]


def command() -> str:
    """The server's own command."""
    return sys.argv[1]


def environment() -> dict[str, str]:
    """The server's variables: consumers hand on few of their own."""
    folder = tempfile.mkdtemp(prefix="consumer-")
    own = {"AUTOBG_IMAGE_DIRS": sys.argv[2], "AUTOBG_OUTPUT_DIR": folder, "AUTOBG_STATE_DIR": folder}
    return {**os.environ, **own}


def run(consumer: Callable[[], Awaitable[None]]) -> None:
    """Play a consumer's part within a bounded time."""
    asyncio.run(asyncio.wait_for(consumer(), LONGEST_S))


async def play(tools: Collection[str], call: Call) -> None:
    """The story, with the consumer's own way to call a tool.

    Args:
        tools: The names of the tools that the consumer offers its model.
        call: Calls one of them; raises where the consumer takes the answer for an error.

    Raises:
        AssertionError: The model would not get what it needs.
    """
    asked: list[str] = []

    async def ask(tool: str, **arguments: object) -> Heard:
        assert tool in tools, f"{tool} is not offered"
        heard = await call(tool, arguments)
        asked.append(tool)
        assert "Credits spent:" not in heard.text, heard.text  # which only an error says
        return heard

    balance = await ask("getUserCreditDetails")
    assert "100" in balance.text, balance.text
    photo = Path(sys.argv[2], "02-front.jpg")
    paid = await ask(
        "replaceNumPlate", images=[str(photo)], numberPlate="AB-1", numPlateProcessor=1, processType="ai"
    )
    batch = _told("batchID", paid)
    await ask("waitForBatch", batchID=batch, waitSeconds=30)
    picture = _told("picID", await ask("getImageStatus", batchID=batch, all=True))
    seen = await ask("getImagesRaw", picID=picture)
    assert seen.pictures == 1, f"{seen.pictures} pictures: {seen.text[:300]}"
    await ask("reportManyImages", reports=[{"picID": picture, "reportReason": ["Number plate"]}])
    print(f"{len(tools)} tools; called {', '.join(asked)}; 1 picture seen")


def _told(name: str, heard: Heard) -> str:
    found = re.search(rf"\\?['\"]?{name}\\?['\"]?[:=]\s*\\?['\"]?(\d+)", heard.text)
    assert found, f"no {name}: {heard.text[:300]}"
    return found[1]
