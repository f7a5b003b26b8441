"""In which form a verb prints its result, as the command line says it."""

from __future__ import annotations

import argparse

MARKDOWN = frozenset(("plan", "drift"))
REPORTS = frozenset(("validate", "plan", "drift"))
"""Verbs whose results other tools take: code scanning, test reports."""
PRINT = (
    *("adopt", "apply", "destroy", "doctor", "drift", "explain", "history", "init", "lock", "logs", "plan"),
    *("post", "promote", "render", "resume", "retry", "rollback", "rollout", "schema", "status", "suspend"),
    *("validate", "why"),
)
"""Verbs that have ``--json``: what ``reconciler.outputs.schema`` knows, without its models."""


def add_forms(verb: str, parser: argparse.ArgumentParser) -> None:
    """One form at most; without any it is text."""
    forms = parser.add_mutually_exclusive_group()
    words = "one JSON object a line" if verb == "logs" else "one JSON object on stdout"
    forms.add_argument("--json", dest="as_json", action="store_true", help=words)
    if verb in MARKDOWN:
        forms.add_argument("--markdown", action="store_true", help="Markdown, safe to post as a comment")
    if verb in REPORTS:
        forms.add_argument("--sarif", action="store_true", help="SARIF 2.1.0, for code scanning")
        forms.add_argument("--junit", action="store_true", help="JUnit XML, for test reports")


def add_schema(parser: argparse.ArgumentParser) -> None:
    """Of what a schema is to be printed; without any of them of spec documents."""
    about = parser.add_mutually_exclusive_group()
    about.add_argument("--run", dest="run_file", action="store_true", help="of the Run file of a loop")
    help_words = "of what --json of this verb prints"
    about.add_argument("--output", choices=PRINT, metavar="VERB", help=help_words)
