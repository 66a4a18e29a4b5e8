"""A fork server for each test: these tests break it."""

import pytest

from support.machines import open_recording_control_plane, open_runtime
from support.voice_model import open_conducted_voice_model
from vivavoce.machines.process import open_process_provider


@pytest.fixture
async def runtime():
    async with open_runtime() as runtime:
        yield runtime


@pytest.fixture
async def provider(runtime):
    async with open_process_provider(
        runtime, regions=("local", "north", "down"), failing_regions=frozenset({"down"})
    ) as provider:
        yield provider


@pytest.fixture
async def voice():
    async with open_conducted_voice_model() as voice:
        yield voice


@pytest.fixture
async def plane():
    async with open_recording_control_plane() as plane:
        yield plane
