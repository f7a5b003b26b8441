"""Loading: files, limits, names, what is a spec and what is content."""

from __future__ import annotations

import pytest

from specs.load import MAX_FILES, SpecFile, is_spec_path, load, nested_paths
from specs.problem import Problem
from specs.service import Service

CANARY = "canary-7f3a"


def document(kind: str, name: str, *lines: str) -> str:
    body = "".join(f"  {line}\n" for line in lines)
    return f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{body}"


def spec_file(path: str, *documents: str, mode: int = 0o100644) -> SpecFile:
    return SpecFile(path, "---\n".join(documents).encode(), mode)


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


WEB = document("Service", "web", "image: redis:7")


def test_reads_documents_of_all_files_whatever_their_folder() -> None:
    spec_set, problems = load(
        [
            spec_file("specs/a.yaml", WEB, document("Volume", "data", "driver: local")),
            spec_file("specs/deep/b.yml", document("Environment", "dev", "project: shop")),
            spec_file("other/c.yaml", "not: ours\n"),
        ]
    )
    assert problems == []
    assert spec_set.counts == {"Environment": 1, "Service": 1, "Volume": 1}
    assert spec_set.environments["dev"].project == "shop"
    assert isinstance(spec_set.documents["Service", "web"].model, Service)
    assert spec_set.documents["Service", "web"].place_of("image") == ("specs/a.yaml", 5, 3, False)


def test_does_not_depend_on_the_order_of_files() -> None:
    files = [spec_file("specs/b.yaml", WEB), spec_file("specs/a.yaml", document("Service", "web", "imge: a"))]
    assert load(files)[1] == load(list(reversed(files)))[1]


@pytest.mark.parametrize("mode", [0o120000, 0o160000])
def test_refuses_links_and_submodules_without_their_target(mode: int) -> None:
    _, problems = load(
        [spec_file("specs/a.yaml", f"/etc/{CANARY}", mode=mode), spec_file("specs/b.yaml", WEB)]
    )
    assert codes(problems) == ["SPEC009"]
    assert problems[0].file == "specs/a.yaml"
    assert CANARY not in str(problems[0])


def test_names_both_files_whose_names_collide() -> None:
    _, problems = load([spec_file("specs/Web.yaml", WEB), spec_file("specs/web.yaml", "")])
    assert codes(problems) == ["SPEC021"]
    assert "specs/Web.yaml" in str(problems[0])
    assert problems[0].file == "specs/web.yaml"


def test_names_collide_in_unicode_forms_too() -> None:
    _, problems = load([spec_file("specs/\u00e9.yaml", WEB), spec_file("specs/e\u0301.yaml", "")])
    assert codes(problems) == ["SPEC021"]


def test_refuses_more_files_than_the_limit() -> None:
    files = [SpecFile(f"specs/{number:05}.yaml", b"") for number in range(MAX_FILES + 1)]
    _, problems = load([*files, spec_file("specs/0.yaml", WEB)])
    assert "SPEC001" in codes(problems)


def test_names_the_place_of_the_first_of_two_documents() -> None:
    _, problems = load([spec_file("specs/a.yaml", WEB), spec_file("specs/b.yaml", WEB)])
    assert [str(problem) for problem in problems] == [
        "specs/b.yaml:3:12: Service web: Service web stands twice (first at specs/a.yaml:3)  [SPEC020]"
    ]


def test_nothing_at_all_prints_the_next_command() -> None:
    spec_set, problems = load([])
    assert spec_set.documents == {}
    assert codes(problems) == ["SPEC032"]
    assert "reconciler init" in problems[0].remedy


@pytest.mark.parametrize("content", ["kind: ConfigMap\n", "- a\n- b\n", "a: [\n", "x: &a {}\ny: *a\n"])
def test_yaml_that_is_not_ours_is_content_where_a_config_names_it(content: str) -> None:
    foreign = spec_file("specs/app/settings.yaml", content)
    lonely, named = (
        load([foreign, spec_file("specs/a.yaml", WEB)]),
        load([foreign, spec_file("specs/a.yaml", WEB, document("Config", "app", "file: ./specs/app"))]),
    )
    assert lonely[1] != []
    assert named[1] == []


def test_yaml_that_a_patch_names_is_content_too() -> None:
    environment = document(
        "Environment",
        "dev",
        "project: shop",
        "patches: [{kind: Config, name: app, spec: {file: specs/x.yaml}}]",
    )
    files = [
        spec_file("specs/a.yaml", document("Config", "app", "file: conf"), environment),
        spec_file("specs/x.yaml", "a: b\n"),
    ]
    assert load(files)[1] == []


def test_a_document_of_ours_is_read_even_where_a_config_names_its_file() -> None:
    files = [
        spec_file(
            "specs/a.yaml", document("Config", "app", "file: specs"), document("Service", "x", "imge: a")
        )
    ]
    assert codes(load(files)[1]) == ["SPEC013", "SPEC012"] or codes(load(files)[1]) == ["SPEC012", "SPEC013"]


@pytest.mark.parametrize(
    ("file_path", "path", "expected"),
    [
        ("specs/a.yaml", "specs", True),
        ("specs/a.yml", "./specs/", True),
        ("specs/a.json", "specs", False),
        ("specs2/a.yaml", "specs", False),
        ("a.yaml", ".", True),
    ],
)
def test_knows_which_files_are_specs(file_path: str, path: str, expected: bool) -> None:
    assert is_spec_path(file_path, path) is expected


def test_refuses_spec_paths_that_lie_in_one_another() -> None:
    assert codes(nested_paths(["specs", "other", "specs/team"])) == ["SPEC036"]
    assert nested_paths(["specs", "specs2"]) == []


def test_reports_problems_of_all_files_together() -> None:
    files = [
        spec_file("specs/a.yaml", "a: ["),
        spec_file("specs/b.yaml", document("Service", "web", "imge: x")),
    ]
    assert {problem.file for problem in load(files)[1]} == {"specs/a.yaml", "specs/b.yaml"}


def test_two_hundred_services_are_quick_to_read() -> None:
    """A bound that only an accident of complexity breaks; the figure itself is the bench's."""
    text = document(
        "Service", "web{}", "image: redis:7", "environment: {A: b, C: d}", "healthcheck: {test: x}"
    )
    files = [SpecFile(f"specs/{n}.yaml", text.replace("{}", str(n)).encode()) for n in range(200)]
    spec_set, problems = load(files)
    assert (problems, len(spec_set.documents)) == ([], 200)
