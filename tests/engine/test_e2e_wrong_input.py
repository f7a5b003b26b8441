"""What people get wrong is told at once, all of it, with the way out; and no secret is ever shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import ENVIRONMENT, Site
from ground import RunningEngine

pytestmark = pytest.mark.engine
CANARY = "canary-7f3a"


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


WRONG = """\
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec:
  image: wbe
  replicsa: 2
  environment: {A: 010, B: yes}
---
apiVersion: reconciler/v1
kind: Servce
metadata: {name: db}
spec: {}
"""


def test_every_problem_of_the_specs_is_printed_at_once_and_nothing_is_done(site: Site) -> None:
    site.service("good")
    site.commit()
    site.apply()
    running = site.live()
    site.commit({"specs/wrong.yaml": WRONG})
    for verb in ("validate", "plan", "apply", "drift", "status", "render"):
        words = () if verb == "validate" else (ENVIRONMENT,)
        told = site.run(verb, *words, exits=1)
        for part in ("specs/wrong.yaml:6:3", "replicsa", "wrong.yaml:7:", "Servce", "did you mean"):
            assert part in told.err, (verb, part, told.err)
        assert told.err.count("  [SPEC") >= 4
        problems = site.run(verb, *words, "--json", exits=1).json["problems"]
        assert all(p["code"] and p["seen"] and p["file"] and p["line"] for p in problems), problems
    assert site.live() == running


def test_what_cannot_be_read_as_an_environment_names_the_next_command(site: Site, tmp_path: Path) -> None:
    site.service("web")
    site.commit()
    told = site.run("plan", "prod", exits=1)
    assert "prod" in told.err
    assert "dev" in told.err
    told = site.run("plan", "dev", "--ref", "no-such-ref", exits=1)
    assert "no-such-ref" in told.err
    told = site.run("plan", "dev", "--repo", str(tmp_path), exits=1)
    assert "git" in told.err
    site.repository.git("init", "-q", str(tmp_path / "empty"))
    told = site.run("plan", "dev", "--repo", str(tmp_path / "empty"), exits=1)
    assert "commit" in told.err
    told = site.run("plan", "dev", "--path", "nowhere", exits=1)
    assert "reconciler init" in told.err
    site.commit({"folder/specs/README.md": "nothing here\n"})
    told = site.run("apply", "dev", "--path", "folder/specs", exits=1)
    assert "reconciler init" in told.err
    shutil.rmtree(tmp_path / "empty")
    assert site.inventory() == {"containers": set(), "networks": set(), "volumes": set()}


def test_a_spec_folder_that_was_emptied_removes_nothing(site: Site) -> None:
    site.service("web")
    site.commit()
    site.apply()
    running = site.live()
    site.repository.git("rm", "-rqf", "specs")
    site.commit()
    assert "reconciler init" in site.apply(exits=1).err
    site.declare("Environment", ENVIRONMENT, project=site.project)
    site.commit()
    assert "--allow-prune=" in site.apply(exits=4).out
    assert site.live() == running


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("aply", "dev"),
        ("apply",),
        ("apply", "dev", "--nonsense"),
        ("apply", "dev", "--timeout", "soon"),
        ("plan", "dev", "--json", "--markdown"),
        ("why", "dev"),
    ],
)
def test_wrong_usage_is_64(site: Site, words: tuple[str, ...]) -> None:
    told = site.run(*words, exits=64)
    assert told.out == ""
    assert told.err


def test_secrets_are_asked_for_by_name_and_their_values_stay_in_the_container(site: Site) -> None:
    site.declare("Secret", "token", description="for tests")
    values = {"password": f"{CANARY}-password", "token": f"{CANARY}-token"}
    site.service(
        "web",
        "echo up; trap 'exit 0' TERM; while :; do sleep 0.2; done",
        environment={"PASSWORD": {"secret": "password"}, "URL": "db://u:${secret:password}@db"},
        secrets=["token"],
    )
    site.service("other")
    site.commit()
    missing = site.apply(exits=4)
    assert "password" in missing.out
    assert "token" in missing.out
    assert site.live("web") == {}
    assert site.live("other")

    for name, value in values.items():
        site.secret(name, value)
    said = [site.apply().all]
    assert site.output("web", "cat", "/run/secrets/token") == values["token"]
    assert site.output("web", "sh", "-c", "echo $URL") == f"db://u:{values['password']}@db"
    running = site.live()

    site.secret("password", f"{CANARY}-rotated")
    for verb in (("plan",), ("drift",), ("status",), ("render",), ("why",)):
        service = ("web",) if verb == ("why",) else ()
        for form in ((), ("--json",)):
            said.append(site.run(*verb, ENVIRONMENT, *service, *form, exits=None).all)
    said.append(site.apply("--json", "--logs").out)
    assert set(site.live("web")).isdisjoint(running), "rotation rolls out to its consumer"
    assert site.live("other").items() <= running.items(), "and to nobody else"

    site.service(
        "web",
        "echo my password is $$PASSWORD; exit 1",
        healthcheck=None,
        environment={"PASSWORD": {"secret": "password"}},
        rollout={"deadline": "4s", "monitor": "200ms"},
    )
    site.commit()
    held = site.apply(exits=5)
    assert "my password is" in held.out
    said += [held.all, site.apply("--json", exits=5).out]
    said += [path.read_text() for path in (site.folder / "state").rglob("*") if path.is_file()]
    for row in site.containers().values():
        said += [json.dumps(row["Config"]["Labels"]), row["Name"]]
    said += [json.dumps(site.listed(kind, site.owner)) for kind in ("networks", "volumes")]
    assert not [text for text in said if CANARY in text]
