"""Holds a call until it is killed: `python -m support.calling URL KEY`. Prints the call's id."""

import sys

import anyio

from support.rtc import open_call


async def main(url: str, key: str) -> None:
    async with open_call(url, key) as call:
        print(call.call_id, flush=True)  # noqa: T201  read by the test
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
