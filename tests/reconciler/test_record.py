"""The record of an environment: written when something changed, read with distrust."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli_world import LOCAL, SECRET_SERVICE, SPECS, CliWorld
from keeping import Keeping, keeping
from providers.memory import MemoryRegistry
from reconciler.cli.apply import report_apply
from reconciler.cli.loop_audience import heard_by
from reconciler.cli.loop_records import Records
from reconciler.cli.records import publish_record
from reconciler.desired import Desired
from reconciler.keeper_report import Heard
from reconciler.ownership import Owner
from reconciler.policy import Policy, RecordPlace
from reconciler.proofs import Proof
from reconciler.provider import ProviderError, Refused, Registry
from reconciler.record import Record, is_due
from reconciler.record_text import LIMIT, Unusable, parse_record, read_record, write_record
from sketches import OWNER, REGISTRY, SOURCE, Sketch, commit, desired
from specs.problem import Problem
from specs.reference import ImageRef
from virtual_time import run_virtually

AT = 1_800_000_000.0
IMAGE = f"registry.test/shop/web@sha256:{'a' * 64}"
PLACE = RecordPlace(ImageRef(REGISTRY, "shop-records", "record-dev"), 3600.0)
WEB = Proof(
    service_name="web",
    commit=commit(3),
    path=None,
    fingerprint="v1:" + "b" * 64,
    spec="",
    input="in-" + "c" * 32,
    image=IMAGE,
    image_name="web",
    healthy_since=AT - 500,
    ready=2,
    replicas=2,
    is_settled=True,
)
CACHE = replace(
    WEB,
    service_name="cache",
    input="redis:7",
    image=f"redis@sha256:{'d' * 64}",
    image_name=None,
    healthy_since=None,
)
RECORD = Record(OWNER, AT, "ENGINE:1", commit(7), {"cache": CACHE, "web": WEB}, (IMAGE,))


def read(document: bytes | None, now: float = AT + 60) -> Record | Unusable:
    return read_record(document, OWNER, now, 3600.0)


def test_what_is_written_is_read_back_but_for_the_spec() -> None:
    told = replace(RECORD, proofs={"cache": CACHE, "web": replace(WEB, spec='{"hidden": true}')})
    assert read(write_record(told)) == RECORD
    assert b"hidden" not in write_record(told)


def test_fields_that_are_added_later_are_passed_over() -> None:
    document = json.loads(write_record(RECORD))
    document["more"], document["services"]["web"]["more"] = 1, [1]
    assert read(json.dumps(document).encode()) == RECORD


@pytest.mark.parametrize(
    ("document", "now", "reason"),
    [
        (None, AT, "there is none"),
        (write_record(RECORD), AT + 3601, "it is 60 min old, and believed for 60 min"),
        (write_record(RECORD), AT - 301, "its time lies 5 min ahead"),
        (write_record(replace(RECORD, owner=Owner("shop", "prod"))), AT, "belongs to another owner"),
        (b"[1]", AT, "it is damaged: the value is no mapping"),
        (b"\xff", AT, "it is damaged: it is no text of ours"),
        (b" " * (LIMIT + 1), AT, "it is damaged: it is too large"),
        (b'{"schema": "reconciler/record/v2"}', AT, "it is damaged: it is of another schema"),
    ],
)
def test_what_cannot_be_believed_says_why(document: bytes | None, now: float, reason: str) -> None:
    found = read(document, now)
    assert isinstance(found, Unusable)
    assert reason in found.reason


HOSTILE: list[tuple[str, Any]] = [
    ("commit", "--upload-pack=x"),
    ("commit", "f" * 41),
    ("path", "../x\n"),
    ("path", "/etc"),
    ("fingerprint", "v1:short"),
    ("input", "in-" + "c" * 31),
    ("input", "redis:7 \x1b[2J"),
    ("image", "registry.test/shop/web:latest"),
    ("image", f"registry.test/shop/web:tag@sha256:{'a' * 64}"),
    ("image_name", "We b"),
    ("healthy_since", "2100-01-01T00:00:00Z"),
    ("healthy_since", "2027-13-45T00:00:00Z"),
    ("ready", -1),
    ("ready", True),
    ("replicas", 1e3),
    ("replicas", None),
]


@pytest.mark.parametrize(("name", "value"), HOSTILE)
def test_a_hostile_field_spoils_the_whole_record(name: str, value: Any) -> None:
    document = json.loads(write_record(RECORD))
    document["services"]["web"][name] = value
    found = read(json.dumps(document).encode())
    assert isinstance(found, Unusable)
    assert found.reason.startswith("it is damaged: ")
    assert found.reason.isprintable()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60)
@given(st.sampled_from(["owner", "at", "engine", "commit", "services", "images", "schema"]), _JSON)
def test_no_value_of_a_field_does_more_than_spoil_it(name: str, value: Any) -> None:
    document = json.loads(write_record(RECORD))
    document[name] = value
    found = read(json.dumps(document).encode())
    assert isinstance(found, Record | Unusable)


def test_is_written_again_when_something_changed_or_a_quarter_of_its_time_is_over() -> None:
    def proves(**changes: Any) -> Record:
        return replace(RECORD, at=AT + 61, proofs={"cache": CACHE, "web": replace(WEB, **changes)})

    assert is_due(None, RECORD, 3600.0)
    assert not is_due(RECORD, replace(RECORD, at=AT + 899), 3600.0)
    assert is_due(RECORD, replace(RECORD, at=AT + 900), 3600.0)
    assert is_due(RECORD, replace(proves(commit=commit(9)), at=AT + 1), 3600.0)
    assert is_due(RECORD, replace(RECORD, at=AT + 1, commit=commit(9)), 3600.0)
    assert is_due(RECORD, replace(RECORD, at=AT + 1, proofs={"web": WEB}), 3600.0)
    assert is_due(RECORD, proves(ready=1), 3600.0)
    assert not is_due(RECORD, replace(proves(ready=1), at=AT + 59), 3600.0)
    assert not is_due(RECORD, proves(spec="{}"), 3600.0)
    assert is_due(replace(RECORD, at=AT + 3600), RECORD, 3600.0), "one from ahead of its time is replaced"


async def test_what_another_has_just_written_is_not_written_again() -> None:
    registry = MemoryRegistry(REGISTRY)

    async def open_registry(ref: ImageRef) -> Registry:
        return registry

    await publish_record(PLACE, RECORD, open_registry)
    later = replace(RECORD, at=AT + 10)
    assert await publish_record(PLACE, later, open_registry) == RECORD
    assert await publish_record(PLACE, replace(RECORD, at=AT + 900), open_registry) != RECORD
    assert [call.verb for call in registry.faults.made] == ["put_record"] * 2
    await registry.put_record(PLACE.ref, b"damaged")
    assert await publish_record(PLACE, later, open_registry) == later


# -- by apply


RECORDING = SPECS.replace("worktree: allow}", "worktree: allow, record: local}", 1)


def recorded(world: CliWorld) -> Record:
    found = world.registries[LOCAL].repositories["shop-records"].records
    assert set(found) == {"record-dev"}
    return parse_record(found["record-dev"])


def writes(world: CliWorld) -> int:
    return sum(call.verb == "put_record" for call in world.registries[LOCAL].faults.made)


def test_apply_publishes_what_has_proved_itself(settled: CliWorld) -> None:
    assert "shop-records" not in settled.registries[LOCAL].repositories
    head = settled.repository.commit({"specs/shop.yaml": RECORDING})
    assert settled.run(report_apply).exit == 0
    record = recorded(settled)
    assert (record.owner, record.commit) == (Owner("shop", "dev"), head)
    assert {name: (p.commit, p.ready, p.is_settled) for name, p in record.proofs.items()} == {
        "cache": (head, 1, True),
        "web": (head, 1, True),
    }
    assert record.proofs["web"].image_name == "web"
    assert {proof.image for proof in record.proofs.values()} <= set(record.images)
    assert settled.run(report_apply).exit == 0
    assert writes(settled) == 1
    settled.repository.commit({"web/app": "two\n"})
    settled.run(report_apply, services=("web",))
    assert writes(settled) == 1, "a part of an environment is not its record"


def test_a_record_that_cannot_be_written_is_a_warning_and_fails_nothing(shop: CliWorld) -> None:
    shop.repository.commit({"specs/shop.yaml": RECORDING})
    denied = Refused("REG022", f"{LOCAL}/shop-records", "403", "a login with that right", "use another")
    shop.registries[LOCAL].fail("put_record", 1, denied)
    report = shop.run(report_apply)
    assert report.exit == 0
    (told,) = [p for p in report.problems if p.code == "CLI110"]
    assert (told.severity, told.remedy) == ("warning", "use another")
    assert f"{LOCAL}/shop-records:record-dev: 403 [REG022]" in told.seen


def test_no_secret_is_in_it(shop: CliWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", "canary-7f3a")
    shop.repository.commit({"specs/shop.yaml": RECORDING + SECRET_SERVICE})
    assert shop.run(report_apply).exit == 0
    record = recorded(shop)
    assert set(record.proofs) == {"cache", "db", "web"}
    document = write_record(record)
    assert b"canary" not in document
    assert b"s1:" not in document


# -- by a loop


REDIS = Sketch("web", image="redis:7", check=False, monitor=1.0)


class _Also:
    def __init__(self, heard: Heard) -> None:
        self.heard_before = heard

    def heard(self, owner: Owner, repository: str) -> Heard:
        return self.heard_before

    def refused(self, refusal: object) -> None: ...


def keep_records(it: Keeping) -> tuple[Records, list[Problem]]:
    warned: list[Problem] = []
    records = Records(lambda owner: it.driver.clients.registry, lambda owner, told: warned.extend(told))
    it.keeper.heard = heard_by([_Also(it.keeper.heard), records], OWNER, "shop")
    return records, warned


def recording(*sketches: Sketch, at: int = 1) -> Desired:
    return desired(*sketches, at=at, policy=Policy(source=SOURCE, record=replace(PLACE, age=400.0)))


def in_a_loop(live: Callable[[Keeping, MemoryRegistry, list[Problem]], Any]) -> None:
    async def run() -> None:
        async with keeping(REDIS, images=("redis:8",), resync=5.0) as it:
            records, warned = keep_records(it)
            await live(it, it.driver.world.registry, warned)
            await records.close()

    run_virtually(run())


def test_a_loop_writes_when_it_is_settled_and_then_four_times_an_age() -> None:
    async def live(it: Keeping, registry: MemoryRegistry, warned: list[Problem]) -> None:
        def made() -> int:
            return sum(call.verb == "put_record" for call in registry.faults.made)

        def newest() -> Proof | None:
            repository = registry.repositories.get("shop-records")
            return parse_record(repository.records["record-dev"]).proofs.get("web") if repository else None

        def is_recorded(number: int, reference: str) -> bool:
            found = newest()
            told = (found.commit, found.input, found.is_settled) if found is not None else None
            return told == (commit(number), reference, True)

        it.offer(recording(REDIS))
        await it.until(lambda: is_recorded(1, "redis:7"), 30)
        before, at = made(), it.reports[-1].observed.at
        assert before <= 2
        await it.until(lambda: it.reports[-1].observed.at - at > 430)
        assert made() == before + 4
        it.offer(recording(replace(REDIS, image="redis:8"), at=2))
        await it.until(lambda: is_recorded(2, "redis:8"), 30)
        assert warned == []

    in_a_loop(live)


def test_a_loop_that_cannot_write_says_so_once_and_goes_on() -> None:
    async def live(it: Keeping, registry: MemoryRegistry, warned: list[Problem]) -> None:
        down = ProviderError("REG001", "registry", "no route", "a registry that answers")
        registry.fail("put_record", 1, down, times=3)
        it.offer(recording(REDIS))
        await it.until(lambda: "shop-records" in registry.repositories and it.rests)
        await it.until(lambda: registry.repositories["shop-records"].records, 300)
        assert [told.code for told in warned] == ["CLI110"]

    in_a_loop(live)
