"""`logs`, `exec` and `task` as people and scripts use them, on real engines."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e import ALIVE, ENVIRONMENT, Ran, Site, listen_to_interrupts
from ground import RunningEngine
from pty_command import OnTerminal

pytestmark = pytest.mark.engine
PASSWORD = "a-very-long-password"
SPEAKING = f"echo version one; echo oops >&2; echo key=$$PASSWORD; {ALIVE}"
TRAP = "trap 'echo got it; exit 9' TERM INT; echo ready; while :; do sleep 0.1; done"


@pytest.fixture(name="site", scope="module")
def _site(engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    """Web speaks and has a secret, a Config and a volume; only it is applied."""
    with Site(engine, registry_host) as site:
        site.secret("password", PASSWORD)
        site.declare("Secret", "password")
        site.declare("Volume", "state")
        site.declare("Config", "page", content="the page\n")
        declare_web(site, SPEAKING)
        site.service("job", "echo done", healthcheck=None, restart="no")
        site.commit()
        site.apply()
        yield site


def declare_web(site: Site, script: str) -> None:
    site.service(
        "web",
        script,
        environment={"PASSWORD": {"secret": "password"}},
        secrets=["password"],
        configs=[{"source": "page", "target": "/etc/page"}],
        volumes=["state:/state"],
        rollout={"monitor": "200ms", "deadline": "20s", "order": "start-first"},
    )


def command(site: Site, *words: str) -> list[str]:
    installed = Path(sys.executable).with_name("reconciler")
    return [str(installed), *words] if installed.exists() else [sys.executable, "-m", "reconciler", *words]


def piped(site: Site, *words: str) -> subprocess.Popen[str]:
    """The command with all three streams as pipes."""
    return subprocess.Popen(
        command(site, *words),
        cwd=site.repository.path,
        env=site.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        preexec_fn=listen_to_interrupts,
    )


def say(site: Site, text: str, *words: str) -> Ran:
    """Run to the end with this text as standard input."""
    process = piped(site, *words)
    out, err = process.communicate(text, timeout=60)
    assert "Traceback" not in err, err
    return Ran(words, process.returncode, out, err)


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"no {words!r} in {lines}")


def until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def tasks(site: Site) -> list[str]:
    return [name for name in site.containers() if "_task_" in name]


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


def test_a_command_gets_input_and_gives_its_streams_and_code(site: Site) -> None:
    said = say(site, "hi\n" * 50_000, "exec", ENVIRONMENT, "web", "--", "cat")
    assert (said.exit, said.out, said.err) == (0, "hi\n" * 50_000, "")
    said = say(site, "", "exec", ENVIRONMENT, "web", "--", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (said.exit, said.out, said.err) == (42, "out\n", "err\n")
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


@pytest.mark.parametrize("verb", ["exec", "task"])
def test_signals_reach_the_command(site: Site, verb: str) -> None:
    process = piped(site, verb, ENVIRONMENT, "web", "--", "sh", "-c", TRAP)
    read_until(process, "ready")
    process.send_signal(signal.SIGTERM if verb == "exec" else signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (9, "got it\n"), err
    assert tasks(site) == []


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
        person.type("\x03echo still $((40+2))\n")
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
        shown = person.until("bred")
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


def test_a_task_before_anything_was_applied(engine: RunningEngine, registry_host: str) -> None:
    with Site(engine, registry_host) as site:
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


def test_following_goes_on_with_the_instances_that_come(site: Site) -> None:
    process = piped(site, "logs", ENVIRONMENT, "web", "--follow")
    read_until(process, "version one")
    declare_web(site, SPEAKING.replace("one", "two"))
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
