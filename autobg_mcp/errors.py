"""Every error raised on purpose, and what each tells a person or a model to do.

    AutobgError                     everything this package raises on purpose
    ├── ConfigurationError          a setting is missing, wrong or contradicts another
    ├── StateError                  a file or store that keeps the throttle or the ledger cannot be used
    ├── ArgumentsRefusedError       arguments that no request was made from
    ├── FileRefusedError            a local file that is not read or written
    ├── LinkRefusedError            an address that is not fetched
    ├── SpendingRefusedError        a guard or a person said no to spending credits
    ├── ThrottledError              the next free slot lies beyond the caller's time budget, or that is over
    └── ApiError                    one call to the API failed
        ├── ConnectionFailedError   the request never reached the API
        ├── OutcomeUnknownError     it may have reached the API; nobody knows what came of it
        │   └── StillUnknownError       that holds for an earlier call; this one sent nothing
        ├── AuthenticationError     401, or a refusal that speaks of authorisation
        ├── BlockedError            something in front of the API answered, such as a firewall with its page
        ├── RequestRefusedError     any other 4xx, or HTTP 200 with status: false
        │   ├── OutOfCreditsError       402, or a refusal that speaks of credits
        │   ├── PictureRefusedError     412, 413, 415, 422: too large, no car on it, not to be processed
        │   ├── NotReadyError           a picture that is not processed yet
        │   └── GoneError               404, 410: it is not there, or not any more
        ├── RateLimitedError        429
        ├── ServerFaultError        5xx
        └── UnexpectedAnswerError   a success whose body is not what the endpoint answers

An error says four things: what happened (`str(error)`), whether credits were spent, whether
repeating the call is safe, and what to do next. Text from outside goes through `quoted` or `local_path`, and
no part of an error can grow a line of its own: a file name may hold a line break and forge what follows.
"""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

from autobg_mcp.text import LONGEST_TOLD_CHARS, shortened, whole

Spent = Literal["no", "yes", "unknown"]
"""Whether a failed call cost credits, as far as anyone can know."""

_MOST_DETAILS = 20


class AutobgError(Exception):
    """Anything this package raises on purpose.

    Args:
        message: What happened, one or two sentences without a secret in them; they become one line.
        details: What happened to each part of it, a line each; the first 20 are told.
        spent: Whether credits were spent; None takes the class's usual answer.
        repeatable: Whether the same call may be made again as it is; None takes the class's usual answer.
        next_step: What to do next; None takes the class's usual advice.
        retry_after_s: Seconds after which a repeat can succeed; None where waiting does not help.
        meets_the_rest: Whether it would meet every other picture of the call; None takes the class's usual answer.
    """

    usual_spent: ClassVar[Spent] = "no"
    usual_repeatable: ClassVar[bool] = False
    usual_next_step: ClassVar[str] = ""
    meets_the_rest: bool = True
    """Whether it would meet every other picture of a call too; else it costs the one picture that met it."""

    def __init__(
        self,
        message: str,
        *,
        details: Sequence[str] = (),
        spent: Spent | None = None,
        repeatable: bool | None = None,
        next_step: str | None = None,
        retry_after_s: float | None = None,
        meets_the_rest: bool | None = None,
    ) -> None:
        more = [f"and {len(details) - _MOST_DETAILS:,} more"] if len(details) > _MOST_DETAILS else []
        told = [_line(detail) for detail in (*details[:_MOST_DETAILS], *more)]
        super().__init__("\n".join([_line(message), *told]))
        self.spent: Spent = self.usual_spent if spent is None else spent
        self.repeatable = self.usual_repeatable if repeatable is None else repeatable
        self.next_step = self.usual_next_step if next_step is None else _line(next_step)
        self.retry_after_s = retry_after_s
        self.meets_the_rest = type(self).meets_the_rest if meets_the_rest is None else meets_the_rest

    @property
    def told_retry_after_s(self) -> int | None:
        """`retry_after_s` as callers are told: in whole seconds, at least one."""
        return None if self.retry_after_s is None else max(1, math.ceil(self.retry_after_s))

    @property
    def notes(self) -> list[str]:
        """What was added to the message since, a line each."""
        return [_line(note) for note in getattr(self, "__notes__", ())]

    def explanation(self) -> str:
        """All of it in a few lines: what happened, what it cost, whether to repeat it and when, what to do next."""
        repeatable = "yes" if self.repeatable else "no"
        lines = [str(self), *self.notes, f"Credits spent: {self.spent}. Safe to repeat: {repeatable}."]
        if self.told_retry_after_s is not None:
            lines.append(f"Retry after {self.told_retry_after_s} s.")
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        return "\n".join(lines)


def _line(text: str) -> str:
    return shortened(whole(text), LONGEST_TOLD_CHARS)


class ConfigurationError(AutobgError):
    """A setting is missing, wrong or contradicts another. No request was made."""

    usual_next_step = "Ask the person who runs this server to change the setting and start the server again."


class StateError(AutobgError):
    """A file or store that keeps the throttle or the ledger cannot be used. No request was made."""

    usual_repeatable = True
    usual_next_step = "Ask the person who runs this server to mend the named file or store, then call again."


class ArgumentsRefusedError(AutobgError):
    """Arguments that no request was made from."""

    usual_next_step = "Correct the named arguments and retry."


class FileRefusedError(AutobgError):
    """A local file that is not read or written. Nothing left the machine."""

    usual_next_step = "Name another file, or tell the user."
    meets_the_rest = False


class LinkRefusedError(AutobgError):
    """An address that is not fetched: not https, not public, too large or too slow."""

    usual_next_step = "Fetch the pictures one by one with getImagesRaw instead."
    meets_the_rest = False


class SpendingRefusedError(AutobgError):
    """A guard or a person said no to spending credits. Nothing was submitted."""

    usual_next_step = "Tell the user; do not try another way to submit the same pictures."


class ThrottledError(AutobgError):
    """The next free slot lies beyond the caller's time budget, or that is over. No slot was taken."""

    usual_repeatable = True
    usual_next_step = "Do something else and call again after that time."
    why: str = ""
    """What keeps the call, in a sentence: our own allowance, or a gate that the API has closed."""


class ApiError(AutobgError):
    """One call to the API failed."""


class ConnectionFailedError(ApiError):
    """The request never reached the API: name look-up, connect or TLS failed."""

    usual_repeatable = True
    usual_next_step = (
        "Call again in a minute; if it stays so, ask the user to check network, proxy and AUTOBG_BASE_URL."
    )
    hurdle: Literal["network", "certificate"] = "network"
    """What it failed at: the certificate, or anything on the way there."""


class OutcomeUnknownError(ApiError):
    """The request may have reached the API, but no whole answer came back."""

    usual_spent = "unknown"


class StillUnknownError(OutcomeUnknownError):
    """The same was sent by an earlier call whose outcome nobody knows; this call sent nothing."""

    meets_the_rest = False


class AuthenticationError(ApiError):
    """401, or a refusal that speaks of authorisation."""

    usual_next_step = (
        "If other calls work, the id belongs to another account; else ask the user to check AUTOBG_API_KEY "
        "(the bare key, no Bearer prefix)."
    )


class BlockedError(ApiError):
    """Something in front of the API answered in its place: a firewall, a proxy, a login of the network."""

    usual_next_step = "Ask the user whether the network or a firewall lets this machine reach the API."


class RequestRefusedError(ApiError):
    """The API understood the request and said no: a 4xx, or HTTP 200 with `status: false`."""

    usual_next_step = "Check the ids and values; the same call may be refused again."
    meets_the_rest = False


class OutOfCreditsError(RequestRefusedError):
    """402, or a refusal that speaks of credits: there are not enough for it."""

    usual_next_step = "Tell the user that credits are used up."
    meets_the_rest = True


class PictureRefusedError(RequestRefusedError):
    """412, 413, 415 or 422: the API does not process this picture."""

    usual_next_step = "Leave this picture out, or send another one in its place."


class NotReadyError(RequestRefusedError):
    """The picture is not processed yet."""

    usual_repeatable = True
    usual_next_step = "Call waitForBatch with its batch, then call again."


class GoneError(RequestRefusedError):
    """404 or 410: the API does not have it, or not any more."""

    usual_next_step = "Check the id; the API may keep results for a limited time."


class RateLimitedError(ApiError):
    """429: another program uses the same key, or the limit is smaller than documented."""

    usual_repeatable = True
    usual_next_step = (
        "Call again later; a call waits by itself until the API opens again, as long as its time allows."
    )


class ServerFaultError(ApiError):
    """5xx: the API failed."""

    usual_repeatable = True
    usual_next_step = "Call again in a minute."


class UnexpectedAnswerError(ApiError):
    """The API answered, but not with what the endpoint answers: HTML, broken JSON, missing fields."""

    usual_next_step = "Report this to the people who run this server; the API may have changed."
