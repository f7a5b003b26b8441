"""What forges and receivers are told of a commit: true, short, once, and never for ever pending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from keeping import Keeping, keeping
from providers.memory import Behaviour
from reconciler.cli.loop_audience import Refusal, heard_by
from reconciler.cli.loop_results import Results
from reconciler.cli.result_letters import Letter
from reconciler.cli.result_places import notified, places_of
from reconciler.keeper_report import Heard
from reconciler.ownership import Owner
from sketches import OWNER, Sketch, commit, desired
from specs.problem import Problem
from specs.run_file import RunSpec
from virtual_time import run_virtually

WEB = Sketch("web", image="redis:7", check=False, monitor=5.0)
BAD = replace(WEB, image="redis:8", check=True, deadline=20.0)
_EVENTS = ["settled", "failed", "refused", "drift", "unstable"]


def spec_of(provider: str = "github") -> RunSpec:
    api = "https://git.example.com/api/v1"
    forge = {
        "provider": provider,
        "project": "team/shop",
        "token": "/t",
        "api": api,
        "link": "https://x.example.com",
    }
    return RunSpec.model_validate(
        {
            "repositories": [{"name": "shop", "url": "https://git.example.com/team/shop", "forge": forge}],
            "notify": [
                {"url": "https://a.example.com", "on": _EVENTS},
                {"url": "https://b.example.com", "on": ["refused"], "environments": ["prod"]},
            ],
        }
    )


@dataclass
class Told:
    """All letters, and the listener that wrote them."""

    spec: RunSpec = field(default_factory=spec_of)
    letters: list[Letter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.results = Results(lambda: self.spec, self.letters.append, lambda w: w.replace("hunter2", "***"))

    def statuses(self, number: int) -> dict[str, str]:
        """Context -> the newest state of a commit."""
        found = [le for le in self.letters if le.path == f"/repos/team/shop/statuses/{commit(number)}"]
        return {str(le.body["context"]): str(le.body["state"]) for le in found}

    def words(self, number: int, service_name: str = "") -> str:
        context = f"reconciler/dev{'/' if service_name else ''}{service_name}"
        found = [
            le for le in self.letters if le.path.endswith(commit(number)) and le.body["context"] == context
        ]
        return str(found[-1].body["description"])

    @property
    def events(self) -> list[tuple[Any, Any]]:
        return [(le.body["event"], le.body["standing"]) for le in self.letters if le.path == ""]


class _Also:
    """A listener that passes on to what listens already."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def heard(self, owner: Owner, repository: str) -> Heard:
        return self._heard

    def refused(self, refusal: Refusal) -> None:
        raise AssertionError("nobody tells it")


def listen(it: Keeping, told: Told) -> None:
    it.keeper.heard = heard_by([_Also(it.keeper.heard), told.results], OWNER, "shop")


async def settle(it: Keeping, number: int, *sketches: Sketch) -> None:
    it.offer(desired(*sketches, at=number))
    await it.until(lambda: it.rests and it.rests[-1].desired.commit == commit(number))


def test_a_commit_is_pending_and_then_settled_and_each_is_told_once() -> None:
    told = Told()

    async def live() -> None:
        async with keeping(WEB, resync=5.0) as it:
            listen(it, told)
            it.offer(desired(WEB, at=1))
            await it.until(lambda: told.statuses(1))
            assert told.statuses(1) == {"reconciler/dev": "pending"}
            await settle(it, 1, WEB)
            assert told.statuses(1) == {"reconciler/dev": "success", "reconciler/dev/web": "success"}
            assert told.words(1) == "1 service settled"
            assert told.words(1, "web") == "settled, 1 of 1 ready"
            count = len(told.letters)
            await it.until(lambda: it.reports[-1].number > 20)
            assert len(told.letters) == count

    run_virtually(live())
    assert told.events == [("settled", "success")]
    assert told.letters[-1].body["text"] == "shop/dev at 0000000000: 1 service settled"


def test_a_bad_version_is_a_failure_with_its_reason_and_healing_is_told_as_drift() -> None:
    told = Told()

    async def live() -> None:
        async with keeping(WEB, BAD, images=("redis:8",)) as it:
            it.driver.world.engine.behave(it.driver.world.publish("redis:8"), Behaviour(healthy_after=None))
            listen(it, told)
            await settle(it, 1, WEB)
            await settle(it, 2, BAD)
            assert told.statuses(2) == {"reconciler/dev": "failure", "reconciler/dev/web": "failure"}
            assert told.words(2).startswith("rolled back: web: ")
            assert told.words(2, "web").startswith("held, 1 of 1 ready: ")
            await settle(it, 3, WEB)
            it.driver.world.engine.hand.remove(it.running()[0])
            await it.until(lambda: ("drift", "success") in told.events)

    run_virtually(live())
    assert [event for event, _ in told.events] == ["settled", "failed", "settled", "drift"]


def test_a_commit_that_a_newer_one_overtakes_is_not_left_pending() -> None:
    told = Told()
    slow = replace(WEB, monitor=60.0)

    async def live() -> None:
        async with keeping(WEB, slow) as it:
            listen(it, told)
            it.offer(desired(slow, at=1))
            await it.until(it.running)
            await settle(it, 2, WEB)

    run_virtually(live())
    assert told.statuses(1) == {"reconciler/dev": "error"}
    assert "superseded by 0000000000" in told.words(1)
    assert told.statuses(2)["reconciler/dev"] == "success"


def test_what_cannot_be_seen_is_told_as_that_and_then_as_what_it_is() -> None:
    told = Told()

    async def live() -> None:
        async with keeping(WEB) as it:
            listen(it, told)
            it.driver.world.engine.unreadable("instances", "hunter2 hangs")
            it.offer(desired(WEB, at=1))
            await it.until(lambda: told.statuses(1).get("reconciler/dev") == "error")
            assert told.words(1) == "cannot tell: *** hangs"
            it.driver.world.engine.ground.unreadable.clear()
            await settle(it, 1, WEB)
            assert told.statuses(1)["reconciler/dev"] == "success"

    run_virtually(live())


def refusal(environment: str = "dev", commit_id: str | None = None, seen: str = "hunter2 is odd") -> Refusal:
    problem = Problem("SPEC012", "error", "specs/web.yaml", 4, 3, "Service web", seen, "", "")
    return Refusal("shop", environment, commit_id, (problem, problem))


def test_what_is_refused_is_a_failure_with_its_first_place_and_shows_no_secret() -> None:
    told = Told()
    told.results.refused(refusal(commit_id=commit(1)))
    assert told.statuses(1) == {"reconciler/dev": "failure"}
    assert told.words(1) == "refused, 2 problems specs/web.yaml:4: *** is odd [SPEC012]"
    told.results.refused(refusal(commit_id=None))
    told.results.refused(refusal(environment="prod"))
    assert told.events == [("refused", "failure")] * 4
    receivers = [letter.destination for letter in told.letters if letter.path == ""]
    assert len(set(receivers)) == 2


def test_descriptions_are_one_short_line_whatever_they_quote() -> None:
    told = Told()
    told.results.refused(refusal(commit_id=commit(1), seen="a\n\x1b[31mb" + "c" * 500))
    assert len(told.words(1)) == 140
    assert told.words(1).isprintable()


def states(provider: str, letters: Sequence[Letter]) -> list[object]:
    return [letter.body["state"] for letter in letters if letter.path]


def test_each_forge_has_words_and_a_path_of_its_own() -> None:
    for provider, failure, path in (
        ("github", "failure", f"/repos/team/shop/statuses/{commit(1)}"),
        ("gitea", "failure", f"/repos/team/shop/statuses/{commit(1)}"),
        ("gitlab", "failed", f"/projects/team%2Fshop/statuses/{commit(1)}"),
    ):
        told = Told(spec_of(provider))
        told.results.refused(refusal(commit_id=commit(1)))
        (letter,) = [letter for letter in told.letters if letter.path]
        assert (letter.path, letter.body["state"]) == (path, failure)
        assert letter.body["target_url"] == "https://x.example.com"
        assert letter.body["name" if provider == "gitlab" else "context"] == "reconciler/dev"


def test_of_many_services_only_those_are_told_that_the_commit_touched() -> None:
    told = Told()
    many = [replace(WEB, name=f"s{number}") for number in range(60)]
    changed = [replace(many[0], environment=(("A", "1"),)), *many[1:]]

    async def live() -> None:
        async with keeping(*many, changed[0]) as it:
            it.offer(desired(*many, at=1))
            await it.until(lambda: it.rests)
            listen(it, told)
            await settle(it, 2, *changed)

    run_virtually(live())
    assert told.statuses(2) == {"reconciler/dev": "success", "reconciler/dev/s0": "success"}


def test_entries_of_one_address_each_count_and_an_event_is_sent_there_once() -> None:
    def entry(secret: str, event: str, environment: str) -> dict[str, Any]:
        url = "https://a.example.com"
        return {"url": url, "secret": secret, "on": ["settled", event], "environments": [environment]}

    entries = [entry("/s", "failed", "prod"), entry("/s", "drift", "prod"), entry("/t", "failed", "dev")]
    spec = RunSpec.model_validate({**spec_of().model_dump(), "notify": entries})
    told = [notified(spec, *of) for of in (("prod", "failed"), ("prod", "settled"), ("dev", "failed"))]
    assert [len(places) for places in told] == [1, 1, 1]
    assert told[0][0].name == told[1][0].name != told[2][0].name
    assert all(place.name in places_of(spec) for places in told for place in places)
