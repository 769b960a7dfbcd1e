"""What a ledger knows of credits: balances that the API told, and what was submitted from here between them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from autobg_mcp.money.ledger.records import Entry

SpentOn = Literal["vehicle", "template"]
"""What credits were spent on."""

CALM_S: Final = 60.0
"""How long after an outcome was lost a balance that has not moved says nothing yet: the API may still be at work."""


@dataclass(frozen=True)
class Told:
    """A balance as the API told it.

    Attributes:
        left: Credits that are left.
        at: When it was told, or up to ten seconds before that where it was told again unchanged.
    """

    left: float
    at: float


@dataclass(frozen=True)
class Balance(Told):
    """The newest balance that is kept, and what was submitted from here since.

    Attributes:
        entry: The newest entry when it was told, by number; 0 for none. `Ledger.spending` goes on from it.
        accepted: Credits of accepted submissions since.
        unknown: Credits of submissions since that are under way or of unknown outcome.
    """

    entry: int
    accepted: int
    unknown: int


@dataclass(frozen=True)
class Spending:
    """What was submitted from here between two balances. Other programs may spend from the same balance.

    Attributes:
        before: The balance told last before all of it; None where none is kept.
        after: The first one told after all of it; None where there was none yet.
        latest: The last one told after all of it and before anything else was submitted; None where there was none.
        accepted: Credits of what was accepted.
        refused: Credits that what was refused would have cost.
        unknown: Credits of what is under way or of unknown outcome.
    """

    before: Told | None
    after: Told | None
    latest: Told | None
    accepted: int
    refused: int
    unknown: int

    def charged_of_unknown(self) -> int | None:
        """How many of the unknown credits were charged, at one credit a picture; None where the balances do not tell.

        They do not where one is missing, or where the difference is no number of them: then another program used the key,
        credits were added, or a picture costs something else. With nothing unknown, 0 says that all is explained. A charge
        may come late (UNKNOWN), so a later balance that accounts for all of it counts as well as the first.
        """
        if self.before is None or self.after is None or self.latest is None:
            return None
        lost = {self.before.left - told.left - self.accepted for told in (self.after, self.latest)}
        if self.unknown in lost:
            return self.unknown
        charged = lost.pop()
        return int(charged) if not lost and 0 <= charged <= self.unknown and charged == int(charged) else None

    def denies(self, entry: Entry) -> bool:
        """Whether nothing unknown was charged, not even a while after the outcome of an entry was lost."""
        is_calm = self.latest is not None and self.latest.at - (entry.settled_at or entry.at) >= CALM_S
        return is_calm and self.charged_of_unknown() == 0


class CreditLedger(Protocol):
    """The part of a ledger that tells of credits; see `Ledger`."""

    async def spent(self, account: str, since: float, until: float | None = None) -> int:
        """Credits spent from `since` on and before `until`; None is no end.

        Unknown submissions and those under way count, refused ones do not.
        """
        ...

    async def credits_by(self, account: str, kind: SpentOn, *, since: float) -> dict[str | None, int]:
        """The same credits from `since` on by vehicle or template, most first; None is no template."""
        ...

    async def calm(self, account: str) -> int | None:
        """The newest entry of an account, by number, 0 for none; None while one is under way. Ask it before a balance."""
        ...

    async def record_credits(self, account: str, left: float, *, asked_after: int | None) -> None:
        """Keep the balance the API told just now: after the newest entry and before the next one.

        A balance asked or told while an entry of the account is under way is dropped: it may count that entry or not. So is
        one that was asked before an entry and told after it.

        Args:
            account: Whose.
            left: Credits that are left.
            asked_after: What `calm` answered before the API was asked.
        """
        ...

    async def balance(self, account: str) -> Balance | None:
        """The newest balance that is kept, with what was submitted since; None where there is none.

        A caller who needs it anew asks the API (`getUserCreditDetails`), for example where it is older than ten minutes.
        """
        ...

    async def spending(self, account: str, *, since: int) -> Spending:
        """What was submitted after an entry, up to now, between the balances told before and after all of that.

        Args:
            account: Whose.
            since: The entry, as `Balance.entry` names it.
        """
        ...

    async def evidence(self, account: str, entry_ids: Iterable[int]) -> dict[int, Spending]:
        """For each entry what was submitted between the last balance before it and the first one after it, itself included."""
        ...
