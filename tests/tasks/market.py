"""Marketplaces and groups of dealers: photos by link, people's checks, other forms of answers, many small dealers."""

from typing import Any

from agent import Agent
from ends import (
    has_logo,
    looks,
    no_doubt,
    nothing_asked,
    on_template,
    one_batch,
    processed,
    redone,
    saved,
    tells,
    took_all,
    took_nothing,
)
from scenes import called, car, file, template
from task import Theme

from autobg_mcp.sandbox import SandboxOptions

THEME = Theme("Marketplace")
task = THEME.task

HOST = "https://photos.example.com"


def links(listing: str, count: int, query: str = "") -> list[str]:
    """Links to the photos of one listing."""
    return [f"{HOST}/{listing}/{one}.jpg{query}" for one in range(1, count + 1)]


def by_link(listing: str, count: int, query: str = "") -> dict[str, Any]:
    """The arguments of an upload by link."""
    return {"clientS3Uris": links(listing, count, query), "numberPlate": listing, "processType": "ai"}


@task("Cut out the cars of listing L-77, twelve photos at photos.example.com/L-77.", took_all("L-77", 12), processed,
      looks(background=None), saved(12), credits=12, calls=3, tokens=2380)  # fmt: skip
async def listing_by_link(agent: Agent) -> str:
    await agent.call("uploadS3UrlsWithoutTemplate", **by_link("L-77", 12))
    await agent.go_on("reviewBatch")
    return "They are cut out."


@task("Listing L-78 on our marketplace background, all 30 photos.", took_all("L-78", 30), on_template("Market"),
      tells("30"), before=(template("Market"),), credits=30, calls=2, tokens=680)  # fmt: skip
async def long_listing_on_a_template(agent: Agent) -> str:
    told = await agent.call("uploadS3UrlsWithTemplate", templateCC="136", **by_link("L-78", 30))
    await agent.follow("waitForBatch")
    return f"{told['accepted']} are sent."


@task("L-79 with the logo of Miller's garage.", took_all("L-79", 2), has_logo, tells("2"), before=(template("Market"),),
      credits=2, tokens=210)  # fmt: skip
async def logo_of_a_dealer(agent: Agent) -> str:
    told = await agent.call(
        "uploadS3UrlsWithDynamicBranding",
        templateCC="136",
        brandLogo=f"{HOST}/miller.png",
        **by_link("L-79", 2),
    )
    return f"{told['accepted']} are sent."


@task("Cover the plates of L-80, nothing else.", took_all("L-80", 3), looks(keep_scene=True, plate="cover"), tells("3"),
      credits=3, tokens=210)  # fmt: skip
async def plates_of_a_listing(agent: Agent) -> str:
    told = await agent.call("replaceNumPlateS3", numPlateProcessor=1, **by_link("L-80", 3))
    return f"{told['accepted']} are sent."


@task("Put our plate on L-81.", took_all("L-81", 2), looks(keep_scene=True, plate="replace"), tells("2"),
      credits=2, calls=2, tokens=340)  # fmt: skip
async def plate_picture_forgotten(agent: Agent) -> str:
    told = await agent.call("replaceNumPlateS3", numPlateProcessor=2, **by_link("L-81", 2))
    missing = told.find(r"(numberPlateS3String)")
    told = await agent.call(
        "replaceNumPlateS3", numPlateProcessor=2, **{missing: f"{HOST}/plate.png"}, **by_link("L-81", 2)
    )
    return f"{told['accepted']} are sent."


@task(
    "The seller sent a link of Google Drive for L-82.",
    took_all("L-82", 1),
    tells("1"),
    credits=1,
    calls=2,
    tokens=310,
)
async def link_to_a_page(agent: Agent) -> str:
    page = "https://drive.google.com/file/d/1aB2c/view"
    arguments = by_link("L-82", 1) | {"clientS3Uris": [page]}
    told = await agent.call("uploadS3UrlsWithoutTemplate", **arguments)
    right = told.find(r"(https://drive\.google\.com/uc\?export=download&id=)…") + "1aB2c"
    told = await agent.call("uploadS3UrlsWithoutTemplate", **arguments | {"clientS3Uris": [right]})
    return f"{told['accepted']} is sent."


@task(
    "The seller's photo is at http://192.168.1.20/car.jpg.",
    nothing_asked,
    tells("public|private"),
    tokens=140,
)
async def link_into_a_house(agent: Agent) -> str:
    told = await agent.call(
        "uploadS3UrlsWithoutTemplate",
        **by_link("L-83", 1) | {"clientS3Uris": ["http://192.168.1.20/car.jpg"]},
    )
    assert told.is_error
    return told.find(r"(a link to a public host)")


@task("Send L-84. (Only links to our own store may leave.)", took_nothing, tells("AUTOBG_LINK_HOSTS|allowed|not"),
      settings={"link_hosts": "store.example.org"}, tokens=140)  # fmt: skip
async def links_of_others(agent: Agent) -> str:
    told = await agent.call("uploadS3UrlsWithoutTemplate", **by_link("L-84", 1))
    assert told.is_error
    return told.text


@task("Send L-85. (Last night's run did, and its links have been signed anew since.)", took_all("L-85", 4), tells("4"),
      one_batch("L-85"), before=(called("uploadS3UrlsWithoutTemplate", 600,
      **by_link("L-85", 4, "?X-Amz-Signature=1&X-Amz-Date=20261129T230000Z")),), tokens=330)  # fmt: skip
async def links_signed_anew(agent: Agent) -> str:
    signed = by_link("L-85", 4, "?X-Amz-Signature=2&X-Amz-Date=20261130T090000Z")
    told = await agent.call("uploadS3UrlsWithoutTemplate", **signed)
    return f"{told['paidBefore']} were sent before."


@task("Premium listings are checked by people: give L-86 to them.", redone("1.jpg", "2.jpg", "3.jpg"), tells("1207"),
      before=(called("uploadS3UrlsWithoutTemplate", **by_link("L-86", 3)),), calls=3, tokens=340)  # fmt: skip
async def premium_listing(agent: Agent) -> str:
    found = await agent.call("listBatches", find="L-86")
    told = await agent.call("sendImagesForQA", batchID=found["batches"][0]["batchID"])
    await agent.rest(20)
    await agent.follow("waitForBatch")
    return f"Batch {told['batchID']} is with people."


DEALERS = '[{"vehicle": "M-1", "links": ["%s/M-1/1.jpg", "%s/M-1/2.jpg"]}, {"vehicle": "N-1", "links": ["%s/N-1/1.jpg"]}]'


@task("Here are tonight's listings of two dealers, listings.json.", took_all("M-1", 2), took_all("N-1", 1), processed,
      no_doubt, saved(3), tells("3"), before=(file("listings.json", DEALERS % (HOST, HOST, HOST)),),
      credits=3, calls=3, tokens=480)  # fmt: skip
async def listings_of_dealers(agent: Agent) -> str:
    await agent.call("processVehicles", manifest="listings.json", download=True)
    await agent.follow("processVehicles")
    await agent.rest(3)
    return str((await agent.follow("getJobs"))["jobs"][0]["photos"])


@task("Fetch the results of L-87. (The API packs them into an archive.)", saved(3), tells("3"),
      options=SandboxOptions(download_form="zip"),
      before=(called("uploadS3UrlsWithoutTemplate", **by_link("L-87", 3)),), tokens=390)  # fmt: skip
async def results_in_an_archive(agent: Agent) -> str:
    told = await agent.call("downloadProcessedImages", batchID="1206")
    return f"{len(told['files'])} files."


@task("Fetch the results of L-88. (The API answers links.)", saved(2), tells("2"),
      options=SandboxOptions(download_form="links"),
      before=(called("uploadS3UrlsWithoutTemplate", **by_link("L-88", 2)),), tokens=280)  # fmt: skip
async def results_by_link(agent: Agent) -> str:
    told = await agent.call("downloadProcessedImages", batchID="1206")
    return f"{len(told['files'])} files."


@task("What did the marketplace use today? (The API answers a table as text.)", tells("2"),
      options=SandboxOptions(usage_form="csv"),
      before=(called("uploadS3UrlsWithoutTemplate", 0, **by_link("L-89", 2)),), tokens=170)  # fmt: skip
async def usage_as_text(agent: Agent) -> str:
    told = await agent.call("getUserUsage", reportOption="Today")
    return f"{told['credits']} credits."


@task("Put AB-123 straight on the blue hour of their library.", took_all("AB-123", 3), tells("3"), before=(car("AB-123"),),
      settings={"toolsets": "enterprise,custom,workflow,beta"}, credits=3, calls=2, tokens=240)  # fmt: skip
async def library_backdrop_without_a_template(agent: Agent) -> str:
    found = await agent.call("listLibraryTemplates", find="blue")
    [one] = found["backdrops"]
    told = await agent.call(
        "uploadImagesWithLibraryTemplate", images=["AB-123"], numberPlate="AB-123",
        templateCC=str(one["templateID"]), processType="ai",
    )  # fmt: skip
    return f"{told['accepted']} are sent."


@task("The same listing came twice in tonight's file.", took_all("L-90", 2), one_batch("L-90"), tells("2"),
      before=(file("tonight.csv", f"vehicle,links\nL-90,{HOST}/a.jpg\nL-90,{HOST}/b.jpg\nL-90,{HOST}/a.jpg\n"),),
      credits=2, calls=3, tokens=470)  # fmt: skip
async def listing_that_came_twice(agent: Agent) -> str:
    await agent.call("processVehicles", manifest="tonight.csv")
    await agent.follow("processVehicles")
    await agent.rest(2)
    return str((await agent.follow("getJobs"))["jobs"][0]["photos"])
