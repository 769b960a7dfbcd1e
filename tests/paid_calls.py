"""Paying calls made again and again, and what has to hold of them whatever the API answers."""

import json
import re
from collections import Counter
from pathlib import Path

from conftest import Clock
from documented import text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from PIL import Image
from uploading import spent, upload

from autobg_mcp.sandbox import World


def drawn(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(1, count + 1):
        Image.new("RGB", (8, 8), (number, 9, 9)).save(folder / f"{number:02}.png")
    return folder


async def played(host: McpClient, clock: Clock, *images: Path, calls: int = 3) -> list[CallToolResult]:
    """The same call again and again, each after the time that the last one told, or a minute."""
    results = []
    for _ in range(calls):
        results.append(await upload(host, *images))
        told = re.search(r'(?:Retry after|"retryAfterS":) (\d+)', text_of(results[-1]))
        clock.now_s += int(told[1]) if told else 61
    return results


def paid(world: World) -> Counter[str]:
    """How often the API took each photo."""
    batches = [batch for account in world.accounts.values() for batch in account.batches.values()]
    return Counter(picture.name for batch in batches for picture in batch.pictures)


def standing(result: CallToolResult) -> str:
    """What is known of one photo."""
    if not result.is_error:
        return "accepted"
    return "unknown" if "Credits spent: unknown" in text_of(result) else "refused"


async def followed(host: McpClient, result: CallToolResult) -> None:
    """Make the free calls that an answer names next; each is no error."""
    told = text_of(result)
    names = set(re.findall(r"\b(?:listBatches|getUserCreditDetails)\b", told)) if result.is_error else set()
    for name in names:
        assert not (await host.call_tool(name, {})).is_error
    for batch_id in re.findall(r"waitForBatch batchID=([\w.-]+)", told):
        looked = await host.call_tool("getImageStatus", {"batchID": batch_id})
        assert not looked.is_error or batch_id != "1206"  # what an odd answer called a batch may be none


def check_reasons(result: CallToolResult, total: int, says: str) -> None:
    """A call that met it counts, names the reason and says how to go on."""
    told = json.loads(text_of(result))
    is_stopped = f" sent {total}," not in told["receipt"]
    assert told["receipt"].startswith(f"{told['accepted']} of {total} in a batch")
    assert (
        says in json.dumps(told, ensure_ascii=False) or told["accepted"] == total
    )  # one that was waited out
    assert ("make the same call again" in told["next"]) == is_stopped
    assert "waitForBatch batchID=" in told["next"]
    assert all("redits " in one for one in told["outcomeUnknown"])
    assert "in batches 1206, 1206" not in told.get("note", "")


def check_ends(result: CallToolResult, world: World, folder: Path, lost: set[str]) -> None:
    """Every photo but those that the API lost is paid for once; none is left, and credits are accounted for."""
    names = {path.name for path in folder.iterdir()}
    told = json.loads(text_of(result))
    assert paid(world) == dict.fromkeys(names - lost, 1)
    assert (told["notSubmitted"], len(told["outcomeUnknown"])) == ([], len(lost))
    assert told["accepted"] + told["paidBefore"] == spent(world) == len(names - lost)
    assert all("redits " in one for one in told["outcomeUnknown"])
