"""A fork server for each test module, a voice model and a control plane for each test."""

from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from support.machines import (
    open_claimed_machine,
    open_recording_control_plane,
    open_runtime,
)
from support.voice_model import open_conducted_voice_model
from vivavoce.machines.process import open_process_provider


@pytest.fixture(scope="module")
async def provider():
    async with open_runtime() as runtime, open_process_provider(runtime) as provider:
        yield provider


@pytest.fixture
async def voice():
    async with open_conducted_voice_model() as voice:
        yield voice


@pytest.fixture
async def plane():
    async with open_recording_control_plane() as plane:
        yield plane


@pytest.fixture
async def bench(provider, voice, plane):
    async with open_claimed_machine(provider, voice, plane) as bench:
        yield bench


@pytest.fixture
def claimed(provider, voice, plane):
    """Machines with claims of the test's own making."""

    @asynccontextmanager
    async def claimed(**changes):
        async with AsyncExitStack() as stack:
            yield await stack.enter_async_context(
                open_claimed_machine(provider, voice, plane, **changes)
            )

    return claimed
