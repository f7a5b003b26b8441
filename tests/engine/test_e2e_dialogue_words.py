"""The words of `logs`, `exec` and `task`, and what they leave, on one engine."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from dialogue_site import PASSWORD, command, piped, prepare, read_until, say, tasks
from e2e import ENVIRONMENT, Site
from e2e_door import Door
from ground import RunningEngine

pytestmark = pytest.mark.engine


@pytest.fixture(name="site", scope="module")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        prepare(site)
        yield site


def test_logs_name_instances_mask_secrets_and_go_by_time(site: Site) -> None:
    shown = site.run("logs", ENVIRONMENT).out
    assert "web-1 | version one\n" in shown
    assert "job-1 | done\n" in shown
    assert "web-1 | key=(masked)\n" in shown
    assert PASSWORD not in shown
    records = [json.loads(line) for line in site.run("logs", ENVIRONMENT, "web", "--json").out.splitlines()]
    assert {(record["stream"], record["line"]) for record in records} >= {
        ("stdout", "version one"),
        ("stderr", "oops"),
    }
    assert [record["at"] for record in records] == sorted(record["at"] for record in records)
    assert records[0]["instance"]["name"] == site.one("web")
    last = site.run("logs", ENVIRONMENT, "web", "--tail", "1", "-t").out.splitlines()
    assert len(last) == 1
    assert last[0].split(" | ")[1].startswith("20")
    assert site.run("logs", ENVIRONMENT, "web", "--since", "2099-01-01T00:00:00Z").out == ""
    assert "version one" in site.run("logs", ENVIRONMENT, "web", "--since", "10m").out
    assert 'did you mean "web"' in site.run("logs", ENVIRONMENT, "wep", exits=1).err


def test_a_reader_that_leaves_ends_the_command(site: Site) -> None:
    line = f"{' '.join(command(site, 'exec', ENVIRONMENT, 'web', '--', 'yes'))} | head -n 2"
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=site.repository.path,
        env=site.variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("y\ny\n", "")


def test_what_a_killed_runner_left_unstarted_is_cleared_by_the_next_pass(site: Site) -> None:
    name = f"{site.project}_{ENVIRONMENT}_web_task_00000000"
    labels = [f"reconciler.owner={site.project}/{ENVIRONMENT}", "reconciler.role=task", "reconciler.name=web"]
    options = [part for label in labels for part in ("--label", label)]
    site.hand("run", "--name", name, *options, site.busybox, "true")
    told = site.run("plan", ENVIRONMENT).out
    assert "remove" in told
    assert "_task_00000000" in told
    site.apply()
    assert tasks(site) == []
    assert site.apply("--json").json["outcomes"] == []


def test_a_task_has_an_end_and_an_entrypoint_of_its_own(site: Site) -> None:
    began = time.monotonic()
    late = say(site, "", "task", ENVIRONMENT, "web", "--timeout", "1s", "--", "sleep", "60")
    assert (late.exit, late.out) == (1, "")
    assert "[CLI009]" in late.err
    assert time.monotonic() - began < 20
    assert tasks(site) == []
    said = say(site, "", "task", ENVIRONMENT, "web", "--entrypoint", "echo -n", "--", "a", "b")
    assert (said.exit, said.out) == (0, "a b")
    assert say(site, "", "task", ENVIRONMENT, "web", "--", "/no/such").exit == 1
    assert tasks(site) == []


def test_a_task_before_anything_was_applied(newest_engine: RunningEngine, registry_host: str) -> None:
    with Site(newest_engine, registry_host) as site:
        site.declare("Config", "page", content="the page\n")
        site.service("web", configs=[{"source": "page", "target": "/etc/page"}])
        site.commit()
        assert say(site, "", "task", ENVIRONMENT, "web", "--", "cat", "/etc/page").out == "the page\n"
        assert site.containers() == {}
        assert say(site, "", "exec", ENVIRONMENT, "web", "--", "true").exit == 1
        site.image("own", {"Dockerfile": "FROM {busybox}\n"})
        site.declare("Registry", "main", provider="oci", url=registry_host)
        site.service("own", image="own")
        site.commit()
        refused = say(site, "", "task", ENVIRONMENT, "own", "--", "true")
        assert (refused.exit, "[CLI008]" in refused.err) == (1, True)


def test_following_outlives_an_engine_that_is_away_for_a_while(site: Site) -> None:
    with Door(site.folder / "door.sock", site.engine.socket) as door:
        site.variables["RECONCILER_ENDPOINT_DEV"] = door.endpoint
        try:
            process = piped(site, "logs", ENVIRONMENT, "web", "--follow", "--tail", "1")
        finally:
            del site.variables["RECONCILER_ENDPOINT_DEV"]
        read_until(process, "web-1")
        door.shut()
        site.hand("exec", site.one("web"), "sh", "-c", "echo meanwhile > /proc/1/fd/1")
        time.sleep(1.5)
        door.open()
        assert len(read_until(process, "meanwhile")) == 1
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "it is tried again" in err
        assert "Traceback" not in err


def test_a_command_runs_where_and_as_whom_it_is_told(site: Site) -> None:
    words = (
        "exec",
        ENVIRONMENT,
        "web",
        "--user",
        "nobody",
        "--workdir",
        "/tmp",
        "--",
        "sh",
        "-c",
        "id -un; pwd",
    )
    assert say(site, "", *words).out == "nobody\n/tmp\n"
    assert say(site, "", "exec", ENVIRONMENT, "web", "--", "echo", "--", "--json").out == "-- --json\n"
    refused = say(site, "", "exec", ENVIRONMENT, "job", "--", "true")
    assert (refused.exit, refused.out) == (1, "")
    assert "exited with code 0" in refused.err
    assert "[CLI007]" in refused.err
    assert "exited" in say(site, "", "exec", ENVIRONMENT, "job", "--instance", "1", "--", "true").err
