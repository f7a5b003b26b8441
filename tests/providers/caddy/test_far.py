"""What commands in a container write, and what is made of it, without any container."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from providers.caddy.far import Far
from providers.caddy.tables import Table, files_of
from providers.caddy.way import AT_ONCE, Asked, Look
from reconciler.handle import Handle
from reconciler.ownership import Owner
from reconciler.provider import ProviderError, Refused
from reconciler.traffic import SLOTS

A = "aaaaaaaaaaaa"
TABLE = f"t-{'0' * 16}-{'1' * 8}"


@dataclass
class Canned:
    """A container in which each command writes the same."""

    written: str
    code: int = 0
    commands: list[tuple[str, ...]] = field(default_factory=list)

    async def run_inside(
        self, owner: Owner, handle: Handle, command: Sequence[str], stdin: bytes = b"", deadline: float = 10
    ) -> tuple[int, bytes]:
        self.commands.append(tuple(command))
        return self.code, self.written.encode()

    async def folder_of(self, owner: Owner, volume: str) -> str | None:
        return None


def far(written: str, code: int = 0) -> Far:
    return Far(Canned(written, code), Owner("shop", "test"), Handle("", A * 5))


async def test_a_look_is_two_lines() -> None:
    found = await far('config/ {"apps": {}}\nreverse_proxy/upstreams []\n').look()
    assert found == Look({"apps": {}}, [])
    nothing = await far("error wget: can't connect to remote host: Connection refused\nerror x\n").look()
    assert nothing == Look(None, None)


@pytest.mark.parametrize(
    ("written", "code", "expected"),
    [
        ("closed\n", 0, "PXY001"),
        ("error sh: timeout: not found\nerror \n", 0, "PXY009"),
        ("config/ <html>\n", 0, "PXY003"),
        ("", 126, "PXY009"),
    ],
)
async def test_what_is_wrong_is_said(written: str, code: int, expected: str) -> None:
    with pytest.raises(ProviderError, match=expected):
        await far(written, code).look()


async def test_tables_are_lines_of_words() -> None:
    slots = " ".join(f"{slot} 8080" for slot in [A, "-", *[A] * 98])
    lines = [
        f"table web {TABLE} serves {slots}",
        f"table api {TABLE} empty {slots}",
        f"table old - serves {slots}",
    ]
    found = await far("\n".join(lines)).tables()
    assert found == {"web": Table((A, "", *[A] * 98), {A: 8080}), "api": Table(), "old": Table()}
    with pytest.raises(ProviderError, match="PXY003"):
        await far(f"table ../x {TABLE} serves {slots}").tables()
    with pytest.raises(ProviderError, match="PXY003"):
        await far(f"table web {TABLE} serves {A}").tables()


async def test_probes_are_told_apart_by_their_place() -> None:
    asked = [Asked(f"{A}:80", "web.test", "/up", 0.5)] * 3
    found = await far("probe 2 200 \nprobe 0 error 502 dial tcp\nprobe 9 200\nprobe x 200\n").probe(asked)
    assert found == ["error 502 dial tcp", "error no answer in time", "200"]
    many = far("")
    assert len(await many.probe(asked * AT_ONCE)) == 3 * AT_ONCE
    assert isinstance(many.insides, Canned)
    assert [command[-1] for command in many.insides.commands] == ["1"] * 3


async def test_what_caddy_says_of_a_configuration_is_found_in_its_log() -> None:
    answer = '{"error":"no module KEYKEYKEY"}'
    said = f"sending configuration to instance: caddy responded with error: HTTP 400: {answer}\n"
    log = "\n".join(json.dumps({"level": "x", "msg": words}) for words in ("using config from stdin", said))
    with pytest.raises(Refused, match=r"no module \*\*\*") as raised:
        await far(log, 1).load(b"{}", {"key": "KEYKEYKEY"})
    assert raised.value.code == "PXY004"
    with pytest.raises(ProviderError, match="connection refused") as passing:
        await far("Error: dial unix: connection refused", 1).load(b"{}", {})
    assert not isinstance(passing.value, Refused)


async def test_a_table_that_cannot_be_written_is_no_switch() -> None:
    with pytest.raises(ProviderError, match="a file was cut off") as raised:
        await far("a file was cut off\n", 9).turn("web", TABLE, files_of("web", (A,) * SLOTS, {A: 80}))
    assert raised.value.code == "PXY007"
