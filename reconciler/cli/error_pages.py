"""What each stable code means, why it comes up and what to do: ``reconciler explain`` and docs/errors.md.

The meaning stands in a table beside the code that raises it; cause, example and remedy in ``errors/``.
"""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from specs.effective import effective
from specs.load import SpecFile, load
from specs.problem import has_errors

FOLDER: Final = Path(__file__).parent / "errors"
ABOUT: Final = {
    "SPEC": "spec documents",
    "IMG": "what decides an image: Dockerfile and build context",
    "PLAN": "guards and blocks of a plan",
    "CLI": "the command line",
    "POL": "sources, policy and engines",
    "PUSH": "pushes straight to a loop",
    "INIT": "the command init",
    "SEC": "secrets",
    "SRC": "files and bases that an apply needs",
    "RUN": "the running of actions",
    "GIT": "repositories",
    "WRK": "working trees",
    "BLD": "builds",
    "REG": "registries",
    "DKR": "the engine",
    "PXY": "the proxies",
    "FORGE": "comments, issues and pull requests at a forge",
    "DRIFT": "drift, in reports for other tools",
}
"""Families of codes, in the order of the page."""
_FILES: Final = ("conf/app.conf",)
_SERVICE: Final = "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: web}\nspec:\n"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One code in words. ``given`` is the spec file of which ``example`` is said; empty for what
    is about no file."""

    code: str
    meaning: str
    cause: str
    remedy: str
    example: str = ""
    given: str = ""

    def markdown(self) -> str:
        """The section of docs/errors.md."""
        meaning = self.meaning.rstrip(".")
        parts = [f"### {self.code}\n", f"{meaning[:1].upper()}{meaning[1:]}.\n", f"**Cause.** {self.cause}\n"]
        if self.given:
            parts.append(f"```yaml\n{self.given.expandtabs(4)}\n```\n")
        if self.example:
            parts.append(f"```text\n{self.example}\n```\n")
        return "\n".join([*parts, f"**What to do.** {self.remedy}\n"])

    def text(self) -> str:
        """The section for a terminal."""
        meaning = self.meaning.rstrip(".")
        lines = [f"{self.code}: {meaning[:1].upper()}{meaning[1:]}.", "", *_wrapped(self.cause), ""]
        for shown in (self.given.expandtabs(4), self.example):
            if shown:
                lines += [*(f"    {line}".rstrip() for line in shown.splitlines()), ""]
        return "\n".join([*lines, *_wrapped(f"What to do: {self.remedy}")]) + "\n"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)


def meanings() -> dict[str, str]:
    """Every code that a message can bear, and what it means."""
    from providers.buildx import codes as builds
    from providers.caddy import faults as proxies
    from providers.docker import faults as engines
    from providers.git import codes as repositories
    from providers.oci import faults as registries
    from providers.worktree import codes as trees
    from reconciler import codes as plans
    from reconciler import drift_codes as drifts
    from reconciler.cli import codes as commands
    from reconciler.cli import forge_codes as forges
    from reconciler.cli import policy_codes as policies
    from reconciler.cli import push_codes as pushes
    from specs import image_problem, problem

    tables = (
        problem.CODES,
        image_problem.CODES,
        plans.PLAN_CODES,
        commands.CODES,
        plans.RUN_CODES,
        policies.CODES,
        pushes.CODES,
        drifts.CODES,
        forges.CODES,
    )
    others = (repositories.CODES, trees.CODES, builds.CODES, registries.CODES, engines.CODES, proxies.CODES)
    return {code: meaning for table in (*tables, *others) for code, meaning in table.items()}


def written() -> dict[str, Mapping[str, str]]:
    """What the files of ``errors/`` say, by code."""
    found: dict[str, Mapping[str, str]] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def explanations() -> dict[str, Explanation]:
    """Every code that is explained, by family and number."""
    texts = written()
    known = {code: meaning for code, meaning in meanings().items() if code in texts}
    families = list(ABOUT)
    return {
        code: _explain(code, known[code], texts[code])
        for code in sorted(known, key=lambda code: (families.index(family_of(code)), code))
    }


def _explain(code: str, meaning: str, texts: Mapping[str, str]) -> Explanation:
    cause, remedy = (" ".join(texts[name].split()) for name in ("cause", "remedy"))
    example, given = (texts.get(name, "").strip("\n") for name in ("example", "given"))
    given = _whole(given)
    return Explanation(code, meaning, cause, remedy, example or _said_of(given, code), given)


def _said_of(given: str, code: str) -> str:
    """The first message with this code about a file specs/web.yaml that holds ``given``."""
    if not given:
        return ""
    spec_set, problems = load([SpecFile("specs/web.yaml", given.encode())])
    for name in () if has_errors(problems) else spec_set.environments:
        problems += effective(spec_set, name, file_paths=_FILES)[1]
    return next((str(problem) for problem in problems if problem.code == code), "")


def _whole(given: str) -> str:
    """A file with what was written; fields alone are those of a Service."""
    if not given or given.startswith("apiVersion"):
        return given
    image = [] if "image:" in given else ['image: "redis:7"']
    return _SERVICE + "\n".join(f"  {line}" for line in [*image, *given.splitlines()])


def family_of(code: str) -> str:
    """The letters of a code."""
    return code.rstrip("0123456789")


def page() -> str:
    """The text of docs/errors.md."""
    lines = [
        "# Messages and their codes",
        "",
        "Every message ends in a stable code such as `[SPEC012]`. `reconciler explain SPEC012` prints its",
        "section here. This page is made by `reconciler explain > docs/errors.md`; change the tables in the",
        "code and `reconciler/cli/errors/` instead.",
        "",
    ]
    found = explanations()
    for family, about in ABOUT.items():
        codes = [code for code in found if family_of(code) == family]
        lines += [f"- **{family}**, {about}: " + " ".join(f"[{code}](#{code.lower()})" for code in codes)]
    family = ""
    for code, explanation in found.items():
        if family_of(code) != family:
            family = family_of(code)
            lines += ["", f"## {family}: {ABOUT[family]}"]
        lines += ["", explanation.markdown().rstrip("\n")]
    return "\n".join(lines) + "\n"
