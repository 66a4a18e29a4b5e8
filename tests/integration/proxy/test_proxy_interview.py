"""One interview on a real machine, from the first message to the last."""

from support.voice_model import ANSWER, OFFER


async def test_an_interview_from_the_offer_to_the_goodbye(bench, voice, plane):
    async with bench.connect() as client:
        ready = await client.offer()
        call = await voice.until_attached()
        assert ready["answer"] == {"type": "answer", "sdp": ANSWER}
        assert ready["callId"] == call.call_id
        assert call.offer == OFFER
        assert call.session == bench.claim.call_config

        await client.send("session", {})
        await call.until_sent("response.create")
        await call.interviewer_says("Hello. What do you do?", item_id="item_1")
        await call.candidate_says("I build bridges.", item_id="item_2")
        await call.interviewer_says("Thank you. Goodbye.", item_id="item_3")
        function_call = await call.call_function("end_interview", {"reason": "completed"})

        ended = await client.until("session_ended")
        assert ended == {"reason": "completed", "transcriptComplete": True}
        assert await client.until_closed() == 1000
    outputs = [event["item"] for event in call.sent("conversation.item.create")]
    assert [output["call_id"] for output in outputs] == [function_call]
    assert voice.hang_ups == [call.call_id]
    said = ["Hello. What do you do?", "I build bridges.", "Thank you. Goodbye."]
    assert [entry["content"] for entry in client.entries().values()] == said
    assert plane.texts == said
    assert [event["speaker"] for event in plane.stored.values()] == ["ai", "candidate", "ai"]
    links = [event["previousItemId"] for event in plane.stored.values()]
    assert links == [None, "item_1", "item_2"]
    assert plane.tokens == {bench.claim.machine_token}
    exited = await plane.until_reported("exited")
    assert exited["reason"] == "completed"
    assert exited["itemCount"] == 3
    assert exited["transcriptComplete"] is True
    await bench.until_exited()
    assert voice.live_calls == []


async def test_the_call_is_reported_before_the_answer_goes_out(bench, voice, plane):
    async with bench.connect() as client:
        ready = await client.offer()
        reported = [report for report in plane.reports if report["type"] == "call"]
        assert [report["callId"] for report in reported] == [ready["callId"]]


async def test_the_sideband_stands_before_the_answer_goes_out(bench, voice):
    voice.sideband_404s = 3
    async with bench.connect() as client:
        await client.offer()
        assert voice.newest.attachments == 1
