"""Credentials of TURN, and what is an address."""

import base64
import hashlib
import hmac

import pytest

from vivavoce import turn
from vivavoce.settings import EngineSettings, ServerSettings, SettingsError, load

SECRET = "a-shared-secret-of-some-length"


def test_the_password_is_the_hmac_of_the_name_with_its_time():
    username, password = turn.credentials(SECRET, name="session", expires_at=1_800_000_000)
    assert username == "1800000000:session"
    expected = hmac.new(SECRET.encode(), username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(password) == expected


@pytest.mark.parametrize(
    ("program", "settings", "complaint"),
    [
        (ServerSettings, {"turn_servers": "turn:a.example"}, "VIVA_TURN_SECRET"),
        (ServerSettings, {"turn_servers": "turn:a", "turn_secret": "short"}, "VIVA_TURN_SECRET"),
        (ServerSettings, {"turn_servers": "https://a", "turn_secret": SECRET}, "VIVA_TURN_SERVERS"),
        (ServerSettings, {"stun_servers": "turn:a.example"}, "VIVA_STUN_SERVERS"),
        (EngineSettings, {"engine_turn_servers": "turn:a"}, "VIVA_ENGINE_TURN_SECRET"),
        (EngineSettings, {"engine_stun_servers": "a:3478"}, "VIVA_ENGINE_STUN_SERVERS"),
    ],
)
def test_servers_that_no_browser_takes_are_refused(program, settings, complaint):
    with pytest.raises(SettingsError) as caught:
        load(program, **settings)
    assert str(caught.value).startswith(complaint)
    assert SECRET not in str(caught.value)


def test_servers_and_their_secret_are_read():
    settings = load(
        ServerSettings,
        stun_servers="stun:a.example:3478, stuns:[::1]",
        turn_servers="turn:a.example:3478?transport=udp,turns:b.example:443?transport=tcp",
        turn_secret=SECRET,
    )
    assert settings.stun_servers == ("stun:a.example:3478", "stuns:[::1]")
    assert len(settings.turn_servers) == 2
    assert load(ServerSettings).turn_servers == ()
