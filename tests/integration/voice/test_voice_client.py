"""The client of a voice model against one that obeys, refuses, delays and vanishes."""

import aiohttp
import anyio
import pytest

from support.machines import CALL_CONFIG
from support.voice_model import ANSWER, OFFER, open_conducted_voice_model
from vivavoce.errors import NotFound, SdpExchangeFailed, Unavailable
from vivavoce.protocol import realtime
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.voice.calls import create_call, hang_up
from vivavoce.voice.secrets import create_client_secret
from vivavoce.voice.sideband import SidebandLost, open_sideband

NOBODY = VoiceAccess(base_url="http://127.0.0.1:9/v1", api_key="sk-none")


@pytest.fixture
async def model():
    async with open_conducted_voice_model() as model:
        yield model


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as http:
        yield http


def access(model, *, api_key=None):
    return VoiceAccess(base_url=model.base_url, api_key=api_key or model.api_key)


async def make(http, model, **options):
    return await create_call(http, access(model), OFFER, CALL_CONFIG, **options)


async def test_a_call_is_made_listened_to_and_hung_up(http, model):
    call = await make(http, model)
    assert call.answer == ANSWER
    made = model.newest
    assert (made.call_id, made.offer, made.session) == (call.call_id, OFFER, CALL_CONFIG)
    async with open_sideband(access(model), call.call_id) as sideband:
        events = aiter(sideband)
        created = await anext(events)
        assert isinstance(created, realtime.SessionCreated)
        await sideband.send(realtime.create_response())
        await made.until_sent("response.create")
        await made.emit_raw("nonsense")
        await made.emit("rate_limits.updated", rate_limits=[])
        await made.candidate_begins("item_1")
        heard = await anext(events)
        assert isinstance(heard, realtime.SpeechStarted)
        assert heard.item_id == "item_1"
        await hang_up(http, access(model), call.call_id)
        assert [event async for event in events] == []
    await hang_up(http, access(model), call.call_id)
    assert model.hang_ups == [call.call_id, call.call_id]


async def test_a_silent_voice_model_is_reported(http, model):
    model.silent = True
    with pytest.raises(SdpExchangeFailed, match="no answer") as failed:
        await make(http, model, timeout=0.2)
    assert failed.value.retryable
    assert len(model.requests) == 1


async def test_an_answer_that_is_lost_is_hung_up(http, model):
    model.hold_answer = True
    with pytest.raises(SdpExchangeFailed):
        await make(http, model, timeout=0.3)
    assert model.hang_ups == list(model.calls)


async def test_a_call_whose_maker_gives_up_is_hung_up(model):
    model.hold_answer = True
    has_head = anyio.Event()

    async def on_head(*_):
        has_head.set()

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(on_head)
    async with (
        aiohttp.ClientSession(trace_configs=[trace]) as http,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(make, http, model)
        await has_head.wait()
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert model.hang_ups == list(model.calls)


async def test_what_the_voice_model_says_of_its_refusal_is_not_repeated(http, model):
    with pytest.raises(SdpExchangeFailed) as failed:
        await create_call(http, access(model, api_key="sk-wrong"), OFFER, CALL_CONFIG)
    assert "invalid_api_key" in failed.value.message
    assert failed.value.details == {"status": 401}
    assert "sk-" not in failed.value.message


async def test_a_voice_model_that_is_down(http):
    with pytest.raises(SdpExchangeFailed):
        await create_call(http, NOBODY, OFFER, CALL_CONFIG)
    with pytest.raises(Unavailable):
        await hang_up(http, NOBODY, "rtc_1")
    with pytest.raises(Unavailable):
        await create_client_secret(http, NOBODY, CALL_CONFIG)
    with pytest.raises(Unavailable):
        async with open_sideband(NOBODY, "rtc_1", patience=0.1):
            pass


async def test_a_hang_up_that_is_refused_is_told(http, model):
    call = await make(http, model)
    model.refuse_hang_ups = 500
    with pytest.raises(Unavailable):
        await hang_up(http, access(model), call.call_id)


async def test_an_id_that_cannot_be_one_is_never_sent(http, model):
    await hang_up(http, access(model), "../../files/1?x=")
    assert model.requests == []


async def test_a_sideband_is_tried_until_the_call_is_known(http, model):
    call = await make(http, model)
    model.sideband_404s = 3
    async with open_sideband(access(model), call.call_id) as sideband:
        assert isinstance(await anext(aiter(sideband)), realtime.SessionCreated)
    assert model.sideband_404s == 0


async def test_a_sideband_to_no_call_is_given_up(model):
    with pytest.raises(NotFound):
        async with open_sideband(access(model), "rtc_none", patience=0.3):
            pass
    assert len(model.requests) > 1


async def test_a_wrong_key_opens_no_sideband(http, model):
    call = await make(http, model)
    with pytest.raises(Unavailable, match="401"):
        async with open_sideband(access(model, api_key="sk-wrong"), call.call_id, patience=0.1):
            pass


@pytest.mark.parametrize(("code", "is_over"), [(1000, True), (1001, True), (1011, False)])
async def test_a_call_that_is_over_is_told_from_a_sideband_that_broke(http, model, code, is_over):
    call = await make(http, model)
    async with open_sideband(access(model), call.call_id) as sideband:
        events = aiter(sideband)
        await anext(events)
        await model.newest.break_sidebands(code)
        if is_over:
            assert [event async for event in events] == []
        else:
            with pytest.raises(SidebandLost):
                await anext(events)
            with pytest.raises(SidebandLost):
                await sideband.send(realtime.create_response())


async def test_a_client_secret_proves_the_configuration(http, model):
    secret = await create_client_secret(http, access(model), CALL_CONFIG)
    assert secret.value.startswith("ek_")
    assert secret.expires_at.year == 2030
    model.refuse_secrets = 404
    with pytest.raises(Unavailable, match="model_not_found") as refused:
        await create_client_secret(http, access(model), CALL_CONFIG)
    assert refused.value.details == {"status": 404}
