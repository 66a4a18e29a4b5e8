"""`viva config show`."""

import os

from rich.table import Table

from vivavoce.cli.console import err, out
from vivavoce.settings import (
    EngineSettings,
    ServerSettings,
    config_path,
    describe,
    load,
    unknown_variables,
)


def show_config() -> None:
    """Print every setting, its value and its source.

    Raises:
        SettingsError: If one is wrong.
    """
    settings = load(ServerSettings)
    table = Table("setting", "value", "from", "what it is", box=None, padding=(0, 2, 0, 0))
    seen = set()
    for setting in [*describe(settings), *describe(load(EngineSettings))]:
        if setting.variable not in seen:
            seen.add(setting.variable)
            table.add_row(setting.variable, setting.value, setting.source, setting.description)
    out.print(table)
    path = config_path(settings.home)
    out.print(f"\nfile: {path} ({'read' if path.exists() else 'not there'})")
    for name in unknown_variables(os.environ):
        err.print(f"{name} is set, but nothing reads it. A typing mistake?")
