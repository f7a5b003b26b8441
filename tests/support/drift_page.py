"""Writes docs/drift.md from the rows of the drift table: run it when they change.

python tests/support/drift_page.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "drift.md"
_HEAD: Final = """# What is seen of an edit by hand

<!-- Written by tests/support/drift_page.py from tests/support/drift_table.py. -->

Each field that a Service can declare was changed behind the command's back on live engines (20.10 and 26.1):
in place where the engine allows it, else by making the container again with the same name and the same
labels, so that nothing but the live object could tell. `reconciler drift` then named exactly these paths and
no other, and `reconciler apply` healed them; the same tests run on every change.

"""
_FIELDS: Final = """
| field | changed by | named as | healed | from |
|---|---|---|---|---|
"""
_UNSEEN: Final = """
## Fields whose change is not told

| field | why |
|---|---|
"""
DEEDS: Final = {
    "a container removed": "missing; made again",
    "stopped or killed": "`state`; started",
    "paused": "`state`; let run on",
    "renamed": "`name`; gets its name back",
    "limits or restart policy changed": "by field; set back in place",
    "disconnected from a network of its spec": "`networks.NAME`; connected again",
    "connected to another network": "`networks.NAME`; disconnected",
    "a second container with the same labels": "one too many; removed",
    "an image retagged underneath": "nothing: what runs is named by digest, and healed with that digest",
    "a secret's value changed": "origin commit: its consumers, and no others, are rolled out",
    "a config's content changed inside its volume": (
        "by `drift --deep` alone, which reads the files back; containers cannot write them"
    ),
    "a network made again under its name with other options": (
        "not told: a network's options are part of its name, and the live ones are not compared"
    ),
    "a data volume made again under its name": (
        "another driver or driver option is told and blocks, since its data is never thrown away; labels are "
        "not compared"
    ),
}
"""What a hand can do besides, and what comes of it."""
_DEEDS: Final = """
## Besides

| by hand | told as |
|---|---|
"""


def page() -> str:
    """The whole page."""
    return "".join([_HEAD, _count(), _FIELDS, *_fields(), _UNSEEN, *_unseen(), _DEEDS, *_besides()])


def _count() -> str:
    from drift_table import IN_PLACE, ROWS

    seen = sum(1 for row in ROWS.values() if row.path)
    return (
        f"{len(ROWS)} fields: {seen} changed, named and healed ({len(IN_PLACE)} of them in place), "
        f"{len(ROWS) - seen} not told, with the reason.\n"
    )


def _fields() -> Iterator[str]:
    from drift_table import IN_PLACE, ROWS

    for field, row in sorted(ROWS.items()):
        if row.path:
            healed = "by replacement" if field not in IN_PLACE else "in place"
            since = f"API {row.since[0]}.{row.since[1]}" if row.since > (1, 41) else ""
            path = "`ports.ADDRESS:PORT->TARGET`" if row.path.startswith("ports.") else f"`{row.path}`"
            yield f"| `{field}` | {row.how} | {path} | {healed} | {since} |\n"


def _unseen() -> Iterator[str]:
    from drift_table import UNSEEN

    for field, reason in sorted(UNSEEN.items()):
        yield f"| `{field}` | {reason} |\n"


def _besides() -> Iterator[str]:
    for deed, outcome in DEEDS.items():
        yield f"| {deed} | {outcome} |\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(page())
