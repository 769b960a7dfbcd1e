"""What models ask for that has no call, or has another name: by the words in a tool's name, and what is told instead."""

import re

from autobg_mcp.text import folded

_TAKE_AWAY = "delete|remove|destroy|drop|clear|purge|archive|cancel|abort|stop|undo|revoke|withdraw|recall"
_ALTER = "update|edit|modify|rename|change|patch|clone|copy|duplicate|move"
_SUBMITTED = "batch|upload|job|image|photo|picture|process|submission|vehicle|order"

# The first line that fits counts; a name is read by its letters alone, in lower case.
_TABLE = tuple(
    (re.compile(asked), told)
    for asked, told in (
        (
            f"({_TAKE_AWAY}).*template|template.*({_TAKE_AWAY})",
            "Templates cannot be deleted: the API's documents have no call for it. Uploads use the one that templateCC names.",
        ),
        (
            f"({_ALTER}).*template|template.*({_ALTER})",
            "Templates cannot be changed: the API's documents have no call for it. createTemplate makes another one.",
        ),
        (
            "(get|show|read|describe|view).*template",
            "What a template looks like cannot be asked; listTemplates tells the id and name of each.",
        ),
        (
            "refund|reimburse|giveback",
            "Credits cannot be refunded by a call; the user can ask the vendor. A bad picture is redone free of charge: reportImages.",
        ),
        (
            "(buy|purchase|order|topup|recharge|add|transfer).*credit|credit.*(purchase|topup)|subscri|invoice",
            "Credits cannot be bought by a call; the user gets them from the vendor. getUserCreditDetails tells what is left.",
        ),
        (
            "webhook|callback",
            "Webhooks cannot be set by a call; they are set up with the vendor. waitForBatch waits for a batch.",
        ),
        ("apikey|rotatekey|createkey", "Keys cannot be made or changed by a call; the vendor issues them."),
        (
            f"({_TAKE_AWAY}).*({_SUBMITTED})|({_SUBMITTED}).*({_TAKE_AWAY})",
            "What was submitted cannot be cancelled or deleted: the API's documents have no call for it. listBatches tells what was submitted.",
        ),
        (
            f"({_ALTER}).*({_SUBMITTED})",
            "What was submitted cannot be changed. reportImages or sendImagesForQA has a picture done again, free of charge.",
        ),
        (
            "(create|start|open|new|make|add).*(batch|vehicle|folder|project)",
            "A batch needs no call of its own: uploads with the same numberPlate share one, as of uploadImagesWithTemplate.",
        ),
        ("^(?!getimage).*(status|progress)", "getImageStatus tells how far a batch is."),
        (
            "background|cutout|transparent",
            "uploadImagesWithoutTemplate cuts out cars; uploadImagesWithTemplate gives a background.",
        ),
    )
)


def told_instead(tool: str) -> str | None:
    """What to say to somebody who calls a tool that does not exist; None where nobody is known to ask for it."""
    asked = folded(tool)
    return next((told for pattern, told in _TABLE if pattern.search(asked)), None)
