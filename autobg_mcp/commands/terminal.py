"""The door to a terminal: what leaves there is clean, and speaks to the person who reads it, and who may be asked."""

import json
import re
import sys
from collections.abc import Callable, Iterable
from typing import Final

from pydantic import JsonValue

from autobg_mcp.serving.door import Door

_WHO: Final = "(?:user|operator|person who runs this server)"
_QUOTED: Final = "“[^”]*”"  # words that are not ours


def _as_before(found: re.Match[str]) -> str:
    """What follows, with a capital where what is left out began with one."""
    follows: str = found["follows"]
    return follows.upper() if found[0][0].isupper() else follows


def _of_you(words: str) -> Callable[[re.Match[str]], str]:
    """These words instead, with a capital where the others had one."""
    return lambda found: words.capitalize() if found[0][0].isupper() else words


_RULES: Final[tuple[tuple[str, Callable[[re.Match[str]], str]], ...]] = (
    (r"change the setting and start the server again", _of_you("change the setting and run the command again")),
    (r"[Cc]hoose a listed tool", _of_you("choose one of: autobg-mcp tools")),
    (r"start the server with --sandbox", _of_you("add --sandbox")),
    (r"in the env block of the host's configuration", _of_you("in the environment")),
    (r"[Rr]eport this to the people who run this server", _of_you("report it with what autobg-mcp doctor --live saves")),
    (r"Show the user the question and ask them to run", _of_you("run")),
    (r"; when they have, make", _of_you("; then make")),
    (r"[Oo]nly the operator can change that", _of_you("change that setting to use it")),
    (r"[Tt]ell the user(?: that|,? or|;|:) (?P<follows>\w)", _as_before),
    (rf"[Aa]sk the {_WHO} to (?P<follows>\w)", _as_before),
    (rf"[Aa]sk the {_WHO} whether", _of_you("check whether")),
    (rf"[Aa]sk the {_WHO} for", _of_you("take")),
    (rf"or the {_WHO} to ", _of_you("or ")),
    (r"(?:, or|[:;]) tell the user\b", lambda _: ""),
    (r"Tell the user\.", lambda _: ""),
    (rf"[Tt]he {_WHO} gets", _of_you("you get")),
    (rf"[Tt]he {_WHO} (?=can|did)", _of_you("you ")),
)  # fmt: skip
"""What is said to a model that passes it on, and what a person is told instead; in this order."""


def to_a_person(text: str) -> str:
    """A text of ours for the person who reads it; what it quotes stays as it is."""
    for said, instead in _RULES:
        text = re.sub(
            f"{_QUOTED}|{said}",
            lambda found, instead=instead: found[0] if found[0][0] == "“" else instead(found),  # type: ignore[misc]
            text,
        )
    return "\n".join(line for line in text.split("\n") if line != "Next: ")


class Terminal:
    """Lets text out to a person.

    Args:
        secrets: The keys in use; see `Settings.secrets`.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._door = Door(secrets)

    def line(self, text: str) -> str:
        """One line, such as a progress message or a question."""
        return self._door.line(to_a_person(text))

    def text(self, text: str) -> str:
        """A text of several lines, such as an error with all that it says."""
        return self._door.text(to_a_person(text))

    async def says_yes(self, question: str) -> bool:
        """Whether the person says yes; what was typed before they could read the question does not count."""
        import anyio.to_thread

        if sys.platform != "win32":
            import termios

            termios.tcflush(sys.stdin, termios.TCIFLUSH)
        print(f"{self.line(question)} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
        return answer.strip().lower() in {"y", "yes"}

    def json(self, value: JsonValue) -> str:
        """A value as JSON; every text in it is told as a line is."""
        return json.dumps(self._door.data(_to_a_person(value)), indent=2, ensure_ascii=False)


def is_attended() -> bool:
    """Whether a person is at the terminal: what is read or written elsewhere answers for nobody."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _to_a_person(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return to_a_person(value)
    if isinstance(value, list):
        return [_to_a_person(item) for item in value]
    return {name: _to_a_person(item) for name, item in value.items()} if isinstance(value, dict) else value
