"""What an HTTP client tells of one request on its way, and the slot that is stamped with it."""

from collections.abc import Mapping

from autobg_mcp.throttle import Slot

_STARTS, _ENDS = "send_request_headers.started", "send_request_body.complete"


class Stamps:
    """Hears what httpx does with one request, and stamps its slot: the API may count it from the first byte to the last.

    What is said to a proxy, to ask it for a tunnel, the API never sees. (Events: httpcore's extension `trace`.)

    Args:
        slot: The slot that the request is sent in.

    Attributes:
        begun: Whether a byte of the request may have left.
    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._is_to_proxy = False
        self.begun = False

    def begin(self) -> None:
        """From now on bytes may leave."""
        self.begun = True
        self._slot.sent()

    async def __call__(self, event: str, info: Mapping[str, object]) -> None:
        """One event of the request's."""
        if event.endswith(_STARTS):  # only this event names its request
            self._is_to_proxy = getattr(info.get("request"), "method", b"") == b"CONNECT"
        if event.endswith((_STARTS, _ENDS)) and not self._is_to_proxy:
            self.begin()
