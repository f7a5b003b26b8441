"""Prints log records: prefixed lines for people, JSON for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TextIO

from reconciler.cli.envelope import dump
from reconciler.cli.options import Options
from reconciler.cli.workspace import Workspace
from reconciler.dialogue import LogRecord
from reconciler.observed import Instance
from reconciler.render import Style, harmless
from reconciler.render_logs import Mask, format_nanoseconds, name_of, paint_name, printable, record_json
from reconciler.secret_names import secret_names
from reconciler.secrets import SecretUnreadable


@dataclass(slots=True)
class Printer:
    """Writes records to stdout, with the values of their service's secrets taken out."""

    options: Options
    style: Style
    masks: dict[str, Mask]
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    width: int = 0
    colours: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, workspace: Workspace, style: Style) -> Printer:
        """A printer that knows the secrets of the commit's services."""
        return cls(workspace.options, style, _masks(workspace))

    def fit(self, instances: Sequence[Instance]) -> None:
        """Make room for these names."""
        self.width = max([self.width, *(len(name_of(instance)) for instance in instances)])

    def show(self, instance: Instance, record: LogRecord) -> None:
        """Print one record."""
        mask = self.masks.get(instance.service_name)
        line = mask.apply(record.line) if mask else record.line
        if self.options.as_json:
            print(dump(record_json(instance, record, line)), file=self.stream)
            return
        name = name_of(instance)
        colour = self.colours.setdefault(name, len(self.colours))
        stamp = f"{format_nanoseconds(record.at)} " if self.options.timestamps else ""
        # Whoever pipes wants the bytes; a terminal and a build service would obey them.
        shown = harmless(printable(line)) if self.stream.isatty() or os.environ.get("CI") else line
        print(f"{paint_name(name, self.width, colour, self.style)}{stamp}{shown}", file=self.stream)

    def flush(self) -> None:
        """Let the reader see what was printed."""
        self.stream.flush()


def _masks(workspace: Workspace) -> dict[str, Mask]:
    """By service, where its secrets have values here: what we do not know cannot be taken out."""
    masks: dict[str, Mask] = {}
    for name, service in workspace.desired.services.items():
        try:
            values = workspace.stock.secret_store.values(secret_names(service.form))
        except SecretUnreadable:
            continue
        if values:
            masks[name] = Mask(values.values())
    return masks
