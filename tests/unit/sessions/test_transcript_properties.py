"""Whatever the order, the losses and the repetitions: one transcript, in one order."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from support.conversations import START, Call, event, failed, text_of
from vivavoce.protocol.transcript import Witness
from vivavoce.sessions.transcript import Transcript

words = st.text(st.characters(codec="utf-8", categories=["L"]), min_size=1, max_size=8)
phrases = st.lists(words, min_size=1, max_size=4).map(" ".join)
turns = st.lists(
    st.one_of(
        st.tuples(st.just("ai"), phrases),
        st.tuples(st.just("candidate"), phrases),
        st.tuples(st.just("silent"), st.just("")),
        st.tuples(st.just("failed"), st.just("")),
        st.tuples(st.just("typed"), phrases),
        st.tuples(st.just("function"), st.just("")),
        st.tuples(st.just("cut"), phrases),
    ),
    min_size=1,
    max_size=9,
)


def conversation(script):
    """Events in order, with what comes late beside them, and the lines that must come of it."""
    call = Call()
    prompt, late, spoken = [], [], []
    for kind, text in script:
        if kind == "ai":
            prompt += call.ai(text)
            spoken.append(("ai", text))
        elif kind == "cut":
            prompt += call.ai(text, " and much more that nobody hears", played=False)
            prompt += [
                {"type": "conversation.item.truncated", "item_id": call.last, "audio_end_ms": 0}
            ]
        elif kind == "typed":
            prompt += call.typed(text)
            spoken.append(("candidate", text))
        elif kind == "function":
            prompt += call.function_call()
        else:
            item_id, events = call.candidate()
            prompt += events
            position = len(prompt)
            if kind == "failed":
                late.append((position, failed(item_id)))
            else:
                late.append((position, text_of(item_id, text)))
            if kind == "candidate":
                spoken.append(("candidate", text))
    return prompt, late, spoken


def interleaved(prompt, late, chance):
    """What comes late stands anywhere after its item."""
    placed = [(chance.uniform(position, len(prompt) + 1), wire) for position, (wire,) in late]
    merged = [(float(number), wire) for number, wire in enumerate(prompt)] + placed
    return [wire for _, wire in sorted(merged, key=lambda pair: pair[0])]


def told(transcript, events, *, delay=0.0):
    entries = []
    for number, wire in enumerate(events):
        now = START + timedelta(seconds=number + delay)
        entries += transcript.apply(event(wire), now=now)
    return entries


def spoken_lines(transcript):
    return [(line.speaker.value, line.content) for line in transcript.entries()]


@given(turns, st.randoms(use_true_random=False))
def test_whenever_the_texts_come_the_transcript_is_what_was_said(script, chance):
    prompt, late, spoken = conversation(script)
    transcript = Transcript()
    told(transcript, interleaved(prompt, late, chance))
    assert spoken_lines(transcript) == spoken
    assert transcript.open_items() == []
    assert transcript.item_count == len(spoken)


@given(turns, st.randoms(use_true_random=False))
def test_links_lead_from_each_entry_to_the_one_before_it(script, chance):
    prompt, late, _ = conversation(script)
    transcript = Transcript()
    told(transcript, interleaved(prompt, late, chance))
    lines = transcript.entries()
    previous = [None, *(line.item_id for line in lines)]
    assert [line.previous_item_id for line in lines] == previous[:-1]


@given(turns, st.randoms(use_true_random=False))
def test_revisions_of_an_item_only_grow(script, chance):
    prompt, late, _ = conversation(script)
    transcript = Transcript()
    latest = {}
    for line in told(transcript, interleaved(prompt, late, chance)):
        assert line.revision > latest.get(line.item_id, 0)
        assert line.witness is Witness.SIDEBAND
        latest[line.item_id] = line.revision


@given(turns, st.randoms(use_true_random=False))
def test_who_merges_all_that_was_told_has_the_same_transcript(script, chance):
    """Both witnesses' entries, shuffled and repeated: what the sideband saw, in its order."""
    prompt, late, spoken = conversation(script)
    sideband, client = Transcript(), Transcript(Witness.CLIENT)
    entries = told(sideband, interleaved(prompt, late, chance))
    entries += told(client, interleaved(prompt, late, chance), delay=0.7)
    arrivals = entries + chance.sample(entries, len(entries) // 2)
    chance.shuffle(arrivals)
    reader = Transcript(Witness.CLIENT)
    while arrivals:
        size = chance.randint(1, 5)
        reader.merge(arrivals[:size])
        del arrivals[:size]
    assert reader.entries() == sideband.entries()
    assert spoken_lines(reader) == spoken


@given(turns, st.randoms(use_true_random=False), st.data())
def test_what_one_witness_lost_the_other_one_fills_in(script, chance, data):
    """Each line reaches at least one of the two; the reader then has them all, in order."""
    prompt, late, spoken = conversation(script)
    sideband, client = Transcript(), Transcript(Witness.CLIENT)
    events = interleaved(prompt, late, chance)
    told(sideband, events)
    told(client, events, delay=0.2)
    lost = data.draw(st.sets(st.sampled_from([line.item_id for line in client.entries()] or ["-"])))
    arrivals = [line for line in sideband.entries() if line.item_id not in lost]
    arrivals += [line for line in client.entries() if line.item_id in lost or chance.random() < 0.5]
    chance.shuffle(arrivals)
    readers = []
    for _ in range(3):
        chance.shuffle(arrivals)
        reader = Transcript(Witness.CLIENT)
        for line in arrivals:
            reader.merge([line])
        readers.append(reader)
    assert all(spoken_lines(reader) == spoken for reader in readers)
    assert all(
        line.witness is (Witness.CLIENT if line.item_id in lost else Witness.SIDEBAND)
        for reader in readers
        for line in reader.entries()
    )


@settings(max_examples=60)
@given(turns, st.randoms(use_true_random=False), st.floats(0, 1))
def test_a_machine_that_takes_over_ends_with_the_same_transcript(script, chance, at):
    """The store and the client's copy give a second machine what the first one took with it.

    But for a barge-in that the first one alone saw and had not delivered: of a reply that is stored
    whole, nobody asks again how much of it was heard.
    """
    prompt, late, spoken = conversation([turn for turn in script if turn[0] != "cut"])
    events = interleaved(prompt, late, chance)
    cut = int(at * len(events))
    first, client = Transcript(), Transcript(Witness.CLIENT)
    acknowledged = [line for line in told(first, events[:cut]) if chance.random() < 0.8]
    told(client, events)
    second = Transcript()
    stored = {line.item_id: line for line in acknowledged}
    second.merge(stored.values())
    told(second, events[cut:], delay=cut)
    for item_id in second.open_items():
        text = next((line.content for line in client.entries() if line.item_id == item_id), None)
        if text is not None:
            made = any(w["type"].startswith("response.") and item_id in str(w) for w in events)
            role, kind = ("assistant", "output_audio") if made else ("user", "input_audio")
            part = {"type": kind, "transcript": text}
            item = {"id": item_id, "type": "message", "role": role, "status": "completed"}
            wire = {"type": "conversation.item.retrieved", "item": {**item, "content": [part]}}
            second.apply(event(wire), now=START + timedelta(hours=1))
    copy = client.witnessed(second.wanted(client.known()))
    second.merge(copy)
    assert sorted(spoken_lines(second)) == sorted(spoken)
