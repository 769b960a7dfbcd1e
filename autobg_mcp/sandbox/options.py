"""The options of a sandbox: its time, its limits, its credits and the forms of what the documents leave open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """How one sandbox behaves; the defaults are a friendly account with a short turnaround.

    Attributes:
        turnaround_s: Seconds from upload to the last picture processed; the pictures of a batch come out one
            after another in the last third of it. 0 processes at once.
        window_s: Seconds that a rate limit's window lasts.
        credits: Credits of every user at the start; one pays for one picture.
        api_keys: Keys that are let in; None lets in every non-empty key as a user of its own.
        limits: Requests per window for single paths, at least 1, e.g. `{"/images/reportImages": 3}`; the rest keep theirs.
        usage_form: What user/getUsage answers with.
        usage_rows: What a row of it is: a batch on a day, or a day.
        download_form: What images/downloadImages-v2 answers with: a list of links, a list of base64 pictures, one
            zip file, or an object from picture id to link.
        rework_shows: While a picture is done again, a status shows it in work and nobody can fetch it; else it stays as it
            was, and only its bytes change in the end.
        refusals_name_pictures: A refusal about a picture names it.
        replay: Answer every call with the documents' example and keep no state; keys and limits still hold.
    """

    turnaround_s: float = 2.0
    window_s: float = 60.0
    credits: int = 100
    api_keys: frozenset[str] | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    usage_form: Literal["json", "xlsx", "csv"] = "json"
    usage_rows: Literal["batch", "day"] = "batch"
    download_form: Literal["links", "base64", "zip", "map"] = "base64"
    rework_shows: bool = True
    refusals_name_pictures: bool = True
    replay: bool = False
