"""Where an invitation stands, whatever happened to it."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol.interviews import InvitationState
from vivavoce.sessions.consent import statements
from vivavoce.sessions.invitations import InvitationFacts, state_of
from vivavoce.sessions.lifecycle import SessionStatus

NOW = datetime(2026, 11, 28, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


def facts(**changes):
    given = {
        "max_uses": 1,
        "uses": 0,
        "session_status": None,
        "expires_at": LATER,
        "opened_at": None,
        "revoked_at": None,
    }
    return InvitationFacts(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "pending"),
        ({"opened_at": NOW}, "opened"),
        ({"uses": 1, "session_status": "active"}, "in_progress"),
        ({"uses": 1, "session_status": "provisioning"}, "in_progress"),
        ({"uses": 1, "session_status": "ended"}, "completed"),
        ({"uses": 1, "session_status": "ended", "max_uses": 2, "opened_at": NOW}, "opened"),
        ({"expires_at": NOW}, "expired"),
        ({"expires_at": EARLIER, "uses": 1, "session_status": "active"}, "in_progress"),
        ({"expires_at": EARLIER, "uses": 1, "session_status": "ended"}, "completed"),
        ({"revoked_at": EARLIER, "uses": 1, "session_status": "active"}, "revoked"),
    ],
    ids=str,
)
def test_an_invitation_stands_where_it_should(changes, state):
    assert state_of(facts(**changes), NOW) == state


times = st.none() | st.sampled_from([EARLIER, NOW, LATER])


@given(
    st.builds(
        InvitationFacts,
        max_uses=st.integers(1, 3),
        uses=st.integers(0, 3),
        session_status=st.none() | st.sampled_from(list(SessionStatus)),
        expires_at=st.sampled_from([EARLIER, NOW, LATER]),
        opened_at=times,
        revoked_at=times,
    )
)
def test_one_that_was_revoked_stays_so_and_every_state_has_a_name(known):
    state = state_of(known, NOW)
    assert state in get_args(InvitationState)
    assert (state == "revoked") == (known.revoked_at is not None)


def test_the_text_says_who_hears_reads_and_keeps():
    texts = [
        one.text for one in statements("Ward 5", voice_processor="api.example", retention_days=30)
    ]
    assert any("api.example" in text for text in texts)
    assert any("People at Ward 5 read it" in text and "30 days" in text for text in texts)
    own = [one.text for one in statements("Ward 5", voice_processor=None, retention_days=None)]
    assert any("until Ward 5 deletes it" in text for text in own)
