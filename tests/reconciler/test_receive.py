"""A repository that is pushed to: made, mended, tidied; what its hooks say, and who may say what over ssh."""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from reconciler.cli.authorized_keys import key_lines
from reconciler.cli.git_body import Refused, count_lines, read_pieces
from reconciler.cli.git_service import Limits
from reconciler.cli.judge import Question, judge
from reconciler.cli.push_judgement import Judges
from reconciler.cli.push_request import PushRequest, Update, count_objects, read_request
from reconciler.cli.push_token import MOST_FAILURES, Limiter, read_login
from reconciler.cli.receive import prepare_repository
from reconciler.cli.receive_ssh import read_asked
from reconciler.cli.receive_upkeep import LEFT_AFTER, tidy
from specs.run_pusher import Pusher
from specs.run_repository import RunRepository
from watched_repository import SERVICE, environment

ZERO, ONE, MOST = "0" * 40, "1" * 40, 4


@pytest.fixture(name="entry")
def _entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunRepository:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    entry = RunRepository(name="shop", folder=str(tmp_path / "shop.git"), receive=True)
    prepare_repository(entry)
    return entry


def git(entry: RunRepository, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(entry.folder), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def pushed(entry: RunRepository, tmp_path: Path, text: str) -> tuple[WrittenRepository, str]:
    """A commit whose objects are in the repository, past its hooks."""
    clone = WrittenRepository(tmp_path / "clone")
    commit = clone.commit({"specs/all.yaml": text})
    clone.git(
        "push", "-q", "--receive-pack=git -c core.hooksPath=/dev/null receive-pack", str(entry.folder), "main"
    )
    return clone, commit


@pytest.mark.parametrize("damage", ["hooks", "config", "config-lost", "head", "head-lost", "not-bare"])
def test_what_is_damaged_is_written_again(entry: RunRepository, tmp_path: Path, damage: str) -> None:
    _, commit = pushed(entry, tmp_path, environment("dev") + SERVICE)
    folder = Path(entry.folder or "")
    match damage:
        case "hooks":
            for hook in (folder / "hooks").iterdir():
                hook.unlink()
            (folder / "hooks").rmdir()
        case "config":
            (folder / "config").write_bytes(b"[core\n\x00")
        case "config-lost":
            (folder / "config").unlink()
        case "head":
            (folder / "HEAD").write_bytes(b"\x00" * 20)
        case "head-lost":
            (folder / "HEAD").unlink()
        case "not-bare":
            git(entry, "config", "core.bare", "false")
    prepare_repository(entry)
    assert git(entry, "rev-parse", "HEAD") == commit
    assert git(entry, "rev-parse", "--is-bare-repository") == "true"
    assert git(entry, "config", "receive.denyDeletes") == "true"
    assert sorted(hook.name for hook in (folder / "hooks").iterdir()) == ["post-receive", "pre-receive"]


def test_many_packs_are_put_together_and_left_overs_go(entry: RunRepository, tmp_path: Path) -> None:
    clone, _ = pushed(entry, tmp_path, SERVICE)
    objects = Path(entry.folder or "") / "objects"
    for number in range(MOST):
        clone.commit({"n": str(number)})
        past = "--receive-pack=git -c core.hooksPath=/dev/null receive-pack"
        clone.git("push", "-q", past, str(entry.folder), "main")
    old, young = objects / "tmp_objdir-incoming-old", objects / "tmp_objdir-incoming-young"
    for folder in (old, young):
        (folder / "pack").mkdir(parents=True)
    now = young.stat().st_mtime
    os.utime(old, (now - LEFT_AFTER - 1, now - LEFT_AFTER - 1))
    tidy(Path(entry.folder or ""), now, MOST)
    assert (old.exists(), young.exists()) == (False, True)
    assert len(list(objects.glob("pack/*.pack"))) > MOST, "somebody pushes: not now"
    tidy(Path(entry.folder or ""), now + LEFT_AFTER + 1, MOST)
    assert not young.exists()
    assert len(list(objects.glob("pack/*.pack"))) < MOST
    git(entry, "fsck", "--strict")


def test_what_a_hook_says_is_read_and_nothing_else(entry: RunRepository, tmp_path: Path) -> None:
    folder = Path(entry.folder or "")
    quarantine = folder / "objects" / "tmp_objdir-incoming-x1"
    quarantine.mkdir()
    body = f"pusher ann\noption plan-only\nquarantine {quarantine}\nupdate {ZERO} {ONE} refs/heads/main\n"
    request = read_request(body.encode(), folder)
    updates = (Update(ZERO, ONE, "refs/heads/main"),)
    assert request == PushRequest("ann", frozenset({"plan-only"}), quarantine, updates)
    assert count_objects(quarantine) == 0
    (tmp_path / "tmp_objdir-incoming-x2").mkdir()
    (folder / "objects" / "tmp_objdir-incoming-x3").symlink_to(tmp_path)
    for where in (
        tmp_path / "tmp_objdir-incoming-x2",
        folder / "objects" / "tmp_objdir-incoming-x3",
        folder / "objects",
        folder / "objects" / "pack",
        quarantine / ".." / ".." / "hooks",
        Path("/etc"),
    ):
        with pytest.raises(ValueError, match="elsewhere"):
            read_request(body.replace(str(quarantine), str(where)).encode(), folder)
    for wrong in (
        "",
        "pusher a\npusher b\n",
        "pusher a\nsecret x\n",
        "pusher a\nupdate x y refs/heads/main\n",
        f"pusher a\nupdate {ZERO} {ONE} HEAD\n",
        f"pusher a\nupdate {ZERO} {ONE} refs/heads/\x1b[2J\n",
    ):
        with pytest.raises(ValueError, match=r"."):
            read_request(wrong.encode(), folder)


def test_over_ssh_only_a_push_or_a_fetch_is_understood() -> None:
    assert read_asked("git-receive-pack 'shop.git'") == ("git-receive-pack", "shop")
    assert read_asked("git-receive-pack '/shop.git'") == ("git-receive-pack", "shop")
    assert read_asked("git upload-pack 'shop'") == ("git-upload-pack", "shop")
    for other in (
        "",
        "git-receive-pack shop.git",
        "git-receive-pack '../shop.git'",
        "git-receive-pack 'shop.git' ",
        "git-receive-pack 'shop.git'\n",
        "git-receive-pack '--help'x",
        "git-receive-pack 'a' 'b'",
        "git-shell -c id",
    ):
        assert read_asked(other) is None, other


def test_a_key_is_let_in_to_one_command(tmp_path: Path) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    bob = Pusher(name="bob", key=key, repositories=("shop",))
    ann = Pusher(name="ann", token="/t", repositories=("shop",))
    (line,) = key_lines(Path('/etc/a "b/run.yaml'), [ann, bob])
    assert line.startswith('restrict,command="')
    assert line.endswith(f'--pusher bob" {key} bob')
    assert '\\"b/run.yaml' in line


def test_guesses_are_counted_by_address_and_forgotten() -> None:
    limiter = Limiter()
    for _ in range(MOST_FAILURES):
        assert limiter.is_open("a", 0.0)
        limiter.fail("a", 0.0)
    assert not limiter.is_open("a", 59.0)
    assert limiter.is_open("a", 61.0)
    assert limiter.is_open("b", 1.0)
    for number in range(2000):
        limiter.fail(str(number), 1.0)
    assert limiter.is_open("a", 1.0), "a thousand addresses are remembered"
    for header in ("", "Bearer x", "Basic !!", "Basic YQ==", f"Basic {'a' * 9000}"):
        assert read_login(header) is None


def test_the_list_of_updates_is_counted_before_anything_reads_it() -> None:
    assert count_lines(b"0000PACK") == 0
    assert count_lines(b"0006ab0007abc0000") == 2
    assert count_lines(b"0006ab00") is None
    for wrong in (b"00zz", b"0001", b"-001abcd"):
        with pytest.raises(Refused):
            count_lines(wrong)


def test_a_judge_reads_what_is_followed_and_leaves_the_rest(entry: RunRepository, tmp_path: Path) -> None:
    clone, good = pushed(entry, tmp_path, environment("dev") + environment("prod", tracks="stable") + SERVICE)
    bad = clone.commit({"specs/all.yaml": environment("dev") + SERVICE.replace("image", "imgae")})
    variable = clone.commit(
        {"specs/all.yaml": environment("dev") + SERVICE.replace("redis:7", "redis:$$X${Y}")}
    )
    past = "--receive-pack=git -c core.hooksPath=/dev/null receive-pack"
    clone.git("push", "-q", past, str(entry.folder), "main:other")
    rewritten = clone.git("commit-tree", "-m", "x", f"{good}^{{tree}}")
    clone.git("push", "-q", past, str(entry.folder), f"{rewritten}:refs/heads/rewritten")

    def codes(ref: str, new: str, old: str = ZERO) -> list[str]:
        updates = (Update(old, new, ref),)
        question = Question(str(entry.folder), "", "", "specs", (), updates)
        return [
            problem.code for problem in judge(Question.read(question.write())) if problem.severity == "error"
        ]

    assert codes("refs/heads/main", good) == []
    assert codes("refs/heads/main", bad, good) == ["SPEC013", "SPEC012"]
    assert "SPEC033" in codes("refs/heads/main", variable, good)
    assert codes("refs/heads/stable", bad) == ["SPEC013", "SPEC012"]
    assert codes("refs/heads/feature", bad) == []
    assert codes("refs/heads/feature", rewritten, good) == ["PUSH003"]
    assert codes("refs/heads/main", ONE) == ["GIT011"]


async def test_what_cannot_be_read_within_the_limits_is_refused(
    entry: RunRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, commit = pushed(entry, tmp_path, environment("dev") + SERVICE)
    request = PushRequest("", frozenset(), None, (Update(ZERO, commit, "refs/heads/main"),))
    assert await Judges().problems(entry, request) == []
    for judges in (Judges(limits=Limits(memory=24 << 20)), Judges(deadline=0.01)):
        (line,) = await judges.problems(entry, request)
        assert "PUSH005" in line

    # what judges has nothing of ours: no variable, no open file, and limits that it cannot raise
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__PASSWORD", "in-no-output")
    script = "env; ls /proc/$$/fd; ulimit -H -c; ulimit -H -v; ulimit -v unlimited || echo stays; exit 1"
    lines = await Judges(["sh", "-c", script]).problems(entry, request)
    variables = {line.partition("=")[0] for line in lines if "=" in line}
    assert variables <= {"PATH", "LC_ALL", "HOME", "PYTHONDONTWRITEBYTECODE", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "in-no-output" not in "".join(lines)
    assert {line for line in lines if len(line) == 1} == {"0", "1", "2"}
    assert lines[-2] == str(4 << 20)


@dataclass
class Body:
    """As much of a request as its body takes."""

    content: asyncio.StreamReader
    headers: dict[str, str]


async def test_what_is_packed_well_is_unpacked_in_pieces_and_counted() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(gzip.compress(bytes(8 << 20)))
    reader.feed_eof()
    sizes: list[int] = []
    body = Body(reader, {"Content-Encoding": "gzip"})

    async def read() -> None:
        async for piece in read_pieces(body, 4 << 20):  # type: ignore[arg-type]  # a part of a request
            sizes.append(len(piece))

    with pytest.raises(Refused, match="more than 4 MiB"):
        await read()
    assert sum(sizes) <= 4 << 20
    assert max(sizes) <= 1 << 16
