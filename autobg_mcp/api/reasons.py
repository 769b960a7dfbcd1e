"""What a refusal says: its words, wherever an answer carries them, and the reasons that they give beyond doubt."""

import html
import re
from collections.abc import Iterator
from typing import Literal

from pydantic import JsonValue

from autobg_mcp.api.exchange import Answer

Reason = Literal["credits", "quota", "rate", "key", "large", "type", "car", "pending", "gone", "one", "gate"]
"""No credits, a quota used up, too many calls, the key, a picture that is too large, of a wrong type or without a car, one
that is not processed yet, something that is not there; words that speak of one picture; a page that keeps callers out."""

_MOST_SAID_CHARS = 2000
_DEEPEST = 5
_NAMES = (
    "message", "msg", "error", "errors", "detail", "details", "errormsg", "error_description", "reason", "title", "code",
)  # fmt: skip
"""Fields that carry words in the envelope and in what other servers answer, such as RFC 9457's problem details."""

_CREDITS = r"(?:credits?(?! (?:card|note))|(?<!white )(?<!color )(?<!colour )balance|funds)"
_LACKING = r"(?:insufficient|exhausted|used up|depleted|exceeded|reached|finished|consumed|too low|not enough|not sufficient|expired)"
_FILLER = r"(?:(?:is|are|was|were|has|have|been|limit|quota|balance|fully|already|all|now) )*"
_PICTURE = r"(?:image|photo|picture|file|upload|payload|entity|request)s?"
_UNFIT_FOR = r"(?:unsupported|unknown|invalid|corrupt(?:ed)?|damaged)"

_REASONS: dict[Reason, tuple[str, ...]] = {
    "credits": (
        rf"\b(?:insufficient|(?:not|n't)(?: have)? enough|not sufficient|too few|out of|no more|low) (?:\w+ ){{0,2}}?{_CREDITS}",
        rf"\b(?:do|does)(?:n't| not) have (?:\w+ ){{0,2}}?{_CREDITS}",
        rf"\b(?:no|0|zero) {_CREDITS} (?:left|remain\w*|available)",
        rf"\bno {_CREDITS}\W*$",
        rf"\b{_CREDITS} {_FILLER}(?:{_LACKING}|run out)",
        rf"\b{_CREDITS} {_FILLER}(?:0|zero)\W*$",
        r"\bplease (?:recharge|top up)\b|\b(?:recharge|top up) (?:your|the) (?:account|wallet|balance)",
        r"\b(?:buy|purchase) (?:more )?credits\b",
    ),
    "quota": (
        rf"\bquota {_FILLER}{_LACKING}",
        r"\b(?:exceeded|exhausted|out of|insufficient|no) (?:\w+ ){0,3}?quota\b",
    ),
    "rate": (
        r"\btoo many (?:requests|calls)\b|\brate ?limit|\bthrottled\b",
        r"\b(?:requests|calls) per (?:second|minute|hour)\b",
    ),
    "key": (
        r"\bnot authori[sz]ed|\bunauthori[sz]ed|\binvalid (?:api )?(?:key|token|authori[sz]ation|credentials)",
        r"\b(?:api key|token) (?:(?:is|has|been) )*(?:invalid|missing|expired|revoked|not valid|required)",
        r"\bauthentication (?:failed|required)",
    ),
    "large": (
        rf"\b{_PICTURE} (?:size )?(?:(?:is|was|are) )?too (?:large|big)\b",
        rf"\b{_PICTURE} (?:size )?exceeds\b|\bexceeds? (?:\w+ ){{0,3}}?(?:{_PICTURE}|upload) size",
    ),
    "type": (
        rf"\b{_UNFIT_FOR} (?:\w+ )?(?<!process )(?:format|type)\b",
        r"\b(?:format|(?<!process )type) (?:is )?not (?:supported|allowed)",
        rf"\b{_UNFIT_FOR} (?:image|photo|picture|jpe?g|file)\b(?! (?:id|number|url|link))",
        r"\bnot an? (?:valid |supported )?(?:image|photo|picture)\b",
    ),
    "car": (
        r"\bno (?:car|vehicle)s? (?:(?:was|were|is|could be) )?(?:found|detected|recogni[sz]ed)",
        r"\b(?:car|vehicle) (?:(?:was|is|could) )?not (?:be )?(?:detected|recogni[sz]ed|found (?:in|on))",
        r"\b(?:could not|cannot|failed to) (?:find|detect|recogni[sz]e) (?:(?:a|any|the) )?(?:car|vehicle)",
    ),
    "pending": (
        r"(?:\bnot|n't) (?:yet )?(?:been )?(?:fully )?(?:processed|ready|finished|completed?)\b",
        r"\bno (?:image|picture|photo)s? (?:is|are|was|were) (?:yet )?(?:processed|ready)\b",
        r"\bstill (?:being )?(?:process|in progress|pending|queued|running|in work)|\bbeing processed\b",
        r"\bin (?:progress|process|processing|queue)\b|\bunder process(?:ing)?\b|\bpending\b|\bqueued\b",
    ),
    "gone": (
        r"(?<!user )\bnot found\b|\b(?:does not|doesn't|do not) exist|\bno such\b|\bno longer (?:available|exists?)",
        r"\b(?:image|picture|batch|template|result)s? (?:(?:is|are|was|were|has|have|been) )*(?:expired|deleted|removed|gone)",
    ),
    "one": (rf"\b(?:{_PICTURE}|links?|ur[il]s?)\b",),
    "gate": (
        r"captcha|\bchallenge\b|\bfirewall\b|\baccess denied\b|\bblocked\b|\bsign in\b|\blog ?in\b|\bforbidden\b",
    ),
}
_MEANT = {reason: re.compile("|".join(patterns)) for reason, patterns in _REASONS.items()}
_BROKEN = re.compile(r"\b(?:fail\w*|errors?|invalid|wrong|cannot|could not)\b")
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def said_in(answer: Answer) -> str:
    """The words of an answer, whatever field or text they stand in, without HTML's escapes; empty for none."""
    try:
        body = answer.json()
    except ValueError:
        body = answer.content[:_MOST_SAID_CHARS].decode("utf-8", "replace")
    words = list(dict.fromkeys(_words(body, 0)))
    return html.unescape("; ".join(words)[:_MOST_SAID_CHARS]).strip()


def reasons_in(said: str) -> frozenset[Reason]:
    """The reasons that words give beyond doubt; none for words that leave it open, or in a language not known here."""
    folded = _BETWEEN_WORDS.sub(" ", said.casefold().replace("’", "'")).strip()  # noqa: RUF001  # as texts have it
    found = {reason for reason, meant in _MEANT.items() if meant.search(folded)}
    return frozenset(found - {"pending"} if _BROKEN.search(folded) else found)


def _words(value: JsonValue, depth: int) -> Iterator[str]:
    """Texts in the fields that carry words; in what such a field holds, all texts."""
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif depth < _DEEPEST and isinstance(value, list):
        for item in value:
            yield from _words(item, depth + 1)
    elif depth < _DEEPEST and isinstance(value, dict):
        named = {name.casefold(): item for name, item in value.items()}
        told = [named[name] for name in _NAMES if name in named]
        for item in told if told or not depth else value.values():
            yield from _words(item, depth + 1)
