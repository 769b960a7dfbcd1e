"""A bucket as text, for stores outside this process."""

import json
from dataclasses import asdict

from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.learning import Lesson
from autobg_mcp.throttle.policy import Limit, Permit


def encode(bucket: Bucket) -> str:
    """The bucket as JSON, without the moment of its last step, so that equal states are equal texts."""
    state = {
        "limit": asdict(bucket.limit),
        "tickets": bucket.tickets,
        "permits": [_row(permit) for permit in bucket.permits],
        "queue": bucket.queue,
        "leases": bucket.leases,
        "closed_us": bucket.closed_us,
        "latency_us": bucket.latency_us,
        "lesson": asdict(bucket.lesson),
        "share": bucket.share,
    }
    return json.dumps(state, separators=(",", ":"))


def decode(text: str, seen_us: int) -> Bucket:
    """The bucket that `encode` wrote.

    Raises:
        ValueError: The text is not such a bucket.
    """
    try:
        state = json.loads(text)
        return Bucket(
            limit=Limit(**state.pop("limit")),
            seen_us=seen_us,
            permits=[Permit(*permit) for permit in state.pop("permits")],
            queue=[(int(number), str(owner)) for number, owner in state.pop("queue")],
            lesson=Lesson(**state.pop("lesson")),
            **state,
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not the state of a rate limit: {error}") from error


def _row(permit: Permit) -> tuple[int, int, int, bool, bool]:
    return permit.number, permit.granted_us, permit.stamp_us, permit.is_probe, permit.refused
