"""Days and spans of days as people and hosts write them."""

import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator

from autobg_mcp.clock import day_start_s, local_day

SPANS = "today, yesterday, last 7 days, this or last week or month, a weekday, dd-mm-yyyy or yyyy-mm-dd"
"""What `days` understands."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LAST_DAYS = re.compile(r"(?:last|past) ([1-9][0-9]{0,2}) days?")
_FORMS = (
    (re.compile(r"[0-9]{2}-[0-9]{2}-[0-9]{4}"), "%d-%m-%Y"),  # the API's own
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "%Y-%m-%d"),
)


def day(text: str) -> date:
    """The day in `dd-mm-yyyy` or `yyyy-mm-dd`; the time behind the latter is dropped.

    Raises:
        ValueError: It is no day of the calendar, or in a form that others read as another day.
    """
    written = re.sub(r"[T ][0-9:.+Z-]*$", "", text.strip())
    for form, code in _FORMS:
        if form.fullmatch(written):  # strptime also takes 1-6-2025
            with suppress(ValueError):
                return datetime.strptime(written, code).date()  # noqa: DTZ007  # a day has no zone
    raise ValueError("not a day of the calendar in the form dd-mm-yyyy or yyyy-mm-dd")


Day = Annotated[str, AfterValidator(lambda text: f"{day(text):%d-%m-%Y}")]
"""A day in the form that the API takes."""


def days(text: str, today: date) -> tuple[date, date | None]:
    """First and last day of what people call a time; None as the last means to now.

    Raises:
        ValueError: It is none of `SPANS`.
    """
    name = re.sub(r"[\W_]+", " ", text).strip().lower()
    try:
        if found := _LAST_DAYS.fullmatch(name):
            return today - timedelta(days=int(found[1]) - 1), None
        if name in _WEEKDAYS:
            return today - timedelta(days=(today.weekday() - _WEEKDAYS.index(name)) % 7), None
        named = _named(today)
        return named[name] if name in named else (day(text), None)
    except (ValueError, OverflowError):
        raise ValueError(SPANS) from None


def _named(today: date) -> dict[str, tuple[date, date | None]]:
    one = timedelta(days=1)
    monday, first = today - one * today.weekday(), today.replace(day=1)
    return {
        "today": (today, None),
        "yesterday": (today - one, today - one),
        "this week": (monday, None),
        "last week": (monday - 7 * one, monday - one),
        "this month": (first, None),
        "last month": ((first - one).replace(day=1), first - one),
        "this year": (today.replace(month=1, day=1), None),
        "last year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }


def span(text: str, now: float) -> tuple[float, float | None]:
    """Begin and end of what people call a time, local, in seconds since 1970 like `now`; None as the end means to now.

    Raises:
        ValueError: It is none of `SPANS`.
    """
    first, last = days(text, local_day(now))
    try:
        return day_start_s(first), None if last is None else day_start_s(last + timedelta(days=1))
    except (ValueError, OverflowError):
        raise ValueError(SPANS) from None
