"""Where a host cannot ask, a person at a terminal answers: for exactly what was asked, once, and for a while."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing, asynccontextmanager
from multiprocessing import get_context
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from conftest import KEY, Clock, Connect, opened
from documented import structured, text_of
from mcp import Client as McpClient
from mcp import StdioServerParameters
from PIL import Image
from pydantic import JsonValue
from starlette.applications import Starlette
from task_host import KnowsTasks
from uploading import TOOL, photo_arguments, sent, spent

from autobg_mcp.client import Client
from autobg_mcp.errors import SpendingRefusedError
from autobg_mcp.money.permits import VALID_S, Permits
from autobg_mcp.sandbox import World
from autobg_mcp.tools.uploads import UploadImagesWithoutTemplate

pytestmark = pytest.mark.anyio

ERAS = ["auto", "legacy"]


@pytest.fixture
async def permits(tmp_path: Path, clock: Clock) -> AsyncGenerator[Permits]:
    """The questions as the process at the terminal sees them."""
    async with aclosing(Permits(tmp_path / "state", clock=clock)) as found:
        yield found


async def refused(host: McpClient, *images: object, **changes: JsonValue) -> str:
    result = await host.call_tool(TOOL, photo_arguments(*images, **changes))
    assert result.is_error
    return text_of(result)


def code_in(text: str) -> str:
    [code] = re.findall(r"`\S+autobg-mcp approve (\w{6}) --state-dir [^`]+`", text)
    return str(code)


@pytest.mark.parametrize("era", ERAS)
async def test_a_refused_call_names_the_question_its_code_and_what_to_do(
    era: str, connect: Connect, world: World, car: Path
) -> None:
    async with connect(era, approve="paid") as host:
        text = await refused(host, car)
    code = code_in(text)
    assert f"Question {code}, for 15 minutes: {TOOL}: submit 1 picture of vehicle “V-1” for up to 1" in text
    assert "in a terminal of their own, which answers only to a person" in text
    assert not sent(world)


@pytest.mark.parametrize("era", ERAS)
async def test_an_approved_call_goes_through_once(
    era: str, connect: Connect, permits: Permits, world: World, car: Path
) -> None:
    async with connect(era, approve="paid") as host:
        assert await permits.answer(code_in(await refused(host, car)), approved=True)
        assert not (await host.call_tool(TOOL, photo_arguments(car))).is_error
        await refused(host, car, allowDuplicate=True)
    assert spent(world) == 1


async def test_an_approval_outlasts_the_process_that_asked(
    connect: Connect, permits: Permits, world: World, car: Path
) -> None:
    async with connect(approve="paid") as host:
        code = code_in(await refused(host, car))
    await permits.answer(code, approved=True)
    async with connect("legacy", approve="paid") as host:
        assert not (await host.call_tool(TOOL, photo_arguments(car))).is_error
    assert sent(world) == ["car-1.jpg"]


async def test_a_no_is_told_once_and_then_the_call_asks_again(
    connect: Connect, permits: Permits, world: World, car: Path
) -> None:
    async with connect(approve="paid") as host:
        code = code_in(await refused(host, car))
        await permits.answer(code, approved=False)
        assert "the user did not approve. Nothing was sent." in await refused(host, car)
        assert code_in(await refused(host, car)) != code
    assert not sent(world)


async def test_a_question_that_waits_keeps_its_code(connect: Connect, car: Path) -> None:
    async with connect(approve="paid") as host:
        assert code_in(await refused(host, car)) == code_in(await refused(host, car))


async def test_what_is_approved_is_these_bytes_alone(
    connect: Connect, permits: Permits, world: World, car: Path
) -> None:
    async with connect(approve="paid") as host:
        await permits.answer(code_in(await refused(host, car)), approved=True)
        Image.new("RGB", (320, 200), "black").save(car)
        assert "Question" in await refused(host, car)
    assert not sent(world)


async def test_what_is_approved_is_this_number_of_photos_alone(
    connect: Connect, permits: Permits, world: World, car: Path
) -> None:
    async with connect(approve="paid") as host:
        await permits.answer(code_in(await refused(host, car)), approved=True)
        assert "submit 3 pictures" in await refused(host, car.parent)
    assert not sent(world)


async def test_a_first_payment_that_is_approved_allows_no_second(
    connect: Connect, permits: Permits, world: World, car: Path
) -> None:
    async with connect(approve="paid") as host, connect(approve="nothing") as other:
        await permits.answer(code_in(await refused(host, car, allowDuplicate=True)), approved=True)
        await other.call_tool(TOOL, photo_arguments(car))
        assert "PAY A SECOND TIME" in await refused(host, car, allowDuplicate=True)
    assert spent(world) == 1


async def test_another_account_has_to_ask_for_itself(
    connect: Connect, permits: Permits, world: World, car: Path
) -> None:
    async with connect(approve="paid") as host, connect(approve="paid", api_key="another-key-01") as other:
        await permits.answer(code_in(await refused(host, car)), approved=True)
        assert "Question" in await refused(other, car)
    assert not sent(world)


async def test_a_question_is_there_from_the_moment_on_in_which_it_was_asked(permits: Permits) -> None:
    code = (await permits.ask("account", "subject", "Pay?", "host")).code
    found = await permits.find(code)
    assert found is not None
    assert found.question == "Pay?"


async def test_a_question_ends_after_a_quarter_of_an_hour(
    connect: Connect, permits: Permits, clock: Clock, car: Path
) -> None:
    async with connect(approve="paid") as host:
        code = code_in(await refused(host, car))
    await clock.sleep(VALID_S)
    assert await permits.find(code) is None
    assert await permits.answer(code, approved=True) is None


async def test_an_approval_ends_after_a_quarter_of_an_hour(
    connect: Connect, permits: Permits, clock: Clock, world: World, car: Path
) -> None:
    async with connect(approve="paid") as host:
        await permits.answer(code_in(await refused(host, car)), approved=True)
        await clock.sleep(VALID_S)
        assert "Question" in await refused(host, car)
    assert not sent(world)


async def test_once_the_clock_is_set_back_no_earlier_approval_counts(
    connect: Connect, permits: Permits, clock: Clock, world: World, car: Path
) -> None:
    async with connect(approve="paid") as host:
        await permits.answer(code_in(await refused(host, car)), approved=True)
        clock.set_back(3600)
        assert "Question" in await refused(host, car)
    assert not sent(world)


async def test_of_two_servers_at_once_one_gets_the_answer(
    sandbox: Starlette, clock: Clock, tmp_path: Path, photos: Path, permits: Permits, world: World
) -> None:
    outcomes: list[bool] = []
    upload = UploadImagesWithoutTemplate.from_arguments(photo_arguments(photos / "cars", allowDuplicate=True))

    async def call(client: Client) -> None:
        try:
            await client.call(upload)
            outcomes.append(True)
        except SpendingRefusedError as error:
            outcomes.append(False)
            await permits.answer(code_in(error.explanation()), approved=not outcomes[1:])

    async with (
        opened(sandbox, clock, tmp_path, approve="paid", image_dirs=(photos,)) as one,
        opened(sandbox, clock, tmp_path, approve="paid", image_dirs=(photos,)) as two,
    ):
        await call(one)
        async with anyio.create_task_group() as group:
            group.start_soon(call, one)
            group.start_soon(call, two)
    assert sorted(outcomes) == [False, False, True]
    assert spent(world) == 3


def takes(folder: Path, times: int) -> int:
    """How many of so many calls one after another got an answer, in a process of its own."""

    async def take() -> int:
        async with aclosing(Permits(folder)) as permits:
            return sum(
                [(await permits.ask("A", "pictures", "?", "host")).approved is True for _ in range(times)]
            )

    return anyio.run(take)


@pytest.mark.long
async def test_of_many_processes_at_once_one_gets_the_answer(tmp_path: Path) -> None:
    async with aclosing(Permits(tmp_path / "state")) as permits:
        await permits.answer((await permits.ask("A", "pictures", "?", "host")).code, approved=True)
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        taken = list(pool.map(takes, [tmp_path / "state"] * 4, [25] * 4))
    assert sum(taken) == 1


async def test_a_host_that_knows_tasks_and_cannot_ask_hears_the_same(
    connect: Connect, permits: Permits, world: World, car: Path
) -> None:
    async with connect(approve="paid", extensions=[KnowsTasks()]) as host:
        await permits.answer(code_in(await refused(host, car)), approved=True)
        assert not (await host.call_tool(TOOL, photo_arguments(car))).is_error
    assert sent(world) == ["car-1.jpg"]


async def test_a_plan_is_approved_as_it_was_told(connect: Connect, permits: Permits, photos: Path) -> None:
    async with connect(approve="paid", background=True) as host:
        planned = await host.call_tool("processVehicles", {"folder": str(photos)})
        plan = {"plan": structured(planned)["plan"]}
        text = text_of(await host.call_tool("processVehicles", plan))
        assert f"Plan {plan['plan']}." in text
        await permits.answer(code_in(text), approved=True)
        assert structured(await host.call_tool("processVehicles", plan))["job"]


async def test_questions_that_cannot_be_written_down_spend_nothing_and_say_why(
    connect: Connect, tmp_path: Path, world: World, car: Path
) -> None:
    (tmp_path / "state").mkdir(0o700)
    (tmp_path / "state" / "permits.sqlite3").write_bytes(b"no database" * 1000)
    async with connect(approve="paid") as host:
        text = await refused(host, car)
    assert "record of permits" in text
    assert "Credits spent: no." in text
    assert not sent(world)


async def test_no_key_is_kept_with_a_question(
    connect: Connect, permits: Permits, tmp_path: Path, car: Path
) -> None:
    async with connect(approve="paid") as host:
        await refused(host, car, numberPlate=f"V {KEY}")
    kept = b"".join(file.read_bytes() for file in (tmp_path / "state").glob("permits*"))
    assert b"[API key]" in kept
    assert KEY.encode() not in kept


async def test_of_very_many_questions_the_newest_wait(permits: Permits, clock: Clock) -> None:
    codes = []
    for number in range(250):
        codes.append((await permits.ask("account", f"subject-{number}", "?", "host")).code)
        await clock.sleep(1)
    waiting = [code for code in codes if await permits.find(code)]
    assert waiting == codes[-200:]


@asynccontextmanager
async def served(folder: Path, images: Path) -> AsyncGenerator[McpClient]:
    """A host that cannot ask, at a server process with a sandbox that wants approval."""
    thin = {name: value for name, value in os.environ.items() if not name.startswith("AUTOBG_")}
    own = {"AUTOBG_APPROVE": "paid", "AUTOBG_IMAGE_DIRS": str(images), "AUTOBG_OUTPUT_DIR": str(folder)}
    command = ["-m", "autobg_mcp", "serve", "--sandbox"]
    async with McpClient(
        StdioServerParameters(command=sys.executable, args=command, env=thin | own)
    ) as client:
        yield client


def typed(text: str, answer: bytes) -> tuple[int, str]:
    """What a person at a terminal reads who runs what a refused call names, and answers once the question is there."""
    command = shlex.split(re.findall(r"`(\S+autobg-mcp approve [^`]+)`", text)[0])
    person, program = os.openpty()
    run = subprocess.Popen(command, cwd="/", env={}, stdin=program, stdout=program, stderr=program)
    os.write(person, b"y\n")  # before anything was read
    read = b""
    while b"[y/N]" not in read:
        read += os.read(person, 10_000)
    os.write(person, answer)
    code = run.wait(timeout=60)
    read += os.read(person, 10_000)
    os.close(person)
    os.close(program)
    return code, read.decode()


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is POSIX")
@pytest.mark.parametrize(
    ("answer", "said", "goes"), [(b"y\n", "Approved: the same call", True), (b"\n", "Not approved.", False)]
)
async def test_what_the_person_types_after_the_question_decides(
    answer: bytes, said: str, goes: bool, tmp_path: Path, photos: Path, car: Path
) -> None:
    async with served(tmp_path, photos) as host:
        text = await refused(host, car)
        code, read = await anyio.to_thread.run_sync(typed, text, answer)
        again = await host.call_tool(TOOL, photo_arguments(car))
    assert (code, not again.is_error) == (0, goes)
    assert "submit 1 picture of vehicle “V-1” for up to 1 credit?" in read
    assert said in read


def test_without_a_terminal_nobody_approves(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autobg_mcp", "approve", "7K2MQ9", "--state-dir", str(tmp_path / "new")]
    ended = subprocess.run(command, input=b"y\n", capture_output=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert b"nobody is at one. Nothing was approved." in ended.stderr
    assert b"Next: Run it in a terminal.\n" in ended.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is POSIX")
def test_a_code_that_nobody_asked_under_approves_nothing_and_makes_no_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autobg_mcp", "approve", "7k2-mq9", "--state-dir", str(tmp_path / "new")]
    person, program = os.openpty()
    ended = subprocess.run(
        command, stdin=program, stdout=subprocess.PIPE, stderr=program, timeout=60, check=False
    )
    told = os.read(person, 10_000).decode()
    assert ended.returncode == 2
    assert "No question waits under this code" in told
    assert not (tmp_path / "new").exists()
