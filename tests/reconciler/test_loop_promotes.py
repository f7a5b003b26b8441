"""A loop that promotes by itself: it settles, it waits for gates, and nobody's push is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from memory_loop import looping
from promoting import LOOP, Promoted
from reconciler.cli.promoter import Promoter
from reconciler.loop import look
from reconciler.loop_seen import read_loop
from reconciler.ownership import Owner
from reconciler.pin import standing
from reconciler.pin_claim import GATE
from reconciler.releases_file import releases_text
from signers import SshSigner, signed_commit
from specs.load import SpecFile, load
from specs.release import Refusal

AUTO = "follows: dev, promotion: {mode: auto}"
RELEASE = "specs/releases/prod.yaml"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Promoted:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text("[user]\nname = Somebody\nemail = somebody@example.com\n")
    return Promoted(tmp_path)


@asynccontextmanager
async def promoting(place: Promoted) -> AsyncIterator[Promoted]:
    async with looping(place.site, place.site.config("shop", entry=place.entry)):
        yield place


async def quiet(place: Promoted, *names: str) -> list[str]:
    """All of them are tried again, and the commits of the remote once nothing more comes."""
    before = place.log()
    await again(place, *names)
    await place.site.until(lambda: all(keeper.rest for keeper in place.keepers()))
    assert place.log() == before
    return before


async def again(place: Promoted, *names: str) -> None:
    """Each of them is tried twice more."""
    promoter = place.site.loop.promotions.promoters["shop"]
    for _ in range(2):
        wanted = {name: promoter.tried.get(name, 0) + 1 for name in names}
        for name in names:
            promoter.hint(name)
        await place.site.until(partial(_are_tried, promoter, wanted))


def _are_tried(promoter: Promoter, wanted: dict[str, int]) -> bool:
    return all(promoter.tried.get(name, 0) >= times for name, times in wanted.items())


async def test_a_chain_takes_each_version_by_one_commit_and_rests(place: Promoted) -> None:
    chain = {"staging": AUTO, "prod": "follows: staging, promotion: {mode: auto}"}
    place.write("1", **chain)
    async with promoting(place):
        await place.site.until(lambda: place.version("prod") == "1", 30)
        assert len(await quiet(place, "staging", "prod")) == 3
        place.write("2", **chain)
        await place.site.until(lambda: place.version("prod") == "2", 30)
        log = await quiet(place, "staging", "prod")
        assert [re.sub("[0-9a-f]{10}", "…", line) for line in log[:3]] == [
            "Loop Promote staging to prod: web at …",
            "Loop Promote dev to staging: web at …",
            "A change",
        ]
        assert place.log("%cn <%ce>")[0] == LOOP
        changed = place.remote.git("show", "--name-only", "--format=", "main").split()
        assert changed == [RELEASE]
        # Its own commits were no reason to do anything anew: each version was made once in each environment.
        made = {c.name for c in place.site.engine.ground.containers.values()}
        assert all(sum(n.startswith(f"shop_{e}_web_") for n in made) <= 2 for e in ("dev", "staging", "prod"))
    (entry,) = [note for note in place.notes() if note["commit"] == place.log("%H")[0]]
    assert (entry["actor"], entry["result"], entry["about"]) == (LOOP, "written", "web")


async def test_what_a_gate_refuses_is_told_once_and_taken_when_it_lets_it(place: Promoted) -> None:
    freeze = "{from: '2020-01-01', until: '2099-01-01', reason: holidays}"
    place.write("1", prod=f"follows: dev, promotion: {{mode: auto, gates: {{freezes: [{freeze}]}}}}")
    async with promoting(place):
        await place.site.until(place.notes)
        await again(place, "prod")
        (note,) = place.notes()
        assert (note["result"], note["about"]) == ("refused", "web")
        assert "frozen until" in str(note["reason"])
        assert place.log("%an") == ["A"]
        await _status_says(place, "frozen until")
        place.write("1", prod=AUTO)
        await place.site.until(lambda: place.version("prod") == "1")
        await _status_says(place, None)


async def _status_says(place: Promoted, words: str | None) -> None:
    """Wait until the marker, which ``status`` reads, says of the promotion that it waits because of this."""
    for _ in range(300):
        snapshot = place.site.loop.keepers[Owner("shop", "prod")].snapshot
        assert snapshot is not None
        found = read_loop(await look(snapshot.desired, snapshot.clients))
        if found is not None and (
            found.promotion is None if words is None else words in str(found.promotion)
        ):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"status does not say {words}")


async def test_what_a_rollback_refused_is_never_written_again(place: Promoted) -> None:
    place.write("1", prod=AUTO)
    async with promoting(place):
        await place.site.until(lambda: place.version("prod") == "1" and place.site.is_settled("shop", "prod"))
        first = _pins(place)["web"]
        place.write("2", prod=AUTO)
        await place.site.until(lambda: place.version("prod") == "2" and place.site.is_settled("shop", "prod"))
        rest = place.site.loop.keepers[Owner("shop", "prod")].rest
        assert rest is not None
        refused = Refusal(**standing(rest.desired.services["web"]).model_dump(), reason="it answers 500")
        back = first.model_copy(update={"serial": 3, "refused": (refused,)})
        place.work.git("pull", "-q", "--rebase", "origin", "main")
        place.push({RELEASE: releases_text("prod", {"web": back}, {}, follows=True)})
        await place.site.until(lambda: place.version("prod") == "1")
        await place.site.until(lambda: "it answers 500" in str(place.notes()[0]["reason"]))
        assert place.log("%an")[0] == "A"
        place.write("3", prod=AUTO)
        await place.site.until(lambda: place.version("prod") == "3")


def _pins(place: Promoted) -> dict[str, object]:
    text = place.remote.git("show", f"main:{RELEASE}") + "\n"
    written, _ = load([SpecFile(RELEASE, text.encode())])
    return dict(written.released("prod"))


async def test_a_push_that_is_refused_is_said_and_goes_well_after_a_restart(place: Promoted) -> None:
    place.write("1", prod=AUTO)
    hook = place.hook("update", "echo 'error: main is protected' >&2; exit 1")
    async with promoting(place):
        await place.site.until(place.notes)
        (note,) = place.notes()
        assert (note["result"], note["about"]) == ("failed", "web")
        assert "main is protected" in str(note["reason"])
        assert place.version("prod") is None
    # The commit lies in the repository, and no ref names it: as after a crash between writing and pushing.
    hook.unlink()
    async with promoting(place):
        await place.site.until(lambda: place.version("prod") == "1")
        assert len(await quiet(place, "prod")) == 2


async def test_somebody_who_is_faster_is_not_overwritten(place: Promoted) -> None:
    first = place.write("1", prod=AUTO)
    other = place.push({"README": "words\n"})
    place.remote.git("update-ref", "refs/heads/main", first)
    unset = "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES"
    faster = f"git update-ref refs/heads/main {other} {first}"
    place.hook("pre-receive", f"test -e moved || {{ touch moved; {unset}; {faster}; }}")
    async with promoting(place):
        await place.site.until(lambda: place.version("prod") == "1")
        assert place.log("%H")[1:] == [other, first]
        assert [note["result"] for note in place.notes()] == ["written"]


async def test_for_review_there_is_one_branch_and_nothing_runs(place: Promoted) -> None:
    review = "follows: dev, promotion: {mode: auto, write: branch}"
    place.write("1", prod=review)
    async with promoting(place):
        await place.site.until(lambda: place.notes())
        first = place.push({"README": "words\n"})
        await place.site.until(lambda: place.site.loop.watches["shop"].commits.get("prod") == first)
        await quiet(place, "prod")
        assert len(place.notes()) == 1, "what is proposed already is not written again"
        place.write("2", prod=review)
        await place.site.until(lambda: len(place.notes()) == 2)
        await quiet(place, "prod")
        assert len(place.notes()) == 2
        assert (place.version("prod"), place.log("%an")[0]) == (None, "A")
        assert place.log("%an", "main..promote/prod") == ["Loop", "Loop"]
        assert place.remote.git("diff", "--name-only", "main", "promote/prod") == RELEASE


async def test_its_signature_counts_and_approves_nothing(place: Promoted) -> None:
    ann, loop = (SshSigner.make(place.folder / "keys", name) for name in ("ann", "loop"))
    (place.folder / "allowed").write_text(ann.allowed_line + loop.allowed_line)
    for setting in (*ann.options[1::2], "commit.gpgSign=true"):
        place.work.git("config", *setting.split("=", 1))
    gates = "{approvals: 1, approvers: [ann@example.com]}"
    place.write("1", prod=f"follows: dev, promotion: {{mode: auto, gates: {gates}}}")
    words = f", signatures: {{allowed_signers: {place.folder}/allowed}}"
    entry = place.entry.replace("}", f", signing_key: {loop.folder}/loop}}") + words
    async with looping(place.site, place.site.config("shop", entry=entry)):
        await place.site.until(lambda: len(place.log()) == 2)
        await place.site.until(lambda: any(wait.expects == GATE for wait in place.waits("prod")))
        kept = place.log("%H")[0]
        assert [keeper.rest.desired.commit for keeper in place.keepers() if keeper.rest] == [kept, kept]
        assert place.version("prod") is None
        # Whoever has that key can do nothing else with it.
        place.work.git("pull", "-q", "--rebase", "origin", "main")
        specs = (place.work.path / "specs/all.yaml").read_text()
        signed_commit(place.work, loop, {"specs/all.yaml": specs.replace("VERSION: '1'", "VERSION: '2'")})
        place.work.git("push", "-q", "origin", "HEAD:main")
        place.tell()
        await place.site.until(lambda: place.site.loop.watches["shop"].refused == {"dev", "prod"})
        assert place.version("dev") == "1"


async def test_what_waits_for_a_person_is_pinned_and_waits_on(place: Promoted) -> None:
    place.write("1", prod=f"{AUTO}, deploy: manual")
    async with promoting(place):
        await place.site.until(lambda: len(place.log()) == 2)
        await place.site.until(lambda: _pending(place) == place.log("%H")[0])
        await again(place, "prod")
        assert len(place.log()) == 2
        assert place.version("prod") is None


def _pending(place: Promoted) -> str | None:
    snapshot = place.site.loop.keepers[Owner("shop", "prod")].snapshot
    return snapshot.pending if snapshot is not None else None


async def test_without_something_to_write_with_nothing_is_promoted(place: Promoted) -> None:
    place.write("1", prod=AUTO)
    async with looping(place.site, place.site.config("shop")):
        await place.site.until(lambda: place.site.is_settled("shop"))
        assert place.site.loop.promotions.promoters == {}
