"""Values as they are read from a state file, held to the bounds that this program keeps when it writes."""

_FIRST_MOMENT, _LAST_MOMENT = -6e10, 2.5e11  # the years 1 to 9999, roughly


class ImpossibleValueError(Exception):
    """A value in a state file that this program never writes; out of a transaction comes a `StateError` for it."""


def whole_between(value: object, least: int, most: int) -> int:
    """A whole number as it was read from a state file.

    Raises:
        ImpossibleValueError: It is none, or beyond its bounds.
    """
    if isinstance(value, int) and least <= value <= most:
        return value
    raise ImpossibleValueError(f"{value!r:.50} where a whole number from {least} to {most} belongs")


def number_between(value: object, least: float, most: float) -> float:
    """A number as it was read from a state file.

    Raises:
        ImpossibleValueError: It is none, or beyond its bounds.
    """
    if isinstance(value, int | float) and least <= value <= most:
        return value
    raise ImpossibleValueError(f"{value!r:.50} where a number from {least:g} to {most:g} belongs")


def moment(value: object) -> float:
    """A time in seconds since 1970 as it was read from a state file.

    Raises:
        ImpossibleValueError: It is none.
    """
    return number_between(value, _FIRST_MOMENT, _LAST_MOMENT)


def text_up_to(value: object, most_chars: int) -> str:
    """A text as it was read from a state file.

    Raises:
        ImpossibleValueError: It is none, or too long.
    """
    if isinstance(value, str) and len(value) <= most_chars:
        return value
    raise ImpossibleValueError(f"{value!r:.50} where a text of at most {most_chars} characters belongs")
