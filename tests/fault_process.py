"""Forks processes that submit photos to a sandbox over HTTP, and lets each die, fail or be cancelled.

Usage: fault_process.py BASE_URL FOLDER, and on standard input one JSON list of tasks, each an object:

    kill, seed, vehicle: how many processes to kill at random moments, each on its way through some of the photos
    step, how: where one submission is struck, and by what; then the same again, and a look at its batch
    race: the arguments of processes that call the same tool at once

On standard output comes a JSON list with what each task saw.
"""

import json
import os
import random
import signal
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpcore
from httpcore._backends.anyio import AnyIOStream

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.errors import AutobgError, StateError
from autobg_mcp.money.ledger import SqliteLedger
from autobg_mcp.settings import Settings
from autobg_mcp.tools.images import GetImageStatus
from autobg_mcp.tools.uploads import UploadImagesWithoutTemplate
from autobg_mcp.tools.wait import WaitForBatch

KEY = "fault-key-0123456789"
UPLOAD = b"uploadWithoutTemplateCC"


class Lab:
    """The sandbox that is called, and the folder with the photos and the state."""

    def __init__(self, base_url: str, folder: Path) -> None:
        self.base_url = base_url
        self.photos = sorted((folder / "photos").iterdir())
        self._folder = folder

    def settings(self, **changes: object) -> Settings:
        places = {
            "base_url": self.base_url,
            "image_dirs": (self._folder,),
            "state_dir": self._folder / "state",
        }
        return Settings.load(
            **({"api_key": KEY, "timeout_s": 5, "rate_limits": "*=1000000/60s"} | places | changes)
        )

    def upload(self, vehicle: str, photos: list[Path]) -> UploadImagesWithoutTemplate:
        return UploadImagesWithoutTemplate(
            images=[str(photo) for photo in photos],
            numberPlate=vehicle,
            numPlateProcessor=1,
            processType="ai",
        )

    async def submit(self, vehicle: str, photos: list[Path], **changes: object) -> dict[str, Any]:
        """What a caller reads of an upload."""
        try:
            async with Client(self.settings(**changes)) as client:
                return (await client.call(self.upload(vehicle, photos))).structured()
        except AutobgError as error:
            return {"error": str(error), "spent": error.spent}

    async def look(self, batch: object) -> list[str]:
        """The names in a batch; the ledger hears of them too."""
        async with Client(self.settings()) as client:
            status = await client.call(GetImageStatus(batchID=str(batch)))
        return [image.picName for image in status.images]

    def charged(self, vehicle: str) -> int:
        """How many pictures of a vehicle the sandbox has taken credits for."""
        url = self.base_url.removesuffix("/public/api/v1") + "/_sandbox/state"
        with urllib.request.urlopen(url, timeout=5) as answer:
            state = json.load(answer)
        return sum(batch["pictures"] for batch in state["batches"] if batch["numberPlate"] == vehicle)


def forked(work: Callable[[], Awaitable[object]], *, after_s: float | None = None) -> Any:
    """Run something in a process of its own, killed after some seconds; what it answered, None if it died."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, b" ")  # here I am
            os.write(writing, json.dumps(anyio.run(work)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return json.loads(said) if said else None


# One submission, struck at one step


class Strike:
    """What happens to this process when a submission comes to a step: once, and nowhere else."""

    def __init__(self, step: str, how: str, scope: anyio.CancelScope) -> None:
        self._how = how
        self._scope = scope
        self._done = False
        if step == "in the body":
            self._halve_the_writing()
        elif step == "after the last byte":
            self._delay_the_reading()
        else:
            before, name = {
                "before the intent": (True, "claim"),
                "after the intent": (False, "claim"),
                "before the first byte": (False, "sent"),
                "before the record": (True, "settle"),
                "after the record": (False, "settle"),
            }[step]
            self._surround(name, before=before)

    def _hit(self, error: type[Exception]) -> None:
        if self._done:
            return
        self._done = True
        if self._how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._how == "error":
            raise error("struck")
        self._scope.cancel()

    def _surround(self, name: str, *, before: bool) -> None:
        method = getattr(SqliteLedger, name)

        async def struck(*arguments: Any, **options: Any) -> Any:
            if before:
                self._hit(StateError)
            result = await method(*arguments, **options)
            if not before:
                self._hit(StateError)
            return result

        setattr(SqliteLedger, name, struck)

    def _halve_the_writing(self) -> None:
        write = AnyIOStream.write

        async def half(stream: AnyIOStream, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
            if UPLOAD in buffer or self._done:
                return await write(stream, buffer, timeout)
            await write(stream, buffer[: len(buffer) // 2], timeout)
            self._hit(httpcore.WriteError)
            return await write(stream, buffer[len(buffer) // 2 :], timeout)

        setattr(AnyIOStream, "write", half)  # noqa: B010  # mypy wants no method assigned

    def _delay_the_reading(self) -> None:
        read = AnyIOStream.read

        async def late(stream: AnyIOStream, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
            if not self._done:
                await anyio.sleep(0.1)  # by now the API has acted
                self._hit(httpcore.ReadError)
            return await read(stream, max_bytes, timeout)

        setattr(AnyIOStream, "read", late)  # noqa: B010  # mypy wants no method assigned


def struck_once(lab: Lab, step: str, how: str) -> dict[str, Any]:
    """One photo submitted and struck, submitted again, then looked for in the batch of its vehicle."""
    vehicle, (photo, other, *_) = f"{step} {how}", lab.photos

    async def first() -> object:
        with anyio.CancelScope() as scope:
            Strike(step, how, scope)
            return await lab.submit(vehicle, [photo])
        return "cancelled"

    async def then() -> dict[str, Any]:
        second = await lab.submit(vehicle, [photo])
        paid = lab.charged(vehicle)
        batch = (await lab.submit(vehicle, [other]))["batchID"]
        names = await lab.look(batch)
        third = await lab.submit(vehicle, [photo])
        return {"second": second, "paid": paid, "batch": batch, "names": names, "third": third}

    return {"first": forked(first), "paid first": lab.charged(vehicle), **forked(then)}


# Many submissions, killed anywhere


def killed(lab: Lab, kills: int, seed: int, vehicle: str) -> dict[str, Any]:
    """Processes that each submit a few photos and are killed; a last one that finishes, looks and lists."""
    chance = random.Random(seed)
    begun_s = time.monotonic()
    forked(lambda: lab.submit(f"{vehicle} unhurried", lab.photos[:3]))
    longest_s = max(0.25, time.monotonic() - begun_s)  # a busy machine takes its time
    for number in range(kills):
        some = lab.photos[2 * number : 2 * number + 6]
        forked(lambda some=some: lab.submit(vehicle, some), after_s=chance.uniform(0, longest_s))  # type: ignore[misc]
    in_the_midst = lab.charged(vehicle)
    result = forked(lambda: lab.submit(vehicle, lab.photos))
    names = forked(lambda: lab.look(result["batchID"]))
    again = forked(lambda: lab.submit(vehicle, lab.photos))
    return {
        "chosen": [photo.name for photo in lab.photos],
        "in the midst": in_the_midst,
        "paid": lab.charged(vehicle),
        "names": names,
        "result": result,
        "again": again,
    }


# Several processes at once


def race(lab: Lab, calls: list[dict[str, Any]], seconds: float) -> list[Any]:
    """What processes see that make their calls at the same moment."""
    reading, writing = os.pipe()
    answers = []
    for call in calls:
        answer, said = os.pipe()
        if os.fork() == 0:
            try:
                os.close(writing)
                os.read(reading, 1)  # until all are there
                os.write(said, json.dumps(anyio.run(together, lab, call)).encode())
            finally:
                os._exit(0)
        os.close(said)
        answers.append(os.fdopen(answer))
    time.sleep(seconds)
    os.close(writing)
    told = [answer.read() for answer in answers]
    for _ in calls:
        os.wait()
    return [json.loads(text) for text in told]


async def together(lab: Lab, call: dict[str, Any]) -> object:
    """One process's call: an upload of photos by number, or several waits for one batch at once."""
    if "photos" in call:
        chosen = [lab.photos[number] for number in call["photos"]]
        return await lab.submit(call["vehicle"], chosen, **call.get("settings", {}))
    seen: list[int] = []

    async def wait(client: Client) -> None:
        tool = WaitForBatch(batchID=call["batch"], waitSeconds=call["seconds"])
        seen.append((await client.call(tool, Call())).pending)

    async with Client(lab.settings()) as client, anyio.create_task_group() as group:
        for _ in range(call["waiters"]):
            group.start_soon(wait, client)
    return seen


def main() -> None:
    lab = Lab(sys.argv[1], Path(sys.argv[2]))
    tasks: list[dict[str, Any]] = json.load(sys.stdin)
    answers: list[Any] = []
    for task in tasks:
        if "kill" in task:
            answers.append(killed(lab, task["kill"], task["seed"], task["vehicle"]))
        elif "step" in task:
            answers.append(struck_once(lab, task["step"], task["how"]))
        else:
            answers.append(race(lab, task["race"], 0.1))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
