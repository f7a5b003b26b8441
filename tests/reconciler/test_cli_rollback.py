"""``rollback``: back to what ran before, as a commit, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cli_world import OWNER, SPECS, CliWorld, live_name
from git_repository import WrittenRepository
from providers.memory import Behaviour
from providers.memory.container import Container
from reconciler.cli import render_specs
from reconciler.cli.apply import report_apply
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.history import report_history
from reconciler.cli.plan import report_plan
from reconciler.cli.rollback import report_rollback
from reconciler.cli.whereabouts import find_whereabouts
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.observed import Marker
from reconciler.provider import Question
from specs.reference import ImageRef

RELEASE = "specs/releases/dev.yaml"
SECOND = {"web/app": "two\n", "page.txt": "bye\n"}


@dataclass
class Place:
    """A world in which web has run two versions."""

    world: CliWorld
    shown: list[str] = field(default_factory=list)
    when_shown: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.first = self.git("rev-parse", "HEAD")
        self.before = self.web()
        self.second = self.world.repository.commit(SECOND)
        assert self.world.run(report_apply).exit == 0

    def git(self, *words: str) -> str:
        return self.world.repository.git(*words)

    def web(self) -> tuple[str, str]:
        """Fingerprint and image of what runs."""
        container = self.world.engine.hand.container(live_name(self.world, "web"))
        return container.labels["reconciler.fingerprint"], container.labels["reconciler.image"]

    def history(self) -> str:
        options = self.world.options("history")
        world = asyncio.run(self.world.engine.observe(Question(OWNER)))
        return report_history(options, find_whereabouts(options), world).text

    def unrelated(self) -> str:
        """A commit that no branch has."""
        return self.git("commit-tree", "HEAD^{tree}", "-m", "elsewhere")

    def containers(self) -> list[Container]:
        return list(self.world.engine.ground.containers.values())

    def show(self, text: str) -> None:
        self.shown.append(text)
        self.when_shown()

    def roll_back(self, **words: object) -> Report:
        async def verb(workspace: Workspace, clients: Clients) -> Report:
            return await report_rollback(workspace, clients, self.world.clients, self.show)

        return self.world.run(verb, "rollback", **words)

    def refused(self, **words: object) -> str:
        """The code of a refusal that has written nothing."""
        head = self.git("rev-parse", "HEAD")
        with pytest.raises(Stop) as stop:
            self.roll_back(**words)
        assert (stop.value.exit, self.git("rev-parse", "HEAD")) == (4, head)
        return stop.value.problems[-1].code

    def is_settled(self) -> bool:
        return "nothing to do" in self.world.run(report_plan).text


@pytest.fixture
def place(settled: CliWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ann@example.com")
    return Place(settled)


def test_goes_back_to_exactly_what_ran_and_git_says_so(place: Place) -> None:
    built = len(place.world.builder.built)
    report = place.roll_back(reason="it answers 500")
    assert (report.exit, report.members["result"]) == (0, "written"), report.text
    assert place.web() == place.before
    assert place.is_settled()
    assert len(place.world.builder.built) == built
    assert place.git("log", "-1", "--format=%an %s").startswith("Ann Roll back dev: web to ")
    assert place.git("diff", "--name-only", "HEAD~1") == RELEASE
    assert place.git("status", "--short") == ""
    assert "it answers 500" in (place.world.repository.path / RELEASE).read_text()
    assert "service web: back to" in place.shown[0]
    (service,) = report.members["services"]  # type: ignore[misc]
    assert service["to"]["commit"] == place.first  # type: ignore[call-overload, index]
    assert "it answers 500" in place.history()
    assert f"Service web as of {place.first[:10]}" in render_specs.run(place.world.options("render")).text


def test_what_is_unrelated_leaves_it_and_a_change_of_the_service_ends_it(place: Place) -> None:
    place.roll_back()
    place.world.repository.commit({"README": "words\n"})
    assert place.world.run(report_apply).exit == 0
    assert place.web() == place.before
    third = place.world.repository.commit({"page.txt": "third\n"})
    report = place.world.run(report_apply)
    assert (report.exit, report.problems) == (0, ())
    container = place.world.engine.hand.container(live_name(place.world, "web"))
    assert container.labels["reconciler.pin"] == third


def test_todays_replicas_stay_and_a_missing_instance_is_made_of_what_ran(place: Place) -> None:
    place.roll_back()
    scaled = SPECS.replace("  image: web\n", "  image: web\n  deploy: {replicas: 2}\n")
    place.world.repository.commit({"specs/shop.yaml": scaled})
    assert place.world.run(report_apply).exit == 0
    found = [c for c in place.containers() if c.labels.get("reconciler.service") == "web"]
    live = [c for c in found if not c.name.endswith(("_kept", "_held"))]
    assert [(c.labels["reconciler.fingerprint"], c.labels["reconciler.image"]) for c in live] == [
        place.before
    ] * 2
    assert {c.labels["reconciler.pin"] for c in live} == {place.first}


def test_a_second_time_has_to_be_named(place: Place) -> None:
    place.roll_back(service="web")
    assert place.refused(service="web") == "CLI055"
    assert place.refused() == "CLI055"
    assert place.refused(service="web", to="abcdefabcdef") == "CLI056"
    assert place.refused(service="web", to=place.first[:7]) == "CLI050"
    report = place.roll_back(service="web", to=place.second[:9])
    assert report.exit == 0
    assert "services: {}" in (place.world.repository.path / RELEASE).read_text()
    assert place.web() != place.before
    assert place.is_settled()


def test_without_anything_before_it_there_is_no_way(place: Place) -> None:
    assert place.refused(service="cache") == "CLI050"


def test_a_version_that_is_held_is_left_for_what_was_proved(place: Place) -> None:
    place.world.behave("busybox:2", Behaviour(exits_after=0.5))
    place.world.repository.commit({"specs/shop.yaml": SPECS.replace("busybox:1.36", "busybox:2")})
    assert place.world.run(report_apply).exit == 5
    report = place.roll_back()
    assert report.exit == 0, report.text
    (service,) = report.members["services"]  # type: ignore[misc]
    assert service["service"] == "cache"  # type: ignore[call-overload, index]
    assert place.is_settled()
    assert not [c for c in place.containers() if c.name.endswith("_held")]


def test_a_version_that_is_under_way_is_left_and_goes(place: Place) -> None:
    runs = place.web()
    place.world.behave("busybox:3", Behaviour(healthy_after=None))
    slow = SPECS.replace("  image: web\n", '  image: "busybox:3"\n').replace(
        "deadline: 20s", "deadline: 2h", 1
    )
    third = place.world.repository.commit({"specs/shop.yaml": slow})
    assert place.world.run(report_apply, timeout=0.3).exit == 2
    assert third in {c.labels.get("reconciler.commit") for c in place.containers()}
    report = place.roll_back()
    assert (report.exit, place.web()) == (0, runs), report.text
    assert third not in {c.labels.get("reconciler.commit") for c in place.containers()}
    assert place.is_settled()


def test_a_version_that_was_not_applied_yet_is_left_too_and_drift_is_mended(place: Place) -> None:
    runs = place.web()
    place.world.repository.commit({"page.txt": "third\n"})
    place.world.engine.hand.stop(live_name(place.world, "web"))
    assert place.roll_back(service="web").exit == 0
    assert place.web() == runs
    assert place.is_settled()


def test_other_changes_of_the_working_tree_are_not_touched(place: Place) -> None:
    place.world.repository.write({"web/app": "mine\n", "new.txt": "mine\n"})
    place.git("add", "new.txt")
    assert place.roll_back().exit == 0
    assert place.git("status", "--short").splitlines() == ["A  new.txt", " M web/app"] or place.git(
        "status", "--short"
    ).splitlines() == [" M web/app", "A  new.txt"]
    assert place.git("diff", "--name-only", "HEAD~1", "HEAD") == RELEASE


def test_a_release_file_that_somebody_edits_is_not_overwritten(place: Place) -> None:
    place.world.repository.write({RELEASE: "# mine\n"})
    assert place.refused() == "CLI058"
    assert (place.world.repository.path / RELEASE).read_text() == "# mine\n"


def test_an_image_that_is_gone_is_told_before_anything_is_written(place: Place) -> None:
    image = place.before[1]
    place.world.engine.ground.images.discard(image)
    assert place.world.registries[image.partition("/")[0]].find(ImageRef.parse(image))
    place.world.registries[image.partition("/")[0]].forget(ImageRef.parse(image))
    assert place.refused() == "CLI054"


def test_an_entry_that_cannot_be_read_at_its_commit_is_told_with_its_place(place: Place) -> None:
    place.roll_back()
    path = place.world.repository.path / RELEASE
    for commit, words in (("0" * 40, "does not have that commit"), (place.unrelated(), "not in the history")):
        place.world.repository.commit({RELEASE: path.read_text().replace(place.first, commit)})
        with pytest.raises(Stop) as stop:
            place.world.run(report_plan)
        (problem,) = [found for found in stop.value.problems if found.code == "CLI051"]
        assert (problem.file, problem.line, problem.severity) == (RELEASE, 8, "error")
        assert words in problem.seen
        place.git("reset", "-q", "--hard", "HEAD~1")


def test_a_marker_that_is_damaged_leaves_the_service_as_it_is(place: Place) -> None:
    runs = place.web()
    place.world.engine.hand.write_marker(OWNER, Marker("rollback", "web", 1, "{"))
    place.world.repository.commit({"page.txt": "third\n"})
    report = place.world.run(report_apply)
    assert (report.exit, place.web()) == (0, runs)
    assert "cannot be understood" in report.problems[-1].seen
    assert place.roll_back(service="web", to=place.first).exit == 0
    assert (place.web(), place.is_settled()) == (place.before, True)


def test_a_suspended_service_is_told(place: Place) -> None:
    value = '{"active": true, "reason": "we look at it"}'
    place.world.engine.hand.write_marker(OWNER, Marker("suspend", "web", 1, value))
    assert place.refused() == "CLI061"


def test_an_environment_that_tracks_tags_is_rolled_back_by_a_marker(place: Place) -> None:
    tracking = SPECS.replace("worktree: allow", 'worktree: allow, tracks: {tags: "v*"}')
    place.world.repository.commit({"specs/shop.yaml": tracking})
    place.git("tag", "v1.0.0")
    place.world.repository.commit({"README": "untagged\n"})
    report = place.roll_back(service="web")
    assert (report.exit, report.members["result"]) == (4, "refused")
    assert (place.web(), place.is_settled()) == (place.before, True)


def test_a_loop_that_does_not_come_to_the_commit_is_told(place: Place) -> None:
    world = asyncio.run(place.world.engine.observe(Question(OWNER)))
    value = {"by": "loop@elsewhere", "at": world.at, "commit": place.second, "keeps": place.second}
    place.world.engine.hand.write_marker(OWNER, Marker("loop", "", 1, json.dumps(value)))
    report = place.roll_back(timeout=0.0)
    assert (report.exit, report.members["result"], report.members["applied"]) == (2, "written", None)
    assert "loop@elsewhere" in report.text
    assert place.web() != place.before


# --- with a remote -----------------------------------------------------------------------------------------


@pytest.fixture
def remote(place: Place, tmp_path: Path) -> WrittenRepository:
    """The remote of the clone, and of others."""
    bare = WrittenRepository(tmp_path / "remote.git", "--bare")
    place.git("remote", "add", "origin", str(bare.path))
    place.git("push", "-q", "origin", "main")
    return bare


def push_from_elsewhere(remote: WrittenRepository, folder: Path, name: str) -> None:
    other = WrittenRepository(folder)
    other.git("fetch", "-q", str(remote.path), "main")
    other.git("reset", "-q", "--hard", "FETCH_HEAD")
    other.commit({name: "theirs\n"}, "theirs")
    other.git("push", "-q", str(remote.path), "HEAD:main")


def test_is_pushed_on_what_somebody_else_pushed_meanwhile(
    place: Place, remote: WrittenRepository, tmp_path: Path
) -> None:
    def interfere() -> None:
        place.when_shown = lambda: None
        push_from_elsewhere(remote, tmp_path / "other", "theirs.txt")

    place.when_shown = interfere
    report = place.roll_back()
    assert report.exit == 0, report.text
    assert remote.git("log", "--format=%s", "-2", "main").splitlines()[1] == "theirs"
    assert report.members["commit"] == remote.git("rev-parse", "main")
    assert place.git("rev-parse", "HEAD") == place.second, "whose branch went its own way is not moved"
    assert "git pull" in place.shown[-1]
    assert place.web() == place.before


def test_comes_along_in_a_clone_that_is_up_to_date(place: Place, remote: WrittenRepository) -> None:
    assert place.roll_back().exit == 0
    assert place.git("rev-parse", "HEAD") == remote.git("rev-parse", "main")
    assert place.git("rev-parse", "origin/main") == remote.git("rev-parse", "main")
    assert place.git("status", "--short") == ""


def test_what_runs_must_have_been_pushed(place: Place, remote: WrittenRepository) -> None:
    place.world.repository.commit({"page.txt": "not pushed\n"})
    assert place.world.run(report_apply).exit == 0
    assert place.refused() == "CLI060"


def test_without_the_right_to_push_a_marker_says_it_until_git_says_something_else(
    place: Place, remote: WrittenRepository
) -> None:
    hook = remote.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'error: main is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    report = place.roll_back()
    assert (report.exit, report.members["result"], report.members["commit"]) == (4, "refused", None)
    assert "main is protected" in report.problems[-1].seen
    assert f"to be committed as {RELEASE}" in report.text
    assert "suspended" not in report.text
    assert place.web() == place.before
    assert place.git("rev-parse", "HEAD") == place.second
    # The loop, and whoever comes by hand, keep what the marker says.
    assert place.is_settled()
    assert "suspend" not in place.world.run(report_plan).text
    assert place.refused(service="web") == "CLI055"
    place.world.repository.commit({"page.txt": "third\n"})
    assert place.world.run(report_apply, off_branch=True).exit == 0
    assert place.web() != place.before
