"""What is read of tables, counts and probes, without any proxy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local_caddy import proxy_of
from providers.caddy.flows import flows_of, sum_of
from providers.caddy.folder import read_tables, write_table
from providers.caddy.probes import answer_of, asked_of
from providers.caddy.tables import STATE, Table, content_of, files_of, folder_name, is_folder, table_of
from reconciler.provider import Refused
from reconciler.proxies import ProbeRequest
from reconciler.traffic import Flow, share
from specs.route import Ready

A, B = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
FULL = share((), {A: 1, B: 1})


def turn(folder: Path, service_name: str, slots: tuple[str, ...], token: str) -> tuple[str, ...]:
    files = files_of(service_name, slots, dict.fromkeys(slots, 80))
    return write_table(str(folder), service_name, folder_name(files, token), files).slots


def slots_in(folder: Path) -> dict[str, tuple[str, ...]]:
    return {name: table.slots for name, table in read_tables(str(folder)).items()}


def test_a_table_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    assert slots_in(tmp_path) == {}
    assert turn(tmp_path, "web", FULL, "00000001") == FULL
    assert turn(tmp_path, "api", (), "00000001") == ()
    assert slots_in(tmp_path) == {"web": FULL, "api": ()}


def test_the_table_before_stays_for_who_has_just_found_it(tmp_path: Path) -> None:
    for token in ("00000001", "00000002", "00000003"):
        turn(tmp_path, "web", share((), {token[-1] * 12: 1}), token)
    found = os.listdir(tmp_path / "routes/web")
    assert {name[-8:] for name in found} == {"current", "00000002", "00000003"}


def test_what_is_damaged_leads_nowhere(tmp_path: Path) -> None:
    turn(tmp_path, "web", FULL, "00000001")
    table = tmp_path / "routes/web/current"
    (table / "0").write_text("not an id\n")
    (table / "1").unlink()
    (table / "2").write_text(f"{A}\n")
    (table / "3").write_bytes(b"\xff" * 1000)
    (table / "4").unlink()
    os.mkfifo(table / "4")
    (table / "5").unlink()
    (table / "5").symlink_to("/etc/hostname")
    assert slots_in(tmp_path)["web"][:7] == ("", "", A, "", "", "", FULL[6])
    (table / STATE).write_text("what")
    assert slots_in(tmp_path) == {"web": ()}


def test_the_port_of_an_instance_is_beside_its_slots(tmp_path: Path) -> None:
    files = files_of("web", FULL, {A: 8080, B: 9090})
    table = write_table(str(tmp_path), "web", folder_name(files, "00000001"), files)
    assert table == Table(FULL, {A: 8080, B: 9090})
    (tmp_path / "routes/web/current" / f"{FULL.index(B)}.port").write_text("1")
    (tmp_path / "routes/web/current" / f"{FULL.index(A)}.port").write_text("x")
    damaged = slots_in(tmp_path)["web"]
    assert damaged[FULL.index(A)] == ""
    assert damaged != FULL
    with pytest.raises(Refused, match="PXY010"):
        files_of("web", FULL, {A: 8080})


def test_a_link_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    turn(outside, "web", FULL, "00000001")
    inside = tmp_path / "inside"
    (inside / "routes/web").mkdir(parents=True)
    (inside / "routes/web/current").symlink_to(outside / "routes/web/current")
    (inside / "routes/api").symlink_to(outside / "routes/web")
    assert slots_in(inside) == {"web": ()}
    with pytest.raises(OSError, match="director"):
        turn(inside, "api", FULL, "00000002")
    assert turn(inside, "web", FULL, "00000002") == FULL
    assert slots_in(outside) == {"web": FULL}


def test_a_table_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn(tmp_path, "web", FULL, "00000001")

    def full(held: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        turn(tmp_path, "web", (), "00000002")
    monkeypatch.undo()
    assert slots_in(tmp_path) == {"web": FULL}
    assert len(os.listdir(tmp_path / "routes/web")) == 2


@pytest.mark.parametrize(
    ("name", "slots"),
    [("web", FULL[:99]), ("web", ("",) * 100), ("../x", FULL), ("web", ("{env.HOME}",) * 100), ("", ())],
)
def test_what_is_no_table_is_not_written(name: str, slots: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match="PXY010"):
        files_of(name, slots, dict.fromkeys(slots, 80))


def test_the_words_of_files() -> None:
    assert [content_of(it) for it in (b"a\r\n", b"a\n\n", b"\xe9", b"x" * 64)] == ["a", "a\n", "", ""]
    assert table_of({STATE: "serves"}) == Table(("",) * 100)
    assert is_folder(folder_name({}, "0a1b2c3d"))
    assert not any(map(is_folder, ("", "..", "t-1/..", "/etc", "t-0123456789abcdef-0a1b2c3d/x")))


def test_counts_are_summed_by_instance_and_kind() -> None:
    rows = [
        {"address": f"{A}:8080", "num_requests": 2, "fails": 0},
        {"address": f"{A}:9090", "num_requests": 1, "fails": 0},
        {"address": f"{A}.:8080", "num_requests": 3, "fails": 0},
        {"address": f"{B}:8080", "num_requests": 0, "fails": 0},
        {"address": "{file./run/reconciler/routes/web/current/1}:8080", "num_requests": 5, "fails": 0},
        {"address": "/run/reconciler/x.sock", "num_requests": 1, "fails": 0},
    ]
    one = flows_of(rows)  # type: ignore[arg-type]
    assert one == {A: Flow(3, 3)}
    assert sum_of([one, {A: Flow(1), B: Flow(2)}]) == {A: Flow(4, 3), B: Flow(2)}
    assert (flows_of(None), flows_of([{"address": 1}]), flows_of([])) == (None, None, {})


@pytest.mark.parametrize(
    ("words", "problem", "listening"),
    [
        ("200", "", ""),
        ("308", "", ""),
        ("404", "it answered with status 404", ""),
        ("error 502 dial tcp 10.0.0.1:80: connect: connection refused", "connection refused", "refused"),
        ("error 502 dial tcp: lookup aaaaaaaaaaaa: no such host", "no such host", "no such host"),
        ("error 502 EOF", "EOF", ""),
        ("error 504 net/http: timeout awaiting response headers", "timeout", ""),
        ("error no answer within 2 s", "no answer within 2 s", "no answer"),
        ("", "it does not answer", "it does not answer"),
    ],
)
def test_what_an_answer_means(words: str, problem: str, listening: str) -> None:
    assert problem in answer_of(words, listens=False)
    assert bool(problem) == bool(answer_of(words, listens=False))
    assert listening in answer_of(words, listens=True)
    assert bool(listening) == bool(answer_of(words, listens=True))


def test_an_instance_is_asked_by_a_name_of_its_route() -> None:
    ready = Ready(http="/up")
    proxy = proxy_of(
        ("a", {"host": "a.test", "port": 80, "ready": {"http": "/up"}}),
        ("b", {"hosts": ["*.b.test"], "port": 80, "ready": {"http": "/up"}}),
        ("c", {"port": 80, "ready": {"http": "/up"}}),
        ("d", {"host": "z.test", "hosts": ["*.d.test", "a.d.test"], "port": 80}),
    )
    hosts = [asked_of(ProbeRequest(A * 5, 80, ready, name), proxy).host for name in "abcd"]
    assert hosts == ["a.test", "probe.b.test", "c", "z.test"]
    assert asked_of(ProbeRequest(A * 5, 80, ready), proxy).dial == f"{A}:80"
