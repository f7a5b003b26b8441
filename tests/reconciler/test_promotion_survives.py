"""Promotions that are interrupted, that meet others, and that find what they need gone: repeated, they end
as if nothing had been."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from cli_world import LOCAL
from promotion_sites import FOLLOWS, PROD, Sites, open_sites
from promotions import RELEASE
from providers.memory import MemoryRegistry
from reconciler.cli.apply import report_apply
from reconciler.cli.envelope import Report
from reconciler.provider import ProviderError
from specs.reference import ImageRef

__all__ = ["open_sites"]
KILLED = (-1, "killed")


class Killed(BaseException):
    """The process is gone."""


def digests(runs: dict[str, str]) -> dict[str, str]:
    return {name: image.partition("@")[2] for name, image in runs.items()}


def die_at(words: str) -> Callable[[Sites], None]:
    """End the process when it says this."""

    def arm(sites: Sites) -> None:
        def kill() -> None:
            if words in sites.shown[-1]:
                raise Killed

        sites.when_shown = kill

    return arm


SCENES: dict[str, tuple[Callable[[Sites], object], tuple[int, str]]] = {
    "when it is shown": (die_at("takes from"), KILLED),
    "in a copy": (lambda sites: sites.registry.faults.add("copy", 1, Killed(), "after", 1), KILLED),
    "while it is pushed": (lambda sites: sites.hook("pre-receive", "kill -9 $PPID"), (4, "refused")),
    "when it is pushed": (lambda sites: sites.hook("post-receive", "kill -9 $PPID"), (0, "written")),
    "while the clone is busy": (lambda sites: sites.lock.touch(), (0, "written")),
}
"""How a promotion is interrupted, and how it ends then."""


def test_interrupted_at_any_step_and_repeated_it_ends_the_same(sites: Sites) -> None:
    for number, (scene, (arm, expected)) in enumerate(SCENES.items(), start=1):
        sites.change(f"version {number}")
        arm(sites)
        ended = attempt(sites)
        sites.disarm()
        assert (scene, ended) == (scene, expected)
        assert sites.promote().members["result"] == ("nothing" if ended[0] == 0 else "written"), scene
        sites.pull()
        assert (sites.written(), sites.git("status", "--short")) == (number, ""), scene
        text = (sites.world.repository.path / RELEASE).read_text()
        assert all(digest in text for digest in digests(sites.runs("dev")).values()), scene
    sites.apply("prod")
    assert digests(sites.runs()) == digests(sites.runs("dev"))


def attempt(sites: Sites) -> tuple[int, str]:
    """Exit code and result; those of KILLED where the process is gone."""
    try:
        report = sites.promote()
    except (Killed, BaseExceptionGroup) as error:
        if isinstance(error, BaseExceptionGroup) and error.subgroup(Killed) is None:
            raise
        return KILLED
    return report.exit, str(report.members["result"])


def test_two_at_once_on_two_clones_lose_nothing_and_do_nothing_twice(sites: Sites) -> None:
    other = sites.clone("other")
    ended: list[Report | None] = []

    def meanwhile(service_name: str) -> None:
        def promote() -> None:
            ended.append(other.promote(services=(service_name,)))

        def when_shown() -> None:
            if not ended:
                thread = threading.Thread(target=promote)
                thread.start()
                thread.join()

        ended.clear()
        sites.when_shown = when_shown

    def result_of_theirs() -> object:
        return ended[0] and ended[0].members["result"]

    meanwhile("cache")
    assert sites.promote(services=("web",)).members["result"] == "written"
    assert (result_of_theirs(), sites.written()) == ("written", 2)
    assert sites.git("show", f"origin/main:{RELEASE}").count("serial: 1") == 2
    # The same service: who is later finds it done.
    meanwhile("api")
    assert sites.promote(services=("api",)).members["result"] == "nothing"
    assert (result_of_theirs(), sites.written()) == ("written", 3)


def test_what_was_proposed_before_is_not_merged_over_what_is_newer(sites: Sites) -> None:
    sites.promote(services=("web",))
    sites.change("two")
    proposed = str(sites.promote(services=("web",), branch="").members["commit"])
    sites.change("three")
    sites.promote(services=("web",))
    sites.apply("prod")
    newest = digests(sites.runs())
    sites.pull()
    with pytest.raises(AssertionError):
        sites.git("merge", "-q", "--no-edit", proposed)
    assert sites.git("status", "--short", RELEASE) == f"UU {RELEASE}"
    sites.git("checkout", "-q", "--theirs", RELEASE)
    sites.git("commit", "-q", "-a", "-m", "the older one, by force")
    report = sites.world.run(report_apply, "apply", environment="prod")
    assert report.exit == 4
    assert "not-older" in report.text
    assert digests(sites.runs()) == newest


def test_a_registry_that_goes_and_an_image_that_is_gone(sites: Sites) -> None:
    sites.registry.fail("copy", 2, ProviderError("REG500", "registry prod.test", "it is down"), times=None)
    report = sites.promote()
    assert (report.exit, report.members["result"], sites.written()) == (5, "refused", 0)
    assert sum(len(repository.manifests) for repository in sites.registry.repositories.values()) == 1
    sites.registry.faults.clear()
    assert sites.promote().members["result"] == "written"
    # One image of two is gone where it was built: the other is copied, and nothing is written of either.
    sites.change("two")
    sites.world.registries[LOCAL].forget(ImageRef.parse(sites.runs("dev")["api"]))
    report = sites.promote()
    assert (report.exit, sites.written()) == (5, 1)
    assert [problem.code for problem in report.problems] == ["REG049"]
    assert sites.promote(services=("web",)).members["result"] == "written"


def test_a_local_registry_that_does_not_run_yet_is_started_and_asked_no_sooner(sites: Sites) -> None:
    text = PROD.format(follows=FOLLOWS).replace("oci, url: prod.test/shop", "local, port: 21999")
    sites.world.repository.commit({"specs/prod.yaml": text})
    sites.push()
    own = sites.world.registries["localhost:21999"] = MemoryRegistry("localhost:21999")
    sites.world.engine.connect(own)
    own.fail("digest", 1, ProviderError("REG500", "localhost:21999", "nobody listens"))
    running = sites.world.engine.ground.local_registries
    assert sites.promote(dry_run=True).exit == 0
    assert "prod-main" not in running
    assert sites.promote(services=("web",)).members["result"] == "written"
    assert "prod-main" in running


def test_a_branch_that_is_protected(sites: Sites) -> None:
    says = 'echo "error: main is protected" >&2; exit 1'
    sites.hook("pre-receive", f"while read old new ref; do case $ref in */main) {says};; esac; done")
    report = sites.promote()
    assert (report.exit, report.members["result"], sites.written()) == (4, "refused", 0)
    assert "main is protected" in str(report.problems[-1])
    assert "kind: Release" in report.text
    assert sites.git("status", "--short") == ""
    assert sites.promote(branch="").members["branch"] == "promote/prod"


def test_a_clone_that_is_cut_off_cannot_tell_and_touches_nothing(sites: Sites) -> None:
    sites.promote()
    sites.apply("prod")
    sites.git("commit", "-q", "--allow-empty", "-m", "something else")
    sites.push()
    before = sites.runs()
    shallow = sites.clone("shallow", "--depth=1")
    report = shallow.world.run(report_apply, "apply", environment="prod")
    assert "git fetch --unshallow" in report.text
    assert sites.runs() == before
    assert shallow.promote(services=("web",)).exit == 3
    assert "git fetch --unshallow" in shallow.shown[0]


def test_a_live_environment_that_begins_to_follow_is_touched_by_no_restart(sites: Sites) -> None:
    sites.world.repository.commit({"specs/prod.yaml": PROD.format(follows="")})
    sites.apply("prod")
    live = containers(sites)
    sites.world.repository.commit({"specs/prod.yaml": PROD.format(follows=FOLLOWS)})
    sites.push()
    sites.apply("prod")
    assert containers(sites) == live
    assert sites.promote().members["result"] == "written"
    sites.apply("prod")
    assert containers(sites) == live
    sites.change("two")
    sites.promote(services=("web",))
    sites.apply("prod")
    assert {name for name, container in containers(sites).items() if container != live[name]} == {"web"}


def containers(sites: Sites) -> dict[str, str]:
    """Service -> the name of its container in prod."""
    found = sites.world.engine.ground.containers.values()
    mine = [c for c in found if c.name.startswith("shop_prod_") and c.name[-1].isdigit()]
    return {c.labels["reconciler.service"]: c.name for c in mine}
