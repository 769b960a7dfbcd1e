"""The free look before a paid call: whether the template exists and the credits suffice. A look that fails blocks nothing."""

import difflib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from autobg_mcp.errors import (
    ArgumentsRefusedError,
    AutobgError,
    OutOfCreditsError,
    SpendingRefusedError,
    StateError,
)
from autobg_mcp.money.ledger import Balance
from autobg_mcp.money.terms import set_aside_for_jobs
from autobg_mcp.text import amount, quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.account import GetUserCreditDetails
from autobg_mcp.tools.credits import DailyLimit
from autobg_mcp.tools.glance import glance
from autobg_mcp.tools.templates import ListTemplates

_FRESH_S: Final = 600.0
"""How old a balance may be that is not asked for anew before a paid call."""

_FRESH_BEHIND_S: Final = 30.0
"""The same in the background, where much is sent: the nearer the balances around a lost answer, the more they tell of it."""


class Outlook:
    """What free looks tell of one paying call, each asked once and only when it is needed.

    Args:
        tool: The tool that is called.
        context: The call's.
        templates: The ids of the templates that it names.
        own: Whether these are the account's own, which listTemplates lists.
    """

    def __init__(self, tool: str, context: Context, templates: Sequence[str], *, own: bool = True) -> None:
        self._tool, self._context = tool, context
        self._templates, self._own = templates, own
        self._looked = False
        self._template_names: Mapping[str, str] = {}
        self.before: Balance | None = None
        """The balance that the ledger keeps from before anything was sent; None where it is not known."""
        self.is_short = False
        """Whether fewer are left, by the balance or by the limit of the day, than pictures are to be sent."""
        self.lacks_credits = False
        """Whether the balance is not 0, but less than pictures are to be sent."""
        self.notes: list[str] = []
        """What could not be looked at, or what the person should hear of it."""

    async def look(self, pictures: int, *, of_now: bool = False) -> None:
        """Look before the first picture of the call goes out.

        Args:
            pictures: How many are to be sent.
            of_now: Ask the balance even where a fresh one is kept: somebody plans or decides on it.

        Raises:
            ArgumentsRefusedError: There is no such template.
            OutOfCreditsError: No credit is left.
            SpendingRefusedError: The operator's limit of the day leaves none.
        """
        if self._looked:
            return
        self._looked = True
        await self._look_for_templates()
        await self._look_at_limit(pictures)
        left = await self._credits_left(pictures, of_now=of_now)
        if left is None:
            self.notes.append("the credits that are left could not be looked at before")
            return
        self.is_short |= left < pictures
        if left <= 0:
            raise OutOfCreditsError(
                f"{self._tool}: credits are used up ({amount(left)} left, {pictures} needed). Nothing was sent."
            )
        self.lacks_credits = left < pictures
        if self.lacks_credits:
            note = f"{_told(left)} left for {pictures} pictures, at one credit each (inferred)"
            self.notes.append(note)
            await self._context.progress(note if of_now else f"{note}: submitting until the API refuses")

    async def obstacle(self, pictures: int, *, waits: bool = False) -> AutobgError | None:
        """What would stop the call before its first picture, for a plan: it is one all the same, and says so.

        Args:
            pictures: How many are to be sent.
            waits: Whether a job sends them, which a limit of the day only makes wait.

        Raises:
            ArgumentsRefusedError: There is no such template.
        """
        try:
            await self.look(max(1, pictures), of_now=True)
        except (OutOfCreditsError, SpendingRefusedError) as error:
            self.notes += [str(error)] if pictures else []
            only_waits = (
                waits
                and isinstance(error, SpendingRefusedError)
                and self._context.settings.daily_credit_limit
            )
            return None if only_waits else error
        return None

    async def _look_at_limit(self, pictures: int) -> None:
        """What the day's limit leaves; nobody is asked about, or plans with, what it does not allow."""
        limit = await DailyLimit.now(self._context)
        if limit is None or limit.left >= pictures:
            return
        self.is_short = True
        told = f"AUTOBG_DAILY_CREDIT_LIMIT leaves {limit.left} credits today{set_aside_for_jobs(limit.forJobs or 0)}"
        if not limit.left:
            raise SpendingRefusedError(f"{self._tool}: {told}, this needs {pictures}. Nothing was sent.")
        self.notes.append(f"{told} for {pictures} pictures")

    def first_step(self, obstacle: AutobgError | None) -> str:
        """What has to be done before so many pictures are sent, given what stops the first of them; empty for nothing."""
        if obstacle is not None:
            return obstacle.next_step.rstrip(".")
        return "Tell the user that there are too few credits" if self.lacks_credits else ""

    async def ask_balance(self) -> None:
        """Let the ledger keep the balance of this moment."""
        await glance(GetUserCreditDetails().run, self._context)

    async def _credits_left(self, pictures: int, *, of_now: bool) -> float | None:
        """The credits that are left, from a fresh balance that suffices or a new one; None where that cannot be told."""
        kept = await self._kept()
        fresh_s = _FRESH_BEHIND_S if self._context.call.background else _FRESH_S
        fresh_from_s = self._context.clock.wall_s() - fresh_s
        if of_now or kept is None or kept.at < fresh_from_s or _left(kept) < pictures:
            await self.ask_balance()
            kept = await self._kept()
        self.before = kept
        return None if kept is None else _left(kept)

    async def _kept(self) -> Balance | None:
        with suppress(StateError):
            return await self._context.ledger.balance(self._context.account.id)
        return None

    def template(self) -> str:
        """The templates as people know them; empty where there is none."""
        return ", ".join(self._told_template(one) for one in self._templates)

    def _told_template(self, template_id: str) -> str:
        name = self._template_names.get(template_id)
        return f"{template_id} {quoted(name, 60)}" if name else quoted(template_id, 60)

    def balance_after(self, count: int) -> str:
        """What so many pictures would leave, in a sentence."""
        if self.before is None:
            return "How many credits are left is not known."
        left = _left(self.before)
        if left < count:
            return f"{_told(left)} left, {amount(count - left)} too few, at one credit a picture (inferred)."
        return f"{_told(left)} left; then {amount(left - count)}, at one credit a picture (inferred)."

    async def _look_for_templates(self) -> None:
        if not self._templates or not self._own:
            return
        known = await self._context.ledger.template_names(self._context.account.id, self._templates)
        self._template_names = known
        new = [one for one in self._templates if one not in known]
        if not new:  # no template can be deleted, so what was seen once is there
            return
        listed = await glance(ListTemplates().run, self._context)
        if listed is None:
            told = ", ".join(quoted(one, 60) for one in new)
            self.notes.append(f"whether template {told} exists could not be looked at")
            return
        names = {str(one.templateID): one.templateName for one in listed.templates}
        self._template_names = {**known, **names}
        absent = [one for one in new if one not in names]
        if absent and self._context.settings.check_templates:
            raise _no_such_template(absent[0], names)


def _left(balance: Balance) -> float:
    """What is left of a balance after what was submitted from here since."""
    return balance.left - balance.accepted - balance.unknown


def _told(left: float) -> str:
    return "1 credit is" if left == 1 else f"{amount(left)} credits are"


def _no_such_template(wanted: str, names: dict[str, str]) -> ArgumentsRefusedError:
    by_name = {name.casefold(): template_id for template_id, name in names.items()}
    close = difflib.get_close_matches(wanted.casefold(), by_name, n=1, cutoff=0.5)
    digits = re.sub(r"\D", "", wanted)
    meant = by_name[close[0]] if close else digits if digits in names else None
    hint = f"; did you mean {meant} {quoted(names[meant], 60)}?" if meant else "."
    return ArgumentsRefusedError(
        f"templateCC: the account has no template {quoted(wanted, 60)}{hint} Nothing was sent.",
        next_step=f"Call again with templateCC={meant}, if that is it."
        if meant
        else "Call listTemplates for the ids.",
    )
