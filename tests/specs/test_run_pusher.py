"""Pushers in a Run file: what is said of them is checked, with places."""

from __future__ import annotations

import pytest

from specs.run_file import load_run

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
HEAD = """\
apiVersion: reconciler/v1
kind: Run
metadata: {name: main}
spec:
  repositories:
    - {name: shop, folder: /srv/shop.git, receive: true}
    - {name: tools, folder: /srv/tools}
  pushers:
"""


def codes(*pushers: str) -> list[tuple[str, int | None]]:
    text = HEAD + "".join(f"    - {pusher}\n" for pusher in pushers)
    return [(problem.code, problem.line) for problem in load_run("run.yaml", text.encode())[1]]


def test_a_pusher_is_known_by_a_token_or_by_a_key() -> None:
    good = "{name: ann, token: /etc/ann, repositories: [shop], refs: [main, 'release/*', 'refs/tags/v*']}"
    text = f"{HEAD}    - {good}\n    - {{name: bob, key: {KEY} bob@home, repositories: [shop]}}\n"
    found, problems = load_run("run.yaml", text.encode())
    assert not problems
    assert found is not None
    ann, bob = found.spec.pushers
    assert bob.key == KEY
    allowed = {
        "refs/heads/main": True,
        "refs/heads/release/1": True,
        "refs/tags/v1": True,
        "refs/heads/mainly": False,
        "refs/tags/main": False,
        "refs/heads/v1": False,
        "refs/reconciler/x": False,
    }
    assert {ref: ann.may_push(ref) for ref in allowed} == allowed
    assert not bob.may_push("refs/heads/release/1")


@pytest.mark.parametrize(
    ("pusher", "code"),
    [
        ("{name: a, repositories: [shop]}", "SPEC015"),
        (f"{{name: a, token: /t, key: {KEY}, repositories: [shop]}}", "SPEC015"),
        ("{name: a, token: /t, repositories: [shpo]}", "SPEC023"),
        ("{name: a, token: /t, repositories: [tools]}", "SPEC015"),
        ("{name: a, token: /t}", "SPEC013"),
        ("{name: a, token: t, repositories: [shop]}", "SPEC015"),
        (f'{{name: a, key: command="x" {KEY}, repositories: [shop]}}', "SPEC015"),
        ("{name: a, key: ssh-ed25519 AAAA, repositories: [shop]}", "SPEC015"),
        (f"{{name: a, key: {KEY.replace('ssh-ed25519', 'ssh-rsa')}, repositories: [shop]}}", "SPEC015"),
        ("{name: a, token: /t, repositories: [shop], refs: ['--x']}", "SPEC015"),
        ("{name: a, token: /t, repositories: [shop], refs: [refs/notes/x]}", "SPEC015"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(pusher: str, code: str) -> None:
    assert set(codes(pusher)) == {(code, 9)}


def test_two_pushers_are_told_apart() -> None:
    assert codes(
        f"{{name: a, key: {KEY} one, repositories: [shop]}}",
        f"{{name: b, key: {KEY} other, repositories: [shop]}}",
        "{name: b, token: /t, repositories: [shop]}",
    ) == [("SPEC020", 10), ("SPEC020", 11)]
