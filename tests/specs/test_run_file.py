"""The Run file comes through the same front door as every document."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.run_file import load_run

GOOD = """\
apiVersion: reconciler/v1
kind: Run
metadata: {name: main}
spec:
  repositories:
    - {name: shop, url: "https://git.example.com/team/shop.git", ref: main, poll: 30s, environments: [dev]}
    - {name: tools, folder: /srv/git/tools.git}
  secrets: /etc/reconciler/secrets
  listen: 127.0.0.1:8484
"""


def test_reads_what_is_kept() -> None:
    found, problems = load_run("run.yaml", GOOD.encode())
    assert problems == []
    assert found is not None
    shop, tools = found.spec.repositories
    assert (found.name, shop.url, shop.poll) == ("main", "https://git.example.com/team/shop.git", 30.0)
    assert (tools.folder, tools.path, tools.environments) == ("/srv/git/tools.git", "specs", ())
    assert (found.spec.listen, found.spec.resync) == ("127.0.0.1:8484", 60.0)


@pytest.mark.parametrize(
    ("old", "new", "place", "code", "words"),
    [
        ("kind: Run", "kind: Service", "2:7", "SPEC011", "kind: Run"),
        ("apiVersion: reconciler/v1", "apiVersion: v1", "1:13", "SPEC011", "reconciler/v1"),
        ("secrets:", "secret:", "8:3", "SPEC012", 'did you mean "secrets"'),
        ("listen: 127.0.0.1:8484", "listen: 10.0.0.1:8484", "9:11", "SPEC015", ""),
        ("name: tools", "name: shop", "", "SPEC020", "shop stands twice"),
        ("folder: /srv/git/tools.git", "path: specs", "", "SPEC015", "either url or folder"),
        ("folder: /srv/git/tools.git", "folder: tools.git", "7:29", "SPEC015", ""),
        ("poll: 30s", "poll: 30", "", "SPEC014", "10s"),
        ("metadata: {name: main}", "extra: 1", "3:1", "SPEC012", "extra"),
        ("https://git.example.com/team", "ssh://git@git.example.com", "6:20", "SPEC015", "known_hosts"),
        (
            "https://git.example.com/team/shop.git",
            "git@git.example.com:shop.git",
            "6:20",
            "SPEC015",
            "no key",
        ),
        ("ref: main", "ssh: {identity: /a, known_hosts: /b}", "6:66", "SPEC015", "not reached by ssh"),
        ("folder: /srv", "ssh: {identity: /a, known_hosts: '/b$x'}, folder: /srv", "7:", "SPEC015", ""),
        ("ref: main", 'ref: "--upload-pack=x"', "6:", "SPEC015", "branch"),
        ("ref: main", "push: {credential: /a}", "6:", "SPEC013", "author"),
        ("ref: main", 'push: {author: "Loop"}', "6:", "SPEC015", "a name and an address"),
        (
            "ref: main",
            'push: {author: "A <a@b>", ssh: {identity: /a, known_hosts: /b}}',
            "6:92",
            "SPEC015",
            "not reached by ssh",
        ),
        ("folder: /srv", 'push: {author: "A <a@b>", credential: /a}, folder: /srv', "7:", "SPEC015", "https"),
    ],
)
def test_names_what_is_wrong_and_where(old: str, new: str, place: str, code: str, words: str) -> None:
    found, problems = load_run("run.yaml", GOOD.replace(old, new, 1).encode())
    assert found is None
    said = "\n".join(str(problem) for problem in problems)
    assert f"run.yaml:{place}" in said
    assert f"[{code}]" in said
    assert words in said


@pytest.mark.parametrize("url", ["ssh://git@git.example.com/shop", "git.example.com:shop.git"])
def test_a_key_goes_with_a_url_by_ssh(url: str) -> None:
    login = "ssh: {identity: /etc/key, known_hosts: /etc/hosts-known}"
    text = GOOD.replace("https://git.example.com/team/shop.git", url).replace("poll: 30s", login)
    found, problems = load_run("run.yaml", text.encode())
    assert problems == []
    assert found is not None
    assert found.spec.repositories[0].ssh is not None


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"a: &x b\n", b"---\n---\n"])
def test_what_is_no_such_document_is_an_error_and_no_crash(content: bytes) -> None:
    found, problems = load_run("run.yaml", content)
    assert found is None
    assert problems


def test_the_example_is_one() -> None:
    path = Path(__file__).resolve().parents[2] / "examples/loop/run.yaml"
    found, problems = load_run("run.yaml", path.read_bytes())
    assert problems == []
    assert found is not None
