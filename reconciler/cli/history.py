"""Verb ``history``: what happened, and what caused it, from the journal of this machine."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.cli.envelope import Report
from reconciler.cli.exits import DONE
from reconciler.cli.options import Options
from reconciler.cli.workspace import open_workspace
from reconciler.desired import Json
from reconciler.journal import Journal
from reconciler.render_history import history_entries, render_history


def run(options: Options) -> Report:
    """Read the journal. Asks neither runtime nor registry. Raises Stop, ProviderError."""
    workspace = open_workspace(options)
    entries: list[Mapping[str, Json]] = []
    for entry in Journal.of(workspace.owner).newest():
        entries.append(entry)
        if len(entries) == options.limit:
            break
    return Report(
        DONE,
        render_history(entries, options.environment),
        {"complete": False, "entries": history_entries(entries)},
        owner=workspace.owner,
        commit=workspace.desired.commit,
        problems=workspace.problems,
    )
