"""How long jobs stand still after what they met."""

import pytest

from autobg_mcp.errors import ConnectionFailedError, OutcomeUnknownError, ServerFaultError
from autobg_mcp.jobs.backoff import LONGEST_PAUSE_S, pause_after

NOW = 1_790_000_000.0


def test_one_lost_answer_holds_up_no_other_vehicle() -> None:
    assert pause_after(OutcomeUnknownError("No answer."), 0, NOW).seconds <= 1


@pytest.mark.parametrize("error", [OutcomeUnknownError, ConnectionFailedError, ServerFaultError])
def test_an_outage_is_met_with_longer_and_longer_pauses(error: type[ConnectionFailedError]) -> None:
    pauses_s = [pause_after(error("No answer."), failures, NOW).seconds for failures in range(1, 12)]
    assert pauses_s[0] >= 10
    assert all(0.7 * LONGEST_PAUSE_S <= pause_s <= LONGEST_PAUSE_S for pause_s in pauses_s[6:])
