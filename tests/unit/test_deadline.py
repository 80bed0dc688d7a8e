"""When an invocation hands back, and when it may no longer sign."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableferry.aws.session import data_plane
from tableferry.deadline import REQUEST_SECONDS, Deadline, OutOfTimeError
from tableferry.errors import LeaseExpiredError
from tests.fakes import Clock


@given(st.floats(0.5, 900.0))
def test_it_hands_back_first_signs_nothing_then_and_only_then_ends(remaining: float) -> None:
    clock = Clock()
    deadline = Deadline.after(remaining, clock.now)
    assert clock.now() < deadline.hand_back_at < deadline.lease_ends_at < clock.now() + remaining


def test_the_last_request_ends_before_the_sandbox_does() -> None:
    clock = Clock()
    deadline = Deadline.after(900.0, clock.now)
    assert deadline.lease_ends_at + REQUEST_SECONDS < clock.now() + 900
    config: Any = data_plane(16, "an agent")
    assert config.connect_timeout + config.read_timeout < REQUEST_SECONDS


def test_time_is_up_at_the_hand_back_and_not_before() -> None:
    clock = Clock(0.0)
    deadline = Deadline(10.0, 14.0, clock.now)
    deadline.check_time()
    deadline.check_time(ahead_seconds=9.0)
    with pytest.raises(OutOfTimeError):
        deadline.check_time(ahead_seconds=10.0)
    clock.sleep(10)
    with pytest.raises(OutOfTimeError):
        deadline.check_time()
    deadline.check_lease()
    clock.sleep(4)
    with pytest.raises(LeaseExpiredError):
        deadline.check_lease()


def test_a_sandbox_that_thaws_hours_later_finds_its_lease_over() -> None:
    clock = Clock()
    deadline = Deadline.after(900.0, clock.now)
    clock.sleep(6 * 3600)
    with pytest.raises(LeaseExpiredError, match="another invocation"):
        deadline.check_lease()
