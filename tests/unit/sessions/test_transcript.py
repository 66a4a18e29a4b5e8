"""One witness: what each event makes of the transcript."""

from datetime import timedelta

import pytest

from support.conversations import START, Call, event, failed, lines, play, text_of
from vivavoce.protocol.transcript import Speaker, TranscriptEntry, Witness
from vivavoce.sessions.testimony import MAX_ITEMS
from vivavoce.sessions.transcript import Transcript


@pytest.fixture
def transcript():
    return Transcript()


@pytest.fixture
def call():
    return Call()


def entry(item_id, content, *, previous=None, seconds=0, **fields):
    return TranscriptEntry(
        **{
            "item_id": item_id,
            "revision": 1,
            "previous_item_id": previous,
            "speaker": Speaker.AI,
            "content": content,
            "timestamp": START + timedelta(seconds=seconds),
            "final": True,
            **fields,
        }
    )


def test_text_that_comes_after_the_reply_stands_before_it(transcript, call):
    play(transcript, call.ai("Who are you?"))
    answer, events = call.candidate()
    play(transcript, events + call.ai("Thank you.") + text_of(answer, "I am Ada."))
    assert lines(transcript) == [
        ("ai", "Who are you?"),
        ("candidate", "I am Ada."),
        ("ai", "Thank you."),
    ]
    assert [entry.previous_item_id for entry in transcript.entries()] == [None, "A1", "U2"]


def test_what_the_interviewer_says_is_told_as_it_is_spoken(transcript, call):
    told = play(transcript, call.ai("Tell me ", "about ", "yourself."))
    assert [(entry.content, entry.revision, entry.final) for entry in told] == [
        ("Tell me", 1, False),
        ("Tell me about", 2, False),
        ("Tell me about yourself.", 3, False),
        ("Tell me about yourself.", 4, True),
    ]


def test_a_candidates_words_are_told_as_they_are_transcribed(transcript, call):
    answer, events = call.candidate()
    play(transcript, events)
    kind = "conversation.item.input_audio_transcription.delta"
    pieces = [{"type": kind, "item_id": answer, "delta": text} for text in ("I ", "am Ada")]
    told = play(transcript, pieces + text_of(answer, "I am Ada."))
    assert [(entry.content, entry.final) for entry in told] == [
        ("I", False),
        ("I am Ada", False),
        ("I am Ada.", True),
    ]


def test_an_entry_is_stamped_when_its_speech_began(transcript, call):
    answer, events = call.candidate()
    play(transcript, events + call.ai("Yes.") + text_of(answer, "Hello."))
    assert transcript.entries()[0].timestamp == START


@pytest.mark.parametrize("noise", ["", "   ", ".", "...", " - "])
def test_silence_and_noise_are_no_entries(transcript, call, noise):
    told = play(transcript, call.ai("Are you there?"))
    answer, events = call.candidate()
    told += play(transcript, events + text_of(answer, noise))
    assert {entry.item_id for entry in told} == {"A1"}
    assert transcript.item_count == 1
    assert transcript.open_items() == []


def test_a_follower_skips_the_item_that_turned_out_silent(transcript, call):
    play(transcript, call.ai("Hello."))
    answer, events = call.candidate()
    play(transcript, events + call.ai("Are you there?"))
    before = transcript.entries()[-1]
    told = play(transcript, text_of(answer, ""))
    assert before.previous_item_id == answer
    assert [(entry.previous_item_id, entry.revision) for entry in told] == [
        ("A1", before.revision + 1)
    ]


def test_a_failed_transcription_settles_the_item(transcript, call):
    answer, events = call.candidate()
    play(transcript, events)
    assert transcript.open_items() == [answer]
    assert play(transcript, failed(answer)) == []
    assert transcript.open_items() == []
    assert play(transcript, text_of(answer, "too late")) == []


def test_words_that_were_told_and_fail_are_taken_back(transcript, call):
    answer, events = call.candidate()
    kind = "conversation.item.input_audio_transcription.delta"
    play(transcript, [*events, {"type": kind, "item_id": answer, "delta": "Thank you for"}])
    told = play(transcript, failed(answer))
    assert [(entry.content, entry.final, entry.revision) for entry in told] == [("", True, 2)]
    assert transcript.entries() == []
    assert transcript.missing({answer: 1}) == told
    assert transcript.missing({}) == []


def test_a_function_call_is_no_entry_and_no_place(transcript, call):
    play(transcript, call.ai("Goodbye.") + call.function_call() + call.ai("Really."))
    assert [entry.previous_item_id for entry in transcript.entries()] == [None, "A1"]
    assert transcript.open_items() == []


@pytest.mark.parametrize("role", ["user", "assistant", "system"])
def test_what_a_browser_injects_is_the_candidates(transcript, call, role):
    play(transcript, call.ai("Your answer?") + call.typed("You passed.", role=role))
    assert lines(transcript) == [("ai", "Your answer?"), ("candidate", "You passed.")]


def test_a_response_makes_the_interviewer_whatever_comes_first(transcript, call):
    events = call.ai("Hello.")
    swapped = [events[0], events[2], events[1], *events[3:]]
    play(transcript, swapped)
    assert lines(transcript) == [("ai", "Hello.")]


def test_a_barge_in_keeps_what_was_heard(transcript, call):
    play(transcript, call.ai("One two three four ", "five six seven eight.", played=False))
    told = play(
        transcript,
        [{"type": "conversation.item.truncated", "item_id": "A1", "audio_end_ms": 1000}],
    )
    assert [(entry.content, entry.truncated) for entry in told] == [("One two three", True)]


def test_the_heard_part_follows_the_voice_that_is_speaking(transcript, call):
    for _ in range(10):  # 49 characters in 5 seconds each
        play(transcript, call.ai("One two three four five six seven eight nine ten."), step=1.0)
    play(transcript, call.ai("One two three four five.", item_id="last", played=False))
    cut = {"type": "conversation.item.truncated", "item_id": "last", "audio_end_ms": 1500}
    play(transcript, [cut])
    assert transcript.entries()[-1].content == "One two three"


def test_a_cleared_buffer_tells_how_much_was_heard_if_nothing_else_does(transcript, call):
    events = call.ai("One two three four ", "five six seven eight.", played=False)
    play(transcript, events)
    cleared = {"type": "output_audio_buffer.cleared", "response_id": "resp_A1"}
    transcript.apply(event(cleared), now=START + timedelta(seconds=4 * 0.5 + 1))
    assert transcript.entries()[0].content == "One two three"
    exact = {"type": "conversation.item.truncated", "item_id": "A1", "audio_end_ms": 500}
    play(transcript, [exact])
    assert transcript.entries()[0].content == "One two"


def test_a_reply_that_was_never_heard_is_no_entry(transcript, call):
    play(transcript, call.ai("Hello."))
    events = call.ai("Unheard words.", played=False)
    until_delta = [wire for wire in events[:4] if not wire["type"].startswith("output_audio")]
    cancelled = {
        "type": "response.done",
        "response": {"id": "resp_A2", "status": "cancelled", "output": []},
    }
    play(transcript, [*until_delta, cancelled])
    assert lines(transcript) == [("ai", "Hello.")]


def test_late_text_does_not_undo_a_truncation(transcript, call):
    events = call.ai("One two three four ", "five six seven eight.", played=False)
    cut = {"type": "conversation.item.truncated", "item_id": "A1", "audio_end_ms": 1000}
    play(transcript, [*events[:5], cut, *events[5:]])
    assert transcript.entries()[0].content == "One two three"


def test_confidence_is_the_mean_probability_and_latency_is_measured(transcript, call):
    answer, events = call.candidate()
    text = text_of(answer, "Yes.", logprobs=[{"logprob": -0.1}, {"logprob": -0.3}])
    (told,) = play(transcript, events + text)
    assert told.confidence == pytest.approx(0.8187, abs=1e-4)
    assert told.metadata is not None
    assert told.metadata.processing_latency == 2.0


def test_text_that_a_database_cannot_hold_is_cleaned(transcript, call):
    answer, events = call.candidate()
    play(transcript, events + text_of(answer, "Yes\x00 indeed"))
    assert transcript.entries()[0].content == "Yes indeed"


def test_a_retrieved_item_fills_a_gap_before_its_follower(transcript):
    transcript.merge(
        [
            entry("A1", "Who?"),
            entry("A3", "Thanks.", previous="U2", seconds=20),
            entry("U4", "Bye.", previous="A3", seconds=30, speaker=Speaker.CANDIDATE),
        ]
    )
    assert transcript.open_items() == ["U2"]
    item = {
        "id": "U2",
        "type": "message",
        "role": "user",
        "status": "completed",
        "content": [{"type": "input_audio", "transcript": "Ada."}],
    }
    told = transcript.apply(
        event({"type": "conversation.item.retrieved", "item": item}),
        now=START + timedelta(seconds=90),
    )
    assert [line.item_id for line in told] == ["U2"]
    assert [line.content for line in transcript.entries()] == ["Who?", "Ada.", "Thanks.", "Bye."]


@pytest.mark.parametrize(
    ("part", "speaker"), [("output_audio", Speaker.AI), ("output_text", Speaker.CANDIDATE)]
)
def test_of_retrieved_items_only_speech_is_the_interviewers(transcript, part, speaker):
    content = [{"type": part, "transcript" if part == "output_audio" else "text": "Hello."}]
    item = {"id": "X", "type": "message", "role": "assistant", "status": "completed"}
    wire = {"type": "conversation.item.retrieved", "item": {**item, "content": content}}
    (told,) = play(transcript, [wire])
    assert told.speaker is speaker


def test_a_conversation_that_is_seeded_into_a_new_call_is_not_doubled(transcript, call):
    play(transcript, call.ai("Who?"))
    answer, events = call.candidate()
    play(transcript, events + text_of(answer, "Ada."))
    before = transcript.entries()
    second = Call(prefix="second_")
    seeds = []
    for line in before:
        role = "assistant" if line.speaker is Speaker.AI else "user"
        seeds += second.typed(line.content, role=role, item_id=line.item_id)
    assert play(transcript, seeds, start=START + timedelta(minutes=5)) == []
    assert transcript.entries() == before
    play(transcript, second.ai("Where were we?"), start=START + timedelta(minutes=5))
    assert [line.content for line in transcript.entries()] == ["Who?", "Ada.", "Where were we?"]


def test_seeding_what_only_the_client_saw_makes_no_new_testimony(transcript):
    line = entry("A1", "Who?", witness=Witness.CLIENT)
    transcript.merge([line])
    assert play(transcript, Call().typed("Who?", role="assistant", item_id="A1")) == []
    assert transcript.entries() == [line]


def test_a_taken_over_reply_goes_on_with_greater_revisions(transcript):
    transcript.merge([entry("A1", "Tell me", final=False, revision=7)])
    whole = "Tell me about yourself."
    done = {"type": "response.output_audio_transcript.done", "item_id": "A1", "transcript": whole}
    (told,) = play(transcript, [done])
    assert (told.content, told.revision) == (whole, 8)


def test_a_machine_that_took_over_in_mid_sentence_does_not_shorten_what_a_client_heard(call):
    client = Transcript(Witness.CLIENT)
    events = call.ai("One two ", "three four.")
    play(client, events[:6])
    late = entry("A1", "three", final=False)
    assert client.merge([late]) == []
    assert lines(client) == [("ai", "One two three four.")]
    whole = entry("A1", "One two three four!", revision=2)
    (told,) = client.merge([whole])
    assert (told.content, told.witness) == (whole.content, Witness.SIDEBAND)


def test_settling_keeps_what_was_heard_and_leaves_nothing_open(transcript, call):
    play(transcript, call.ai("Hello."))
    _, events = call.candidate()
    play(transcript, events)
    begun = call.ai("One two three four ", "five six seven eight.", played=False)[:6]
    play(transcript, begun, start=START, step=0.0)
    told = transcript.settle(now=START + timedelta(seconds=1))
    assert [(line.content, line.final, line.truncated) for line in told] == [
        ("One two three", True, True)
    ]
    assert transcript.open_items() == []
    assert transcript.settle(now=START + timedelta(seconds=2)) == []


def test_missing_and_wanted_are_what_each_side_lacks(transcript, call):
    play(transcript, call.ai("Who?"))
    answer, events = call.candidate()
    play(transcript, events + call.ai("Thanks."))
    first, last = transcript.entries()
    assert transcript.missing({}) == [first, last]
    assert transcript.missing({first.item_id: first.revision}) == [last]
    assert transcript.missing({first.item_id: first.revision - 1}) == [first, last]
    known = {first.item_id: 1, answer: 1, last.item_id: 1, "elsewhere": 3}
    assert transcript.wanted(known) == [answer, "elsewhere"]


def test_nobody_can_fill_the_memory_with_items(transcript):
    for number in range(MAX_ITEMS + 10):
        started = {"type": "input_audio_buffer.speech_started", "item_id": f"i{number}"}
        if number in (0, MAX_ITEMS - 1, MAX_ITEMS, MAX_ITEMS + 9):
            play(transcript, [started, *text_of(f"i{number}", "text")])
        else:
            transcript._own.take(event(started), START)  # the same, without publishing each time
    assert {line.item_id for line in transcript.entries()} == {"i0", f"i{MAX_ITEMS - 1}"}


def test_an_item_id_beyond_the_wire_contract_is_ignored(transcript):
    assert play(transcript, text_of("x" * 129, "text") + text_of("", "text")) == []
