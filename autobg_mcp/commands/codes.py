"""Exit codes besides 0, which is done."""

FAILED = 1
"""A tool or a step failed, or a photo of a job that has ended is in no batch, or nobody knows."""

WRONG_USAGE = 2
"""The command, an argument or a setting is wrong."""

INTERRUPTED = 130
"""Ctrl-C, as shells report it: 128 and SIGINT."""

UNHEARD = 141
"""Whoever read the output has closed it, as `head` does; as shells report it: 128 and SIGPIPE."""
