"""Links that lead to the same picture are one picture: whoever signed them, until when, and however they are spelled."""

import json

import pytest
from documented import structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult

from autobg_mcp.api.same_link import unsigned
from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

TOOL = "uploadS3UrlsWithoutTemplate"
LINK = "https://cars.example/stock/a.jpg"
STORES = {
    "AWS v4": "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F{0}&X-Amz-Date={0}&X-Amz-Expires=900&X-Amz-Security-Token={0}&X-Amz-SignedHeaders=host&X-Amz-Signature={0}",
    "AWS v4 by the SDK": "X-Amz-Signature={0}&X-Amz-Date={0}&x-id=GetObject",
    "AWS v2": "AWSAccessKeyId=AK{0}&Signature={0}%3D&Expires={0}",
    "CloudFront, canned": "Expires={0}&Signature={0}~&Key-Pair-Id=K{0}",
    "CloudFront, custom": "Policy={0}&Signature={0}&Key-Pair-Id=K",
    "Azure": "sv=2024-08-04&ss=b&srt=o&st={0}&se={0}&sr=b&sp=r&spr=https&skoid={0}&sktid={0}&skt={0}&ske={0}&sks=b&skv={0}&sig={0}",
    "Google v4": "X-Goog-Algorithm=GOOG4&X-Goog-Credential={0}&X-Goog-Date={0}&X-Goog-Expires=9&X-Goog-SignedHeaders=host&X-Goog-Signature={0}",
    "Google v2": "GoogleAccessId=me&Expires={0}&Signature={0}",
    "Google CDN": "Expires={0}&KeyName=k&Signature={0}",
    "Aliyun OSS v1": "OSSAccessKeyId=k&Expires={0}&Signature={0}&security-token={0}",
    "Aliyun OSS v4": "x-oss-signature-version=OSS4&x-oss-credential={0}&x-oss-date={0}&x-oss-expires=9&x-oss-signature={0}",
    "Tencent COS": "q-sign-algorithm=sha1&q-ak=k&q-sign-time={0}&q-key-time={0}&q-header-list=&q-url-param-list=&q-signature={0}",
    "Akamai": "__token__=exp={0}~acl=/*~hmac={0}",
    "AWS v4 with a header of its own": "X-Amz-Signature={0}&X-Amz-Date={0}&response-content-disposition=inline%3B{0}",
    "Cloudflare Images": "exp={0}&sig={0}",
    "Cloudflare": "verify={0}-abc%3D",
    "Backblaze B2": "Authorization={0}",
    "Dropbox": "rlkey=k&st={0}&raw=1",
    "Discord": "ex={0}&is={0}&hm={0}&",
    "Facebook": "_nc_cat=1&_nc_ohc={0}&oh={0}&oe={0}",
    "Firebase": "alt=media&token={0}",
    "Bunny": "token={0}&expires={0}",
}  # fmt: skip


async def submit(host: McpClient, *links: str, tool: str = TOOL, **more: str) -> CallToolResult:
    arguments = {"numberPlate": "V", "processType": "ai", "clientS3Uris": list(links)}
    return await host.call_tool(tool, arguments | more)


def sent(world: World) -> list[str]:
    """Every link that the API was asked to process."""
    bodies = [json.loads(request.body) for request in world.requests if request.body]
    return [link for body in bodies for link in body.get("clientS3Uris", [])]


@pytest.mark.parametrize("query", STORES.values(), ids=STORES)
async def test_a_link_that_was_signed_anew_is_not_paid_again(
    query: str, host: McpClient, world: World
) -> None:
    first, renewed = (f"{LINK}?{query.format(moment)}" for moment in ("20261123", "20261124"))
    structured(await submit(host, first))
    again = structured(await submit(host, renewed))
    assert sent(world) == [first]
    assert "not sent again" in str(again["note"])


@pytest.mark.parametrize("query", STORES.values(), ids=STORES)
async def test_what_else_stands_in_a_signed_link_tells_pictures_apart(
    query: str, host: McpClient, world: World
) -> None:
    links = [f"{LINK}?{query.format(1)}&versionId={version}" for version in (1, 2)]
    for link in links:
        structured(await submit(host, link))
    assert sent(world) == links


@pytest.mark.parametrize(
    "spelling",
    [
        f"{LINK}#1",
        "HTTPS://Cars.EXAMPLE/stock/a.jpg",
        "https://cars.example:443/stock/a.jpg",
        "https://cars.example./stock/a.jpg",
        "http://cars.example/stock/a.jpg",
        "https://cars.example/./stock/../stock/a.jpg",
        "https://cars.example/%73tock/a%2Ejpg",
        f"{LINK}?X-Amz-Signature=1",
    ],
)
async def test_two_spellings_of_one_link_in_one_call_are_one_picture(
    spelling: str, host: McpClient, world: World
) -> None:
    structured(await submit(host, LINK, spelling))
    assert sent(world) == [LINK]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"{LINK}?w=1&h=2", f"{LINK}?h=2&w=1"),
        ("s3://stock/a%20b.jpg", "https://stock.s3.ap-south-1.amazonaws.com/a b.jpg".replace(" ", "%20")),
        ("https://s3.amazonaws.com/stock/a.jpg", "https://stock.s3-eu-west-1.amazonaws.com/a.jpg"),
        ("https://bücher.example/ä.jpg", "https://xn--bcher-kva.example/%C3%A4.jpg"),
        ("https://cars.example/ä b.jpg?at=c d", "https://cars.example/%c3%a4%20b.jpg?at=c+d"),
    ],
)
async def test_another_spelling_in_a_later_call_is_not_paid_again(
    first: str, second: str, host: McpClient, world: World
) -> None:
    structured(await submit(host, first))
    structured(await submit(host, second))
    assert len(sent(world)) == 1


@pytest.mark.parametrize(
    "other",
    [
        "https://cars.example/stock/A.jpg",
        "https://cars.example:8443/stock/a.jpg",
        "https://www.cars.example/stock/a.jpg",
        "https://cars.example/stock//a.jpg",
        f"{LINK}?size=2",
        "s3://cars.example/stock/a.jpg",
    ],
)
async def test_a_link_that_may_lead_elsewhere_is_another_picture(
    other: str, host: McpClient, world: World
) -> None:
    structured(await submit(host, LINK, other))
    assert sent(world) == [LINK, other]


@pytest.mark.parametrize("name", ["token", "expires"])
async def test_a_token_that_is_all_that_names_the_picture_tells_pictures_apart(
    name: str, host: McpClient, world: World
) -> None:
    links = [f"https://cars.example/picture?{name}={number}" for number in (1, 2)]
    structured(await submit(host, *links))
    assert sent(world) == links


async def test_a_plate_picture_whose_link_was_signed_anew_is_the_same(host: McpClient, world: World) -> None:
    for moment in (1, 2):
        plate = f"https://cars.example/plate.png?X-Amz-Signature={moment}"
        more = {"numPlateProcessor": "2", "numberPlateS3String": plate}
        result = await submit(host, LINK, tool="replaceNumPlateS3", **more)
        assert not result.is_error, text_of(result)
    assert sent(world) == [LINK]


@pytest.mark.parametrize("text", ["a.jpg", "C:\\cars\\a.jpg", "https://[", "two words", LINK])
def test_what_carries_no_signature_stays_as_it_is_written(text: str) -> None:
    assert unsigned(text) == text
