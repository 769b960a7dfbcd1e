"""A yard full of cars, and a week of them: plans, jobs that go on by themselves, manifests, reviews of many batches."""

from agent import Agent
from ends import (
    left,
    no_doubt,
    on_template,
    one_batch,
    processed,
    redone,
    reported,
    saved,
    tells,
    took,
    took_all,
    took_nothing,
)
from scenes import car, changed, credits_left, cut_out, file, numbered, template
from task import Stage, Theme

THEME = Theme("One week")
task = THEME.task

YARD = (car("AB-123"), car("GT-40"), car("Golf", "front", "rear"))
ALL_OF_IT = (
    *(f"{vehicle}/{view}.jpg" for vehicle in ("AB-123", "GT-40") for view in ("front", "rear", "side")),
    "Golf/front.jpg",
    "Golf/rear.jpg",
)


async def begun_yesterday(_stage: Stage, agent: Agent) -> None:
    """A job whose process ended before a photo of it was sent."""
    plan = await agent.call("processVehicles", folder=".", download=True)
    await agent.call("processVehicles", plan=plan["plan"])


async def stopped(stage: Stage, agent: Agent) -> None:
    """The only job was stopped an hour ago."""
    await agent.call("getJobs")
    await agent.call("stopJob", job=agent.last["jobs"][0]["job"])
    stage.clock.now_s += 3600


@task("Process every car in the folder, and save what comes back.", took(*ALL_OF_IT), processed, saved(8), no_doubt,
      one_batch("AB-123", "GT-40", "Golf"), tells("3", "8"), before=YARD, credits=8, calls=4, tokens=590)  # fmt: skip
async def whole_yard(agent: Agent) -> str:
    await agent.call("processVehicles", folder=".", download=True)
    await agent.follow("processVehicles")
    await agent.follow("getJobs")
    await agent.rest(3)
    report = (await agent.follow("getJobs"))["jobs"][0]
    return f"Vehicles: {report['vehicles']}; photos: {report['photos']}"


@task("Put the whole yard on the showroom background.", took(*ALL_OF_IT), processed, on_template("Showroom"),
      tells("8"), before=(*YARD, template("Showroom", "Winter"), file("branding/.keep", "")), credits=8, calls=4, tokens=580)  # fmt: skip
async def yard_on_a_template(agent: Agent) -> str:
    found = await agent.call("listTemplates", find="showroom")
    vehicles = [{"vehicle": name, "photos": [name]} for name in ("AB-123", "GT-40", "Golf")]
    template_id = str(found["templates"][0]["templateID"])
    await agent.call("processVehicles", vehicles=vehicles, templateCC=template_id)
    await agent.follow("processVehicles")
    await agent.rest(3)
    report = (await agent.follow("getJobs"))["jobs"][0]
    return f"{report['photos']} on template {template_id}"


@task("What would the whole yard cost, and how long does it take? Do not start.", took_nothing, tells("8", "1|minute"),
      before=YARD, tokens=260)  # fmt: skip
async def plan_only(agent: Agent) -> str:
    plan = await agent.call("processVehicles", folder=".")
    assert plan.hint("processVehicles")
    return "; ".join(plan["summary"])


@task("Process the yard; some of it went out on Monday.", took(*ALL_OF_IT), tells("5", "3"), no_doubt,
      before=(*YARD, cut_out("AB-123", rest_min=120)), credits=5, calls=3, tokens=500)  # fmt: skip
async def yard_of_which_some_is_done(agent: Agent) -> str:
    plan = await agent.call("processVehicles", folder=".", numPlateProcessor=1)
    await agent.follow("processVehicles")
    await agent.rest(3)
    report = (await agent.follow("getJobs"))["jobs"][0]
    return f"{report['photos']}; {plan['summary'][1]}"


@task("Is anything new in the yard since this morning?", took(*ALL_OF_IT), tells("0|nothing|none"),
      before=(*YARD, *(cut_out(one) for one in ("AB-123", "GT-40", "Golf"))), tokens=200)  # fmt: skip
async def nothing_new(agent: Agent) -> str:
    plan = await agent.call("processVehicles", folder=".", numPlateProcessor=1)
    return str(plan["summary"][1])


@task("The rear of the Golf was photographed anew and GT-40 came in. Send what is new.",
      took("Golf/front.jpg", "Golf/rear.jpg", "Golf/rear.jpg", *ALL_OF_IT[3:6]), tells("4"),
      before=(car("Golf", "front", "rear"), cut_out("Golf"), changed("Golf", "rear"), car("GT-40")),
      credits=4, calls=3, tokens=470)  # fmt: skip
async def what_is_new(agent: Agent) -> str:
    await agent.call("processVehicles", folder=".", numPlateProcessor=1)
    await agent.follow("processVehicles")
    await agent.rest(3)
    return str((await agent.follow("getJobs"))["jobs"][0]["photos"])


SHEET = "vehicle;photos;template\nAB-123;AB-123;136\nGT-40;GT-40/front.jpg;137\nGT-40;GT-40/rear.jpg;137\n"


@task("Here is the list of our stock, cars.csv, with a template for each. Do them.",
      took(*ALL_OF_IT[:3], "GT-40/front.jpg", "GT-40/rear.jpg"), processed, tells("5"),
      before=(*YARD, template("Showroom", "Winter"), file("cars.csv", "\ufeff" + SHEET.replace("\n", "\r\n"))),
      credits=5, calls=3, tokens=470)  # fmt: skip
async def stock_list_of_a_spreadsheet(agent: Agent) -> str:
    await agent.call("processVehicles", manifest="cars.csv")
    await agent.follow("processVehicles")
    await agent.rest(3)
    return str((await agent.follow("getJobs"))["jobs"][0]["photos"])


@task("Do the cars of cars.csv. (One of them has no photos in the folder.)", took(*ALL_OF_IT[:3]), tells("MISSING"),
      before=(car("AB-123"), file("cars.csv", "vehicle,photos\nAB-123,AB-123\nMISSING,MISSING\n")),
      credits=3, calls=2, tokens=400)  # fmt: skip
async def stock_list_with_a_gap(agent: Agent) -> str:
    plan = await agent.call("processVehicles", manifest="cars.csv")
    await agent.follow("processVehicles")
    await agent.rest(2)
    return f"Sent but for {plan['notSent']}"


@task("Process the yard. (There are 5 credits, and 8 photos.)", took_nothing, tells("3|not enough|too few", left),
      before=(*YARD, credits_left(5)), tokens=300)  # fmt: skip
async def too_few_credits(agent: Agent) -> str:
    plan = await agent.call("processVehicles", folder=".")
    assert "Tell the user" in plan.next
    return "; ".join(plan["summary"])


@task("Process the yard. No, stop: wrong folder!", took(), tells("8"), before=YARD, calls=3, tokens=450)
async def stopped_at_once(agent: Agent) -> str:
    await agent.call("processVehicles", folder=".")
    begun = await agent.follow("processVehicles")
    told = await agent.call("stopJob", job=begun["job"])
    return f"Stopped; {told['notSent']} were not sent."


@task("Go on with the yard that I stopped this morning.", took(*ALL_OF_IT), tells("8"), no_doubt,
      before=(*YARD, begun_yesterday, stopped), credits=8, calls=3, tokens=490)  # fmt: skip
async def stopped_and_taken_up_again(agent: Agent) -> str:
    await agent.call("processVehicles", folder=".", download=True)
    await agent.follow("processVehicles")
    await agent.rest(3)
    return str((await agent.follow("getJobs"))["jobs"][0]["photos"])


@task("I closed the laptop yesterday while the yard was being processed. What became of it?", took(*ALL_OF_IT),
      processed, saved(8), no_doubt, tells("8"), before=(*YARD, begun_yesterday), credits=8, calls=2, tokens=220)  # fmt: skip
async def closed_laptop(agent: Agent) -> str:
    await agent.call("getJobs")
    await agent.rest(4)
    return str((await agent.follow("getJobs"))["jobs"][0]["photos"])


@task(
    "Is the yard of this morning done?",
    tells("8 accepted"),
    before=(*YARD, begun_yesterday),
    credits=8,
    calls=1,
    tokens=140,
)
async def how_far(agent: Agent) -> str:
    await agent.rest(4)
    return str((await agent.call("getJobs"))["jobs"][0]["photos"])


@task("Look at everything of this week and report each rear view: the new number plate shows.", tells("3"),
      reported("rear.jpg", "rear.jpg", "rear.jpg", reasons=("Number plate",)),
      redone("rear.jpg", "rear.jpg", "rear.jpg"),
      before=(*YARD, *(cut_out(one) for one in ("AB-123", "GT-40", "Golf"))), calls=6, tokens=5980)  # fmt: skip
async def review_of_a_week(agent: Agent) -> str:
    found = await agent.call("listBatches", since="last 7 days")
    sheets = [await agent.call("reviewBatch", batchID=one["batchID"]) for one in found["batches"]]
    rear = [int(sheet.find(r"picID (\d+) “rear.jpg”")) for sheet in sheets]
    told = await agent.follow(
        "reportManyImages", reports=[{"picID": picture, "reportReason": ["Number plate"]} for picture in rear]
    )
    await agent.rest(1)
    await agent.follow("waitForBatch")
    return f"{len(told['reported'])} are reported."


@task("A short report for Monday: what did we send, and what is left?", tells("3", "AB-123", "GT-40", "Golf", left),
      before=(*YARD, *(cut_out(one) for one in ("AB-123", "GT-40", "Golf"))), calls=2, tokens=530)  # fmt: skip
async def monday_report(agent: Agent) -> str:
    found = await agent.call("listBatches", since="last 7 days")
    told = await agent.call("getCreditSummary")
    names = ", ".join(one["numberPlate"] for one in found["batches"])
    return f"{len(found['batches'])} cars ({names}); {told['left']} credits are left."


@task("Do the yard. (One photo of the Golf is broken.)", took(*ALL_OF_IT), tells("8", "1"),
      before=(*YARD, file("Golf/broken.jpg", "no picture")), credits=8, calls=3, tokens=510)  # fmt: skip
async def yard_with_a_broken_photo(agent: Agent) -> str:
    await agent.call("processVehicles", folder=".")
    await agent.follow("processVehicles")
    await agent.rest(3)
    return str((await agent.follow("getJobs"))["jobs"][0]["photos"])


@task("Process the yard. (Two folders are spelled like one car.)", tells("one car|same car|twice|1 car"), took_nothing,
      before=(car("AB-123"), car("ab 123", "front")), tokens=280)  # fmt: skip
async def one_car_in_two_spellings(agent: Agent) -> str:
    plan = await agent.call("processVehicles", folder=".")
    return f"Please look first: {plan['odd']}"


@task("Do the yard and the van too; the van's photos are on the web.", processed, one_batch("AB-123", "Van"),
      tells("5"), took(*ALL_OF_IT[:3], "Van/1.jpg", "Van/2.jpg"), before=(car("AB-123"),),
      credits=5, calls=3, tokens=550)  # fmt: skip
async def folders_and_links(agent: Agent) -> str:
    links = [f"https://photos.example.com/van/{one}.jpg" for one in (1, 2)]
    vehicles = [{"vehicle": "AB-123", "photos": ["AB-123"]}, {"vehicle": "Van", "links": links}]
    await agent.call("processVehicles", vehicles=vehicles)
    await agent.follow("processVehicles")
    await agent.rest(3)
    return str((await agent.follow("getJobs"))["jobs"][0]["photos"])


@task("Send the whole folder “stock” as car STOCK. (It holds only folders.)", took_nothing, tells("AB-123", "GT-40"),
      before=(car("stock/AB-123"), car("stock/GT-40")), tokens=120)  # fmt: skip
async def folder_of_folders(agent: Agent) -> str:
    told = await agent.call(
        "uploadImagesWithoutTemplate",
        images=["stock"],
        numberPlate="STOCK",
        numPlateProcessor=1,
        processType="ai",
    )
    assert told.is_error
    return f"These are several cars: {told.text}"


@task("Twelve cars came in today, five photos each. Get them done by tonight.", processed, no_doubt, tells("60"),
      *(took_all(f"C-{one:02}", 5) for one in range(12)), before=tuple(numbered(f"C-{one:02}", 5) for one in range(12)),
      credits=60, calls=4, tokens=730)  # fmt: skip
async def twelve_cars(agent: Agent) -> str:
    await agent.call("processVehicles", folder=".")
    await agent.follow("processVehicles")
    await agent.rest(5)
    await agent.follow("getJobs")
    await agent.rest(5)
    return str((await agent.follow("getJobs"))["jobs"][0]["photos"])
