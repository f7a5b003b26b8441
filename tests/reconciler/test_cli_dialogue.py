"""`logs`, `exec` and `task` on a world in memory: what they say, whom they mean, which code they give."""

from __future__ import annotations

import json
import re

import pytest

from cli_world import SECRET_SERVICE, SPECS, CliWorld, live_name
from providers.memory import Behaviour, Ended
from reconciler.cli.apply import report_apply
from reconciler.cli.destroy import report_destroy
from reconciler.cli.envelope import Stop
from reconciler.cli.exec import report_exec
from reconciler.cli.logs import report_logs
from reconciler.cli.plan import report_plan
from reconciler.cli.task import report_task
from reconciler.provider import Refused
from reconciler.render import Style
from reconciler.render_logs import Mask, paint_name, printable

PASSWORD = "correct horse battery"


def speak(world: CliWorld, *lines: str, **more: object) -> None:
    world.behave("busybox:1.36", Behaviour(log=lines, **more))  # type: ignore[arg-type] # fields of Behaviour


def test_logs_of_all_and_of_one(shop: CliWorld, capsys: pytest.CaptureFixture[str]) -> None:
    speak(shop, "first", "second")
    shop.run(report_apply)
    capsys.readouterr()
    report = shop.run(report_logs, tail=1)
    assert (report.exit, report.streamed) == (0, True)
    assert capsys.readouterr().out == "cache-1 | second\n"
    shop.run(report_logs, service="cache", timestamps=True)
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"cache-1 \| \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z first", first)
    assert second.endswith(" second")
    shop.run(report_logs, service="cache", as_json=True)
    record = json.loads(capsys.readouterr().out.splitlines()[0])
    assert record == {
        "schema": "reconciler/logs/v1",
        "service": "cache",
        "instance": {
            "host": "memory",
            "id": record["instance"]["id"],
            "name": live_name(shop, "cache"),
            "role": "live",
        },
        "number": 1,
        "stream": "stdout",
        "at": record["at"],
        "line": "first",
    }
    shop.run(report_logs, service="cache", instance=7)
    captured = capsys.readouterr()
    assert (captured.out, "no instance" in captured.err) == ("", True)
    with pytest.raises(Stop) as stop:
        shop.run(report_logs, service="cach")
    assert 'did you mean "cache"' in str(stop.value.problems[0])


def test_a_secret_is_masked_wherever_it_is_written(
    shop: CliWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", PASSWORD)
    speak(shop, f"password is '{PASSWORD}'")
    shop.repository.commit({"specs/shop.yaml": SPECS + SECRET_SERVICE})
    shop.run(report_apply)
    capsys.readouterr()
    for as_json in (False, True):
        shop.run(report_logs, service="db", as_json=as_json)
        out = capsys.readouterr().out
        assert "password is '(masked)'" in out
        assert PASSWORD not in out


def test_nothing_to_show_is_said(shop: CliWorld, capsys: pytest.CaptureFixture[str]) -> None:
    report = shop.run(report_logs)
    assert (report.exit, "no instance is here" in capsys.readouterr().err) == (0, True)


def test_what_cannot_be_read_stops_nothing_else(shop: CliWorld, capsys: pytest.CaptureFixture[str]) -> None:
    speak(shop, "first")
    shop.run(report_apply)
    shop.engine.unreadable("service:web", "no answer")
    capsys.readouterr()
    report = shop.run(report_logs)
    captured = capsys.readouterr()
    assert (report.exit, captured.out) == (1, "cache-1 | first\n")
    assert "Service web: no answer" in captured.err
    assert shop.run(report_logs, service="cache").exit == 0
    shop.engine.unreadable("instances", "no answer")
    with pytest.raises(Stop) as stop:
        shop.run(report_logs)
    assert (stop.value.exit, stop.value.problems[0].code) == (3, "CLI011")


def test_held_instances_are_named_as_such(settled: CliWorld, capsys: pytest.CaptureFixture[str]) -> None:
    settled.behave("busybox:2", Behaviour(exits_after=0.5, log=("boom \x1b[2J",)))
    settled.repository.commit({"specs/shop.yaml": SPECS.replace("busybox:1.36", "busybox:2")})
    assert settled.run(report_apply).exit == 5
    capsys.readouterr()
    settled.run(report_logs, service="cache")
    assert "cache-2 (held) | boom" in capsys.readouterr().out


def test_a_command_runs_in_an_instance_that_runs(shop: CliWorld, capfd: pytest.CaptureFixture[str]) -> None:
    speak(shop, runs={("fail",): lambda files, given: Ended(42, b"out\n", b"err\n")})
    shop.run(report_apply)
    capfd.readouterr()
    report = shop.run(report_exec, service="cache", command=("fail",))
    assert (report.exit, report.streamed, report.problems) == (42, True, ())
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("out\n", "err\n")
    shop.engine.hand.stop(live_name(shop, "cache"))
    with pytest.raises(Stop) as stop:
        shop.run(report_exec, service="cache", command=("fail",))
    problem = stop.value.problems[0]
    assert (stop.value.exit, problem.code) == (1, "CLI007")
    assert "is exited with code" in problem.seen
    with pytest.raises(Stop) as stop:
        shop.run(report_exec, service="cache", instance=9, command=("fail",))
    assert stop.value.problems[0].seen == "there is no instance 9 of it"


def test_a_task_is_gone_afterwards_and_changes_no_plan(
    shop: CliWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    speak(shop, runs={("migrate",): lambda files, given: Ended(7, files["/etc/page.txt"])})
    specs = SPECS.replace(
        'spec: {image: "busybox:1.36",',
        'spec: {image: "busybox:1.36", configs: [{source: page, target: /etc/page.txt}],',
    )
    shop.repository.commit({"specs/shop.yaml": specs})
    report = shop.run(report_task, service="cache", services=("cache",), command=("migrate",))
    assert report.exit == 7
    assert capfd.readouterr().out == "hello\n"
    assert not shop.engine.ground.containers
    assert shop.run(report_apply).exit == 0
    assert shop.run(report_plan, exit_code=True).exit == 0
    with pytest.raises(Stop) as stop:
        shop.run(report_task, service="caché", services=("caché",), command=("migrate",))
    assert stop.value.problems[0].code == "CLI005"


def test_a_task_needs_an_image_and_its_secrets(shop: CliWorld) -> None:
    with pytest.raises(Stop) as stop:
        shop.run(report_task, service="web", services=("web",), command=("true",))
    assert stop.value.problems[0].code == "CLI008"
    assert "reconciler apply dev" in stop.value.problems[0].remedy
    shop.repository.commit({"specs/shop.yaml": SPECS + SECRET_SERVICE})
    with pytest.raises(Refused, match="SEC002"):
        shop.run(report_task, service="db", services=("db",), command=("true",))
    shop.engine.unreadable("networks")
    with pytest.raises(Stop) as stop:
        shop.run(report_task, service="cache", services=("cache",), command=("true",))
    assert (stop.value.exit, stop.value.problems[0].code) == (3, "CLI011")


def test_destroy_ends_tasks_too(settled: CliWorld) -> None:
    labels = {"reconciler.owner": "shop/dev", "reconciler.role": "task", "reconciler.name": "web"}
    settled.engine.hand.add_foreign("shop_dev_web_task_00000000", labels)
    assert settled.run(report_plan, exit_code=True).exit == 0, "it runs: nobody minds"
    asked = settled.run(report_destroy)
    assert "task shop_dev_web_task_00000000" in asked.text
    assert settled.run(report_destroy, confirm=asked.members["confirm"]).exit == 0
    assert not settled.engine.ground.containers


def test_a_task_ends_at_its_deadline(shop: CliWorld) -> None:
    speak(shop, runs={("wait",): lambda files, given: None})
    with pytest.raises(Stop) as stop:
        shop.run(report_task, service="cache", services=("cache",), command=("wait",), deadline=0.3)
    assert (stop.value.exit, stop.value.problems[0].code) == (1, "CLI009")
    assert not shop.engine.ground.containers


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain ünïcode 字", "plain ünïcode 字"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("tab\there", "tab\there"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb", "a\\rb"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eevil", "\\u202eevil"),
        ("nul\0", "nul\\x00"),
    ],
)
def test_nothing_that_an_instance_writes_drives_a_terminal(line: str, shown: str) -> None:
    assert printable(line) == shown


def test_masks_take_the_longest_first_and_lines_of_long_values() -> None:
    mask = Mask(["abc", "abcdef", "-----BEGIN-----\nc2VjcmV0LWtleQ==\nx\n"])
    assert mask.apply("abcdef abc") == "(masked) (masked)"
    assert mask.apply("key c2VjcmV0LWtleQ== x") == "key (masked) x"


def test_colours_tell_instances_apart_on_a_terminal_alone() -> None:
    assert paint_name("web-1", 8, 0, Style(colour=False)) == "web-1    | "
    assert paint_name("web-1", 5, 0, Style(colour=True)) == "\x1b[36mweb-1 | \x1b[0m"
