"""A submission and a clock that every test of the ledger starts from."""

from autobg_mcp.money.ledger import Intent

FRONT = Intent(
    account="account",
    host="claude-code",
    tool="uploadImagesWithTemplate",
    vehicle="BMW-1",
    template="77",
    file_name="front.jpg",
    pictures=1,
    fingerprint="front",
    source="/cars/front.jpg",
)


class Clock:
    """A wall clock that stands until it is turned."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now
