"""How the interviewer speaks in a session: pace, what is written, and the end of its time."""

from support.realtime_socket import open_session

QUESTION = "Is a salary of $70,000-$90,000 what you look for?"
PLAN = f"Questions:\n1. {QUESTION}\n2. Why?"
REPEATED = f"Of course. {QUESTION}"


def said(role, text):
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


async def spoken(call, *lines):
    """Have a reply to a conversation spoken out of band; give its words and its audio."""
    before = len(call.events)
    wish = {"conversation": "none", "input": [said(*line) for line in lines]}
    await call.send("response.create", response=wish)
    done = await call.until("response.output_audio_transcript.done", after=before)
    await call.until("response.done", after=before)
    return done["transcript"], call.audio(after=before)


async def test_who_asks_for_it_is_spoken_to_more_slowly_from_then_on(engine):
    asked, again = ("assistant", QUESTION), ("user", "Could you repeat that?")
    slower = ("user", "Could you speak more slowly, please?")
    async with open_session(engine, {"type": "realtime", "instructions": PLAN}) as call:
        words, audio = await spoken(call, asked, again)
        slow_words, slow_audio = await spoken(call, asked, slower, asked, again)
    assert words == slow_words == REPEATED
    assert len(slow_audio) > 1.1 * len(audio)


async def test_the_transcript_keeps_what_is_written(engine):
    async with open_session(engine, {"type": "realtime", "instructions": PLAN}) as call:
        words, audio = await spoken(call, ("assistant", QUESTION), ("user", "Sorry?"))
    assert words == REPEATED
    assert len(audio) > 24_000 * 2 * 3, "an amount takes longer to say than to write"


async def test_an_interview_whose_time_is_up_says_goodbye_by_itself(engine):
    session = {
        "type": "realtime",
        "instructions": f"Time limit: 21 seconds\n{PLAN}",
        "tools": [{"type": "function", "name": "end_interview", "parameters": {}}],
    }
    async with open_session(engine, session) as call:
        await call.send("conversation.item.create", item=said("assistant", QUESTION))
        called = await call.until("response.function_call_arguments.done")
        assert called["arguments"] == '{"reason": "max_duration"}'
        (closing,) = [
            event["transcript"] for event in call.of_type("response.output_audio_transcript.done")
        ]
        assert closing == "Our time is up. This is the end of the interview. Goodbye."
