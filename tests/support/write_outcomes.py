"""Writes tests/corpus/outcomes.yaml anew: `python tests/support/write_outcomes.py`; read the difference."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[2])]

import yaml  # noqa: E402 - after the path that it is found on

from compose_reference import CORPUS, corpus_names  # noqa: E402
from corpus import convert  # noqa: E402

HEAD = """\
# What `reconciler init` makes of each project: unchanged, with notes (topic: number of lines), or refused
# (codes). A topic is about one thing: secret, variable, config (files of git, read-only), volume (data in a
# folder), image-volume, data (where Compose's own data lies), host (what `allow` names), restart, job,
# renamed, profile, port, tag; dropped is not carried over, ignored has no effect in docker compose either.
# Written by tests/support/write_outcomes.py.
"""


def write_outcomes() -> None:
    """Convert every project, where no engine answers."""
    os.environ["DOCKER_HOST"] = "unix:///nowhere"
    with tempfile.TemporaryDirectory() as folder:
        rows = {name: convert(name, Path(folder)).row() for name in corpus_names()}
    counts = dict(Counter(str(row["outcome"]) for row in rows.values()))
    table = yaml.safe_dump(
        {"counts": counts, "projects": rows}, sort_keys=False, default_flow_style=None, width=110
    )
    (CORPUS.parent / "outcomes.yaml").write_text(HEAD + table)
    print(counts)


if __name__ == "__main__":
    write_outcomes()
