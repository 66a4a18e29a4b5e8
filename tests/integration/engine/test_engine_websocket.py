"""Sessions over a plain WebSocket: audio both ways in events, and who may open one."""

import base64
import contextlib
import json

import aiohttp
import anyio
import pytest
from websockets import InvalidStatus, connect
from websockets.exceptions import ConnectionClosed

from support.engine import run_engine_process
from support.realtime_order import disorder_of
from support.realtime_socket import open_session, socket_url
from support.speech import loudness, silence, speech
from vivavoce.engine.wire_audio import Encoder, decoded

QUESTIONS = {
    "type": "realtime",
    "instructions": "Questions:\n1. Which city do you like?\n2. Why did you become a nurse?",
}
SAID = "My favourite city is Berlin, because of its lakes and its museums."
PAUSE = silence(3.0, 24_000)


def session(type_="audio/pcm", turn_detection=None, **fields):
    turns = turn_detection or {"type": "semantic_vad", "eagerness": "high"}
    return {
        **QUESTIONS,
        "audio": {
            "input": {
                "format": {"type": type_},
                "transcription": {"model": "gpt-transcribe"},
                "turn_detection": turns,
            },
            "output": {"format": {"type": type_}},
        },
        **fields,
    }


def on_the_wire(pcm, type_):
    encoder = Encoder(type_)
    return encoder.encode(pcm) + encoder.flush()


@pytest.mark.parametrize("type_", ["audio/pcm", "audio/pcmu", "audio/pcma"])
async def test_a_spoken_turn_in_events_only(engine, type_):
    async with open_session(engine, session(type_)) as client:
        await client.send("response.create")
        await client.until("response.done")
        greeted = client.types[2:]
        assert greeted[:4] == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
        ]
        assert greeted[4] == "response.output_audio.delta"
        assert greeted[-6:] == [
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
        ]
        assert not any(type_.startswith("output_audio_buffer") for type_ in client.types)
        said = decoded(client.audio(), type_)
        assert loudness(said) > 0.01
        after = len(client.events)
        await client.append(on_the_wire(speech(SAID, 24_000) + PAUSE, type_))
        await client.until("response.done", after=after)
        types = client.types[after:]
        assert types[:5] == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        heard = await client.until("conversation.item.input_audio_transcription.completed")
        assert "berlin" in heard["transcript"].lower()
        asked = await client.until("response.output_audio_transcript.done", after=after)
        assert "Why did you become a nurse?" in asked["transcript"]
        assert disorder_of(client.events) == []


async def test_who_asks_for_it_is_told_how_sure_each_word_is(engine):
    certain = session(include=["item.input_audio_transcription.logprobs"])
    async with open_session(engine, certain) as client:
        await client.append(speech(SAID, 24_000) + PAUSE)
        heard = await client.until("conversation.item.input_audio_transcription.completed")
        assert "".join(token["token"] for token in heard["logprobs"]) == heard["transcript"]
        assert all(bytes(token["bytes"]).decode() == token["token"] for token in heard["logprobs"])
        assert all(token["logprob"] <= 0 for token in heard["logprobs"])


async def test_what_is_said_is_what_the_voice_says(engine):
    async with open_session(engine, session()) as client:
        item = {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello. Which city do you like?"}],
        }
        await client.send("conversation.item.create", item=item)
        await client.send("response.create")
        said = await client.until("response.output_audio_transcript.done")
        await client.until("response.done")
        sentences = [
            f"{part.strip()}." for part in said["transcript"].split(".") if "?" not in part
        ]
        first = speech(sentences[0], 24_000)
        assert client.audio().startswith(first)


async def test_turns_that_the_client_commits_are_answered_at_once_in_order(engine):
    manual = session(turn_detection=None)
    manual["audio"]["input"]["turn_detection"] = None
    async with open_session(engine, manual) as client:
        await client.send("input_audio_buffer.commit", event_id="early")
        error = (await client.until("error"))["error"]
        assert error["code"] == "input_audio_buffer_commit_empty"
        assert error["event_id"] == "early"
        await client.append(silence(0.1, 24_000))  # the least that can be committed
        await client.send("input_audio_buffer.commit")
        await client.until("input_audio_buffer.committed")
        await client.append(speech("Something that is taken back.", 24_000))
        await client.send("input_audio_buffer.clear")
        await client.append(speech(SAID, 24_000))
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")  # before the transcription can be there
        await client.until("response.done")
        heard = client.of_type("conversation.item.input_audio_transcription.completed")
        assert [bool(event["transcript"]) for event in heard] == [False, True]
        assert "berlin" in heard[1]["transcript"].lower()
        assert "taken back" not in heard[1]["transcript"]
        said = client.of_type("response.output_audio_transcript.done")
        assert len(said) == 1
        assert "Hello" in said[0]["transcript"]  # it greets whoever speaks first, and asks
        assert client.types.index("response.created") < client.types.index("response.done")


async def test_speech_stops_a_reply_and_the_client_says_what_it_has_played(engine):
    async with open_session(engine, session()) as client:
        await client.send("response.create")
        item = (await client.until("response.output_item.added"))["item"]
        await client.until("response.done")
        whole = (await client.until("response.output_audio_transcript.done"))["transcript"]
        await client.append(speech("Wait, could you stop please?", 24_000))
        await client.until("input_audio_buffer.speech_started")
        await client.send(
            "conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=1_000
        )
        truncated = await client.until("conversation.item.truncated")
        assert truncated["audio_end_ms"] == 1_000
        await client.send("conversation.item.retrieve", item_id=item["id"])
        kept = (await client.until("conversation.item.retrieved"))["item"]["content"][0]
        assert whole.startswith(kept["transcript"])
        assert 0 < len(kept["transcript"]) < len(whole) / 2
        after = len(client.events)
        length = len(client.audio()) // 48
        for end_ms in (length + 1_000, -1):
            await client.send(
                "conversation.item.truncate",
                item_id=item["id"],
                content_index=0,
                audio_end_ms=end_ms,
                event_id="too-far",
            )
            error = await client.until("error", after=after)
            assert error["error"]["event_id"] == "too-far"
            after = len(client.events)


async def test_a_format_may_change_between_turns(engine):
    async with open_session(engine, session("audio/pcm")) as client:
        await client.send("session.update", session=session("audio/pcmu"))
        updated = await client.until("session.updated", after=len(client.events))
        assert updated["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}
        await client.append(on_the_wire(speech(SAID, 24_000) + PAUSE, "audio/pcmu"))
        heard = await client.until("conversation.item.input_audio_transcription.completed")
        assert "berlin" in heard["transcript"].lower()


@pytest.mark.parametrize("audio", [None, 7, "not base64!", "A" * (15 * 1024 * 1024 + 4)])
async def test_audio_that_is_none_is_refused_by_its_field(engine, audio):
    async with open_session(engine) as client:
        await client.send("input_audio_buffer.append", audio=audio, event_id="bad")
        error = (await client.until("error"))["error"]
        assert (error["param"], error["event_id"]) == ("audio", "bad")


async def test_only_audio_makes_an_event_large(engine):
    recording = base64.b64encode(bytes(7_000_001)).decode()
    too_long = {"type": "input_audio", "audio": recording}
    async with open_session(engine) as client:
        await client.send("session.update", session={"model": "m" * 300_000}, event_id="one")
        error = (await client.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("event_too_large", "one")
        item = {"type": "message", "role": "user", "content": [too_long]}
        before = len(client.events)
        await client.send("conversation.item.create", item=item, event_id="two")
        error = (await client.until("error", after=before))["error"]
        assert (error["param"], error["event_id"]) == ("item.content", "two")


async def send_until_closed(socket, message):
    with contextlib.suppress(ConnectionClosed):
        await socket.send(message)
    await socket.wait_closed()


async def test_a_message_beyond_every_limit_ends_the_session(engine):
    async with connect(
        socket_url(engine, "model=any"), additional_headers=engine.headers
    ) as socket:
        await socket.recv()
        with anyio.fail_after(10):
            await send_until_closed(socket, "x" * (17 * 1024 * 1024))
        assert socket.close_code == 1009


async def test_what_belongs_to_webrtc_is_refused_with_a_reason(engine):
    async with open_session(engine) as client:
        await client.send("output_audio_buffer.clear", event_id="mine")
        error = (await client.until("error"))["error"]
        assert error["event_id"] == "mine"
        assert "WebRTC" in error["message"]


async def test_a_browser_brings_its_key_as_a_subprotocol(engine):
    offered = ["realtime", f"openai-insecure-api-key.{engine.key}"]
    async with open_session(engine, additional_headers={}, subprotocols=offered) as client:
        assert client.socket.subprotocol == "realtime"


async def secret_of(engine, **session):
    url = f"{engine.url}/v1/realtime/client_secrets"
    async with (
        aiohttp.ClientSession(headers=engine.headers) as http,
        http.post(url, json={"session": session}) as response,
    ):
        return (await response.json())["value"]


async def test_a_client_secret_opens_one_session_with_its_configuration(engine):
    secret = await secret_of(engine, **QUESTIONS)
    options = {
        "additional_headers": {},
        "subprotocols": ["realtime", f"openai-insecure-api-key.{secret}"],
    }
    with pytest.raises(InvalidStatus) as refused:
        async with open_session(engine, query="intent=transcription", **options):
            pass
    assert refused.value.response.status_code == 400  # and the secret is still good
    async with open_session(engine, query="", **options) as client:
        assert client.events[0]["session"]["instructions"] == QUESTIONS["instructions"]
        with pytest.raises(InvalidStatus) as refused:
            async with open_session(engine, **options):
                pass
        assert refused.value.response.status_code == 401
        body = json.loads(refused.value.response.body or b"")
        assert body["error"]["code"] == "ephemeral_token_already_used"


@pytest.mark.parametrize(
    ("query", "key", "status", "code"),
    [
        ("model=any", "wrong", 401, "invalid_api_key"),
        ("model=any", "ek_unknown", 401, "invalid_api_key"),
        ("", None, 400, "missing_required_parameter"),
        ("model=any&intent=transcription", None, 400, "invalid_value"),
        ("model=" + "m" * 300, None, 400, "invalid_value"),
    ],
)
async def test_a_session_that_cannot_be_had_is_refused_before_the_upgrade(
    engine, query, key, status, code
):
    headers = {"Authorization": f"Bearer {key or engine.key}"}
    with pytest.raises(InvalidStatus) as refused:
        async with connect(socket_url(engine, query), additional_headers=headers):
            pass
    assert refused.value.response.status_code == status
    error = json.loads(refused.value.response.body or b"")["error"]
    assert error["code"] == code
    assert error.keys() == {"message", "type", "code", "param"}


async def test_the_model_of_the_address_is_shown(engine):
    async with open_session(engine, query="model=gpt-realtime-2.1") as client:
        assert client.events[0]["session"]["model"] == "gpt-realtime-2.1"
        assert client.events[0]["session"]["expires_at"] > 0


async def test_sessions_count_as_calls_expire_and_end_with_the_engine():
    with run_engine_process(max_calls="1", max_call_seconds="2", drain_seconds="0") as engine:
        async with open_session(engine) as client:
            with pytest.raises(InvalidStatus) as refused:
                async with open_session(engine):
                    pass
            assert refused.value.response.status_code == 429
            error = (await client.until("error"))["error"]
            assert error["code"] == "session_expired"
            with anyio.fail_after(5):
                await client.socket.wait_closed()
            assert client.socket.close_code == 1001
        async with open_session(engine) as client:
            engine.stop()
            with anyio.fail_after(10):
                await client.socket.wait_closed()
            assert client.socket.close_code == 1001


async def test_an_item_may_hold_a_recording(engine):
    async with open_session(engine, session()) as client:
        audio = base64.b64encode(speech(SAID, 24_000)).decode()
        await client.send(
            "conversation.item.create",
            item={
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Hear this:"},
                    {"type": "input_audio", "audio": audio},
                ],
            },
        )
        await client.send("response.create", response={"output_modalities": ["text"]})
        heard = await client.until("conversation.item.input_audio_transcription.completed")
        assert heard["content_index"] == 1
        assert "berlin" in heard["transcript"].lower()
        await client.until("response.done")
        await client.send("conversation.item.retrieve", item_id=heard["item_id"])
        item = (await client.until("conversation.item.retrieved"))["item"]
        assert item["content"][1]["transcript"] == heard["transcript"]
