"""LiveKit's OpenAI realtime plugin: its session by itself, without a room."""

import asyncio
import json
import os
import pathlib

import aiohttp
from livekit import rtc
from livekit.plugins.openai.realtime import RealtimeModel
from openai.types.beta.realtime.session import TurnDetection

RATE = 24_000
ANSWER = pathlib.Path(os.environ["SPEECH"]).read_bytes() + bytes(24_000 * 2 * 3)


async def main() -> None:
    async with aiohttp.ClientSession() as http:
        model = RealtimeModel(
            base_url=f"{os.environ['ENGINE_URL']}/v1",
            api_key=os.environ["ENGINE_KEY"],
            model="gpt-realtime-2.1",
            turn_detection=TurnDetection(type="semantic_vad", eagerness="high"),
            http_session=http,
        )
        session = model.session()
        heard: asyncio.Queue[str] = asyncio.Queue()
        made: asyncio.Queue[object] = asyncio.Queue()
        session.on(
            "input_audio_transcription_completed", lambda event: heard.put_nowait(event.transcript)
        )
        session.on("generation_created", made.put_nowait)
        session.on("error", lambda event: print(json.dumps({"error": str(event.error)})))
        await session.update_instructions(os.environ["INSTRUCTIONS"])
        greeting = await said(await session.generate_reply())
        print(json.dumps({"greeting": greeting[0], "audio": greeting[1]}))
        made.get_nowait()
        for start in range(0, len(ANSWER), RATE // 5):
            piece = ANSWER[start : start + RATE // 5]
            session.push_audio(rtc.AudioFrame(piece, RATE, 1, len(piece) // 2))
        print(json.dumps({"heard": await heard.get()}))
        reply = await said(await made.get())
        print(json.dumps({"reply": reply[0]}))
        session.interrupt()
        await session.aclose()
        await model.aclose()
    print(json.dumps({"done": True}))


async def said(generation: object) -> tuple[str, float]:
    """The words of a reply and the length of its audio in seconds."""
    text, seconds = "", 0.0
    async for message in generation.message_stream:
        async for piece in message.text_stream:
            text += str(piece)
        async for frame in message.audio_stream:
            seconds += frame.duration
    return text, seconds


asyncio.run(asyncio.wait_for(main(), 60))
