"""When to try again, how often, and how long to wait."""

import pytest
import stamina.instrumentation
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import AuthenticationFailed, InvalidRequest, RateLimited, SdpExchangeFailed
from vivavoce.retry import DEFAULT_POLICY, RetryPolicy, delays, is_transient, retrying

AT_ONCE = RetryPolicy(base_delay=0.0)


class Act:
    """Fails with each of the errors in turn, then succeeds."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.tries = 0

    async def __call__(self):
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_the_waits_are_bounded_as_designed():
    assert list(delays(uniform=lambda: 1.0)) == [1.0, 2.0, 4.0]
    many = RetryPolicy(max_attempts=6)
    assert list(delays(many, uniform=lambda: 1.0)) == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@given(st.floats(0, 1, exclude_max=True))
def test_jitter_is_full(chance):
    assert list(delays(uniform=lambda: chance)) == [chance, 2 * chance, 4 * chance]


async def test_a_transient_failure_is_tried_again():
    act = Act(SdpExchangeFailed("x"), ConnectionResetError(), TimeoutError())
    assert await retrying(act, policy=AT_ONCE) == "done"
    assert act.tries == 4


async def test_after_the_last_try_its_error_is_raised():
    act = Act(*(SdpExchangeFailed(str(number)) for number in range(9)))
    with pytest.raises(SdpExchangeFailed, match="3"):
        await retrying(act, policy=AT_ONCE)
    assert act.tries == DEFAULT_POLICY.max_attempts + 1


@pytest.mark.parametrize("error", [InvalidRequest("x"), AuthenticationFailed("x"), ValueError("x")])
async def test_what_will_not_get_better_is_not_tried_again(error):
    act = Act(error)
    assert not is_transient(error)
    with pytest.raises(type(error)):
        await retrying(act, policy=AT_ONCE)
    assert act.tries == 1


async def test_a_server_that_says_when_is_waited_for(monkeypatch):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    act = Act(RateLimited("x", retry_after=7.0), SdpExchangeFailed("x"))
    await retrying(act, uniform=lambda: 0.5)
    assert waits == [7.0, 1.0]


async def test_no_try_begins_after_the_timeout():
    act = Act(*(SdpExchangeFailed("x") for _ in range(9)))
    with pytest.raises(SdpExchangeFailed):
        await retrying(act, policy=AT_ONCE, timeout=1e-9)
    assert act.tries == 1


def test_no_hook_writes_errors_into_logs():
    assert stamina.instrumentation.get_on_retry_hooks() == ()
