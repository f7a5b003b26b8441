"""One command from its words to its exit code: find the verb, run it, print what it reports."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from reconciler.cli.ahead import connect_ahead, end_ahead
from reconciler.cli.arguments import parse_arguments
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.options import Options

if TYPE_CHECKING:
    from reconciler.cli.envelope import Report

_MODULES = {
    "init": "initialise",
    "render": "render_specs",
    "resume": "suspend",
    "run": "run_loop",
    "receive-ssh": "receive_ssh",
    "authorized-keys": "authorized_keys",
}
"""Verbs whose module is not called like the verb."""


def run_command(argv: Sequence[str]) -> int:
    """Run one command. Raises SystemExit for wrong usage, help and version."""
    options = parse_arguments(argv)
    is_ahead = connect_ahead(options)
    # The envelope needs the language's models: not before the usage is known to be right.
    from reconciler.cli.envelope import Report, Stop, problem_of
    from reconciler.fault import ProviderError

    try:
        report = _find(options.verb)(options)
    except Stop as stop:
        report = Report(stop.exit, problems=stop.problems, owner=stop.owner, commit=stop.commit)
    except ProviderError as error:
        report = Report(ERROR, problems=(problem_of(error),))
    finally:
        if is_ahead:
            end_ahead()
    _print(report, options)
    return report.exit


def _find(verb: str) -> Callable[[Options], Report]:
    module = importlib.import_module(f"reconciler.cli.{_MODULES.get(verb, verb)}")
    return cast("Callable[[Options], Report]", module.run)


def _print(report: Report, options: Options) -> None:
    from reconciler.cli.envelope import problem_lines
    from reconciler.cli.forms import written
    from reconciler.render import harmless

    if options.as_json and report.streamed and report.exit == DONE:
        return
    text = written(report, options)
    if not options.as_json:
        for line in problem_lines(report.problems):
            print(line, file=sys.stderr)
    sys.stdout.write(harmless(report.text) if text is None else text)
    sys.stdout.flush()
