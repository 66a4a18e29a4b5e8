"""Conversations and what they make of a client's transcript, for every language we write one in.

    python tests/support/transcript_vectors.py    # after a change of the rules

Each case is a list of steps (an event of the client's call, entries from elsewhere, the end of the
call) with what each step tells, and the transcript at the end.
"""

import json
import random
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # when run as a program

from support.conversations import START, Call, event, failed, text_of
from vivavoce.protocol.transcript import Speaker, TranscriptEntry, Witness
from vivavoce.sessions.transcript import Transcript

TARGET = Path(__file__).resolve().parents[1] / "vectors" / "transcripts.json"
RANDOM_CASES = 12

Step = dict[str, Any]


def vectors() -> list[dict[str, Any]]:
    """All cases."""
    written = [
        _case("text that comes after the reply stands before it", _late_text()),
        _case("pieces are told as they come", _pieces()),
        _case("silence and noise are no entries", _noise()),
        _case("what fails is taken back", _failure()),
        _case("a barge-in keeps what was heard", _barge_in()),
        _case("a cleared buffer tells how much was heard", _cleared()),
        _case("the heard part follows the voice", _steady_voice()),
        _case("a function call is no entry", _function_call()),
        _case("typed words and odd characters", _typed()),
        _case("the machine's word counts, in whatever order it comes", _two_witnesses()),
        _case("a machine that took over in mid-sentence does not shorten it", _taken_over()),
        _case("a conversation that goes on after a reload", _reloaded()),
        _case("the end of a call closes what is open", _settled()),
    ]
    return written + [_case(f"at random {seed}", _at_random(seed)) for seed in range(RANDOM_CASES)]


def rendered() -> str:
    """The text of the file."""
    lines = (json.dumps(case, separators=(",", ":")) for case in vectors())
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _case(name: str, steps: list[Step]) -> dict[str, Any]:
    transcript = Transcript(Witness.CLIENT)
    shown = [{**step, "told": _rows(_play(transcript, step))} for step in steps]
    return {
        "name": name,
        "steps": shown,
        "entries": _rows(transcript.entries()),
        "known": transcript.known(),
        "own": _rows(transcript.witnessed([entry.item_id for entry in transcript.entries()])),
    }


def _play(transcript: Transcript, step: Step) -> list[TranscriptEntry]:
    if "entries" in step:
        return transcript.merge(msgspec.convert(step["entries"], list[TranscriptEntry]))
    now = START + timedelta(seconds=step["seconds"])
    if "event" in step:
        return transcript.apply(event(step["event"]), now=now)
    return transcript.settle(now=now)


def _rows(entries: list[TranscriptEntry]) -> list[list[Any]]:
    """Of each entry what is compared."""
    return [
        [
            entry.item_id,
            entry.revision,
            entry.previous_item_id,
            entry.speaker,
            entry.content,
            int(entry.timestamp.timestamp() * 1000),
            entry.final,
            entry.truncated,
            entry.witness,
            entry.confidence,
            entry.metadata.processing_latency if entry.metadata else None,
        ]
        for entry in entries
    ]


def _plain(entries: list[TranscriptEntry]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(entry) for entry in entries]


def _events(events: list[Any], *, start: float = 0.0, step: float = 0.5) -> list[Step]:
    return [{"event": wire, "seconds": start + number * step} for number, wire in enumerate(events)]


def _entry(item_id: str, content: str, **fields: Any) -> dict[str, Any]:
    entry = {
        "item_id": item_id,
        "revision": 3,
        "previous_item_id": None,
        "speaker": Speaker.AI,
        "content": content,
        "timestamp": START,
        "final": True,
        **fields,
    }
    return msgspec.to_builtins(TranscriptEntry(**entry))


def _late_text() -> list[Step]:
    call = Call()
    events = call.ai("Who are you?")
    answer, turn = call.candidate()
    text = text_of(answer, "I am Ada.", logprobs=[{"logprob": -0.1}, {"logprob": -0.3}])
    return _events([*events, *turn, *call.ai("Thank you."), *text])


def _pieces() -> list[Step]:
    call = Call()
    events = call.ai("Tell me ", "about ", "yourself.")
    answer, turn = call.candidate()
    kind = "conversation.item.input_audio_transcription.delta"
    deltas = [{"type": kind, "item_id": answer, "delta": text} for text in ("I ", "am Ada")]
    return _events([*events, *turn, *deltas, *text_of(answer, "I am Ada.")])


def _noise() -> list[Step]:
    call = Call()
    events = call.ai("Are you there?")
    for noise in ("", "   ", ".", "...", " - "):
        answer, turn = call.candidate()
        events += [*turn, *call.ai("Hello?"), *text_of(answer, noise)]
    return _events(events)


def _failure() -> list[Step]:
    call = Call()
    answer, events = call.candidate()
    kind = "conversation.item.input_audio_transcription.delta"
    events.append({"type": kind, "item_id": answer, "delta": "Thank you for"})
    return _events([*events, *failed(answer), *text_of(answer, "too late")])


def _barge_in() -> list[Step]:
    events = Call().ai("One two three four ", "five six seven eight.", played=False)
    cut = {"type": "conversation.item.truncated", "item_id": "A1", "audio_end_ms": 1000}
    return _events([*events[:5], cut, *events[5:]])


def _cleared() -> list[Step]:
    events = Call().ai("One two three four ", "five six seven eight.", played=False)
    cleared = {"type": "output_audio_buffer.cleared", "response_id": "resp_A1"}
    return [*_events(events), *_events([cleared], start=4 * 0.5 + 1)]


def _steady_voice() -> list[Step]:
    call, events = Call(), []
    for _ in range(5):
        events += call.ai("One two three four five six seven eight nine ten.")
    events += call.ai("One two three four five.", item_id="last", played=False)
    events.append({"type": "conversation.item.truncated", "item_id": "last", "audio_end_ms": 1500})
    return _events(events, step=1.0)


def _function_call() -> list[Step]:
    call = Call()
    return _events([*call.ai("Goodbye."), *call.function_call(), *call.ai("Really.")])


def _typed() -> list[Step]:
    call = Call()
    texts = [
        "You passed.",
        "Gr\u00fc\u00dfe \U0001f44b\u0000 an dich",
        "\u0645\u0631\u062d\u0628\u0627",
    ]
    events = call.ai("Your answer?")
    for text, role in zip(texts, ("assistant", "user", "system"), strict=True):
        events += call.typed(text, role=role)
    return _events(events)


def _two_witnesses() -> list[Step]:
    call = Call()
    events = call.ai("Who are you?")
    answer, turn = call.candidate()
    theirs = [
        _entry(answer, "I am Ada.", speaker=Speaker.CANDIDATE, previous_item_id="A1"),
        _entry("A1", "Who are you?"),
        _entry("A1", "Who are", revision=2, final=False),
        _entry("A3", "Thanks.", previous_item_id=answer),
    ]
    return [
        *_events(events),
        {"entries": [theirs[2], theirs[3]]},
        *_events(turn, start=8),
        {"entries": [theirs[0], theirs[1], theirs[2]]},
        *_events(text_of(answer, "I am Eda."), start=12),
        {"entries": theirs},
    ]


def _taken_over() -> list[Step]:
    events = Call().ai("One two ", "three four ", "five six.")
    late = [_entry("A1", "three", final=False), _entry("A1", "three four", revision=4, final=False)]
    whole = _entry("A1", "One two three four five six.", revision=5)
    return [
        *_events(events[:6]),
        {"entries": late[:1]},
        *_events(events[6:7], start=4),
        {"entries": late[1:]},
        *_events(events[7:], start=5),
        {"entries": [whole]},
    ]


def _reloaded() -> list[Step]:
    kept = [
        _entry("A1", "Who?"),
        _entry("U2", "Ada.", speaker=Speaker.CANDIDATE, previous_item_id="A1"),
        _entry("U2", "Ada!", speaker=Speaker.CANDIDATE, previous_item_id="A1", witness="client"),
    ]
    second = Call(prefix="second_")
    seeds = second.typed("Who?", role="assistant", item_id="A1")
    seeds += second.typed("Ada.", item_id="U2")
    return [
        {"entries": kept},
        *_events(seeds, start=300),
        *_events(second.ai("Where were we?"), start=310),
    ]


def _settled() -> list[Step]:
    call = Call()
    events = call.ai("Hello.")
    _, turn = call.candidate()
    begun = call.ai("One two three four ", "five six seven eight.", played=False)[:6]
    return [*_events([*events, *turn, *begun]), {"seconds": 12.5}]


def _at_random(seed: int) -> list[Step]:
    """A conversation in which texts come late, events repeat, and the machine tells its part."""
    chance = random.Random(seed)  # noqa: S311  the same cases every time
    call = Call()
    queue: list[Any] = []
    late: list[list[Any]] = []
    for _ in range(chance.randint(2, 7)):
        kind = chance.choice(["ai", "ai", "candidate", "candidate", "silent", "failed", "typed"])
        words = " ".join(chance.choices(["one", "two", "three", "four."], k=chance.randint(1, 5)))
        if kind == "ai":
            queue += call.ai(words, f" {words}", played=chance.random() < 0.7)
        elif kind == "typed":
            queue += call.typed(words)
        else:
            answer, turn = call.candidate()
            queue += turn
            texts = {"candidate": text_of(answer, words), "silent": text_of(answer, "")}
            late.append(texts.get(kind, failed(answer)))
        while late and chance.random() < 0.5:
            queue += late.pop(chance.randrange(len(late)))
    for events in late:
        queue += events
    for _ in range(3):
        queue.insert(chance.randrange(len(queue)), chance.choice(queue))
    steps = _events(queue)
    other = Transcript(Witness.SIDEBAND)
    told = [
        entry
        for step in steps
        for entry in other.apply(
            event(step["event"]), now=START + timedelta(seconds=step["seconds"])
        )
    ]
    for _ in range(3):
        heard = chance.sample(told, min(len(told), 3))
        steps.insert(chance.randrange(len(steps)), {"entries": _plain(heard)})
    return steps


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
