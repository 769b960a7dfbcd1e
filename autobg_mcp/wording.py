"""Says what is wrong with a value in a few plain words, without the value."""

from pydantic_core import ErrorDetails

from autobg_mcp.errors import cleaned

_EXPECTED = {
    "missing": "required",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
    "too_long": "at most {max_length} items, got {actual_length}",
    "too_short": "at least {min_length}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "extra_forbidden": "unknown",
}


def expected(problem: ErrorDetails) -> str:
    """What would have been right, such as `a whole number` or `at most 10 items, got 11`."""
    form = _EXPECTED.get(problem["type"])
    if form is not None:
        return form.format(**problem.get("ctx", {}))
    message = problem["msg"].removeprefix("Value error, ")
    return cleaned(message[:1].lower() + message[1:])


def place(problem: ErrorDetails, start: str = "") -> str:
    """Where the value stands, such as `reportReason.0`; `start` goes before it."""
    return cleaned(".".join([start, *map(str, problem["loc"])]).strip("."), 80)
