"""Answers that are kept: as long as they are asked for, and no longer."""

from __future__ import annotations

from reconciler.recent import Recent


def test_an_answer_is_worked_out_once_while_it_is_asked_for() -> None:
    worked: list[str] = []

    def work_out(question: str) -> str:
        worked.append(question)
        return question.upper()

    recent = Recent(work_out)
    questions = [f"q{n}" for n in range(10_000)]
    for _ in range(5):
        assert [recent.ask(question) for question in questions] == [q.upper() for q in questions]
    assert worked == questions
    assert len(recent) <= 2 * len(questions)


def test_what_nobody_asks_for_any_more_goes() -> None:
    recent = Recent(str.upper)
    for number in range(100_000):
        recent.ask(f"release {number // 100}")
    assert len(recent) < 100
