"""One computation of a promotion on one commit: shown, judged, copied, written."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.cli.copies import are_present, copy_images
from reconciler.cli.envelope import Report, failure, problem_of
from reconciler.cli.exits import CANNOT_TELL, DONE, FAILED, REFUSED
from reconciler.cli.hotfix import Hotfix, prepare_hotfix
from reconciler.cli.promote_gates import judge_promotion, passed_checks, without_commands
from reconciler.cli.promote_plan import Promotion, with_checks
from reconciler.cli.promote_session import Session
from reconciler.cli.promote_view import look_at_target, view_promotion
from reconciler.cli.promote_write import Written, push_commit, push_review, review_name
from reconciler.cli.session import stdout_style
from reconciler.clients import Clients
from reconciler.copying import Copied
from reconciler.fault import ProviderError
from reconciler.gate_result import GateResult, may_pass
from reconciler.journal import Journal
from reconciler.render import count, escape, format_time
from reconciler.render_gates import render_gates
from reconciler.render_json import JsonObject
from reconciler.render_promote import PromotionView, promotion_json, render_promotion, request_json
from reconciler.render_rollback import render_unwritten, render_written
from specs.problem import Problem
from specs.promotion import Promotion as Rules

if TYPE_CHECKING:
    from providers.git.branch import Branch


@dataclass(frozen=True, slots=True)
class Attempt:
    """One computation of a promotion, on one commit."""

    session: Session
    promotion: Promotion
    branch: Branch | None
    tip: str
    hotfix: Hotfix | None = None
    is_shown: bool = False
    """A person has seen already what it is about."""

    async def run(self, clients: Clients, is_writable: bool) -> Report | None:
        """What came of it; None where the branch moved meanwhile. Raises Stop, ProviderError."""
        options, promotion = self.session.options, self.promotion
        target = await look_at_target(promotion, clients)
        rules = promotion.after.effective.environment.promotion
        first = without_commands(rules)
        gates = await self._judge(clients, first)
        silent = target.silent_registries
        asked = [copy for copy in promotion.copies if copy.target.host not in silent]
        there = await are_present(asked, clients.registry)
        copies = [Copied(copy, "present" if there.get(copy) else "absent") for copy in promotion.copies]
        commits = await asyncio.to_thread(self._commits)
        view = view_promotion(promotion, target, gates, copies, commits)
        passed = may_pass(gates)
        if not self.is_shown or target.blocks or passed is not True:
            self.session.show(render_promotion(view, stdout_style(options)))
        if target.blocks or passed is not True:
            code = REFUSED if target.blocks or passed is False else CANNOT_TELL
            return self._report(code, "refused", view, problems=target.problems(promotion))
        if options.dry_run:
            return self._report(DONE, "nothing", view, text="nothing was written: --dry-run\n")
        if not is_writable or self.branch is None:
            return self._unwritten(view, Written())
        if self.hotfix is not None and self.hotfix.digest is None:
            return await self._build(self.hotfix, view)
        for registry in silent.values():
            await clients.runtime.start_registry(registry)
        copied = await copy_images(
            promotion.copies,
            clients.registry,
            lambda line: self.session.show(f"{line}\n"),
            open_source=promotion.offer.open_registry,
        )
        view = replace(view, copies=tuple(copied))
        failed = [copy.problem for copy in copied if copy.problem is not None]
        if failed:
            return self._report(FAILED, "refused", view, problems=tuple(failed))
        if first != rules:
            view = replace(view, gates=await self._judge(clients, rules))
            self.session.show(render_gates(view.gates, stdout_style(options)))
            if may_pass(view.gates) is not True:
                return self._report(CANNOT_TELL if may_pass(view.gates) is None else REFUSED, "refused", view)
        told = replace(self, promotion=with_checks(promotion, passed_checks(rules.gates, view.gates)))
        written = await asyncio.to_thread(told._write, view, self.branch)
        if written is None:
            return None
        if written.commit is None:
            return self._unwritten(view, written)
        return self._written(view, written)

    async def _build(self, hotfix: Hotfix, view: PromotionView) -> Report | None:
        """Build what the hotfix runs, then try it again as it is."""

        def log(line: str) -> None:
            self.session.show(f"  {escape(line)}\n")

        try:
            built = await hotfix.build(log)
        except ProviderError as error:
            return self._report(FAILED, "refused", view, problems=(problem_of(error),))
        source = self.promotion.source
        promotion = await asyncio.to_thread(prepare_hotfix, self.session.options, source, built)
        again = replace(self, promotion=promotion, hotfix=built, is_shown=True)
        return await try_attempt(again, is_writable=True)

    async def _judge(self, clients: Clients, rules: Rules) -> tuple[GateResult, ...]:
        session = self.session
        found = await judge_promotion(
            session.options, self.promotion, session.repository, clients, session.reader, rules
        )
        session.judged(found)
        return found

    def _commits(self) -> dict[str, list[tuple[str, str]]]:
        """The commits that come in, by service. A pin that this clone does not have brings none."""
        found: dict[str, list[tuple[str, str]]] = {}
        if self.branch is None:
            return found
        for change in self.promotion.changes:
            if change.before is not None and change.after is not None:
                pins = (change.before.commit, change.after.commit)
                found[change.service_name] = self.branch.between(*pins, most=100)
        return found

    def _write(self, view: PromotionView, branch: Branch) -> Written | None:
        options = self.session.options
        for_review = self.promotion.after.effective.environment.promotion.write == "branch"
        if options.branch is not None or for_review:
            name = options.branch or review_name(options.environment)
            return push_review(branch, self.tip, self.promotion, view, name, options.reason)
        return push_commit(branch, self.tip, self.promotion, options.reason)

    def _written(self, view: PromotionView, written: Written) -> Report:
        promotion, name = self.promotion, self.session.options.environment
        commit, branch = written.commit or "", written.branch or ""
        if not written.is_old:
            _note(promotion, commit, self.session.options.reason, self.session.actor)
        text = render_written(commit, branch, written.remote, written.followed)
        if written.request is not None:
            said = "it was proposed already" if written.is_old else "it is for review"
            text += f"{said}: merge {branch} into {written.request.base}\n"
        else:
            text += f"next:\n  reconciler apply {name}, where no loop keeps it\n"
        approvals = promotion.after.effective.environment.promotion.gates.approvals
        if approvals:
            text += f"{name} acts on it with {count(approvals, 'approval')} of that commit\n"
        request = request_json(written.request)
        report = self._report(DONE, "written", view, text=text, commit=commit, branch=branch)
        return replace(report, members={**report.members, "pull_request": request}, commit=commit)

    def _unwritten(self, view: PromotionView, written: Written) -> Report:
        problem = written.problem or failure(
            "CLI057", "git", "there is no branch that can be written to", "a branch", "commit the change"
        )
        text = render_unwritten(self.promotion.path, self.promotion.text)
        return self._report(REFUSED, "refused", view, text=text, problems=(problem,))

    def _report(
        self,
        code: int,
        result: str,
        view: PromotionView,
        *,
        text: str = "",
        problems: tuple[Problem, ...] = (),
        commit: str | None = None,
        branch: str | None = None,
    ) -> Report:
        return Report(
            code,
            text,
            {**promotion_json(view), **_place(result, commit, branch)},
            owner=self.promotion.owner,
            commit=self.promotion.source.commit,
            at=view.observed.at,
            problems=(*self.promotion.problems, *problems),
            unreadable=view.observed.unreadable,
        )


async def try_attempt(attempt: Attempt, is_writable: bool) -> Report | None:
    """What came of it; None where the branch moved meanwhile. Raises Stop, ProviderError."""
    promotion = attempt.promotion
    if not promotion.changes:
        return _report_nothing(promotion)
    clients = attempt.session.connect(promotion.after)
    try:
        return await attempt.run(clients, is_writable)
    finally:
        await promotion.after.registries.close()
        await attempt.session.end(clients)


def _report_nothing(promotion: Promotion) -> Report:
    """Nothing would change."""
    name, source = promotion.owner.environment, promotion.offer.name
    text = f"{name} runs what {source} has proved: nothing to promote\n"
    if promotion.offer.is_past:
        text = f"{name} is pinned to exactly this: nothing to write\n"
    members: JsonObject = {"from": source, "to": name, "services": [], "gates": [], "copies": []}
    return Report(
        DONE,
        text,
        {**members, **_place("nothing")},
        owner=promotion.owner,
        commit=promotion.source.commit,
        problems=promotion.problems,
    )


def _place(result: str, commit: str | None = None, branch: str | None = None) -> JsonObject:
    return {"result": result, "commit": commit, "branch": branch, "pull_request": None}


def _note(promotion: Promotion, commit: str, reason: str | None, actor: str) -> None:
    """Who did it, for ``history``: what was done is noted by whoever applies it."""
    Journal.of(promotion.owner).append(
        {
            "at": format_time(time.time()),
            "verb": "promote",
            "commit": commit,
            "actor": actor,
            "result": "written",
            "about": ", ".join(change.service_name for change in promotion.changes),
            "reason": reason,
        }
    )
