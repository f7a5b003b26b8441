"""A source that moved, was rewritten, is unsigned or has gone is held: what ran is kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from git_repository import WrittenRepository
from providers.git.repository import GitRepository
from providers.memory import MemoryEngine
from reconciler.accepted import Accepted, engine_confirmation, read_accepted
from reconciler.cli.accepted_record import RecordFile
from reconciler.cli.source import read_ref
from reconciler.desired import Desired
from reconciler.observed import Marker, Observed
from reconciler.ownership import Owner
from reconciler.plan import plan
from reconciler.provider import Question
from signers import SshSigner, signed_commit, signed_tag
from specs.reference import Digest
from specs.run_signatures import Signatures
from watched_repository import SERVICE, Told, environment, written
from worlds import MemoryWorld, blueprint

DEV = Owner("shop", "dev")
TEXT = environment("dev") + SERVICE


@pytest.fixture(autouse=True, name="state")
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


async def accepted(engine: MemoryEngine) -> Accepted | None:
    world = await engine.observe(Question(DEV))
    return read_accepted(next((m for m in world.markers if m.kind == "source"), None))


async def accept(told: Told, commit: str, **words: Any) -> None:
    """What ``adopt dev`` does, from a clone at this commit."""
    world = await told.engine.observe(Question(DEV))
    earlier = next(m for m in world.markers if m.kind == "source")
    before = read_accepted(earlier)
    assert before is not None
    value = replace(before, commit=commit, tag=None, **words).write()
    await told.engine.put_marker(DEV, Marker("source", "", earlier.sequence + 1, value))


def source_of(told: Told) -> str:
    return read_ref(GitRepository(told.repository.path), "main", "specs").label


async def forget(engine: MemoryEngine) -> None:
    for marker in (await engine.observe(Question(DEV))).markers:
        await engine.remove_marker(DEV, marker.object_name)


def rewrite(repository: WrittenRepository, base: str) -> str:
    repository.git("reset", "-q", "--hard", base)
    return repository.commit({"other": "history\n"})


async def test_what_was_accepted_is_remembered_by_the_engine(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    told = Told(repository)
    await told.watch.look()
    found = await accepted(told.engine)
    assert found is not None
    assert (found.commit, found.tag, found.engine) == (first, None, "memory")
    second = repository.commit({"note": "two\n"})
    await told.watch.look()
    found = await accepted(told.engine)
    assert found is not None
    assert found.commit == second


def _forced(repository: WrittenRepository, first: str) -> str:
    return rewrite(repository, first)


def _unrelated(repository: WrittenRepository, first: str) -> str:
    repository.git("switch", "-q", "--orphan", "another")
    commit = repository.commit({"specs/all.yaml": TEXT, "another": "root\n"})
    repository.git("branch", "-M", "main")
    return commit


def _older(repository: WrittenRepository, first: str) -> str:
    repository.git("reset", "-q", "--hard", first)
    return first


def _replaced(repository: WrittenRepository, first: str) -> str:
    """Another repository stands where this one was."""
    shutil.rmtree(repository.path)
    return WrittenRepository(repository.path).commit({"specs/all.yaml": TEXT, "another": "root\n"})


MOVES = {"rewritten": _forced, "unrelated": _unrelated, "older": _older, "replaced": _replaced}
CODES = {"rewritten": "POL031", "unrelated": "POL031", "older": "POL030", "replaced": "POL032"}


@pytest.mark.parametrize("how", MOVES)
@pytest.mark.parametrize("lost", ["nothing", "process", "record", "marker"])
async def test_a_source_that_moved_is_held_whatever_was_lost_and_can_be_accepted(
    how: str, lost: str, tmp_path: Path, state: Path
) -> None:
    repository, first = written(tmp_path, TEXT)
    second = repository.commit({"note": "two\n"})
    told = Told(repository)
    await told.watch.look()
    moved = MOVES[how](repository, first)
    if lost != "nothing":
        told.begin()
    if lost == "record":
        shutil.rmtree(state)
    if lost == "marker":
        await forget(told.engine)
    await told.watch.look()
    # without a record only the engine is left to tell, and that another first commit is another source
    is_told_by_source = lost == "record" and how in ("unrelated", "replaced")
    assert told.faults == [("dev", "POL033" if is_told_by_source else CODES[how])]
    assert "reconciler adopt dev" in str(told.refusals[-1].problems[0])
    is_opened_again = lost != "nothing" and how != "replaced"
    assert told.offered == [("dev", second)] * (2 if is_opened_again else 1)
    if lost == "marker":
        return  # there is nothing that another machine could have told
    await accept(told, moved, source=source_of(told))
    await told.watch.look()
    assert told.offered[-1] == ("dev", moved)
    third = repository.commit({"note": "three\n"})
    await told.watch.look()
    assert told.offered[-1] == ("dev", third)


async def test_it_is_told_once_and_comes_back_by_itself_when_the_commits_do(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    second = repository.commit({"note": "two\n"})
    told = Told(repository)
    await told.watch.look()
    rewrite(repository, first)
    for _ in range(3):
        await told.watch.look()
    assert told.faults == [("dev", "POL031")]
    assert told.watch.refused == told.watch.held == {"dev"}
    repository.git("reset", "-q", "--hard", second)
    third = repository.commit({"note": "three\n"})
    await told.watch.look()
    assert (told.offered[-1], told.watch.refused, told.watch.held) == (("dev", third), set(), set())


async def test_a_vanished_branch_path_or_document_keeps_what_ran_in_a_new_process_too(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("dev", tracks="stable") + SERVICE)
    repository.git("branch", "stable")
    told = Told(repository)
    await told.watch.look()

    async def held(code: str) -> None:
        told.faults.clear()
        await told.watch.look()
        assert code in {found for _, found in told.faults}
        count = len(told.offered)
        told.begin()
        await told.watch.look()
        assert told.offered[count:] == [("dev", first)], code

    repository.git("branch", "-D", "stable")
    await held("GIT011")
    repository.git("mv", "specs", "elsewhere")
    repository.commit()
    await held("SPEC032")
    repository.git("switch", "-q", "-c", "renamed")
    repository.git("branch", "-D", "main")
    await held("GIT011")


async def test_an_environment_that_left_git_is_told_and_kept(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    told = Told(repository)
    await told.watch.look()
    repository.commit({"specs/all.yaml": environment("other") + SERVICE})
    await told.watch.look()
    assert (told.offered[0], told.faults) == (("dev", first), [("dev", "CLI041")])
    assert "reconciler destroy dev" in str(told.refusals[0].problems[0])
    assert [name for name, _ in told.offered] == ["dev", "other"]


async def test_without_anything_remembered_what_runs_is_where_the_lineage_begins(
    tmp_path: Path, state: Path
) -> None:
    repository, first = written(tmp_path, TEXT)
    second = repository.commit({"note": "two\n"})
    world = MemoryWorld()
    told = Told(repository, engine=world.engine)
    await told.watch.look()
    await run_instance(world, told.workspaces[0].desired)
    rewrite(repository, first)
    shutil.rmtree(state)
    await forget(world.engine)
    told.begin()
    await told.watch.look()
    assert (told.offered[1:], told.faults) == ([("dev", second)], [("dev", "POL031")])


async def run_instance(world: MemoryWorld, desired: Desired) -> None:
    """One instance of ``web``, as an apply would have made it."""
    digest = world.publish("redis:7")
    for network in desired.networks.values():
        await world.engine.create_network(desired.owner, network)
    await world.engine.pull(desired.services["web"].image.ref.with_digest(digest), None)
    await world.engine.create_instance(blueprint(desired, "web", digest, 1, await world.look(desired)), {})


async def test_another_engine_that_holds_nothing_is_refused_until_it_is_accepted(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    told = Told(repository)
    await told.watch.look()
    told.engine = other = MemoryEngine("another")
    told.begin()
    second = repository.commit({"note": "two\n"})
    await told.watch.look()
    assert (told.offered, told.faults) == ([("dev", first)], [("dev", "POL040")])
    remedy = str(told.refusals[-1].problems[0])
    assert f"reconciler adopt dev --confirm={engine_confirmation(DEV, 'another')}" in remedy
    assert await accepted(other) is None, "nothing was written there"
    value = Accepted(source_of(told), second, engine="another").write()
    await other.put_marker(DEV, Marker("source", "", 1, value))
    await told.watch.look()
    assert told.offered[-1] == ("dev", second)


async def test_another_engine_in_the_middle_gets_nothing_a_second_time(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    told = Told(repository)
    await told.watch.look()
    repository.commit({"note": "two\n"})
    await told.watch.look()
    desired = told.workspaces[-1].desired
    assert desired.policy.engine == "memory"
    empty = Observed(at=0.0, engine="another", artifacts={"redis:7": Digest("sha256:" + "0" * 64)})
    decided = plan(desired, empty, 0.0)
    assert ([block.code for block in decided.blocks], decided.actions) == (["PLAN034"], ())
    for engine, is_blocked in (("memory", True), ("another", False)):
        marker = Marker("source", "", 1, Accepted(desired.policy.source, first, engine=engine).write())
        decided = plan(desired, replace(empty, markers=(marker,)), 0.0)
        assert bool(decided.blocks) is is_blocked
    assert plan(desired, replace(empty, engine="memory"), 0.0).blocks == ()


async def test_who_accepted_an_older_commit_is_not_held_up_by_what_runs(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    world = MemoryWorld()
    told = Told(repository, engine=world.engine)
    repository.commit({"note": "two\n"})
    await told.watch.look()
    await run_instance(world, told.workspaces[0].desired)
    repository.git("reset", "-q", "--hard", first)
    await accept(told, first, by_hand=True)
    for _ in range(2):  # what the loop writes of it is the same
        await told.watch.look()
        desired = told.workspaces[-1].meet(await world.observed(told.workspaces[-1].desired))
        assert desired.commit == first
        assert plan(desired, await world.observed(desired), world.engine.clock).blocks == ()
        told.begin()
    found = await accepted(told.engine)
    assert found is not None
    assert found.by_hand


async def test_an_engine_that_does_not_answer_changes_nothing_and_is_asked_again(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    told = Told(repository)
    told.engine.unreadable("markers")
    await told.watch.look()
    assert (told.offered, told.faults, told.watch.held) == ([], [("dev", "POL034")], {"dev"})
    told.engine.recover()
    await told.watch.look()
    assert (told.offered, told.watch.held) == ([("dev", first)], set())


async def test_a_version_that_went_or_moved_is_held_and_a_higher_one_is_taken(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("dev", tracks="{tags: 'v*'}") + SERVICE)
    repository.git("tag", "v1.0.0")
    second = repository.commit({"note": "two\n"})
    repository.git("tag", "v1.1.0")
    told = Told(repository)
    await told.watch.look()
    repository.git("tag", "-d", "v1.1.0")
    await told.watch.look()
    assert (told.offered, told.faults) == ([("dev", second)], [("dev", "POL030")])
    third = repository.commit({"note": "three\n"})
    repository.git("tag", "v1.1.0", third)
    await told.watch.look()
    assert (told.offered, told.faults[1:]) == ([("dev", second)], [("dev", "POL031")])
    # a version of another line of development, which does not contain the one before
    repository.git("switch", "-q", "-c", "side", first)
    fourth = repository.commit({"note": "four\n"})
    repository.git("tag", "v1.2.0")
    repository.git("switch", "-q", "main")
    await told.watch.look()
    assert told.offered[-1] == ("dev", fourth)


def signed(tmp_path: Path, *signers: SshSigner, since: str | None = None) -> dict[str, object]:
    path = tmp_path / "allowed"
    path.write_text("".join(signer.allowed_line for signer in signers))
    return {"signatures": Signatures(allowed_signers=str(path), since=since)}


async def test_no_unsigned_commit_is_taken_and_the_last_accepted_one_is_kept_on(
    tmp_path: Path, state: Path
) -> None:
    ann, mallory = (SshSigner.make(tmp_path / "keys", name) for name in ("ann", "mallory"))
    repository = WrittenRepository(tmp_path / "repository")
    first = signed_commit(repository, ann, {"specs/all.yaml": TEXT})
    told = Told(repository, words=signed(tmp_path, ann))
    await told.watch.look()
    assert told.offered == [("dev", first)]
    signed_commit(repository, mallory, {"note": "bad\n"})
    author = f"--author=[31m\u202eboss \x1b[0m::error::{'x' * 5000} <b@example.com>"
    repository.git(*mallory.options, "commit", "-q", "--amend", "-S", "--no-edit", author)
    bad = repository.git("rev-parse", "HEAD")
    signed_commit(repository, ann, {"note": "good\n"})
    for again in range(2):
        await told.watch.look()
        (problem,) = told.refusals[-1].problems
        assert (problem.code, told.faults[-1]) == ("POL020", ("dev", "POL020"))
        assert bad in str(problem)
        assert "by [31m\\u202eboss \\x1b[0m::error::xxx" in str(problem)
        assert str(problem).isprintable()
        assert len(str(problem)) < 1000
        assert told.offered == [("dev", first)] * (again + 1)
        told.begin()  # a new process goes on with what was accepted, by the record, then by the marker
        if again:
            shutil.rmtree(state)
            await told.watch.look()
            assert (told.offered[2:], told.faults[-1]) == ([("dev", first)], ("dev", "POL020"))
    # the policy ref's own newest commit is unsigned, and nothing but the engine remembers anything
    repository.commit({"note": "unsigned\n"})
    shutil.rmtree(state)
    told.begin()
    count = len(told.offered)
    await told.watch.look()
    assert (told.offered[count:], told.faults[-1]) == ([("dev", first)], ("dev", "POL020"))
    repository.git("reset", "-q", "--hard", "HEAD^")
    # who signed it is given the right to
    signed(tmp_path, ann, mallory)
    told.begin()
    await told.watch.look()
    assert told.offered[-1] == ("dev", repository.git("rev-parse", "HEAD"))


async def test_an_unsigned_policy_does_not_make_an_environment_manual(tmp_path: Path) -> None:
    """What decides how a commit is judged is judged before."""
    ann = SshSigner.make(tmp_path / "keys", "ann")
    repository = WrittenRepository(tmp_path / "repository")
    first = signed_commit(repository, ann, {"specs/all.yaml": TEXT})
    told = Told(repository, words={**signed(tmp_path, ann), "bounds": "any"})
    await told.watch.look()
    elsewhere = environment("dev", deploy="manual", runtime="{endpoint: 'ssh://root@evil'}")
    repository.commit({"specs/all.yaml": elsewhere + SERVICE})
    for _ in range(2):
        await told.watch.look()
        assert told.faults[-1] == ("dev", "POL020")
        assert {commit for _, commit in told.offered} == {first}
        assert all(w.effective.environment.runtime.endpoint is None for w in told.workspaces)
        told.begin()


async def test_with_nothing_remembered_the_signed_history_begins_where_the_run_file_says(
    tmp_path: Path,
) -> None:
    ann = SshSigner.make(tmp_path / "keys", "ann")
    repository, first = written(tmp_path, TEXT)
    unsigned = repository.commit({"note": "two\n"})
    third = signed_commit(repository, ann, {"note": "three\n"})
    alone = Told(repository, words=signed(tmp_path, ann))
    await alone.watch.look()
    assert alone.offered == [("dev", third)], "the tip alone"
    shutil.rmtree(tmp_path / "state")
    told = Told(repository, words=signed(tmp_path, ann, since=first))
    await told.watch.look()
    assert (told.offered, told.faults) == ([], [("dev", "POL020")])
    assert unsigned in str(told.refusals[-1].problems[0])
    later = Told(repository, words=signed(tmp_path, ann, since=unsigned))
    await later.watch.look()
    assert later.offered == [("dev", third)]


async def test_a_signed_version_counts_whatever_its_commits_are(tmp_path: Path) -> None:
    ann = SshSigner.make(tmp_path / "keys", "ann")
    repository = WrittenRepository(tmp_path / "repository")
    text = environment("dev", tracks="{tags: 'v*'}") + SERVICE
    policy = signed_commit(repository, ann, {"specs/all.yaml": text})
    repository.git("switch", "-q", "-c", "work")
    repository.commit({"note": "two\n"})
    repository.git("tag", "-a", "-m", "x", "v1.0.0")
    told = Told(repository, words=signed(tmp_path, ann, since=policy))
    await told.watch.look()
    assert (told.offered, told.faults) == ([], [("dev", "POL020")])
    signed_tag(repository, ann, "v1.0.1")
    await told.watch.look()
    assert told.offered == [("dev", repository.git("rev-parse", "HEAD"))]


def test_a_record_that_is_damaged_is_none(state: Path, tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "a" / "b.json")
    none = file.read()
    for content in (
        b"",
        b"[]",
        b"\xff",
        b'{"policy": 1}',
        b"{" * 70_000,
        json.dumps({"policy": ""}).encode(),
    ):
        assert file.write(replace(none, policy="x"))
        file.path.write_bytes(content)
        assert file.read() == none
    file.path.unlink()
    file.path.mkdir()
    assert not file.write(none)
    assert file.read() == none
