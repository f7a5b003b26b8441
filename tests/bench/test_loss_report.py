"""What is made of the requests of a load, when nothing but their records is known."""

from __future__ import annotations

from pathlib import Path

from loss_record import Kind, Outcome, Record, read_records, write_line
from loss_report import (
    Deploy,
    ServerCount,
    compare,
    measure_harm,
    measure_latency,
    measure_turns,
    percentile,
    read_log,
)


def record(at: float, version: str = "v1", outcome: Outcome = Outcome.OK, kind: Kind = Kind.NEW) -> Record:
    return Record(f"{at:g}", kind, at, at, at + 0.25, outcome, version)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    records = [record(1.0), Record("2", Kind.KEPT, 1.5, 1.6, 2.0, Outcome.CLOSED_IDLE, "v2", Outcome.OK)]
    (tmp_path / "records.tsv").write_text("".join(write_line(r) for r in records))
    assert read_records(tmp_path / "records.tsv") == records


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([3.0], 0.5)) == (50.0, 99.0, 3.0)


def test_latency_counts_from_the_intended_time_and_leaves_out_what_is_lost() -> None:
    late = Record("1", Kind.NEW, 1.0, 3.0, 3.5)
    found = measure_latency([late, record(1.0), record(1.0, outcome=Outcome.RESET)])
    assert (found.count, found.p50, found.most) == (2, 0.25, 2.5)


def test_a_deploy_is_over_when_its_version_answers_everything() -> None:
    deploys = [Deploy("v1", 10.0, 11.0), Deploy("v2", 20.0, 21.0), Deploy("v3", 30.0, 31.0)]
    seen = [record(9.0, "v0"), record(11.0, "v0"), record(12.0, "v1"), record(13.0, "v1")]
    seen += [record(21.0, "v2"), record(22.0, "-", Outcome.REFUSED), record(25.0, "v2")]
    seen += [record(31.0, "v3"), record(32.0, "v2")]
    assert measure_turns(seen, deploys) == [1.0, 2.0, None]


def test_a_deploy_that_nobody_saw_is_not_over() -> None:
    assert measure_turns([], [Deploy("v1", 10.0, 11.0)]) == [None]


def test_the_harm_of_a_bad_version_is_what_it_answered_badly_and_for_how_long() -> None:
    seen = [record(1.0, "v0"), record(2.0, "v1"), record(3.0, "v1", Outcome.HTTP_5XX)]
    seen += [record(5.0, "v1", Outcome.HTTP_5XX), record(6.0, "v0")]
    assert measure_harm(seen, "v1") == (3, 2, 2.0)
    assert measure_harm(seen, "v9") == (0, 0, 0.0)


def test_the_log_of_the_instances_is_held_against_the_clients_count(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("R 1\nD 1 200\nR 2\nR 3\nD 3 200\nR w0.1\n")
    (tmp_path / "b.log").write_text("R 3\nD 3 200\nR 4\nD 4 200\n")
    seen = [record(1), record(2, outcome=Outcome.RESET), record(3), record(4, outcome=Outcome.TRUNCATED)]
    seen.append(record(5))
    counted = compare(seen, *read_log(tmp_path))
    assert counted == ServerCount(received=5, unanswered=1, again=1, twice=1, invented=1, unheard=1)
