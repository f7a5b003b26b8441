"""A hotfix goes past the environment that is followed, by name and with a reason, and is not lost again."""

from __future__ import annotations

import pytest

from cli_world import LOCAL
from promotion_sites import FOLLOWS, PROD, Sites, open_sites
from promotions import RELEASE, Place, open_place
from reconciler.cli.arguments import parse_arguments
from reconciler.provider import ProviderError, Refused

__all__ = ["open_place", "open_sites"]
ALLOWED = "  promotion: {hotfix: allow}\n"
WHY = "an expired certificate"


def hot(place: Place, commit: str, **words: object) -> tuple[int, str, str]:
    """Exit code, result, and what was shown."""
    report = place.promote(commit=commit, services=("web",), reason=WHY, **words)
    return report.exit, str(report.members["result"]), "".join(place.shown)


@pytest.fixture
def running(place: Place) -> Place:
    """dev and prod run the first version; dev is stuck on a second one, which it has not proved."""
    place.write(ALLOWED)
    place.promote()
    place.apply("prod")
    return place


def branch_off(place: Place, files: dict[str, str]) -> str:
    """A commit beside the branch, tagged."""
    base = place.git("rev-parse", "HEAD")
    place.git("switch", "-q", "--detach", base)
    commit = place.world.repository.commit(files, "fix it")
    place.git("tag", "hotfix-1", commit)
    place.git("switch", "-q", "main")
    return commit


def test_it_is_built_for_who_takes_it_and_a_later_promotion_must_contain_it(running: Place) -> None:
    fixed = branch_off(running, {"web/app": "fixed\n"})
    running.world.repository.commit({"page.txt": "bye\n"})
    built = list(running.world.builder.built)
    exit_code, result, shown = hot(running, fixed[:10], dry_run=True)
    assert (exit_code, result) == (0, "nothing")
    assert "image: sha256:" in shown
    assert "is to be built" in shown
    assert running.world.builder.built == built
    assert hot(running, fixed)[:2] == (0, "written")
    assert len(running.world.builder.built) == len(built) + 1
    text = (running.world.repository.path / RELEASE).read_text()
    assert f'"hotfix": "{WHY}"' in text
    assert running.git("log", "-1", "--format=%s").startswith("Hotfix in prod, past dev: web at ")
    before = running.runs()
    running.apply("prod")
    assert running.runs()["web"] != before["web"] == running.runs("dev")["web"]
    assert hot(running, fixed)[:2] == (0, "nothing")

    # dev proves a version without it: refused, unless the hotfix is given up by name; or it is merged.
    running.apply()
    report = running.promote()
    assert (report.exit, report.members["result"]) == (4, "refused")
    assert "the hotfix that is pinned now would be lost" in running.shown[0]
    assert running.promote(drop_hotfix=True, dry_run=True).exit == 0
    running.git("cherry-pick", fixed)
    running.apply()
    assert running.promote().members["result"] == "written"
    running.apply("prod")
    assert running.runs() == running.runs("dev")
    assert '"drops"' not in (running.world.repository.path / RELEASE).read_text()


def test_given_up_by_name_it_is_recorded(running: Place) -> None:
    fixed = branch_off(running, {"web/app": "fixed\n"})
    hot(running, fixed)
    running.world.repository.commit({"web/app": "two\n"})
    running.apply()
    assert running.promote(drop_hotfix=True).members["result"] == "written"
    assert f'"drops": "{fixed}"' in (running.world.repository.path / RELEASE).read_text()
    running.apply("prod")
    assert running.runs() == running.runs("dev")


def test_it_is_refused_where_nobody_allows_it_and_where_nobody_could_read_it(place: Place) -> None:
    place.promote()
    head = place.world.repository.commit({"web/app": "fixed\n"})
    built = list(place.world.builder.built)
    exit_code, result, shown = hot(place, head)
    assert (exit_code, result) == (4, "refused")
    assert "promotion.hotfix: allow" in shown
    assert place.world.builder.built == built
    place.write(ALLOWED)
    tip = place.git("rev-parse", "HEAD")
    place.git("switch", "-q", "--detach", head)
    aside = place.world.repository.commit({"web/app": "aside\n"})
    place.git("switch", "-q", "main")
    words = {"services": ("web",), "reason": WHY}
    assert place.refused(commit=aside, **words) == "CLI083"
    assert place.refused(commit=head, services=("nobody",), reason=WHY) == "CLI083"
    assert place.git("rev-parse", "HEAD") == tip


def test_a_build_that_fails_writes_nothing_and_a_repeat_finishes(running: Place) -> None:
    fixed = branch_off(running, {"web/app": "fixed\n"})
    head = running.git("rev-parse", "HEAD")
    running.world.builder.fail(
        "*", Refused("BLD001", "web", "it fails", "a build"), ["no such file"], times=1
    )
    exit_code, result, shown = hot(running, fixed)
    assert (exit_code, result, running.git("rev-parse", "HEAD")) == (5, "refused", head)
    assert "no such file" in shown
    down = ProviderError("REG500", "localhost", "it is down")
    running.world.registries[LOCAL].fail("digest", 1, down, times=None)
    assert running.refused(3, commit=fixed, services=("web",), reason=WHY) == "REG500"
    running.world.registries[LOCAL].faults.clear()
    assert hot(running, fixed)[:2] == (0, "written")


def test_one_service_and_a_reason_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    given = parse_arguments(["promote", "--commit=abc1234", "prod", "--service", "web", "--reason", WHY])
    assert (given.environment, given.source_environment, given.commit) == ("prod", "", "abc1234")
    for words in (
        ["promote", "prod", "--commit", "abc1234", "--reason", WHY],
        ["promote", "prod", "--commit", "abc1234", "--service", "web"],
        ["promote", "prod", "--commit", "abc1234", "--service", "web", "--service", "api", "--reason", WHY],
        ["promote", "dev", "prod", "--commit", "abc1234", "--service", "web", "--reason", WHY],
        ["promote", "prod", "--service", "web", "--reason", WHY],
    ):
        with pytest.raises(SystemExit) as stop:
            parse_arguments(words)
        assert stop.value.code == 64
    assert "name it with --service" in capsys.readouterr().err


def test_an_image_from_outside_is_pinned_by_what_its_reference_means_now(running: Place) -> None:
    specs = (running.world.repository.path / "specs/shop.yaml").read_text()
    text = specs.replace('image: "busybox:1.36"', 'image: "busybox:1.37"')
    commit = running.world.repository.commit({"specs/shop.yaml": text})
    words = {"commit": commit, "services": ("cache",), "reason": WHY}
    assert running.refused(**words) == "SRC003"
    digest = running.world.publish("busybox:1.37")
    built = list(running.world.builder.built)
    assert running.promote(**words).members["result"] == "written"
    running.apply("prod")
    assert (running.runs()["cache"].partition("@")[2], running.world.builder.built) == (str(digest), built)


def test_a_commit_beside_the_branch_is_taken_when_its_tag_is_where_others_read_it(sites: Sites) -> None:
    sites.world.repository.commit({"specs/prod.yaml": PROD.format(follows=FOLLOWS + ALLOWED)})
    sites.push()
    sites.promote()
    sites.pull()
    fixed = branch_off(sites, {"web/app": "fixed\n"})
    assert sites.refused(commit=fixed, services=("web",), reason=WHY) == "CLI083"
    sites.git("push", "-q", "origin", "hotfix-1")
    assert sites.promote(commit="hotfix-1", services=("web",), reason=WHY).members["result"] == "written"
    other = sites.clone("other")
    other.apply("prod")
    assert other.runs()["web"].startswith("prod.test/")
    assert other.runs()["web"].partition("@")[2] != sites.runs("dev")["web"].partition("@")[2]
