"""`viva config show`."""

import os
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from rich.table import Table

from vivavoce.cli.console import err, out
from vivavoce.settings import (
    PREFIX,
    EngineSettings,
    ServerSettings,
    Settings,
    config_path,
    load,
    read_file,
    unknown_variables,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as `viva config show` prints it. A secret's value is never in it."""

    name: str
    variable: str
    value: str
    source: Literal["environment", "file", "default"]
    description: str


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


def describe(settings: Settings) -> list[Setting]:
    """List every setting with its value and where it comes from; secrets are hidden."""
    in_file = read_file(config_path(settings.home))
    described = []
    for name, field in type(settings).model_fields.items():
        variable = _variable(name, field)
        if os.environ.get(variable):
            source: Literal["environment", "file", "default"] = "environment"
        else:
            source = "file" if name in in_file else "default"
        described.append(
            Setting(
                name, variable, _shown(getattr(settings, name)), source, field.description or ""
            )
        )
    return described


def _variable(name: str, field: FieldInfo | None = None) -> str:
    alias = field.validation_alias if field else None
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"{PREFIX}{name.upper()}"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "(set, hidden)" if value.get_secret_value() else "(empty)"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
