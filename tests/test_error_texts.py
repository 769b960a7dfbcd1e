"""What an error is and says: one family as its page draws it, lines that nobody else can write, one that stands for many."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobg_mcp import errors
from autobg_mcp.errors import (
    AutobgError,
    ConnectionFailedError,
    FileRefusedError,
    OutcomeUnknownError,
    StateError,
)
from autobg_mcp.toolkit.groups import telling


def family(kind: type[AutobgError], depth: int = 0) -> list[tuple[int, str]]:
    """A class and all that derive from it, each with its depth, in the order of their declaration."""
    below = [line for child in kind.__subclasses__() for line in family(child, depth + 1)]
    return [(depth, kind.__name__), *below]


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"^    ([│├└─ ]*)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    assert [(len(branch) // 4, name) for branch, name in drawn] == [
        line for line in family(AutobgError) if hasattr(errors, line[1])
    ]


def test_an_outcome_that_nobody_knows_is_no_connection_that_failed() -> None:
    assert not issubclass(OutcomeUnknownError, ConnectionFailedError)


@given(message=st.text(max_size=50), detail=st.text(max_size=50), advice=st.text(min_size=1, max_size=50))
def test_no_part_of_an_error_can_write_a_line_of_its_own(message: str, detail: str, advice: str) -> None:
    error = AutobgError(message, details=[detail], next_step=advice)
    lines = error.explanation().splitlines()
    assert lines[2] == "Credits spent: no. Safe to repeat: no."
    assert len(lines) == 4
    assert error.explanation().encode()


def test_of_many_details_the_first_are_told_and_the_others_counted() -> None:
    error = AutobgError("500 photos failed.", details=[f"photo {number}" for number in range(500)])
    assert str(error).splitlines()[-2:] == ["photo 19", "and 480 more"]


def test_of_a_group_of_errors_the_one_that_may_have_cost_credits_stands_for_all() -> None:
    group = ExceptionGroup(
        "", [StateError("damaged"), ExceptionGroup("", [OutcomeUnknownError("lost"), FileRefusedError("no")])]
    )
    chosen = telling(group)
    assert isinstance(chosen, OutcomeUnknownError)
    assert chosen.explanation().splitlines()[:2] == ["lost", "2 more failed at the same time."]


def test_equal_errors_of_a_group_are_one() -> None:
    first = StateError("damaged")
    assert telling(ExceptionGroup("", [first, StateError("damaged")])) is first
    assert "more failed" not in first.explanation()


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), ValueError("a fault")])
def test_what_is_no_error_of_ours_is_not_hidden_by_one_that_is(fault: BaseException) -> None:
    assert telling(BaseExceptionGroup("", [StateError("damaged"), fault])) is fault
