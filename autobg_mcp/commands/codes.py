"""Exit codes besides 0, which is done."""

FAILED = 1
"""A tool or a step failed."""

WRONG_USAGE = 2
"""The command, an argument or a setting is wrong."""
