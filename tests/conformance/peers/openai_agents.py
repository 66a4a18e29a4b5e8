"""`openai-agents`: a realtime session with a spoken answer and a function tool."""

import asyncio
import json
import os
import pathlib

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner
from agents.realtime.model_inputs import RealtimeModelSendRawMessage

ANSWER = pathlib.Path(os.environ["SPEECH"]).read_bytes() + bytes(24_000 * 2 * 3)
called = []


@function_tool
def get_weather(city: str) -> str:
    """Say how the weather is."""
    called.append(city)
    return "Sunny."


async def main() -> None:
    url = os.environ["ENGINE_URL"].replace("http", "ws")
    agent = RealtimeAgent(
        name="Interviewer", instructions=os.environ["INSTRUCTIONS"], tools=[get_weather]
    )
    settings = {
        "audio": {
            "input": {
                "format": "pcm16",
                "transcription": {"model": "gpt-4o-mini-transcribe"},
                "turn_detection": {"type": "semantic_vad", "eagerness": "high"},
            },
            "output": {"format": "pcm16"},
        }
    }
    runner = RealtimeRunner(agent, config={"model_settings": settings})
    session = await runner.run(
        model_config={
            "api_key": os.environ["ENGINE_KEY"],
            "url": f"{url}/v1/realtime?model=gpt-realtime-2.1",
        }
    )
    audio = 0
    async with session:
        await session.send_audio(ANSWER)
        turns = 0
        async for event in session:
            if event.type == "audio":
                audio += len(event.audio.data)
            elif event.type == "error":
                print(json.dumps({"error": str(event.error)}))
            elif event.type == "agent_end":
                turns += 1
                if turns == 1:  # the answer was heard and replied to: demand the function
                    await session.model.send_event(
                        RealtimeModelSendRawMessage(
                            message={
                                "type": "response.create",
                                "other_data": {"response": {"tool_choice": "required"}},
                            }
                        )
                    )
            if called and turns > 1 and "assistant" in roles(session):
                break
        print(json.dumps({"history": history(session), "audio": audio, "called": called}))
    print(json.dumps({"done": True}))


def roles(session: object) -> list[str]:
    return [line["role"] for line in history(session)]


def history(session: object) -> list[dict[str, str]]:
    lines = []
    for item in session._history:
        if item.type == "message":
            texts = [
                getattr(part, "transcript", None) or getattr(part, "text", None) or ""
                for part in item.content
            ]
            lines.append({"role": item.role, "text": " ".join(texts)})
    return lines


asyncio.run(asyncio.wait_for(main(), 60))
