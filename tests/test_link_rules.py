"""Links that the API cannot use are refused before they cost, in words that tell what is right."""

import json

import pytest
from conftest import Connect
from documented import received, structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from pydantic import JsonValue

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

LINK = "https://cars.example/a.jpg"
NO_LINK = "a link that begins with https://, http:// or s3://, at most 2000 characters; files of this machine go to the tools without S3 in their name"
BLANK = "one link without blanks: a blank that belongs to a name is written %20"
HIDDEN = "a link without line breaks, tabs and other characters that nobody sees"
PRIVATE = "a link to a public host: the API, which fetches it, does not reach a private one"
TWO = "one link: this text holds two, give each as an item of its own"
PAGE = "a link to the picture's file; this one shows a page: "


async def submit(host: McpClient, links: JsonValue, **more: JsonValue) -> CallToolResult:
    arguments = {"numberPlate": "V", "processType": "ai", "numPlateProcessor": 1, "clientS3Uris": links}
    return await host.call_tool("replaceNumPlateS3", arguments | more)


async def refusal(host: McpClient, world: World, link: str) -> str:
    """What is said of one link among good ones, once it is sure that nothing was sent."""
    text = text_of(await submit(host, [LINK, link]))
    assert not world.requests
    assert "Credits spent: no." in text
    first = text.splitlines()[0].removesuffix(". No request was made.")
    return first.removeprefix("replaceNumPlateS3: clientS3Uris.1: ")


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("cars.example/a.jpg", NO_LINK),
        ("/cars/a.jpg", NO_LINK),
        ("C:\\cars\\a.jpg", NO_LINK),
        ("file:///cars/a.jpg", NO_LINK),
        ("gs://cars/a.jpg", NO_LINK),
        ("data:image/jpeg;base64,AAAA", NO_LINK),
        ("https://cars.example/a.jpg b.jpg", BLANK),
        ("https://cars example/a.jpg", BLANK),
        ("s3://cars/a b.jpg", BLANK),
        ("https://cars.example/a\tb.jpg", HIDDEN),
        ("https://[::1/a.jpg", NO_LINK),
        ("https://cars.example:http/a.jpg", NO_LINK),
        (f"{LINK}?{'x' * 2000}", NO_LINK),
        (f"{LINK} {LINK}", TWO),
        (f"{LINK},{LINK}", TWO),
        (f"{LINK};s3://cars/a.jpg", TWO),
        (f"{LINK}{LINK}", TWO),
        (f"{LINK}%20{LINK}", TWO),
        ("https://me:s3cret@cars.example/a.jpg", "a link without user name and password in it"),
        ("https://cars.example", "a link to a picture; this one names only a host"),
        ("s3://cars/stock/", "a link to a picture; this one names a folder, whose pictures need a link each"),
        ("https://cars.example/stock.zip", "a link to a picture; this one leads to a .zip file"),
        ("https://cars.example/Offer.PDF?X-Amz-Signature=1", "a link to a picture; this one leads to a .pdf file"),
        ("https://cars.example/car-5.html#photo", "a link to a picture; this one leads to a .html file"),
        ("https://cars.example/walkaround.mp4", "a link to a picture; this one leads to a .mp4 file"),
    ],
)  # fmt: skip
async def test_what_is_no_link_to_one_picture_is_refused_by_what_would_be_right(
    link: str, words: str, host: McpClient, world: World
) -> None:
    assert await refusal(host, world, link) == words


@pytest.mark.parametrize(
    "address",
    [
        "localhost",
        "localhost:8000",
        "media.localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "0.0.0.0",
        "10.0.0.7",
        "172.16.3.4",
        "192.168.178.20:8080",
        "169.254.169.254",
        "100.64.0.1",
        "[::1]",
        "[fd00::7]",
        "[fe80::1]",
        "[::ffff:192.168.0.1]",
        "nas",
        "nas.local",
        "media.corp.internal",
        "fritz.box.home.arpa",
        "camera.lan",
        "NAS.LOCAL.",
        "cars..example",
    ],
)
async def test_a_private_host_is_refused_without_being_looked_up(
    address: str, host: McpClient, world: World
) -> None:
    assert await refusal(host, world, f"https://{address}/a.jpg") == PRIVATE


@pytest.mark.parametrize(
    ("page", "remedy"),
    [
        ("https://drive.google.com/file/d/1a/view?usp=sharing", "https://drive.google.com/uc?export=download&id=… leads to the file"),
        ("https://drive.google.com/drive/folders/1a", "https://drive.google.com/uc?export=download&id=… leads to the file"),
        ("https://www.dropbox.com/s/1/a.jpg?dl=0", "dl=1 in place of dl=0 leads to the file"),
        ("https://www.dropbox.com/scl/fi/1/a.jpg?rlkey=2", "dl=1 in place of dl=0 leads to the file"),
        ("https://firm-my.sharepoint.com/:i:/g/personal/me/E1?e=2", "download=1 leads to the file"),
        ("https://1drv.ms/i/s!A", "copy the link of its download"),
        ("https://github.com/me/cars/blob/main/a.jpg", "copy the link of its button Raw"),
        ("https://app.box.com/s/1", "copy its direct link"),
        ("https://photos.app.goo.gl/1", "put the pictures where a link leads to each file, or upload them from this machine"),
        ("https://wetransfer.com/downloads/1", "put the pictures where a link leads to each file, or upload them from this machine"),
        ("https://we.tl/t-1", "put the pictures where a link leads to each file, or upload them from this machine"),
        ("https://www.instagram.com/p/1/", "copy the address of the picture itself"),
        ("https://imgur.com/a/1", "copy the address of the picture itself"),
        ("https://eu-west-1.console.aws.amazon.com/s3/object/cars?prefix=a.jpg", "copy the object's URL, or sign one"),
    ],
)  # fmt: skip
async def test_a_page_around_a_picture_is_refused_with_the_way_to_the_file(
    page: str, remedy: str, host: McpClient, world: World
) -> None:
    assert await refusal(host, world, page) == PAGE + remedy


@pytest.mark.parametrize(
    "link",
    [
        "https://drive.google.com/uc?export=download&id=1a",
        "https://www.dropbox.com/scl/fi/1/a.jpg?rlkey=2&dl=1",
        "https://www.dropbox.com/s/1/a.jpg?raw=1",
        "https://firm.sharepoint.com/:i:/g/E1?download=1",
        "https://github.com/me/cars/raw/main/a.jpg",
        "https://app.box.com/shared/static/1.jpg",
        "https://i.imgur.com/1.jpg",
        "https://cars.example/picture?id=5",
        "https://cars.example/?id=5",
        "https://cars.example/pictures/5",
        "https://cars.example/getfile.php?name=a.jpg",
        "https://resize.example/w_800/https://cars.example/a.jpg",
        "https://resize.example/?url=https://cars.example/a.jpg",
        "https://93.184.215.14/a.jpg",
        "https://localhost.cars.example/a.jpg",
        "https://bücher.example/a.jpg",
        "https://my_bucket.s3.amazonaws.com/a.jpg",
        "s3://cars/stock/a.jpg",
        "s3://nas/a.jpg",
        " https://cars.example/b.jpg\n",
    ],
)
async def test_a_link_that_may_lead_to_a_picture_is_sent_as_it_is(
    link: str, host: McpClient, world: World
) -> None:
    await submit(host, [link])
    assert json.loads(received(world, "replaceNumPlateS3")[-1].body)["clientS3Uris"] == [link.strip()]


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        ("https://cars.example/my car.jpg", "https://cars.example/my%20car.jpg"),
        ("https://cars.example/Kühler/ß.jpg?name=ü#ö", "https://cars.example/K%C3%BChler/%C3%9F.jpg?name=%C3%BC#%C3%B6"),
        ("https://cars.example/100%/a%20b c.jpg?size=a+b", "https://cars.example/100%/a%20b%20c.jpg?size=a+b"),
        ("https://bücher.example/a.jpg?name=a b", "https://bücher.example/a.jpg?name=a%20b"),
        ("s3://cars/Kühler.jpg", "s3://cars/Kühler.jpg"),
    ],
)  # fmt: skip
async def test_a_link_with_blanks_or_letters_of_other_alphabets_is_sent_as_browsers_send_it(
    link: str, sent: str, host: McpClient, world: World
) -> None:
    await submit(host, [link])
    assert json.loads(received(world, "replaceNumPlateS3")[-1].body)["clientS3Uris"] == [sent]


async def test_the_plate_picture_is_held_to_the_same_rules(host: McpClient, world: World) -> None:
    result = await submit(host, LINK, numPlateProcessor=2, numberPlateS3String="https://nas/plate.png")
    assert f"numberPlateS3String: {PRIVATE}" in text_of(result)
    assert not world.requests


@pytest.mark.parametrize(
    ("allowed", "links"),
    [
        ("cars.example", [LINK]),
        ("CARS.example,other.example", [LINK, "https://other.example:8443/b.jpg"]),
        ("*.example", [LINK, "https://a.b.example/b.jpg"]),
        ("*.s3.amazonaws.com", ["s3://cars/a.jpg", "https://vans.s3.amazonaws.com/b.jpg"]),
        ("cars.s3.amazonaws.com", ["s3://cars/a.jpg"]),
    ],
)
async def test_links_to_hosts_that_the_operator_allows_are_sent(
    allowed: str, links: list[JsonValue], connect: Connect, world: World
) -> None:
    async with connect(link_hosts=allowed) as host:
        structured(await submit(host, links))
    assert len(received(world, "replaceNumPlateS3")) == 1


@pytest.mark.parametrize(
    ("allowed", "link"),
    [
        ("other.example", LINK),
        ("*.cars.example", LINK),
        ("cars.example", "https://www.cars.example/a.jpg"),
        ("cars.example", "https://cars.example.evil.example/a.jpg"),
        ("cars.example", "https://evilcars.example/a.jpg"),
        ("*.cars.example", "https://evilcars.example/a.jpg"),
        ("cars.s3.amazonaws.com", "s3://vans/a.jpg"),
    ],
)
async def test_a_link_to_another_host_is_refused_by_the_settings_name(
    allowed: str, link: str, connect: Connect, world: World
) -> None:
    async with connect(link_hosts=allowed) as host:
        text = text_of(await submit(host, [link]))
    assert f"are not sent: AUTOBG_LINK_HOSTS allows {allowed}." in text
    assert "Credits spent: no." in text
    assert not world.requests


async def test_a_plate_picture_on_another_host_is_refused_too(connect: Connect, world: World) -> None:
    async with connect(link_hosts="cars.example") as host:
        plate = "https://other.example/plate.png"
        text = text_of(await submit(host, [LINK], numPlateProcessor=2, numberPlateS3String=plate))
    assert "Links to “other.example” are not sent" in text
    assert not world.requests
