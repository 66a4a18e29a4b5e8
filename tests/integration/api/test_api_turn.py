"""What a client is told of STUN and TURN: a way that is good until its session must have ended."""

import base64
import hashlib
import hmac

from support.scripted_api import open_scripted_api

SECRET = "a-secret-shared-with-the-turn-server"
TURN = ("turn:turn.example:3478?transport=udp", "turns:turn.example:443?transport=tcp")


async def test_every_session_gets_a_way_of_its_own(database, admin_dsn):
    async with open_scripted_api(
        database,
        admin_dsn,
        stun_servers=("stun:stun.example",),
        turn_servers=TURN,
        turn_secret=SECRET,
    ) as api:
        for architecture in ("hybrid", "direct"):
            started = await api.started({"architecture": architecture})
            told = started["webrtcConfig"]
            assert told["stunServers"] == ["stun:stun.example"]
            [server] = told["turnServers"]
            assert server["urls"] == list(TURN)
            expires_at, _, name = server["username"].partition(":")
            assert name == started["sessionId"]
            row = await api.session(started["sessionId"])
            assert 0 < int(expires_at) - row["expires_at"].timestamp() <= 120
            signed = hmac.new(SECRET.encode(), server["username"].encode(), hashlib.sha1)
            assert base64.b64decode(server["credential"]) == signed.digest()
        [machine] = api.provider.alive
        servers = machine.claims[0].ice_servers
        assert [one.urls[0].partition(":")[0] for one in servers] == ["stun", "turn"]


async def test_without_servers_nobody_is_sent_anywhere(api):
    told = (await api.started())["webrtcConfig"]
    assert (told["stunServers"], told["turnServers"]) == ([], [])
