"""`logs`, `exec` and `task` as people and scripts use them, on real engines."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from dialogue_site import SPEAKING, command, declare_web, piped, prepare, read_until, say, tasks, until
from e2e import ENVIRONMENT, Site
from ground import RunningEngine
from pty_command import OnTerminal

pytestmark = pytest.mark.engine
TRAP = "trap 'echo got it; exit 9' TERM INT; echo ready; while :; do sleep 0.1; done"


@pytest.fixture(name="site", scope="module")
def _site(engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(engine, registry_host) as site:
        prepare(site)
        yield site


def test_a_command_gets_input_and_gives_its_streams_and_code(site: Site) -> None:
    said = say(site, "hi\n" * 50_000, "exec", ENVIRONMENT, "web", "--", "cat")
    assert (said.exit, said.out, said.err) == (0, "hi\n" * 50_000, "")
    said = say(site, "", "exec", ENVIRONMENT, "web", "--", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (said.exit, said.out, said.err) == (42, "out\n", "err\n")


@pytest.mark.parametrize("verb", ["exec", "task"])
def test_signals_reach_the_command(site: Site, verb: str) -> None:
    process = piped(site, verb, ENVIRONMENT, "web", "--", "sh", "-c", TRAP)
    read_until(process, "ready")
    process.send_signal(signal.SIGTERM if verb == "exec" else signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (9, "got it\n"), err
    assert tasks(site) == []


def test_a_person_gets_a_terminal(site: Site) -> None:
    words = command(site, "exec", ENVIRONMENT, "web", "--", "sh", "-c", "stty size; exec sh")
    person = OnTerminal.start(words, site.repository.path, site.variables)
    try:
        person.until("# ")
        assert person.is_raw()
        person.resize(41, 97)
        until(lambda: _types(person, "stty size\n", "41 97"))
        person.forget()
        person.type("sleep 100\n")
        person.until("sleep 100")
        person.forget()
        # Keys that come while the shell hands the terminal over are lost.
        until(lambda: _types(person, "\x03", "# "))
        person.type("echo still $((40+2))\n")
        person.until("still 42")
        person.type("exit 5\n")
        assert person.wait() == 5
        assert not person.is_raw(), "the terminal is set back"
    finally:
        person.close()


def _types(person: OnTerminal, keys: str, shown: str) -> bool:
    person.type(keys)
    time.sleep(0.3)
    try:
        return shown in person.until(shown, 0.5)
    except AssertionError:
        return False


def test_logs_on_a_terminal_cannot_drive_it_and_end_at_an_interrupt(site: Site) -> None:
    hostile = ("sh", "-c", r"printf 'a\033]0;title\007b\033[31mred\033[0m\t\302\233c\n' > /proc/1/fd/1")
    assert say(site, "", "exec", ENVIRONMENT, "web", "--", *hostile).exit == 0
    words = command(site, "logs", ENVIRONMENT, "web", "--follow")
    person = OnTerminal.start(words, site.repository.path, site.variables)
    try:
        shown = person.until("x9bc")
        assert "a\\x1b]0;title\\x07bred\t\\x9bc" in shown
        assert "\x1b]0;" not in shown
        person.type("\x03")
        assert person.wait() == 130
        assert b"Traceback" not in person.seen
    finally:
        person.close()


def test_a_task_has_everything_and_is_no_instance(site: Site) -> None:
    before = site.live()
    script = "cat /etc/page /run/secrets/password; echo; echo $PASSWORD; cat; echo 1 > /state/note; "
    script += "sleep 1; exit 6"
    process = piped(site, "task", ENVIRONMENT, "web", "--", "sh", "-c", script)
    assert process.stdin is not None
    process.stdin.write("typed\n")
    process.stdin.close()
    read_until(process, "typed")
    (name,) = tasks(site)
    row = site.containers()[name]
    assert row["HostConfig"]["PortBindings"] in ({}, None)
    assert "reconciler.service" not in row["Config"]["Labels"]
    for network, endpoint in row["NetworkSettings"]["Networks"].items():
        assert "web" not in (endpoint["Aliases"] or []), network
    status = site.run("status", ENVIRONMENT, "--json").json
    assert {r["service"]: r["replicas"]["ready"] for r in status["services"]}["web"] == 1
    assert site.run("plan", ENVIRONMENT, "--json").json["settled"], "a live task changes no plan"
    assert process.wait(timeout=30) == 6
    assert tasks(site) == []
    assert site.output("web", "cat", "/state/note") == "1"
    assert site.live() == before


def test_a_task_whose_runner_is_killed_goes_by_itself(site: Site) -> None:
    process = piped(site, "task", ENVIRONMENT, "web", "--", "sh", "-c", "echo on; sleep 2")
    read_until(process, "on")
    process.kill()
    process.wait(timeout=10)
    assert len(tasks(site)) == 1, "it goes on to its end"
    until(lambda: tasks(site) == [])


def test_following_goes_on_with_the_instances_that_come(site: Site) -> None:
    process = piped(site, "logs", ENVIRONMENT, "web", "--follow")
    read_until(process, "version one")
    declare_web(site, SPEAKING.replace("version one", "version two"))
    site.commit()
    site.apply()
    assert any(line.startswith("web-2 | version two") for line in read_until(process, "version two"))
    site.hand("restart", "-t", "1", site.one("web"))
    assert read_until(process, "version two"), "the same instance after a restart"
    shown = site.run("logs", ENVIRONMENT, "web").out
    assert "web-1 (kept) | version one" in shown
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.strip() == "interrupted"
    assert "version" not in out, "nothing is told twice"
