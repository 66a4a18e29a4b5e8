"""Questions worded by a chat endpoint: a real HTTP server, well, ill, slow, hostile or gone."""

import logging

import anyio
import pytest
from pydantic import SecretStr

from support.chat_endpoint import answering, completion, open_chat_server, saying
from support.rtc import open_call
from vivavoce.engine.app import run_engine
from vivavoce.engine.chat import MAX_ANSWER_BYTES, ChatEndpoint, open_chat
from vivavoce.engine.interviewer import Line, next_reply
from vivavoce.engine.interviewer_wording import Wording
from vivavoce.settings import EngineSettings, SettingsError

KEY = "a-key-of-this-test"
PLAN = """Questions:
1. Tell me about your work so far.
2. What was the hardest problem that you have solved?
3. How many years have you worked in your field?
"""
ANSWER = "I repair church organs in three counties, and I tune about forty of them every year."
LINES = [Line("ai", "Hello. Tell me about your work so far."), Line("candidate", ANSWER)]
OWN = ("What was the hardest problem that you have solved?",)
WORDED = "Among those organs, what was the hardest problem that you solved?"


async def hang(_):
    await anyio.sleep_forever()


@pytest.fixture
def outcomes():
    return []


async def reworded(server, outcomes, *, times=1, timeout=5.0, key=None):
    endpoint = ChatEndpoint(server.url, "small", key, timeout)
    reply = next_reply(PLAN, [], LINES)
    async with open_chat(endpoint) as chat:
        wording = Wording(chat, outcomes.append)
        return [await wording.reworded(reply, PLAN, LINES) for _ in range(times)]


async def test_a_question_is_asked_in_the_words_of_the_model(outcomes):
    async with open_chat_server(saying(WORDED)) as server:
        (sentences,) = await reworded(server, outcomes, key=SecretStr("sk-local"))
    assert sentences == (WORDED,)
    assert outcomes == ["worded"]
    assert server.authorization == ["Bearer sk-local"]
    (request,) = server.requests
    assert request["model"] == "small"
    assert server.asked == [
        {"ask": OWN[0], "asked_before": "Tell me about your work so far.", "answer": ANSWER}
    ]


async def test_without_a_key_none_is_sent(outcomes):
    async with open_chat_server(saying(WORDED)) as server:
        await reworded(server, outcomes)
    assert server.authorization == [None]


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [
        (saying("Great answer! What was the hardest problem that you have solved?"), "refused"),
        (saying("What is your home address?"), "refused"),
        (saying(WORDED, finish_reason="length"), "failed"),
        (saying(None), "failed"),
        (saying(""), "failed"),
        (answering(b"not json"), "failed"),
        (answering(b"\xff\xfe"), "failed"),
        (answering(b"[" * 10_000), "failed"),
        (answering(b'{"choices": []}'), "failed"),
        (answering(b"{}"), "failed"),
        (answering(b" " * (MAX_ANSWER_BYTES + 1)), "failed"),
        (answering(b"", status=401), "failed"),
        (answering(b"", status=500), "failed"),
    ],
    ids=[
        "a judgement", "another question", "cut short", "null", "nothing", "no JSON", "no UTF-8",
        "deep JSON", "no choices", "another shape", "too long", "a wrong key", "a fault",
    ],
)  # fmt: skip
async def test_anything_else_leaves_the_plans_words(outcomes, handler, outcome):
    async with open_chat_server(handler) as server:
        assert await reworded(server, outcomes) == [OWN]
    assert outcomes == [outcome]


async def test_the_key_and_the_answer_do_not_follow_a_redirect(outcomes):
    async with open_chat_server(saying(WORDED)) as elsewhere:
        target = {"Location": f"{elsewhere.url}/chat/completions"}
        async with open_chat_server(answering(b"", status=307, headers=target)) as server:
            assert await reworded(server, outcomes, key=SecretStr("sk-local")) == [OWN]
    assert elsewhere.requests == []


async def test_an_endpoint_that_does_not_answer_is_left_alone_after_two_questions(outcomes):
    async with open_chat_server(hang) as server:
        assert await reworded(server, outcomes, times=6, timeout=0.05) == [OWN] * 6
    assert len(server.requests) == 2
    assert outcomes == ["failed"] * 2 + ["skipped"] * 4


async def test_an_endpoint_that_is_gone_costs_nothing_after_two_questions(outcomes):
    async with open_chat_server(saying(WORDED)) as server:
        pass
    assert await reworded(server, outcomes, times=4) == [OWN] * 4
    assert outcomes == ["failed"] * 2 + ["skipped"] * 2


async def test_what_was_said_is_not_logged(outcomes, caplog):
    caplog.set_level(logging.DEBUG)
    for handler in (saying("Great!"), answering(b"", status=500), saying(WORDED)):
        async with open_chat_server(handler) as server:
            await reworded(server, outcomes, key=SecretStr("sk-local"))
    assert outcomes == ["refused", "failed", "worded"]
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "keeps its own words" in logged
    for secret in ("organs", "hardest", "Great", "sk-local"):
        assert secret not in logged


async def test_an_endpoint_without_a_model_is_refused_at_once():
    settings = EngineSettings(engine_api_key=KEY, llm_base_url="http://127.0.0.1:9/v1")
    with pytest.raises(SettingsError, match="VIVA_LLM_MODEL"):
        await run_engine(settings)


def item(role, text):
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


async def test_an_interview_is_held_in_the_models_words_under_the_same_plan():
    session = {"type": "realtime", "instructions": PLAN}
    async with open_chat_server(saying(WORDED)) as server, anyio.create_task_group() as tasks:
        settings = EngineSettings(
            engine_api_key=KEY,
            engine_port=0,
            llm_base_url=server.url,
            llm_model="small",
            llm_timeout=30,
        )
        url = await tasks.start(run_engine, settings)
        async with open_call(url, KEY, session) as call:
            said = []
            for role, text in (
                ("assistant", "Hello. Tell me about your work so far."),
                ("user", ANSWER),
                ("user", "And I build new ones as well, with my brother, in our own workshop."),
            ):
                call.send("conversation.item.create", item=item(role, text))
            for answer in (
                None,
                "A bellows that leaked only in winter, which I found by its smell.",
            ):
                if answer:
                    call.send("conversation.item.create", item=item("user", answer))
                before = len(call.events)
                call.send("response.create")
                done = await call.until("response.output_audio_transcript.done", after=before)
                said.append(done["transcript"])
                await call.until("output_audio_buffer.stopped", after=before)
        tasks.cancel_scope.cancel()
    assert said == [
        f"Thanks. {WORDED}",
        # The model gave the wrong question: the plan's own is asked, and not the one before.
        "Okay, thank you. How many years have you worked in your field?",
    ]
    assert [asked["ask"] for asked in server.asked] == [
        OWN[0],
        "How many years have you worked in your field?",
    ]
    assert completion(WORDED)["choices"][0]["message"]["content"] == WORDED
