"""Who brought a pin, who signed that, and how its commit is related: from real repositories and real keys."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.git.repository import GitRepository
from reconciler.cli.approvals import keys_here
from reconciler.cli.bringers import Bringers, PinQuestion, bringers
from reconciler.cli.pin_facts import facts_of_pin
from reconciler.gates import Approval
from reconciler.pin_gates import judge_pin, judge_removal
from reconciler.releases_file import releases_text
from reconciler.repository import Kinship
from signers import GpgSigner, SshSigner
from specs.promotion import Gates, Promotion
from specs.release import ReleasedService, RemovedService
from specs.run_signatures import Signatures

RELEASE = "specs/releases/prod.yaml"
GATES = Gates(approvals=1, approvers=("ann@example.com", "bob@example.com"))


def entry(commit: str, serial: int = 1, **evidence: object) -> ReleasedService:
    image = {"repository": "web", "digest": f"sha256:{serial:064x}", "input": f"in-{'0' * 32}"}
    words = {"serial": serial, "commit": commit, "images": {"web": image}, "evidence": evidence}
    return ReleasedService.model_validate(words)


class Shop:
    """A repository with releases of prod, and keys of people."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = WrittenRepository(folder / "shop")
        self.signers = {name: SshSigner.make(folder / "keys", name) for name in ("ann", "bob", "mallory")}
        allowed = folder / "allowed"
        allowed.write_text(self.signers["ann"].allowed_line + self.signers["bob"].allowed_line)
        self.signatures = Signatures(allowed_signers=str(allowed))

    def sign(self, name: str | None, *words: str) -> str:
        """A command of git that commits, signed by somebody."""
        options = (*self.signers[name].options, "-c", "commit.gpgSign=true") if name else ()
        self.repository.git(*options, *words)
        return self.repository.git("rev-parse", "HEAD")

    def pin(self, name: str | None, **entries: ReleasedService) -> str:
        self.repository.write({RELEASE: releases_text("prod", entries)})
        self.repository.git("add", "-A")
        return self.sign(name, "commit", "-q", "-m", "promote")

    def ask(
        self, new: ReleasedService, old: ReleasedService | None = None, tip: str = "HEAD", path: str = ""
    ) -> PinQuestion:
        found = GitRepository(Path(path) if path else self.repository.path)
        tip = found.resolve(tip)
        return PinQuestion(found, tip, tip, "specs", "prod", "web", "dev", old, new)


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def who(shop: Shop, question: PinQuestion, gates: Gates = GATES) -> list[str]:
    facts = facts_of_pin(question, gates, shop.signatures)
    assert facts.signed.unknown == ""
    return [approval.who for approval in facts.signed.given]


def test_the_commit_that_brought_it_is_found_behind_others(shop: Shop) -> None:
    first = shop.repository.commit({"a": "1"})
    web, api = entry(first), entry(first)
    shop.pin("mallory", web=entry(first, 2))
    brought = shop.pin("ann", web=web)
    shop.pin("mallory", web=web, api=api)
    shop.sign("mallory", "commit", "-q", "--allow-empty", "-m", "another change")
    assert bringers(shop.ask(web)) == Bringers(brought, brought)
    assert who(shop, shop.ask(web)) == ["ann@example.com"]


def test_signatures_count_by_the_keys_of_the_policy_and_not_by_what_is_written(shop: Shop) -> None:
    first = shop.repository.commit({"a": "1"})
    lied = entry(first, approved_by=["ann@example.com"])
    shop.pin("mallory", web=lied)
    assert who(shop, shop.ask(lied)) == []
    unsigned = entry(first, 2)
    shop.pin(None, web=unsigned)
    assert who(shop, shop.ask(unsigned)) == []
    facts = facts_of_pin(shop.ask(unsigned), GATES, None)
    assert facts.signed.unknown == "no keys are named that signatures could be verified with"


def test_who_applies_by_hand_verifies_with_the_keys_that_their_own_git_names(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    git = GitRepository(shop.repository.path).git
    shop.repository.git("config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    assert keys_here(git) is None, "what the repository names counts for nothing"
    settings = tmp_path / ".gitconfig"
    for named, expected in (("~/allowed", str(tmp_path / "allowed")), ("allowed", None), ("~/absent", None)):
        settings.write_text(f'[gpg "ssh"]\n\tallowedSignersFile = {named}\n')
        found = keys_here(git)
        assert (found.allowed_signers if found else None) == expected


def test_a_merge_is_signed_by_two_and_read_once_for_one(shop: Shop) -> None:
    first = shop.repository.commit({"a": "1"})
    web = entry(first)
    shop.repository.git("switch", "-q", "-c", "promote")
    shop.repository.commit({"b": "1"})
    written = shop.pin("ann", web=web)
    head = shop.repository.commit({"b": "2"})
    shop.repository.git("switch", "-q", "main")
    shop.repository.commit({"c": "1"})
    merged = shop.sign("bob", "merge", "-q", "--no-ff", "-m", "merged", "promote")
    brought = bringers(shop.ask(web))
    assert brought == Bringers(merged, written, head)
    assert brought.is_reviewable
    assert who(shop, shop.ask(web)) == ["bob@example.com", "ann@example.com"]
    results = judge_pin(
        None, web, facts_of_pin(shop.ask(web), GATES, shop.signatures), Promotion(gates=GATES), 0.0
    )
    said = {result.name: (result.passed, result.seen) for result in results}
    assert said["approvals"] == (True, f"2 approvals of {merged[:10]} by ann@example.com, bob@example.com")


def test_what_only_the_merge_itself_has_was_reviewed_by_nobody(shop: Shop) -> None:
    first = shop.repository.commit({"a": "1"})
    shop.repository.git("switch", "-q", "-c", "promote")
    shop.pin("ann", web=entry(first))
    shop.repository.git("switch", "-q", "main")
    shop.repository.git("merge", "-q", "--no-ff", "--no-commit", "promote")
    evil = entry(first, 7)
    shop.repository.write({RELEASE: releases_text("prod", {"web": evil})})
    shop.repository.git("add", "-A")
    merged = shop.sign("mallory", "commit", "-q", "-m", "merged")
    brought = bringers(shop.ask(evil))
    assert brought is not None
    assert (brought.line, brought.is_reviewable) == (merged, False)
    assert who(shop, shop.ask(evil)) == []


def test_a_loops_key_approves_nothing(shop: Shop, tmp_path: Path) -> None:
    web = entry(shop.repository.commit({"a": "1"}))
    shop.pin("bob", web=web)
    assert who(shop, shop.ask(web)) == ["bob@example.com"]
    loops = tmp_path / "loops"
    loops.write_text(shop.signers["bob"].allowed_line)
    shop.signatures = shop.signatures.model_copy(update={"release_signers": str(loops)})
    assert who(shop, shop.ask(web)) == []


def test_gpg_signers_are_known_by_address_and_by_fingerprint(shop: Shop, tmp_path: Path) -> None:
    gpg = GpgSigner.make(tmp_path / "gpg", "greta")
    try:
        web = entry(shop.repository.commit({"a": "1"}))
        shop.repository.write({RELEASE: releases_text("prod", {"web": web})})
        shop.repository.git("add", "-A")
        shop.repository.git(*gpg.options, "commit", "-q", "-S", "-m", "promote")
        keys = Signatures(gpg_keys=str(gpg.export(tmp_path / "keys.gpg")))
        listed = gpg.gpg("--with-colons", "--list-keys").decode().splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
        for name in ("greta@example.com", fingerprint):
            facts = facts_of_pin(shop.ask(web), Gates(approvals=1, approvers=(name,)), keys)
            assert [approval.who for approval in facts.signed.given] == [name]
    finally:
        gpg.end()


def test_a_clone_that_is_cut_off_cannot_tell(shop: Shop, tmp_path: Path) -> None:
    first = shop.repository.commit({"a": "1"})
    old = entry(first)
    shop.pin("ann", web=old)
    second = shop.repository.commit({"a": "2"})
    web = entry(second, 2)
    shop.pin("ann", web=web)
    shop.repository.commit({"a": "3"})
    shallow = tmp_path / "shallow"
    shop.repository.git("clone", "-q", "--depth=1", f"file://{shop.repository.path}", str(shallow))
    facts = facts_of_pin(shop.ask(web, old, path=str(shallow)), GATES, shop.signatures)
    assert facts.brought_by is None
    assert facts.signed.unknown == "the clone does not reach back to the commit that brought it"
    assert (facts.is_reachable, facts.kinship) == (None, Kinship.CANNOT_TELL)
    results = judge_pin(old, web, facts, Promotion(gates=GATES), 0.0)
    said = {result.name: result.passed for result in results}
    assert (said["approvals"], said["reachable"], said["not-older"]) == (None, None, None)


def test_reachable_from_the_policy_ref_or_a_tag_and_from_nothing_else(shop: Shop) -> None:
    shop.repository.commit({"a": "1"})
    shop.repository.git("switch", "-q", "-c", "side")
    side = shop.repository.commit({"b": "1"})
    shop.repository.git("switch", "-q", "main")
    tip = shop.repository.commit({"c": "1"})
    there = GitRepository(shop.repository.path)
    assert there.is_in_history(tip, tip) is True
    assert there.is_in_history(tip, side) is False
    assert there.is_in_history(tip, "f" * 40) is None, "a tag that was not fetched may have it"
    shop.repository.git("tag", "-a", "-m", "x", "v1.0.0", side)
    assert there.is_in_history(tip, side) is True


def test_a_hotfix_is_kept_as_ancestor_or_as_patch(shop: Shop) -> None:
    base = shop.repository.commit({"a": "1\n", "b": "1\n"})
    shop.repository.git("switch", "-q", "-c", "fix")
    fixed = shop.repository.commit({"a": "2\n"})
    shop.repository.git("switch", "-q", "main")
    apart = shop.repository.commit({"b": "2\n"})
    old = entry(fixed, 2, hotfix="an expired certificate")

    def becomes(commit: str) -> tuple[str, Kinship | None]:
        new = entry(commit, 3)
        shop.pin(None, web=new)
        facts = facts_of_pin(shop.ask(new, old), Gates(), None)
        return facts.hotfix, facts.kinship

    assert becomes(apart) == ("lost", Kinship.UNRELATED)
    assert becomes(base) == ("lost", Kinship.DESCENDANT)
    shop.repository.git("cherry-pick", fixed)
    assert becomes(shop.repository.git("rev-parse", "HEAD")) == ("kept", Kinship.UNRELATED)
    shop.repository.git("merge", "-q", "-m", "merged", "fix")
    assert becomes(shop.repository.git("rev-parse", "HEAD")) == ("kept", Kinship.ANCESTOR)
    plain = replace(shop.ask(entry(apart, 9)), old=entry(fixed, 2))
    assert facts_of_pin(plain, Gates(), None).hotfix == "none"


def test_an_edit_of_the_evidence_is_a_new_claim(shop: Shop) -> None:
    first = shop.repository.commit({"a": "1"})
    shop.pin("ann", web=entry(first))
    edited = entry(first, drops="c" * 40)
    brought = shop.pin("mallory", web=edited)
    assert bringers(shop.ask(edited)) == Bringers(brought, brought)
    assert who(shop, shop.ask(edited)) == []


def test_what_takes_a_service_away_is_approved_as_a_pin_is(shop: Shop) -> None:
    web = entry(shop.repository.commit({"a": "1"}))
    shop.pin("mallory", web=web)
    removed = RemovedService(serial=2, reason="dev does not have it any more")
    for name, expected in (("mallory", False), ("ann", True)):
        shop.repository.write({RELEASE: releases_text("prod", {}, {"web": removed}, follows=True)})
        shop.repository.git("add", "-A")
        brought = shop.sign(name, "commit", "-q", "-m", "removed")
        facts = facts_of_pin(replace(shop.ask(web), new=removed, old=web), GATES, shop.signatures)
        assert facts.brought_by == brought
        (result,) = judge_removal(facts, Promotion(gates=GATES), 0.0)
        assert (result.name, result.passed) == ("approvals", expected)
        removed = RemovedService(serial=3)


def test_a_release_that_is_broken_or_huge_has_no_entry(shop: Shop) -> None:
    web = entry(shop.repository.commit({"a": "1"}))
    shop.repository.commit({RELEASE: "x" * (2 << 20)})
    shop.repository.commit({RELEASE: json.dumps({"spec": []})})
    brought = shop.pin("ann", web=web)
    assert bringers(shop.ask(web)) == Bringers(brought, brought)
    assert bringers(shop.ask(entry("e" * 40))) is None
    assert Approval("ann@example.com", "signature", brought) in (
        facts_of_pin(shop.ask(web), GATES, shop.signatures).signed.given
    )
