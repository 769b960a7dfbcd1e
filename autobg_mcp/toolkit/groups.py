"""Errors that the tasks of one call end in together."""

from collections.abc import Iterator

from autobg_mcp.errors import AutobgError


def telling(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that stands for a group: what is no `AutobgError`, else what may have cost credits, else the first.

    The others are counted in a note of it.
    """
    leaves = list(_leaves(group))
    faults = [leaf for leaf in leaves if not isinstance(leaf, AutobgError)]
    if faults:
        return min(faults, key=lambda fault: isinstance(fault, Exception))  # a cancellation before all
    errors = {str(leaf): leaf for leaf in reversed(leaves) if isinstance(leaf, AutobgError)}
    chosen = max(reversed(errors.values()), key=lambda error: ("no", "yes", "unknown").index(error.spent))
    if len(errors) > 1:
        chosen.add_note(f"{len(errors) - 1} more failed at the same time.")
    return chosen


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
