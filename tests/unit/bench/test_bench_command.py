"""The bench's command: one figure that cannot be measured does not keep the others from it."""

from types import MappingProxyType

import anyio
import bench.__main__ as command
import bench.sounds
import pytest
from bench.sounds import spoken
from bench.verdicts import Report


async def voices():
    spoken("Hello.", "espeak")
    return Report("the voices", holds=True)


async def voices_at_once():
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(voices)
        tasks.start_soon(voices)
    return Report("the voices", holds=True)


async def plain():
    return Report("the rest", holds=True)


@pytest.mark.parametrize("measure", [voices, voices_at_once])
async def test_what_cannot_be_measured_says_what_to_install_and_the_rest_is_measured(
    monkeypatch, tmp_path, capsys, measure
):
    monkeypatch.setattr(bench.sounds, "CACHE", tmp_path)
    monkeypatch.setenv("PATH", "")
    benches = MappingProxyType({"voices": measure, "plain": plain})
    monkeypatch.setattr(command, "BENCHES", benches)
    assert await command.run(list(benches)) == 1
    table = capsys.readouterr().out
    assert "the rest" in table
    assert "voices: not measured. espeak-ng is not installed." in table
    assert "apt-get install espeak-ng flite" in table
    assert await command.run(["plain"]) == 0
