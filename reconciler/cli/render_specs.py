"""Verb ``render``: the effective specs of one environment, each value with where it came from."""

from __future__ import annotations

from reconciler.cli.envelope import Report, Stop
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.session import stdout_style
from reconciler.cli.source import open_source
from reconciler.cli.workspace import read_environment
from reconciler.desired import Json
from reconciler.ownership import Owner
from reconciler.render import short_commit
from reconciler.render_values import render_value, value_json
from specs.effective import Effective
from specs.origin import values_of
from specs.problem import has_errors

_KINDS = ("Registry", "Image", "Network", "Volume", "Config", "Secret", "Service")


def run(options: Options) -> Report:
    """Render the commit, or the working tree. Raises Stop, ProviderError."""
    source = open_source(options)
    pins = read_environment(options, source, {})
    found, all_problems = pins.effective, (*source.problems, *pins.problems)
    owner = Owner(found.environment.project, options.environment)
    if has_errors(list(all_problems)):
        raise Stop(ERROR, all_problems, owner, source.commit)
    documents: list[Json] = []
    lines: list[str] = []
    style = stdout_style(options)
    for kind, name in _documents(found):
        values = [value for value in values_of(found, kind, name) if value.origin.kind != "default"]
        pinned = pins.services.get(name) if kind == "Service" else None
        title = f"{kind} {name}" + (f" as of {short_commit(pinned.entry.commit)}" if pinned else "")
        lines += [style.bold(title), *(render_value(value, style) for value in values)]
        commit = pinned.entry.commit if pinned else None
        shown: list[Json] = [value_json(value) for value in values]
        documents.append({"kind": kind, "name": name, "commit": commit, "values": shown})
    return Report(
        DONE,
        "\n".join(lines) + "\n",
        {"documents": documents},
        owner=owner,
        commit=source.commit,
        mode="worktree" if options.worktree else "offline",
        problems=all_problems,
    )


def _documents(found: Effective) -> list[tuple[str, str]]:
    by_kind = {
        "Registry": found.registries,
        "Image": found.images,
        "Network": found.networks,
        "Volume": found.volumes,
        "Config": found.configs,
        "Secret": found.secrets,
        "Service": found.services,
    }
    return [(kind, name) for kind in _KINDS for name in sorted(by_kind[kind])]
