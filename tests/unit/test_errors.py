"""Every code has a recovery, a status, an exception, and a way over each wire."""

import json

import pytest

from vivavoce import errors
from vivavoce.errors import ERRORS, HTTP_STATUS, RECOVERY, Code, Recovery, VivavoceError, from_code
from vivavoce.protocol import encode
from vivavoce.protocol.problem import error_data, problem


@pytest.mark.parametrize(
    "table", [RECOVERY, HTTP_STATUS, ERRORS], ids=["recovery", "status", "type"]
)
def test_each_table_has_every_code(table):
    assert set(table) == set(Code)


def test_the_requirements_codes_recover_as_required():
    assert {code.value: RECOVERY[code].value for code in list(Code)[:5]} == {
        "SDP_EXCHANGE_FAILED": "retry_with_backoff",
        "WEBRTC_CONNECTION_FAILED": "retry_with_new_session",
        "AUTHENTICATION_FAILED": "refresh_token_and_retry",
        "VM_PROVISIONING_FAILED": "retry_with_different_region",
        "TRANSCRIPT_PROCESSING_FAILED": "continue_session_log_error",
    }


def test_every_exception_is_in_the_table_under_its_own_code():
    def below(error):
        for child in error.__subclasses__():
            yield child
            yield from below(child)

    ours = [error for error in below(VivavoceError) if error.__module__ == "vivavoce.errors"]
    assert {error for error in ours if hasattr(error, "code")} == set(ERRORS.values())
    assert all(error.code == code for code, error in ERRORS.items())
    assert all(error.__doc__ for error in ERRORS.values())


@pytest.mark.parametrize("code", Code)
def test_an_error_is_the_same_over_http_and_websocket(code):
    error = from_code(code, "What happened. What to do.", triedRegions=["a"])
    sent = json.loads(encode(problem(error, request_id="r")))
    data = json.loads(encode(error_data(error, request_id="r")))
    for field in ("code", "retryable", "recovery", "requestId"):
        assert sent[field] == data[field]
    assert sent["status"] == HTTP_STATUS[code]
    assert sent["code"] == code
    assert sent["triedRegions"] == ["a"]


@pytest.mark.parametrize("code", Code)
def test_what_has_a_recovery_of_its_own_is_retryable(code):
    passive = (Recovery.NONE, Recovery.CONTINUE_SESSION_LOG_ERROR)
    assert from_code(code, "").retryable is (RECOVERY[code] not in passive)


def test_an_unknown_code_is_unavailable():
    assert isinstance(from_code("LATER", "x"), errors.Unavailable)


def test_how_long_to_wait_goes_over_both_wires():
    error = errors.RateLimited("Slow down.", retry_after=2.5)
    assert problem(error, request_id="r").retry_after == 2.5
    assert error_data(error).details["retryAfter"] == 2.5
