"""The command line's grammar. Wrong usage ends with 64, never with argparse's 2: a CI job that reads 2 as
"drift" must not be misled by a typing error."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from reconciler.cli.arguments_forms import add_forms, add_schema
from reconciler.cli.arguments_loop import FOREVER, LOOPS, add_loop, add_steer
from reconciler.cli.arguments_plan import add_plan, check_plan
from reconciler.cli.arguments_post import add_post
from reconciler.cli.arguments_promote import HOTFIX_USAGE, add_promote, lacking_of
from reconciler.cli.arguments_push import HIDDEN, add_config, add_hidden
from reconciler.cli.arguments_talk import COMMANDS, TALKS, add_talk, split_command
from reconciler.cli.exits import USAGE
from reconciler.cli.options import DEFAULT_TIMEOUT, Options

DESCRIPTION = "Git says what should run; Reconciler makes it so and keeps it so."
VERBS = {
    "init": "write a small, valid spec folder for this repository",
    "validate": "load and cross-check the working tree; offline",
    "plan": "show what would be done now, and the forecast to the end; changes nothing",
    "apply": "build, push and deploy until the environment agrees with the commit",
    "status": "show what runs, from which commit and digest, and how it is",
    "drift": "compare what lives with what was applied; exit 2 when it differs",
    "logs": "show what instances have written, and with --follow what they write",
    "exec": "run a command in an instance: exec ENV SERVICE -- CMD",
    "task": "run a command in a container of its own: task ENV SERVICE -- CMD",
    "doctor": "reach engine, builder, registries and git, and say what to do",
    "why": "show which input or field made a service what it is",
    "render": "show the effective specs, each value with where it came from",
    "run": "keep environments as git says, until stopped",
    "dev": "keep the working tree running: save a file, see it run",
    "history": "show what happened, and what caused it",
    "suspend": "leave an environment or a service alone, with a reason",
    "resume": "end a suspension",
    "retry": "try a held generation again",
    "promote": "let an environment take what another has proved, as a commit: promote FROM TO",
    "rollback": "go back to what ran before, as a commit, and apply it",
    "rollout": "steer a canary: --next, --pause, --resume or --abort",
    "adopt": "take over a live container that is not ours, or accept a new source for what is ours",
    "destroy": "remove all that is ours in one environment",
    "lock": "write which digest each reference from outside means",
    "authorized-keys": "print the lines by which sshd lets the pushers of a Run file in",
    "post": "post what other verbs printed as a comment, an issue or a pull request",
    "schema": "print the JSON Schema of spec documents for editors",
    "explain": "say what a code such as SPEC012 means, and what to do",
}


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose usage errors exit with 64 and name the nearest verb."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {_printable(message)}", file=sys.stderr)
        raise SystemExit(USAGE)


def parse_arguments(argv: Sequence[str]) -> Options:
    """Parse one command line. Raises SystemExit with 64 on wrong usage, with 0 after help or version."""
    _refuse_unknown_verb(argv)
    words, command = split_command(argv)
    if words and words[0] in COMMANDS and not command and not {"-h", "--help"} & set(words):
        Parser(prog=f"reconciler {words[0]}").error("the command is missing: write it after --")
    is_hotfix = any(word == "--commit" or word.startswith("--commit=") for word in words)
    found = build_parser(is_hotfix=is_hotfix).parse_args(words)
    if found.verb in COMMANDS:
        found.command = tuple(command)
    if found.verb == "promote" and is_hotfix and (lacking := lacking_of(found)):
        Parser(prog="reconciler promote", usage=HOTFIX_USAGE).error(lacking)
    check_plan(found, Parser(prog=f"reconciler {found.verb}").error)
    return Options.read(found)


def build_parser(*, is_hotfix: bool = False) -> Parser:
    """The whole grammar. ``is_hotfix``: ``promote --commit`` takes from no other environment."""
    parser = Parser(prog="reconciler", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for verb in HIDDEN:
        add_hidden(verb, verbs.add_parser(verb, allow_abbrev=False))
    for verb, meaning in VERBS.items():
        own = verbs.add_parser(verb, help=meaning, description=meaning, allow_abbrev=False)
        if verb == "promote" and not is_hotfix:
            own.add_argument("source_environment", metavar="FROM", help="the one that has proved it")
        _add_options(verb, own)
    return parser


def _add_options(verb: str, parser: argparse.ArgumentParser) -> None:
    if verb == "authorized-keys":
        add_config(parser)
        return
    if verb == "explain":
        parser.add_argument("code", metavar="CODE", nargs="?", help="such as SPEC012; all without it")
    elif verb not in {"init", "validate", "schema", "lock", "run", "post", "plan"}:
        parser.add_argument("environment", metavar="ENV", help="the name of an Environment document")
    if verb in {"why", "retry", "rollout"}:
        parser.add_argument("service", metavar="SERVICE", nargs="?" if verb == "retry" else None)
    if verb not in {"schema", "explain", "post"}:
        _add_source(verb, parser)
    if verb in {"plan", "apply", "drift", "status", "promote"}:
        parser.add_argument(
            "--service", dest="services", action="append", metavar="NAME", help="only this one"
        )
    if verb in LOOPS:
        add_loop(verb, parser, _seconds)
    if verb in TALKS:
        add_talk(verb, parser, _seconds)
    if verb not in COMMANDS and verb not in FOREVER:
        add_forms(verb, parser)
    _add_result(verb, parser)
    if verb in _OWN:
        _OWN[verb](parser)
    if verb in {"destroy", "adopt"}:
        parser.add_argument("--confirm", metavar="ID", help="the id that was printed before")


def _add_result(verb: str, parser: argparse.ArgumentParser) -> None:
    if verb == "status":
        parser.add_argument("--watch", action="store_true", help="show it live, until interrupted")
    if verb == "schema":
        add_schema(parser)
    if verb == "validate":
        parser.add_argument("--config", metavar="FILE", help="a Run file, instead of specs")
    if verb in {"plan", "status"}:
        parser.add_argument("--exit-code", action="store_true", help="let the exit code tell the result")
    if verb == "drift":
        parser.add_argument("--strict", action="store_true", help="what cannot be compared exits 3")
        parser.add_argument("--deep", action="store_true", help="read the files in the volumes, too")


def _add_adopt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", metavar="SERVICE", nargs="?", help="the service that takes over")
    parser.add_argument("container", metavar="HANDLE", nargs="?", help="a container, by name or id")
    _add_timeout(parser)


def _add_rollback(parser: argparse.ArgumentParser) -> None:
    help_words = "only this one; default: every service that the last deploy changed"
    parser.add_argument("service", metavar="SERVICE", nargs="?", help=help_words)
    parser.add_argument("--to", metavar="COMMIT|DIGEST", help="a release; default: the one before")
    parser.add_argument("--reason", metavar="TEXT", help="put into the commit and the Release")
    _add_timeout(parser)
    parser.add_argument("--logs", action="store_true", help="put build and container output into --json")


def _add_lock(parser: argparse.ArgumentParser) -> None:
    help_words = "resolve it again: a reference, a pattern, a Service or an Image"
    parser.add_argument("--update", action="append", metavar="NAME", help=help_words)
    parser.add_argument("--partial", action="store_true", help="write what could be resolved")


def _add_init(parser: argparse.ArgumentParser) -> None:
    help_words = "a Compose file, as docker compose takes it; may be repeated"
    parser.add_argument("--file", "-f", dest="files", action="append", metavar="FILE", help=help_words)
    help_words = "write the passwords of the Compose files below this folder, and no spec"
    parser.add_argument("--secrets", metavar="FOLDER", help=help_words)


def _add_source(verb: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repo", default=".", metavar="REPO", help="a folder or URL (default: this folder)")
    parser.add_argument("--path", default="specs", metavar="FOLDER", help="the spec folder (default: specs)")
    if verb not in {"init", "validate", "lock", "rollback", "promote"} and verb not in FOREVER:
        parser.add_argument("--ref", metavar="REF", help="branch, tag or commit (default: HEAD)")
        parser.add_argument("--worktree", action="store_true", help="the working tree instead of a commit")


def _add_apply(parser: argparse.ArgumentParser) -> None:
    _add_timeout(parser)
    parser.add_argument("--allow-prune", metavar="ID", help="remove the set that plan printed with this id")
    parser.add_argument("--off-branch", action="store_true", help="a commit that is not on what ENV tracks")
    parser.add_argument("--backwards", action="store_true", help="a commit that is older than what runs")
    help_words = "heal drift also where the environment says drift: report"
    parser.add_argument("--heal", action="store_true", help=help_words)
    parser.add_argument("--logs", action="store_true", help="put build and container output into --json")


_OWN: Final = {
    "plan": add_plan,
    "apply": _add_apply,
    "init": _add_init,
    "adopt": _add_adopt,
    "lock": _add_lock,
    "rollout": add_steer,
    "rollback": _add_rollback,
    "post": add_post,
    "promote": add_promote,
}
"""What one verb alone takes."""


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", type=_seconds, default=DEFAULT_TIMEOUT, metavar="TIME", help="such as 90s or 15m"
    )


def _refuse_unknown_verb(argv: Sequence[str]) -> None:
    verb = next((word for word in argv if not word.startswith("-")), None)
    if verb is None or verb in VERBS or verb in HIDDEN or argv[0].startswith("-"):
        return
    near = difflib.get_close_matches(verb, VERBS, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"verbs: {', '.join(VERBS)}"
    print(f"reconciler: unknown verb '{_printable(verb[:40])}'; {hint}", file=sys.stderr)
    raise SystemExit(USAGE)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _seconds(text: str) -> float:
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    if not number.isascii() or not number.replace(".", "", 1).isdigit():
        raise argparse.ArgumentTypeError("expected a time such as 90s, 15m or 1h")
    return float(number) * units[unit]


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from reconciler.cli.version import tool_version

        print(f"reconciler {tool_version()}")
        parser.exit(0)
