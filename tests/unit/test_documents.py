"""What the documents name exists: targets, commands, modules, files."""

import re
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from vivavoce.cli.main import viva

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SPECIFICATION.md", "CHANGELOG.md"]
SOURCES = [
    *(ROOT / name for name in (*PAGES, "Makefile", "pyproject.toml", ".ci/run")),
    *ROOT.glob("requirements*.txt"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("src/**/*.py"),
    *ROOT.glob("supabase/**/*.sql"),
]
ELSEWHERE = re.compile(
    r"py(?:pi[.]org|thonhosted)|npm[j]s|artifactory|index-url=|/(?:work|root)/|/(?:home|tmp)/[a-z]"
)


def code_of(page):
    """Every piece of code of a page: lines of its code blocks, and what stands in backticks."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.partition("#")[0] for block in blocks for line in block.splitlines()]
    return [piece.removeprefix("$").strip() for piece in lines + re.findall(r"`([^`]+)`", prose)]


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for code in code_of(page):
        words = code.split()
        if words[:1] == ["make"]:
            named = {word for word in words[1:] if "=" not in word}
            assert named <= targets, code


@pytest.mark.parametrize("page", PAGES)
def test_every_viva_command_that_a_page_names_exists(page):
    for code in code_of(page):
        words = code.split()
        if not words or words[0].removeprefix(".venv/bin/") != "viva":
            continue
        command = viva
        for word in words[1:]:
            if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z|]+", word):
                break
            found = [command.commands.get(name) for name in word.split("|")]
            assert all(found), code
            command = found[0]
        options = {option for one in command.params for option in one.opts}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= options | {"--help"}, code


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_module_that_a_page_names_exists(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text())
    paths = [link for link in links if "://" not in link]
    for code in code_of(page):
        if module := re.match(r"python -m ([\w.]+)", code):
            assert find_spec(module[1]), code
        elif re.fullmatch(r"\.?[\w-]+(/[\w.-]+)+/?|\w+/|[\w-]+\.(py|md|toml|txt|json)", code):
            paths.append(code)
    for path in paths:
        assert (ROOT / path).exists() or (ROOT / "src/vivavoce" / path).exists(), path


def test_nothing_names_a_registry_or_a_place_on_somebodys_machine():
    for source in SOURCES:
        found = ELSEWHERE.search(source.read_text())
        assert found is None, f"{source.relative_to(ROOT)}: {found and found[0]}"
