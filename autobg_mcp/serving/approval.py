"""Asks the person at the host before credits are spent, in both protocol eras."""

import secrets
from typing import Any

import mcp_types as types
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from autobg_mcp.api.call import QuestionPendingError, nobody_to_ask
from autobg_mcp.clock import Clock
from autobg_mcp.errors import SpendingRefusedError
from autobg_mcp.text import quoted

_KEY = "approval"
_VALID_S = 600.0
_MOST_PENDING = 100
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "approve": {"type": "boolean", "title": "Approve", "description": "Spend these credits now."}
    },
    "required": ["approve"],
}


class InputRequiredError(QuestionPendingError):
    """The host has to put a question to its user and repeat the call with the answer.

    Args:
        result: What to answer the host with meanwhile.
    """

    def __init__(self, result: types.InputRequiredResult) -> None:
        super().__init__()
        self.result = result


class Approvals:
    """The questions one server has asked: each is answered once, and its answer holds for one submission alone.

    Args:
        clock: Tells the time; an answer counts for ten minutes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pending: dict[str, tuple[str, float]] = {}

    async def ask(
        self,
        context: ServerRequestContext[Any, Any],
        params: types.CallToolRequestParams,
        question: str,
        subject: str,
    ) -> bool:
        """Whether the person approves.

        Args:
            context: The call's, which leads to the host.
            params: The call's, which in the newer era carry the answer back.
            question: What is asked.
            subject: Hash of exactly what is approved.

        Raises:
            SpendingRefusedError: The host cannot ask.
            QuestionPendingError: It was asked just now; the host repeats the call with the answer.
        """
        if not can_ask(context):
            return await nobody_to_ask(question, subject)
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            try:
                return approved(await context.session.elicit_form(question, _SCHEMA, context.request_id))
            except MCPError as error:
                raise SpendingRefusedError(
                    f"The host could not ask for approval ({quoted(error.message)}). Nothing was sent."
                ) from None
        if self._redeemed(params.request_state, subject):
            return approved((params.input_responses or {}).get(_KEY))
        raise InputRequiredError(self._asked(question, subject))

    def _asked(self, question: str, subject: str) -> types.InputRequiredResult:
        state = secrets.token_urlsafe(24)
        self._pending[state] = (subject, self._clock.monotonic_s() + _VALID_S)
        while len(self._pending) > _MOST_PENDING:
            del self._pending[next(iter(self._pending))]
        return types.InputRequiredResult(
            input_requests={_KEY: approval_request(question)}, request_state=state
        )

    def _redeemed(self, state: str | None, subject: str) -> bool:
        """Whether the call answers a question of ours about this very submission; the question is then used up."""
        asked, valid_until = self._pending.pop(state or "", ("", 0.0))
        return secrets.compare_digest(asked, subject) and self._clock.monotonic_s() < valid_until


def can_ask(context: ServerRequestContext[Any, Any]) -> bool:
    """Whether the host that made a request can put a question to its user."""
    capabilities = context.session.client_capabilities
    return capabilities is not None and _shows_forms(capabilities.elicitation)


def approval_request(question: str) -> types.ElicitRequest:
    """What a host is asked to show its user: the question, and a yes or no."""
    return types.ElicitRequest(
        params=types.ElicitRequestFormParams(message=question, requested_schema=_SCHEMA)
    )


def _shows_forms(elicitation: types.ElicitationCapability | None) -> bool:
    """Whether a host can show a form; one that names no mode can."""
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def approved(answer: object) -> bool:
    """Whether an answer is a clear yes."""
    if not isinstance(answer, types.ElicitResult):
        return False
    return answer.action == "accept" and (answer.content or {}).get("approve") is True
