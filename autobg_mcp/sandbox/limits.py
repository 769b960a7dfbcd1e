"""How the sandbox counts requests: a sliding log, the strictest rule that keeps to the documents' "in a minute"."""

from collections import defaultdict, deque

ROUNDING = 1e-9  # sums of floats may miss a boundary by this much


class Limits:
    """The requests that were let in lately, for each user and path.

    Args:
        window_s: Seconds that a request counts.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._accepted_s: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)

    def admit(self, user: str, path: str, limit: int, now_s: float) -> float:
        """Count a request and answer 0.0, or answer the seconds until one would be let in and count nothing.

        Args:
            user: Who asks.
            path: What is asked; each path has a limit of its own.
            limit: Requests let in within any window, at least 1.
            now_s: Seconds on the sandbox's clock.
        """
        accepted_s = self._accepted_s[user, path]
        while accepted_s and accepted_s[0] + self._window_s <= now_s + ROUNDING:
            accepted_s.popleft()
        if len(accepted_s) >= limit:
            return accepted_s[0] + self._window_s - now_s
        accepted_s.append(now_s)
        return 0.0
