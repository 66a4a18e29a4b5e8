"""`viva engine --check`: a server of the OpenAI Realtime API, line by line."""

import json

import click
from rich.console import Console
from rich.table import Table

from vivavoce.check import LINES, Report, Target, Verdict, run_check
from vivavoce.settings import EngineSettings, SettingsError, load

_SIGNS = {Verdict.GREEN: "[green]ok[/]", Verdict.RED: "[bold red]RED[/]", Verdict.SKIPPED: "-"}


async def check_command(url: str, api_key: str | None, model: str, *, as_json: bool) -> bool:
    """Check a server and print what came of it; whether no line is red.

    Raises:
        SettingsError: If there is no key, or the address is none.
        Unavailable: If nothing answers there.
    """
    report = await run_check(Target(_address(url), api_key or _own_key(), model))
    if as_json:
        click.echo(json.dumps(_as_json(report), indent=2))
    else:
        Console().print(_table(url, report))
    return report.holds


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise SettingsError("--check takes a URL such as http://127.0.0.1:8100.")
    return url


def _own_key() -> str:
    key = load(EngineSettings).engine_api_key
    if key is None:
        raise SettingsError("There is no key: give --api-key, or set VIVA_ENGINE_API_KEY.")
    return key.get_secret_value()


def _table(url: str, report: Report) -> Table:
    red = sum(result.verdict is Verdict.RED for result in report.results)
    caption = "every line holds" if report.holds else f"{red} of {len(LINES)} lines red"
    table = Table("", "line", "what a server does", "what was seen", title=url, caption=caption)
    for result in report.results:
        table.add_row(_SIGNS[result.verdict], result.line.name, result.line.says, result.why)
    return table


def _as_json(report: Report) -> dict[str, object]:
    lines = [
        {
            "name": result.line.name,
            "says": result.line.says,
            "verdict": result.verdict,
            "why": result.why,
        }
        for result in report.results
    ]
    return {"holds": report.holds, "lines": lines}
