"""After a report: whether a picture came back, what tells so, and what its files are called then."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from conftest import Connect
from documented import structured, text_of
from mcp import Client as McpClient
from pydantic import JsonValue

from autobg_mcp.sandbox import SandboxOptions, World

pytestmark = pytest.mark.anyio

SHOWN, UNSEEN = SandboxOptions(), SandboxOptions(rework_shows=False)
REPORTED_AT = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"

either_way = pytest.mark.parametrize("sandbox_options", [SHOWN, UNSEEN], ids=["status shows it", "unseen"])
unseen = pytest.mark.parametrize("sandbox_options", [UNSEEN], ids=["unseen"])


async def submitted(host: McpClient, world: World, photo: Path) -> str:
    """The batch of a processed photo."""
    arguments = {"images": [str(photo)], "numberPlate": "V", "processType": "ai"}
    result = await host.call_tool("replaceNumPlate", arguments | {"numPlateProcessor": 1})
    world.advance(2)
    return str(structured(result)["batchID"])


@pytest.fixture
async def batch(host: McpClient, world: World, photos: Path) -> str:
    """A batch of one processed picture, 512251, that nobody fetched."""
    batch_id = await submitted(host, world, photos / "cars" / "car-1.jpg")
    await host.call_tool("getImageStatus", {"batchID": batch_id})
    return batch_id


async def report(host: McpClient, comment: str = "") -> Mapping[str, JsonValue]:
    one: dict[str, JsonValue] = {"picID": 512251, "reportReason": ["Logo"], "reportComment": comment}
    return structured(await host.call_tool("reportManyImages", {"reports": [one]}))


async def line(host: McpClient, batch_id: str) -> str:
    """What a review says of the picture; empty for nothing."""
    text = text_of(await host.call_tool("reviewBatch", {"batchID": batch_id}))
    return next((line for line in text.splitlines() if line.startswith("1. picID 512251")), "")


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[], dict[str, bytes]]:
    """Every result below its batch's folder."""

    def found() -> dict[str, bytes]:
        folder = tmp_path / "results" / "1206"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}

    return found


class TestASecondRound:
    """When the same may be reported again."""

    @either_way
    @pytest.mark.usefixtures("batch")
    async def test_the_same_report_again_at_once_is_already_reported(self, host: McpClient) -> None:
        await report(host)
        assert (await report(host))["alreadyReported"] == ["512251"]

    @either_way
    async def test_a_picture_that_came_back_can_be_reported_for_the_same_again(
        self, host: McpClient, world: World, batch: str
    ) -> None:
        for _ in range(3):
            await line(host, batch)
            assert (await report(host))["reported"] == ["512251"]
            world.advance(2)

    @unseen
    async def test_a_picture_that_came_back_as_it_once_was_can_be_reported_for_the_same_again(
        self, host: McpClient, world: World, batch: str
    ) -> None:
        [picture] = next(iter(world.accounts.values())).batches[int(batch)].pictures
        for redone in (0, 1, 0, 1):
            world.advance(2)
            picture.redone = redone
            await line(host, batch)
            assert (await report(host))["reported"] == ["512251"]

    async def test_a_later_status_that_shows_it_done_is_enough(
        self, host: McpClient, world: World, batch: str
    ) -> None:
        await report(host)
        world.advance(2)
        await host.call_tool("waitForBatch", {"batchID": batch})
        assert (await report(host))["reported"] == ["512251"]

    async def test_a_picture_seen_in_work_is_still_already_reported(
        self, host: McpClient, batch: str
    ) -> None:
        await report(host)
        await line(host, batch)
        assert (await report(host))["alreadyReported"] == ["512251"]

    @unseen
    async def test_a_picture_that_is_still_the_same_is_already_reported(
        self, host: McpClient, batch: str
    ) -> None:
        await line(host, batch)
        await report(host)
        await line(host, batch)
        result = await report(host)
        assert result["alreadyReported"] == ["512251"]
        assert "a new comment reports them anew" in str(result["next"])

    @unseen
    @pytest.mark.usefixtures("batch")
    async def test_a_new_comment_is_a_new_report(self, host: McpClient) -> None:
        await report(host, "The logo is too large.")
        assert (await report(host, "It hides the door, too."))["reported"] == ["512251"]
        assert (await report(host, "the logo is  too large."))["alreadyReported"] == ["512251"]

    @unseen
    async def test_after_a_restart_the_bytes_are_still_compared(
        self, connect: Connect, host: McpClient, world: World, batch: str
    ) -> None:
        await line(host, batch)
        await report(host)
        world.advance(2)
        async with connect() as later:
            assert "changed since" in await line(later, batch)
            assert (await report(later))["reported"] == ["512251"]


class TestWhatIsTold:
    """Reported, redone, changed."""

    async def test_a_reported_picture_in_work_is_marked(
        self, host: McpClient, world: World, batch: str, photos: Path
    ) -> None:
        await submitted(host, world, photos / "cars" / "car-2.jpg")
        await report(host)
        assert await line(host, batch) == Line("pending, reported {}")

    async def test_a_redone_picture_that_changed_is_marked(
        self, host: McpClient, world: World, batch: str
    ) -> None:
        await line(host, batch)
        await report(host)
        await line(host, batch)
        world.advance(2)
        assert await line(host, batch) == Line("done, processed, reported, redone, changed since {}")

    @unseen
    async def test_a_picture_that_no_status_shows_in_work_is_marked_by_its_bytes(
        self, host: McpClient, world: World, batch: str
    ) -> None:
        await line(host, batch)
        await report(host)
        same = await line(host, batch)
        world.advance(2)
        assert same == Line("done, processed, reported {}, same as when reported")
        assert await line(host, batch) == Line("done, processed, reported, changed since {}")

    @either_way
    async def test_where_nothing_was_fetched_before_the_report_nobody_can_tell(
        self, host: McpClient, world: World, batch: str
    ) -> None:
        await report(host)
        world.advance(2)
        assert "whether it changed cannot be told: it was not saved before" in await line(host, batch)

    async def test_a_picture_that_was_never_reported_has_no_mark(self, host: McpClient, batch: str) -> None:
        assert (await line(host, batch)).endswith("done, processed")

    @unseen
    async def test_what_is_unchanged_is_to_be_looked_at_again_later(
        self, host: McpClient, batch: str
    ) -> None:
        await line(host, batch)
        await report(host)
        text = text_of(await host.call_tool("reviewBatch", {"batchID": batch}))
        assert "what is the same as when reported may still be redone: review again later" in text

    @either_way
    @pytest.mark.usefixtures("batch")
    @pytest.mark.parametrize("tool", ["getImagesRaw", "getImagesBase64"])
    async def test_a_single_picture_tells_it_too(self, tool: str, host: McpClient, world: World) -> None:
        await host.call_tool(tool, {"picID": 512251})
        await report(host)
        world.advance(2)
        text = text_of(await host.call_tool(tool, {"picID": 512251}))
        assert text == Line("picID 512251: processed. It was reported, changed since {}. Saved")

    @either_way
    @pytest.mark.parametrize("asked", [{"picIDs": [512251]}, {"batchID": "1206"}], ids=["picIDs", "batchID"])
    async def test_a_download_tells_it_too(
        self, asked: dict[str, JsonValue], host: McpClient, world: World, batch: str
    ) -> None:
        await line(host, batch)
        await report(host)
        world.advance(2)
        marks = structured(await host.call_tool("downloadProcessedImages", asked))["sinceReport"]
        assert isinstance(marks, list)
        assert [Line("picID 512251: reported, changed since {}")] == marks

    async def test_pictures_sent_to_people_are_marked_as_such(
        self, host: McpClient, world: World, batch: str
    ) -> None:
        await line(host, batch)
        await host.call_tool("sendImagesForQA", {"picIDs": [512251]})
        world.advance(2)
        assert await line(host, batch) == Line("done, processed, sent to people, changed since {}")

    @pytest.mark.parametrize("tool", ["reportImages", "reportManyImages"])
    async def test_every_report_names_the_batch_and_that_a_status_may_not_show_the_rework(
        self, tool: str, host: McpClient, batch: str
    ) -> None:
        arguments: dict[str, JsonValue] = {"picIDs": [512251], "reportReason": ["Logo"]}
        if tool == "reportManyImages":
            arguments = {"reports": [{"picID": 512251, "reportReason": ["Logo"]}]}
        step = str(structured(await host.call_tool(tool, arguments))["next"])
        assert step.startswith(f"waitForBatch batchID={batch}, then reviewBatch: it tells what changed")
        assert step.endswith("which a status may not show (undocumented)")

    async def test_of_many_batches_a_report_names_a_few_and_counts_the_others(
        self, host: McpClient, world: World
    ) -> None:
        links = {"processType": "ai", "clientS3Uris": ["https://cars.example/1.jpg"]}
        for car in range(7):
            result = await host.call_tool("uploadS3UrlsWithoutTemplate", links | {"numberPlate": f"V-{car}"})
            await host.call_tool("getImageStatus", {"batchID": structured(result)["batchID"]})
        world.advance(2)
        arguments = {"picIDs": [512251 + car for car in range(7)], "reportReason": ["Logo"]}
        step = str(structured(await host.call_tool("reportImages", arguments))["next"])
        assert step.count("waitForBatch") == 5
        assert "batchID=1210 and 2 more, which listBatches names, then reviewBatch" in step

    async def test_a_batch_is_found_by_the_id_of_its_picture(self, host: McpClient, batch: str) -> None:
        found = structured(await host.call_tool("listBatches", {"find": "512251"}))["batches"]
        other = structured(await host.call_tool("listBatches", {"find": "51225"}))["batches"]
        assert [one["batchID"] for one in found] == [batch]  # type: ignore[union-attr,index,call-overload]
        assert other == []


class Line(str):
    """A text that a longer one has somewhere, with the time of a report in it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        begin, _, end = self.partition("{}")
        return bool(re.search(re.escape(begin) + REPORTED_AT + re.escape(end), str(other)))

    __hash__ = None  # type: ignore[assignment]


class TestFiles:
    """The newest result has the plain name."""

    @either_way
    async def test_a_redone_picture_takes_the_plain_name_and_the_older_one_is_kept(
        self, host: McpClient, world: World, batch: str, saved: Callable[[], dict[str, bytes]]
    ) -> None:
        await line(host, batch)
        [old] = saved().values()
        await report(host)
        world.advance(2)
        await line(host, batch)
        now = saved()
        assert now.pop("superseded/512251_car-1.jpg") == old
        assert list(now) == ["512251_car-1.jpg"]
        assert now["512251_car-1.jpg"] != old

    async def test_a_picture_redone_twice_keeps_both_older_ones(
        self, host: McpClient, world: World, batch: str, saved: Callable[[], dict[str, bytes]]
    ) -> None:
        for _ in range(3):
            await line(host, batch)
            await line(host, batch)
            await report(host)
            world.advance(2)
        older = ["superseded/512251_car-1-2.jpg", "superseded/512251_car-1.jpg"]
        assert sorted(saved()) == ["512251_car-1.jpg", *older]

    async def test_a_picture_that_people_redid_in_a_new_batch_stays_where_it_was(
        self, host: McpClient, world: World, batch: str, saved: Callable[[], dict[str, bytes]]
    ) -> None:
        await line(host, batch)
        new = structured(await host.call_tool("sendImagesForQA", {"picIDs": [512251]}))["batchID"]
        world.advance(2)
        await line(host, str(new))
        assert sorted(saved()) == ["512251_car-1.jpg", "superseded/512251_car-1.jpg"]

    async def test_a_file_that_the_user_changed_stays_as_it_is(
        self, host: McpClient, world: World, batch: str, saved: Callable[[], dict[str, bytes]], tmp_path: Path
    ) -> None:
        await line(host, batch)
        retouched = tmp_path / "results" / "1206" / "512251_car-1.jpg"
        retouched.write_bytes(b"retouched by hand")
        await report(host)
        world.advance(2)
        await line(host, batch)
        assert sorted(saved()) == ["512251_car-1-2.jpg", "512251_car-1.jpg"]
        assert retouched.read_bytes() == b"retouched by hand"
