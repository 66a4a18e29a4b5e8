"""Holds one spoken call with an engine in this process and prints what came of it, as JSON.

Run as a program of its own: it brings the loopback interface up, so that it can be started inside a
network namespace that has nothing else (`unshare --net`).
"""

import array
import fcntl
import json
import socket
import struct

import anyio

from support.rtc import open_call
from support.speech import speech
from vivavoce.engine.app import run_engine
from vivavoce.settings import EngineSettings

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
KEY = "a-key-of-this-test"
SESSION = {
    "type": "realtime",
    "instructions": "Questions:\n1. Where?\n2. Why?",
    "audio": {"input": {"transcription": {}, "turn_detection": {"type": "server_vad"}}},
}


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = bytearray(struct.pack("16sh22x", b"lo", 0))
        fcntl.ioctl(probe, _SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", request, 16)
        struct.pack_into("h", request, 16, flags | _IFF_UP)
        fcntl.ioctl(probe, _SIOCSIFFLAGS, request)


async def main() -> None:
    # Neither side is told to stay on loopback: it is all there is.
    settings = EngineSettings(engine_api_key=KEY, engine_port=0, engine_loopback_media=False)
    async with anyio.create_task_group() as tasks:
        url = await tasks.start(run_engine, settings)
        async with open_call(url, KEY, SESSION, loopback_only=False) as call:
            call.send("response.create")
            await call.until("output_audio_buffer.stopped")
            await call.microphone.say(speech("My favourite city is Berlin.", 24_000))
            heard = await call.until("conversation.item.input_audio_transcription.completed")
            loudest = max(map(abs, array.array("h", bytes(call.heard))))
        tasks.cancel_scope.cancel()
    interfaces = [name for _, name in socket.if_nameindex()]
    result = {"interfaces": interfaces, "heard": heard["transcript"], "loudest": loudest}
    print(json.dumps(result))  # noqa: T201  read by the test


if __name__ == "__main__":
    bring_loopback_up()
    anyio.run(main)
