"""What holds when a task is done, seen in the API's world, on the disk, in the ledger and in what the person was told."""

import re
from collections.abc import Callable

from conftest import KEY
from PIL import Image
from task import Check, Stage

IN_WORDS = (
    "no",
    *["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
)

Fact = str | Callable[[Stage], object]
"""Words that the person has to hear, or how to find them out."""


def tells(*facts: Fact) -> Check:
    """The person was told each of these facts: as digits or in words, or in one of the words that `|` parts."""

    def check(stage: Stage) -> None:
        for fact in facts:
            words = (fact if isinstance(fact, str) else str(fact(stage))).split("|")
            words += [IN_WORDS[int(one)] for one in words if one.isdigit() and int(one) < len(IN_WORDS)]
            pattern = "|".join(map(re.escape, words))
            assert re.search(rf"(?<!\w)({pattern})(?!\w)", stage.told, re.IGNORECASE), (words, stage.told)

    return check


def left(stage: Stage) -> int:
    """The credits that are left."""
    return stage.account.credits_left


def took(*pictures: str) -> Check:
    """The API took exactly these pictures, as vehicle and name, each once, earlier ones included."""

    def check(stage: Stage) -> None:
        assert stage.paid() == sorted(pictures)

    return check


def took_all(vehicle: str, count: int) -> Check:
    """The API took so many pictures of a vehicle, no two of one name."""

    def check(stage: Stage) -> None:
        names = [name for name in stage.paid() if name.startswith(f"{vehicle}/")]
        assert (len(names), len(set(names))) == (count, count)

    return check


def took_nothing(stage: Stage) -> None:
    """The API took no picture, in the task or before it."""
    assert stage.pictures == []


def one_batch(*vehicles: str) -> Check:
    """Each of these vehicles has one batch."""

    def check(stage: Stage) -> None:
        assert sorted(one.number_plate for one in stage.account.batches.values()) == sorted(vehicles)

    return check


def made(**fields: object) -> Check:
    """The account's newest template is so."""

    def check(stage: Stage) -> None:
        newest = list(stage.account.templates.values())[-1]
        assert {name: getattr(newest, name) for name in fields} == fields

    return check


def templates(count: int) -> Check:
    """The account has so many templates."""

    def check(stage: Stage) -> None:
        assert len(stage.account.templates) == count

    return check


def on_template(name: str) -> Check:
    """Every picture of the newest batch stands on the background of this template."""

    def check(stage: Stage) -> None:
        [background] = [one.background for one in stage.account.templates.values() if one.name == name]
        newest = list(stage.account.batches.values())[-1]
        assert {picture.job.background for picture in newest.pictures} == {background}

    return check


def looks(**fields: object) -> Check:
    """Every picture of the newest batch was ordered so: what happens to plate, scene and logo."""

    def check(stage: Stage) -> None:
        newest = list(stage.account.batches.values())[-1]
        for picture in newest.pictures:
            assert {name: getattr(picture.job, name) for name in fields} == fields

    return check


def has_logo(stage: Stage) -> None:
    """Every picture of the newest batch bears a logo."""
    assert all(picture.job.logo for picture in list(stage.account.batches.values())[-1].pictures)


def saved(count: int) -> Check:
    """So many pictures lie in the folder of results, each one that opens."""

    def check(stage: Stage) -> None:
        found = [path for path in stage.results.rglob("*") if path.suffix in {".jpg", ".png"}]
        assert len(found) == count, found
        for path in found:
            Image.open(path).load()

    return check


def reported(*names: str, reasons: tuple[str, ...] = ()) -> Check:
    """Exactly these pictures were reported, for these reasons where any are named."""

    def check(stage: Stage) -> None:
        by_id = {picture.picture_id: picture.name for picture in stage.pictures}
        reports = stage.account.reports
        assert sorted(by_id[one] for report in reports for one in report.picture_ids) == sorted(names)
        assert not reasons or {one for report in reports for one in report.reasons} == set(reasons)

    return check


def redone(*names: str) -> Check:
    """Exactly these pictures were done once more, and are ready."""

    def check(stage: Stage) -> None:
        again = [picture for picture in stage.pictures if picture.redone]
        assert sorted(picture.name for picture in again) == sorted(names)
        assert all(picture.is_processed(stage.world.now()) for picture in again)

    return check


def processed(stage: Stage) -> None:
    """Every picture that the API took is done."""
    assert stage.pictures
    assert all(picture.is_processed(stage.world.now()) for picture in stage.pictures)


def no_request(path: str) -> Check:
    """Nothing was asked of the API under this end of a path."""

    def check(stage: Stage) -> None:
        assert not [request for request in stage.world.requests if request.path.endswith(path)]

    return check


def nothing_asked(stage: Stage) -> None:
    """No request reached the API."""
    assert not stage.world.requests


def no_doubt(stage: Stage) -> None:
    """The ledger knows what came of every submission."""
    assert {state for state, _ in stage.entries()} <= {"accepted", "refused"}


# What holds after every task


def books_agree(stage: Stage) -> None:
    """The ledger holds what the API took, and what is unknown is all that it may lack."""
    entries = stage.entries()
    accepted = sum(pictures for state, pictures in entries if state == "accepted")
    unknown = sum(pictures for state, pictures in entries if state not in {"accepted", "refused"})
    assert accepted <= len(stage.pictures) <= accepted + unknown, entries


def never_refused(stage: Stage) -> None:
    """The API refused no call for its limits."""
    assert stage.world.refused_429 == 0


def no_leak(stage: Stage) -> None:
    """No answer held the key, nor the bytes of a picture."""
    assert KEY not in stage.heard
    assert not re.search(r"[\w+/]{300}", stage.heard)


ALWAYS: tuple[Check, ...] = (books_agree, never_refused, no_leak)
"""What holds after every task."""
