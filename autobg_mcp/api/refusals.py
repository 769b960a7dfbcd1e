"""Which answers are errors, and of which kind: each refusal with its own words and its own next step.

The API's codes and texts are undocumented but for 401 and `You are not Authorized`. A code counts as what HTTP says of it
(RFC 9110), words only where their meaning is beyond doubt; whatever says neither is a refusal without a reason.
"""

from collections.abc import Callable

from autobg_mcp.api.exchange import Answer, Request, aftermath, is_page, unexpected
from autobg_mcp.api.reasons import Reason, reasons_in, said_in
from autobg_mcp.errors import (
    ApiError,
    AuthenticationError,
    BlockedError,
    GoneError,
    NotReadyError,
    OutOfCreditsError,
    PictureRefusedError,
    RateLimitedError,
    RequestRefusedError,
    ServerFaultError,
)
from autobg_mcp.text import quoted

_NO = ("false", "0", "error", "fail", "failed", "failure")
_YES = ("true", "1")
_CODES = frozenset(map(str, range(400, 600)))
_REDIRECT, _SEE_OTHER, _CLIENT, _SERVER = 300, 303, 400, 500
_UNAUTHORISED, _NO_CREDITS, _FORBIDDEN, _PROXY_LOGIN, _GAVE_UP, _TOO_LARGE, _TYPE, _TOO_MANY, _NETWORK_LOGIN = (
    401, 402, 403, 407, 408, 413, 415, 429, 511,
)  # fmt: skip
_ABSENT = (404, 405, 410)
_UNFIT = (412, 413, 415, 422)

_LEADS_ELSEWHERE = "The API's address leads elsewhere: ask the user to check AUTOBG_BASE_URL, and whether the network wants a login."
_SMALLER = "Send a smaller copy of it (fewer pixels, or saved at a lower quality); how much the API takes is undocumented."
_OTHER_TYPE = "Send it as a JPEG, or leave it out."
_OTHER_PHOTO = (
    "Look at the photo: leave it out, or send another one in its place; the same one may be refused again."
)


class _Refusal:
    """One answer that is no success, and the request that it came to."""

    def __init__(self, request: Request, answer: Answer, code: int) -> None:
        self.request = request
        self.answer = answer
        self.code = code
        self.is_page = is_page(answer)
        self.said = "" if self.is_page else said_in(answer)
        self.reasons = reasons_in(self.said)
        words = "a web page" if self.is_page else quoted(self.said) if self.said else ""
        self.what = f"HTTP {answer.status}" + (f", {words}" if words else "")

    def error(self) -> ApiError:
        """The error that it is."""
        if self.code >= _SERVER or self.code == _GAVE_UP:
            return self.blocked() if self.is_gate() else self.failed()
        return next(kind(self) for applies, kind in _KINDS if applies(self))

    def speaks(self, *reasons: Reason) -> bool:
        """Whether its words give one of these reasons."""
        return not self.reasons.isdisjoint(reasons)

    def is_gate(self) -> bool:
        """Whether something in front of the API answered instead of it; a web server's own page for a failure counts not."""
        return self.code == _NETWORK_LOGIN or (
            self.is_page and "gate" in reasons_in(self.answer.content.decode("utf-8", "replace"))
        )

    def failed(self) -> ApiError:
        """A server that failed; when to come back is no promise for what may have been done."""
        request, pause_s = self.request, self.answer.retry_after_s
        told = "" if pause_s is None else f"; it wants no call for {pause_s:.0f} s"
        error = ServerFaultError(
            f"{request.tool}: the API failed ({self.what}{told}).",
            **aftermath(request),
            retry_after_s=pause_s if request.repeatable else None,
        )
        if error.retry_after_s is not None:
            error.next_step = "Call again after that time; it only asks."
        return error

    def blocked(self) -> ApiError:
        """Something in front of the API; what is refused with a 4xx or led elsewhere, but for a 303, was not passed on."""
        tool, step = self.request.tool, BlockedError.usual_next_step
        if self.code == _PROXY_LOGIN:
            text = f"{tool}: a proxy on the way to the API wants a login ({self.what})."
            return BlockedError(text, next_step="Ask the user to put the login into HTTPS_PROXY.")
        if self.code == _SEE_OTHER:  # RFC 9110, 15.4.4: what was asked may be done
            return unexpected(self.request, f"a way to another address ({self.what})")
        if _REDIRECT <= self.code < _CLIENT:
            return BlockedError(
                f"{tool}: the API refused the call ({self.what}).", next_step=_LEADS_ELSEWHERE
            )
        if not self.is_page:
            text = f"{tool}: the API, or a firewall in front of it, allows no call ({self.what})."
            return BlockedError(text, next_step=f"{step} Else ask the user to check AUTOBG_API_KEY.")
        text = (
            f"{tool}: a web page came in place of the API's answer (HTTP {self.answer.status}), "
            "as from a firewall, a proxy or a network that wants a login."
        )
        if _CLIENT <= self.code < _SERVER:
            return BlockedError(text)
        after = aftermath(self.request)
        after["next_step"] = f"{step} {after['next_step']}" if self.request.spends else step
        return BlockedError(text, **after)

    def denied(self) -> ApiError:
        """A key that is not known, or not allowed this."""
        return AuthenticationError(f"{self.request.tool}: the API refused the key or the id ({self.what}).")

    def out_of_credits(self) -> ApiError:
        """No credits, or too few."""
        return OutOfCreditsError(f"{self.request.tool}: the API says that credits are used up ({self.what}).")

    def too_many(self) -> ApiError:
        """Calls over the limit."""
        return RateLimitedError(
            f"{self.request.tool}: the API says there were too many calls ({self.what}); another program may use the same key.",
            retry_after_s=self.answer.retry_after_s,
        )

    def picture(self) -> ApiError:
        """A picture that the API does not take."""
        file = self.request.file()
        one = "the picture" if file else "one of the pictures"
        size = f" ({len(file.content) / 2**20:.1f} MB)" if file else ""
        if self.code == _TOO_LARGE or self.speaks("large"):
            why, step = f"{one}{size} is too large", _SMALLER
        elif self.code == _TYPE or self.speaks("type"):
            why, step = f"{one} is of a type that it does not take", _OTHER_TYPE
        elif self.speaks("car"):
            why, step = f"it finds no car on {one}", _OTHER_PHOTO
        else:
            why, step = f"it does not process {one}", _OTHER_PHOTO
        return PictureRefusedError(
            f"{self.request.tool}: the API says that {why} ({self.what}).", next_step=step
        )

    def not_ready(self) -> ApiError:
        """A picture that is in work."""
        return NotReadyError(f"{self.request.tool}: the API says that it is not processed yet ({self.what}).")

    def gone(self) -> ApiError:
        """An id or a path that is not there; of what is sent with many photos, all of them meet it but for a photo's link."""
        request = self.request
        check = "the templateID with listTemplates" if request.spends else "the id"
        step = f"Check {check}; results may be kept for a limited time only."
        if self.code in _ABSENT:
            step = (
                f"Check {check}. If every call of {request.tool} is answered so, its path is another one: "
                "ask the user to correct AUTOBG_PATHS or AUTOBG_BASE_URL."
            )
        return GoneError(
            f"{request.tool}: the API does not have it, or not any more ({self.what}).",
            next_step=step,
            meets_the_rest=request.spends and not self.speaks("one"),
        )

    def refused(self) -> ApiError:
        """A refusal of which no more is known than its words."""
        step = None if self.said else "The API gives no reason; it may be refused again."
        return RequestRefusedError(
            f"{self.request.tool}: the API refused the call ({self.what}).", next_step=step
        )

    def carries_pictures(self) -> bool:
        """Whether it can be a picture that was refused."""
        return self.request.spends or self.request.file() is not None


_KINDS: tuple[tuple[Callable[[_Refusal], bool], Callable[[_Refusal], ApiError]], ...] = (
    (lambda one: one.code == _NO_CREDITS or one.speaks("credits"), _Refusal.out_of_credits),
    (lambda one: one.code == _TOO_MANY or one.speaks("rate"), _Refusal.too_many),
    (lambda one: one.speaks("quota"), _Refusal.out_of_credits),
    (lambda one: one.code == _UNAUTHORISED or one.speaks("key"), _Refusal.denied),
    (
        lambda one: one.carries_pictures() and (one.code in _UNFIT or one.speaks("large", "type", "car")),
        _Refusal.picture,
    ),
    (lambda one: not one.request.spends and one.speaks("pending"), _Refusal.not_ready),
    (lambda one: one.code in _ABSENT or one.speaks("gone"), _Refusal.gone),
    (
        lambda one: one.is_page or one.code == _PROXY_LOGIN or _REDIRECT <= one.code < _CLIENT,
        _Refusal.blocked,
    ),
    (lambda one: one.code == _FORBIDDEN and one.answer.start() == b"{", _Refusal.denied),
    (lambda one: one.code == _FORBIDDEN, _Refusal.blocked),
    (lambda _: True, _Refusal.refused),
)
"""The kinds of refusals below 500, the first that applies: words that say more than a code come before it."""


def entry_refusal(said: str) -> ApiError:
    """Why the API did not take one picture of a request that it answered with success, by its words for it."""
    reasons, text = reasons_in(said), f"not accepted: {quoted(said)}"
    if reasons & {"credits", "quota"}:
        return OutOfCreditsError(f"the API says that credits are used up ({quoted(said)})")
    if "rate" in reasons:
        return RateLimitedError(text)
    if "key" in reasons:
        return AuthenticationError(text)
    fits = PictureRefusedError if reasons & {"large", "type", "car"} else RequestRefusedError
    return fits(text, next_step=_OTHER_PHOTO)


def classify(request: Request, answer: Answer) -> ApiError | None:
    """The error that an answer means, or None for a success.

    The API refuses with 401, and also with HTTP 200 and `{"status": false}` in the body, which the documents label
    "200 - Exception". A code in place of the status, as `{"status": 404}`, counts as the answer's own.
    """
    status = _status(answer)
    code = int(status) if status in _CODES else answer.status
    if code >= _REDIRECT or status in _NO:
        refusal = _Refusal(request, answer, code)
        if request.spends and _names_a_batch(answer):  # some of the pictures may be in it, and paid for
            return unexpected(request, f"a refusal that names a batch ({refusal.what})")
        return refusal.error()
    if is_page(answer):
        return _Refusal(request, answer, code).blocked()
    if status is not None and status not in _YES:
        what = f"HTTP {answer.status}, {quoted(said_in(answer))}"
        return unexpected(request, f"a status that is neither true nor false ({what})")
    return None


def _names_a_batch(answer: Answer) -> bool:
    data = (answer.envelope() or {}).get("data")
    return isinstance(data, dict) and bool(data.get("batchID"))


def _status(answer: Answer) -> str | None:
    """What the answer says of its success: its `status`, or `success` as others call it; None where it says nothing."""
    if answer.start() != b"{":
        return None
    try:
        body = answer.json()
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    status = body["status"] if "status" in body else body.get("success")
    if "status" not in body and not isinstance(status, bool):
        return None
    return (
        str(int(status) if isinstance(status, float) and status.is_integer() else status).strip().casefold()
    )
