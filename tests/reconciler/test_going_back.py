"""Which release a rollback goes to, whether an entry counts, and what a marker may say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.desired import Desired, DesiredService, Generation
from reconciler.files import ConfigDigest, FilesKey
from reconciler.going_back import NoWay, Way, find_way, last_deployed, make_entry
from reconciler.observed import Marker, Observed
from reconciler.ownership import Owner
from reconciler.pin import is_in_force, released_image, standing
from reconciler.policy import Policy
from reconciler.release import Release
from reconciler.releases_file import releases_text
from reconciler.resolve import Findings, resolve
from reconciler.rollback_mark import ROLLBACK, read_marked, rollback_marker
from reconciler.view import ServiceView
from spec_texts import effective_of, environment, service
from specs.load import SpecFile, load
from specs.reference import Digest, ImageRef
from specs.release import Release as ReleaseSpec
from specs.release import ReleasedService

OWNER = Owner("shop", "dev")
HEAD, FIRST, SECOND = "f" * 40, "1" * 40, "2" * 40
NO_FILES: dict[FilesKey, ConfigDigest] = {}


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def desired_of(*lines: str, image: str = "redis:7", locks: dict[str, Digest] | None = None) -> Desired:
    found = effective_of(environment(), service("web", *lines, image=image))
    return resolve(OWNER, HEAD, found, Findings({}, NO_FILES, {}, locks or {}), Policy(), {})[0]


def release(command: str, commit: str, number: int) -> Release:
    """A proved generation of web."""
    form = desired_of(f"command: [{command}]").services["web"].form
    return Release(
        Generation(form.fingerprint, "", digest(number)),
        "redis:7",
        f"redis@{digest(number)}",
        commit,
        commit,
        1,
        form.canonical,
    )


NEW, OLD = release("two", SECOND, 1), release("one", FIRST, 1)


def way(desired: Desired, *releases: Release, to: str = "") -> Way | NoWay:
    return find_way(desired, Observed(at=0.0), ServiceView(releases=releases), "web", to)


def test_goes_to_the_release_before_and_past_what_has_not_proved_itself() -> None:
    two, three = desired_of("command: [two]"), desired_of("command: [three]")
    assert way(two, NEW, OLD) == Way("web", OLD, NEW)
    assert way(three, NEW, OLD) == Way("web", NEW, None)
    assert way(desired_of("command: [one]"), NEW, OLD) == Way("web", NEW, OLD)


def test_the_same_with_other_secrets_is_no_way_back() -> None:
    rotated = replace(NEW, generation=replace(NEW.generation, secrets="s1:other"))
    assert way(desired_of("command: [two]"), rotated, NEW, OLD) == Way("web", OLD, NEW)
    found = way(desired_of("command: [two]"), NEW)
    assert isinstance(found, NoWay)
    assert found.code == "CLI050"


@pytest.mark.parametrize("to", [FIRST[:7], FIRST])
def test_goes_to_a_named_one(to: str) -> None:
    assert way(desired_of("command: [two]"), NEW, OLD, to=to) == Way("web", OLD, NEW)


@pytest.mark.parametrize(
    ("to", "code"), [("1", "CLI056"), ("3" * 9, "CLI056"), ("--x", "CLI056"), (SECOND, "CLI050")]
)
def test_a_name_that_is_none_is_refused(to: str, code: str) -> None:
    found = way(desired_of("command: [two]"), NEW, OLD, to=to)
    assert isinstance(found, NoWay)
    assert found.code == code


def test_a_digest_names_a_release() -> None:
    other = release("one", FIRST, 7)
    found = way(desired_of("command: [two]"), NEW, other, to=digest(7)[:80])
    assert found == Way("web", other, NEW)


def test_the_last_deploy_is_of_one_commit() -> None:
    desired = desired_of()
    desired = replace(desired, services=dict.fromkeys(("web", "db", "mq"), desired.services["web"]))
    assert last_deployed(desired, {"web": HEAD, "db": FIRST, "mq": HEAD}, HEAD) == ["mq", "web"]


def entry_for(said: DesiredService, before: ReleasedService | None = None) -> ReleasedService:
    return make_entry(Way("web", OLD, NEW), said, ("redis:7", None), before, "specs", "it broke")


def test_an_entry_counts_until_spec_or_image_is_another() -> None:
    said = desired_of("command: [two]").services["web"]
    entry = entry_for(said)
    assert is_in_force(entry, said)
    same = [("command: [two]", "deploy: {replicas: 3}"), ("command: [two]", "rollout: {monitor: 1s}")]
    assert all(is_in_force(entry, desired_of(*lines).services["web"]) for lines in same)
    assert not is_in_force(entry, desired_of("command: [three]").services["web"])
    assert not is_in_force(entry, desired_of("command: [two]", image="redis:8").services["web"])
    locked = desired_of("command: [two]", locks={"redis:7": Digest(digest(9))})
    assert not is_in_force(entry, locked.services["web"])
    assert standing(locked.services["web"]).digest == digest(9)


def test_what_is_written_is_what_is_read_and_the_next_write_has_a_higher_serial() -> None:
    said = desired_of("command: [two]").services["web"]
    entry = entry_for(said)
    again = entry_for(desired_of("command: [three]").services["web"], entry)
    assert (entry.serial, again.serial) == (1, 2)
    assert [refusal.reason for refusal in again.refused] == ["it broke", "it broke"]
    text = releases_text("dev", {"web": again, "db": entry})
    found, _ = load([SpecFile("specs/releases/dev.yaml", text.encode())])
    written = found.documents["Release", "dev"].model
    assert isinstance(written, ReleaseSpec)
    assert dict(written.services) == {"web": again, "db": entry}
    assert releases_text("dev", {}).endswith("spec:\n  services: {}\n")


def test_an_image_of_ours_is_looked_up_where_ours_live_and_another_where_it_says() -> None:
    said = desired_of("command: [two]").services["web"]
    ours = make_entry(
        Way("web", replace(OLD, input=f"in-{'a' * 32}"), NEW), said, ("web", "shop/web"), None, "specs", None
    )
    image = released_image(ours.images["web"], ImageRef.parse("localhost:5000/shop/web"))
    assert str(image.ref.with_digest(Digest(digest(1)))) == f"localhost:5000/shop/web@{digest(1)}"
    assert (image.image_name, str(image.locked)) == (None, digest(1))
    assert str(released_image(entry_for(said).images["redis:7"]).ref) == "redis:7"


def test_a_marker_says_what_an_entry_says_and_nothing_else() -> None:
    entry = entry_for(desired_of("command: [two]").services["web"])
    marker = rollback_marker("web", entry, ())
    assert read_marked((marker,)).entries == {"web": entry}
    lifted = rollback_marker("web", None, (marker,))
    assert lifted.sequence == 2
    assert read_marked((marker, lifted)) == read_marked(())


@pytest.mark.parametrize(
    "value", ["", "[]", "{", '{"serial": 1}', "x" * 20_000, '{"serial": "1", "commit": "--x"}']
)
def test_a_marker_that_cannot_be_understood_is_damaged(value: str) -> None:
    marked = read_marked((Marker(ROLLBACK, "web", 3, value),))
    assert (marked.entries, marked.damaged) == ({}, frozenset(("web",)))
