"""Whatever stands in a Compose file: it is converted or refused, never a crash, and no password gets out."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.cli.compose_files import RepositoryFiles
from reconciler.cli.initialise import render_documents
from reconciler.compose.convert import convert_project
from reconciler.compose.draft import Draft
from reconciler.compose.places import EngineFacts
from reconciler.compose.project import read_project
from reconciler.compose.service_form import _FORMS
from reconciler.compose.tree import ComposeError
from reconciler.ownership import Owner
from specs.load import SpecFile, load
from specs.service import Service

WORDS = sorted({*_FORMS, *Service.model_fields, "image", "restart", "mem_limit", "cpus", "scale", "extends"})
TEXTS = st.sampled_from(
    [
        "",
        "x",
        "8080:80",
        "a:/b:ro",
        "./x:/y",
        "$A",
        "${A:-b}",
        "${P}",
        "$$",
        "/",
        "..",
        "~",
        "=",
        "a=b",
        "10m",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-5, 9000) | st.floats(allow_nan=False) | TEXTS
KEYS = st.sampled_from(
    ["a", "target", "source", "type", "limits", "test", "file", "PASSWORD", "service", "x-y"]
)
TREES = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(KEYS, part, max_size=3), max_leaves=6
)
SERVICES = st.dictionaries(st.sampled_from(WORDS), TREES, max_size=4)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.sampled_from(["a", "b_c", "D"]), SERVICES, min_size=1, max_size=2),
    st.dictionaries(
        st.sampled_from(["volumes", "networks", "configs", "secrets", "include"]), TREES, max_size=2
    ),
)
def test_any_tree_is_converted_or_refused(services: dict[str, object], rest: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "compose.yaml").write_text(json.dumps({"services": services, **rest}))
        (root / ".env").write_text("A=1\nP_PASSWORD=hunter2\n")
        try:
            files = RepositoryFiles(root)
            project = read_project(files, "x")
            assert project is not None
            draft = convert_project(project, files, EngineFacts(), Owner("x", "dev"))
        except ComposeError as error:
            refused = str(error)
            draft = Draft()
        else:
            refused = ""
    assert "hunter2" not in refused
    texts = {name: render_documents(documents) for name, documents in draft.files.items()}
    assert "hunter2" not in "".join(texts.values()) + "".join(str(note) for note in draft.notes)
    _, problems = load([SpecFile(f"specs/{name}", text.encode()) for name, text in texts.items()])
    # What is wrong in the Compose file itself may be wrong here: never the YAML that is written.
    assert not {p.code for p in problems} & {"SPEC002", "SPEC003", "SPEC004", "SPEC005", "SPEC006", "SPEC007"}
