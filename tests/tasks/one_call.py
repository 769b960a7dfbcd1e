"""Questions of a moment: one or two calls, and an answer."""

from agent import Agent
from ends import (
    left,
    looks,
    made,
    nothing_asked,
    processed,
    saved,
    tells,
    templates,
    took,
    took_nothing,
)
from scenes import branding, car, credits_left, cut_out, numbered, template
from task import Theme

from autobg_mcp.sandbox import SandboxOptions

THEME = Theme("One call")
task = THEME.task


@task("How many credits do we have left?", tells(left), took_nothing, before=(credits_left(37),), tokens=50)
async def balance(agent: Agent) -> str:
    told = await agent.call("getUserCreditDetails")
    return f"{told['current_credits']} credits are left."


@task(
    "Next week we shoot 30 cars with 5 photos each. Do the credits last?",
    tells(lambda stage: 150 - left(stage), left),
    before=(credits_left(90),),
    tokens=250,
)
async def credits_for_a_week(agent: Agent) -> str:
    told = await agent.call("getCreditSummary", pictures=150)
    return f"No: {told['left']} are left, {-told['leftAfter']} too few."


@task("What did we use today?", tells("3"), took("AB-123/front.jpg", "AB-123/rear.jpg", "AB-123/side.jpg"),
      before=(car("AB-123"), cut_out("AB-123", rest_min=0)), tokens=90)  # fmt: skip
async def used_today(agent: Agent) -> str:
    told = await agent.call("getUserUsage", reportOption="Today")
    return f"{told['credits']} credits today."


@task("What did we use in May and June of 2025? I need the figure for the books.", tells("0"), tokens=110)
async def used_in_a_range(agent: Agent) -> str:
    told = await agent.call("getUserUsage", startDate="01-05-2025", endDate="30-06-2025")
    return f"{told['credits']} credits."


@task("Accounting wants today's usage sheet as a file.", tells("2", "xlsx"),
      before=(car("AB-123", "front", "rear"), cut_out("AB-123", rest_min=0)),
      options=SandboxOptions(usage_form="xlsx"), tokens=170)  # fmt: skip
async def usage_sheet(agent: Agent) -> str:
    told = await agent.call("getUserUsage", reportOption="Today")
    return f"{told['credits']} credits; the sheet is {told['file']}"


@task("Which car cost us most this month?", tells("GT-40", "3"),
      before=(car("AB-123", "front"), car("GT-40"), cut_out("AB-123"), cut_out("GT-40")), tokens=310)  # fmt: skip
async def dearest_car(agent: Agent) -> str:
    told = await agent.call("getCreditSummary")
    first = max(told["byVehicle"], key=lambda one: one["credits"])
    return f"{first['name']} with {first['credits']} credits."


@task(
    "Which templates do we have?",
    tells("Showroom", "136", "Winter", "137"),
    before=(template("Showroom", "Winter"),),
    tokens=90,
)
async def all_templates(agent: Agent) -> str:
    told = await agent.call("listTemplates")
    return ", ".join(f"{one['templateName']} ({one['templateID']})" for one in told["templates"])


@task("What is the number of our winter template?", tells("180"),
      before=(template(*(f"Garage {one}" for one in range(44)), "Winter snow", "Summer"),), tokens=80)  # fmt: skip
async def one_template_of_many(agent: Agent) -> str:
    told = await agent.call("listTemplates", find="winter")
    [one] = told["templates"]
    return f"It is {one['templateID']}."


@task(
    "Is AB-123 done?",
    tells("3", "0"),
    processed,
    before=(car("AB-123"), cut_out("AB-123")),
    calls=2,
    tokens=210,
)
async def is_it_done(agent: Agent) -> str:
    found = await agent.call("listBatches", find="AB-123")
    batch = found["batches"][0]["batchID"]
    told = await agent.follow("waitForBatch", batchID=batch, waitSeconds=0)
    return f"{told['processed']} done, {told['pending']} in work."


@task("What did I send in the last days?", tells("AB-123", "GT-40"),
      before=(car("AB-123", "front"), cut_out("AB-123", rest_min=1200), car("GT-40", "front"), cut_out("GT-40")), tokens=180)  # fmt: skip
async def sent_lately(agent: Agent) -> str:
    told = await agent.call("listBatches", since="last 7 days")
    return ", ".join(one["numberPlate"] for one in told["batches"])


@task("In which batch is rear.jpg of the Golf?", tells("1207"),
      before=(car("AB-123", "front"), car("Golf", "front", "rear"), cut_out("AB-123"), cut_out("Golf")), tokens=120)  # fmt: skip
async def batch_of_a_photo(agent: Agent) -> str:
    told = await agent.call("listBatches", find="rear.jpg")
    [one] = told["batches"]
    return f"In {one['batchID']} of {one['numberPlate']}."


@task(
    "Which backdrops does Autobg offer by itself?",
    tells("White studio", "Blue hour", "Green field"),
    tokens=160,
)
async def library(agent: Agent) -> str:
    told = await agent.call("listLibraryTemplates")
    return ", ".join(one["templateName"] for one in told["backdrops"])


@task("Make a template “Showroom” with our backdrop, our logo top right, and plates covered.", tells("136"),
      made(name="Showroom", treats_plate=True, logo_corner="TR"), before=(branding,), tokens=90)  # fmt: skip
async def new_template(agent: Agent) -> str:
    told = await agent.call(
        "createTemplate", name="Showroom", background="branding/background.jpg", brandLogo="branding/logo.png",
        bAlignment="TR", numPlate=True,
    )  # fmt: skip
    return f"It is template {told['templateID']}."


@task("Make a template with the white studio of their library, call it White.", tells("136"), templates(1),
      made(name="White", treats_plate=False), calls=2, tokens=160)  # fmt: skip
async def template_from_the_library(agent: Agent) -> str:
    found = await agent.call("listLibraryTemplates", find="white")
    [one] = found["backdrops"]
    told = await agent.follow("createTemplate", background=one["templateImage"], name="White", numPlate=False)
    return f"It is template {told['templateID']}."


@task("Set up the template Showroom if it is not there yet.", tells("136"), templates(1),
      before=(template("Showroom"),), tokens=100)  # fmt: skip
async def template_that_is_there(agent: Agent) -> str:
    told = await agent.call(
        "createTemplate", name="Showroom", background="branding/background.jpg", numPlate=True
    )
    assert told.is_error
    return f"It is there already: {told.hint('Use')['templateCC']}."


@task("Cover the plate on the front photo of GT-40, leave everything else as it is.", tells("1"),
      took("GT-40/front.jpg"), looks(keep_scene=True, plate="cover"), before=(car("GT-40"),), credits=1, tokens=170)  # fmt: skip
async def plate_covered(agent: Agent) -> str:
    told = await agent.call(
        "replaceNumPlate",
        images=["GT-40/front.jpg"],
        numberPlate="GT-40",
        numPlateProcessor=1,
        processType="ai",
    )
    return f"{told['accepted']} photo is on its way."


@task("Put our own plate on all photos of GT-40.", tells("3"),
      took("GT-40/front.jpg", "GT-40/rear.jpg", "GT-40/side.jpg"), looks(keep_scene=True, plate="replace"),
      before=(car("GT-40"), branding), credits=3, tokens=180)  # fmt: skip
async def own_plate(agent: Agent) -> str:
    told = await agent.call(
        "replaceNumPlate", images=["GT-40"], numberPlate="GT-40", numPlateProcessor=2,
        numPlateImage="branding/plate.png", processType="ai",
    )  # fmt: skip
    return f"{told['accepted']} photos are on their way."


@task("What would the big one cost? Do not send anything yet.", took_nothing, tells("14"),
      before=(numbered("BIG", 14),), tokens=190)  # fmt: skip
async def price_of_a_car(agent: Agent) -> str:
    told = await agent.call(
        "uploadImagesWithoutTemplate", images=["BIG"], numberPlate="BIG", numPlateProcessor=0, processType="ai",
        dryRun=True,
    )  # fmt: skip
    return told.find(r"(\d+ to send)")


@task("Send the photos of AB-123. (The server was set up for looking only.)", took_nothing, nothing_asked,
      tells("read|not"), before=(car("AB-123"),), settings={"read_only": True}, tokens=90)  # fmt: skip
async def looking_only(agent: Agent) -> str:
    told = await agent.call("uploadImagesWithoutTemplate", images=["AB-123"], numberPlate="AB-123")
    assert told.is_error
    return f"I may not: this server may only read. {told.next}"


@task("Give me the finished front photo of AB-123 as a file.", saved(1), tells("512251_front.png"),
      before=(car("AB-123"), cut_out("AB-123")), calls=2, tokens=320)  # fmt: skip
async def one_finished_photo(agent: Agent) -> str:
    found = await agent.call("getImageStatus", batchID="1206", all=True)
    [picture] = [one["picID"] for one in found["images"] if one["picName"] == "front.jpg"]
    told = await agent.call("downloadProcessedImages", picIDs=[picture])
    return str(told["files"][0]["path"]).rpartition("/")[2]


@task("Is there a template called Winter, and would the three photos of AB-123 fit on it?", took_nothing,
      tells("137", "3"), templates(2), before=(template("Showroom", "Winter"), car("AB-123")), calls=2, tokens=260)  # fmt: skip
async def rehearsal(agent: Agent) -> str:
    found = await agent.call("listTemplates", find="Winter")
    [one] = found["templates"]
    told = await agent.follow(
        "uploadImagesWithTemplate", templateCC=str(one["templateID"]), images=["AB-123"], numberPlate="AB-123",
        processType="ai", dryRun=True,
    )  # fmt: skip
    return f"Winter is {one['templateID']}; {told.find(r'([0-9]+ to send)')}"
