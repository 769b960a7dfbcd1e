"""One car from its folder to finished pictures: sent, awaited, looked at, reported, done again, saved."""

from agent import Agent
from ends import (
    has_logo,
    looks,
    on_template,
    one_batch,
    processed,
    saved,
    tells,
    took,
    took_all,
)
from mcp.types import ElicitRequestParams, ElicitResult
from scenes import branding, car, changed, copied, cut_out, file, numbered, template
from task import Theme

from autobg_mcp.sandbox import SandboxOptions

THEME = Theme("One car")
task = THEME.task

AB = ("AB-123/front.jpg", "AB-123/rear.jpg", "AB-123/side.jpg")
SLOW = SandboxOptions(turnaround_s=90)
CUT_OUT = {"numPlateProcessor": 1, "processType": "ai"}


async def says_yes(_context: object, _params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"approve": True})


async def says_no(_context: object, _params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="decline")


@task("Put AB-123 on our showroom background and show me.", took(*AB), on_template("Showroom"), processed, saved(3),
      tells("3"), before=(template("Showroom"), car("AB-123")), options=SLOW, credits=3, calls=6, tokens=2490)  # fmt: skip
async def car_on_a_template(agent: Agent) -> str:
    found = await agent.call("listTemplates", find="showroom")
    [one] = found["templates"]
    await agent.follow(
        "uploadImagesWithTemplate", templateCC=str(one["templateID"]), images=["AB-123"], numberPlate="AB-123",
        processType="ai",
    )  # fmt: skip
    sheet = await agent.go_on("reviewBatch")
    assert sheet.pictures == 1
    return f"{sheet.text.count(': done')} pictures are done."


@task("We have a new backdrop. Make a template Garage of it and put AB-123 on it.", took(*AB), on_template("Garage"),
      processed, before=(branding, car("AB-123")), credits=3, calls=4, tokens=2140)  # fmt: skip
async def new_template_and_a_car(agent: Agent) -> str:
    await agent.call("createTemplate", name="Garage", background="branding/background.jpg", numPlate=True)
    await agent.follow("uploadImagesWithTemplate", images=["AB-123"], numberPlate="AB-123", processType="ai")
    await agent.go_on("reviewBatch")
    return "They are done."


@task("Cut out AB-123, nothing behind it, plates covered.", took(*AB), looks(background=None, plate="cover"), saved(3),
      processed, before=(car("AB-123"),), credits=3, calls=3, tokens=2090)  # fmt: skip
async def car_cut_out(agent: Agent) -> str:
    await agent.call("uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", **CUT_OUT)
    await agent.go_on("reviewBatch")
    return "They are cut out."


@task("AB-123 on template 136, with the logo of our Bristol branch on these photos only.", took(*AB), has_logo,
      on_template("Showroom"), before=(template("Showroom"), car("AB-123")), credits=3, calls=3, tokens=2100)  # fmt: skip
async def logo_of_a_branch(agent: Agent) -> str:
    await agent.call(
        "uploadImagesWithDynamicBranding", images=["AB-123"], numberPlate="AB-123", templateCC="136",
        processType="ai", brandLogo="branding/logo.png",
    )  # fmt: skip
    await agent.go_on("reviewBatch")
    return "They are done."


@task("The Maybach goes to a magazine: let people check every picture.", took_all("Maybach", 3), tells("3"),
      before=(car("Maybach"),), credits=3, tokens=160)  # fmt: skip
async def checked_by_people(agent: Agent) -> str:
    told = await agent.call(
        "uploadImagesWithoutTemplate", images=["Maybach"], numberPlate="Maybach", numPlateProcessor=1,
        processType="collab",
    )  # fmt: skip
    assert told.hint("waitForBatch")
    return f"{told['accepted']} photos are with people."


@task("I added an interior shot to AB-123. Send what is new.", took(*AB, "AB-123/interior.jpg"), one_batch("AB-123"),
      tells("1"), before=(car("AB-123"), cut_out("AB-123"), car("AB-123", "interior")), credits=1, tokens=200)  # fmt: skip
async def late_photo(agent: Agent) -> str:
    told = await agent.call("uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", **CUT_OUT)
    return f"{told['accepted']} was new."


@task("Send AB-123. (A colleague did an hour ago.)", took(*AB), one_batch("AB-123"), tells("3"),
      before=(car("AB-123"), cut_out("AB-123", rest_min=60)), tokens=180)  # fmt: skip
async def sent_by_a_colleague(agent: Agent) -> str:
    told = await agent.call("uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", **CUT_OUT)
    assert told["accepted"] == 0
    return f"All {told['paidBefore']} were sent before; nothing was paid again."


@task("The front photo of AB-123 was blurred, I took it anew under the same name.", took(*AB, "AB-123/front.jpg"),
      tells("1", "2"), before=(car("AB-123"), cut_out("AB-123"), changed("AB-123", "front")), credits=1, tokens=200)  # fmt: skip
async def photo_taken_anew(agent: Agent) -> str:
    told = await agent.call("uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", **CUT_OUT)
    return f"{told['accepted']} was sent, {told['paidBefore']} were known."


@task("Process the campervan, all of it, and tell me when it is through.", took_all("Camper", 26), processed,
      one_batch("Camper"), tells("26"), before=(numbered("Camper", 26),), credits=26, calls=3, tokens=410)  # fmt: skip
async def more_photos_than_a_minute_takes(agent: Agent) -> str:
    await agent.call("uploadImagesWithoutTemplate", images=["Camper"], numberPlate="Camper", **CUT_OUT)
    await agent.follow("waitForBatch")
    await agent.rest(4)
    told = await agent.follow("waitForBatch")
    return f"{told['processed']} are done."


@task("Only the front views of all cars, please.", took("all/front.jpg", "all/front.jpg"), tells("2"),
      before=(car("AB-123"), car("GT-40")), credits=2, tokens=160)  # fmt: skip
async def only_front_views(agent: Agent) -> str:
    told = await agent.call(
        "uploadImagesWithoutTemplate", images=["*/front.jpg"], numberPlate="all", **CUT_OUT
    )
    return f"{told['accepted']} front views."


@task("Send the folder of AB-123. (It also holds notes, a contract and a broken photo.)", took(*AB),
      tells("broken.jpg"),
      before=(car("AB-123"), file("AB-123/notes.txt", "sold to Mr Smith"), file("AB-123/contract.pdf", b"%PDF-1.7"),
              file("AB-123/broken.jpg", b"\xff\xd8\xff\xe0 no more")), credits=3, tokens=240)  # fmt: skip
async def odd_files_in_the_folder(agent: Agent) -> str:
    told = await agent.call("uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", **CUT_OUT)
    return f"{told['accepted']} sent; not sent: {told['notSubmitted']}"


@task("Send the folder Müller & Söhne.", took_all("Müller & Söhne", 4), tells("4"),
      before=(car("Müller & Söhne", "vorne links", "it's the back", "seite (2)", "IMG_0001 ☂"),), credits=4, tokens=190)  # fmt: skip
async def odd_names(agent: Agent) -> str:
    told = await agent.call(
        "uploadImagesWithoutTemplate", images=["Müller & Söhne"], numberPlate="Müller & Söhne", **CUT_OUT
    )
    return f"{told['accepted']} are sent."


@task("Send AB-123. (Two of its photos are the same picture.)", took(*AB), tells("3"),
      before=(car("AB-123"), copied("AB-123/side.jpg", "AB-123/the side again.jpg")), credits=3, tokens=200)  # fmt: skip
async def one_photo_twice(agent: Agent) -> str:
    told = await agent.call("uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", **CUT_OUT)
    return f"{told['accepted']} are sent."


@task("Pay again for AB-123, I want it once more as it is.", took(*AB, *AB), tells("3"), person=says_yes,
      before=(car("AB-123"), cut_out("AB-123")), credits=3, tokens=170)  # fmt: skip
async def paid_again_on_purpose(agent: Agent) -> str:
    told = await agent.call(
        "uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", allowDuplicate=True, **CUT_OUT
    )
    return f"{told['accepted']} are sent once more."


@task("Do AB-123 again. (Asked about the price, the person says no.)", took(*AB), tells("not|no|cannot"), person=says_no,
      before=(car("AB-123"), cut_out("AB-123")), tokens=120)  # fmt: skip
async def person_says_no(agent: Agent) -> str:
    told = await agent.call(
        "uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", allowDuplicate=True, **CUT_OUT
    )
    assert told.is_error
    return told.find(r"(the user did not approve)")


@task("Send AB-123. (The firm wants a person to agree to every credit.)", took(*AB), tells("3"), person=says_yes,
      before=(car("AB-123"),), settings={"approve": "paid"}, credits=3, tokens=170)  # fmt: skip
async def agreed_by_a_person(agent: Agent) -> str:
    told = await agent.call("uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", **CUT_OUT)
    return f"{told['accepted']} are sent."


@task("Send AB-123. (Two credits a day are allowed.)", took_all("AB-123", 2), tells("2", "1"),
      before=(car("AB-123"),), settings={"daily_credit_limit": 2}, credits=2, tokens=320)  # fmt: skip
async def daily_limit(agent: Agent) -> str:
    told = await agent.call("uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123", **CUT_OUT)
    return str(told["receipt"])
