"""Finished pictures: looked at, saved, reported, done again."""

from agent import Agent
from ends import processed, redone, reported, saved, tells, took, took_all
from scenes import called, car, cut_out, numbered
from task import Theme

THEME = Theme("Results")
task = THEME.task

AB = ("AB-123/front.jpg", "AB-123/rear.jpg", "AB-123/side.jpg")


@task("Look at yesterday's AB-123: the mirror of the front view is cut off. Have it done again.", took(*AB),
      reported("front.jpg", reasons=("Bad clipping",)), redone("front.jpg"), tells("512251|front"),
      before=(car("AB-123"), cut_out("AB-123", rest_min=60)), calls=5, tokens=4030)  # fmt: skip
async def one_bad_picture(agent: Agent) -> str:
    await agent.call("listBatches", find="AB-123")
    sheet = await agent.follow("reviewBatch", batchID="1206")
    picture = int(sheet.find(r"picID (\d+) “front.jpg”"))
    await agent.follow(
        "reportManyImages",
        reports=[
            {"picID": picture, "reportReason": ["Bad clipping"], "reportComment": "The mirror is cut off."}
        ],
    )
    again = await agent.go_on("reviewBatch")
    return again.find(r"(picID \d+ “front.jpg”: done, processed, reported, redone, changed)")


@task("In GT-40 I see the street through the windows of two, and the logo is crooked on the third.",
      reported("front.jpg", "rear.jpg", "side.jpg", reasons=("Window see-through", "Logo")),
      redone("front.jpg", "rear.jpg", "side.jpg"), tells("3"),
      before=(car("GT-40"), cut_out("GT-40")), calls=4, tokens=4010)  # fmt: skip
async def several_reasons(agent: Agent) -> str:
    sheet = await agent.call("reviewBatch", batchID="1206")
    pictures = {name: int(sheet.find(rf"picID (\d+) “{name}.jpg”")) for name in ("front", "rear", "side")}
    reasons = {"front": "Window see-through", "rear": "Window see-through", "side": "Logo"}
    reports = [{"picID": pictures[name], "reportReason": [reason]} for name, reason in reasons.items()]
    await agent.follow("reportManyImages", reports=reports)
    again = await agent.go_on("reviewBatch")
    return f"{again.text.count('redone')} pictures were done again."


@task("The road stands askew in picture 512252; report it.", reported("rear.jpg", reasons=("Alignment of Road",)),
      tells("512252|rear"), before=(car("AB-123"), cut_out("AB-123")), tokens=80)  # fmt: skip
async def report_by_number(agent: Agent) -> str:
    told = await agent.call("reportImages", picIDs=[512252], reportReason=["Alignment of Road"])
    return f"Reported 512252. {told.next}"


@task("Let people redo all of AB-123, the customer is picky.", redone("front.jpg", "rear.jpg", "side.jpg"),
      tells("1207"), before=(car("AB-123"), cut_out("AB-123")), calls=2, tokens=240)  # fmt: skip
async def whole_car_to_people(agent: Agent) -> str:
    told = await agent.call("sendImagesForQA", batchID="1206")
    await agent.rest(20)
    await agent.follow("waitForBatch")
    return f"They come back as batch {told['batchID']}."


@task("Show me the side view of AB-123 large.", saved(1), tells("512253_side.png"),
      before=(car("AB-123"), cut_out("AB-123")), calls=2, tokens=2000)  # fmt: skip
async def one_picture_large(agent: Agent) -> str:
    found = await agent.call("getImageStatus", batchID="1206", all=True)
    [picture] = [one["picID"] for one in found["images"] if one["picName"] == "side.jpg"]
    shown = await agent.call("getImagesRaw", picID=picture)
    assert shown.pictures == 1
    return shown.find(r"Saved as \S+/(\S+)")


@task("Save all finished pictures of AB-123 in full size.", saved(3), tells("3"),
      before=(car("AB-123"), cut_out("AB-123")), tokens=370)  # fmt: skip
async def save_a_car(agent: Agent) -> str:
    told = await agent.call("downloadProcessedImages", batchID="1206")
    return f"{len(told['files'])} files are saved."


@task("One of AB-123 failed. Have it redone.", reported("fail-rear.jpg"), redone("fail-rear.jpg"), processed, tells("2"),
      before=(car("AB-123", "front", "fail-rear"), cut_out("AB-123")), calls=4, tokens=2150)  # fmt: skip
async def failed_picture(agent: Agent) -> str:
    found = await agent.call("waitForBatch", batchID="1206", waitSeconds=0)
    [failed] = [one["picID"] for one in found["images"] if one["isFailed"]]
    await agent.follow("reviewBatch")
    await agent.follow("reportManyImages", reports=[{"picID": failed, "reportReason": ["Other"]}])
    await agent.follow("waitForBatch")
    return f"{agent.last['processed']} are done."


@task("Look through the bus, all thirteen, and report number 13: its plate shows.", took_all("Bus", 13),
      reported("13.jpg", reasons=("Number plate",)), saved(13), tells("512263|13"),
      before=(numbered("Bus", 13), cut_out("Bus")), calls=3, tokens=3950)  # fmt: skip
async def two_sheets(agent: Agent) -> str:
    await agent.call("reviewBatch", batchID="1206")
    second = await agent.follow("reviewBatch")
    picture = int(second.find(r"picID (\d+) “13.jpg”"))
    told = await agent.follow(
        "reportManyImages", reports=[{"picID": picture, "reportReason": ["Number plate"]}]
    )
    return f"Reported {told['reported'][0]}."


@task("Report the rear view of AB-123 for its logo. (It was reported an hour ago.)",
      reported("rear.jpg", reasons=("Logo",)), tells("already|before"),
      before=(car("AB-123"), cut_out("AB-123"), called("reportImages", 0, picIDs=[512252], reportReason=["Logo"])), tokens=110)  # fmt: skip
async def reported_before(agent: Agent) -> str:
    told = await agent.call("reportManyImages", reports=[{"picID": 512252, "reportReason": ["Logo"]}])
    assert told["reported"] == []
    return f"It was reported already: {told['alreadyReported']}"
