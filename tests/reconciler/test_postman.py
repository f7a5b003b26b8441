"""Results are sent beside everything else, again and again, and a restart loses none."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from receivers import Receiver
from reconciler.cli.outbox import MOST, Outbox
from reconciler.cli.postman import Postman
from reconciler.cli.result_letters import LIFETIME, Letter
from reconciler.cli.result_places import ForgePlace, NotifyPlace, ResultPlace
from specs.run_results import Forge, Notify


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Office:
    """A postman with two destinations: a forge and a receiver of notifications."""

    folder: Path
    forge: Receiver
    other: Receiver
    provider: str = "github"
    clock: Clock = field(default_factory=Clock)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("token", "secret"):
            (self.folder / name).write_text(f"the-{name}-of-a-test\n")
        self.outbox = Outbox(self.folder / "outbox", self.told.append)
        forge = {"provider": self.provider, "project": "team/shop", "token": str(self.folder / "token")}
        places: list[ResultPlace] = [
            ForgePlace("shop", Forge.model_validate({**forge, "api": f"{self.forge.url}/api"})),
            NotifyPlace(0, Notify(url=f"{self.other.url}/hook", secret=str(self.folder / "secret"))),
        ]
        self.places = {place.name: place for place in places}
        self.postman = Postman(self.outbox, lambda: self.places, self.clock)

    def letter(self, key: str = "k", number: int = 0, to: str = "forge of shop", **words: float) -> Letter:
        path = "/repos/team/shop/statuses/c1" if to.startswith("forge") else ""
        return Letter(
            to, key, path, {"n": number}, words.get("written_at", self.clock.now), words.get("after", 0.0)
        )

    @property
    def receiver(self) -> str:
        return next(name for name in self.places if name.startswith("notify"))

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        task = asyncio.create_task(self.postman.work(stopping))
        try:
            yield
        finally:
            stopping.set()
            await task

    async def quiet(self) -> None:
        """Nothing waits any more."""
        async with asyncio.timeout(10):
            while self.outbox.waiting:
                await asyncio.sleep(0.01)

    async def tried(self, count: int) -> None:
        async with asyncio.timeout(10):
            while self.outbox.tally.failed < count:
                await asyncio.sleep(0.01)

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.postman.news.set()


@pytest.fixture(name="office")
async def _office(tmp_path: Path) -> AsyncIterator[Office]:
    async with Receiver() as forge, Receiver() as other:
        yield Office(tmp_path, forge, other)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


async def test_it_arrives_with_the_token_of_this_moment_and_signed(office: Office) -> None:
    async with office.at_work():
        office.postman.put(office.letter())
        office.postman.put(office.letter(to=office.receiver))
        await office.quiet()
        (office.folder / "token").write_text("another-token")
        office.postman.put(office.letter(number=2))
        await office.quiet()
    first, second = office.forge.posted
    assert first.path == "/api/repos/team/shop/statuses/c1"
    assert first.headers["Authorization"] == "Bearer the-token-of-a-test"
    assert second.headers["Authorization"] == "Bearer another-token"
    (told,) = office.other.posted
    signed = f"{told.headers['X-Reconciler-Timestamp']}.".encode() + told.raw
    digest = hmac.new(b"the-secret-of-a-test", signed, hashlib.sha256).hexdigest()
    assert told.headers["X-Reconciler-Signature-256"] == digest
    assert office.outbox.tally.sent == 3
    assert list((office.folder / "outbox").iterdir()) == []


async def test_of_two_by_one_key_the_newer_is_sent_and_what_is_not_due_waits(office: Office) -> None:
    async with office.at_work():
        office.postman.put(office.letter(number=1, after=office.clock.now + 5))
        office.postman.put(office.letter(number=2, after=office.clock.now + 5))
        await asyncio.sleep(0.05)
        assert office.forge.posted == []
        office.pass_time(6)
        await office.quiet()
    assert [posted.body["n"] for posted in office.forge.posted] == [2]


async def test_one_that_is_put_while_the_older_is_on_its_way_is_sent_after_it(office: Office) -> None:
    office.forge.gate.clear()
    async with office.at_work():
        office.postman.put(office.letter(number=1))
        await office.forge.until(1)
        office.postman.put(office.letter(number=2))
        office.forge.gate.set()
        await office.forge.until(2)
        await office.quiet()
    assert [posted.body["n"] for posted in office.forge.posted] == [1, 2]


async def test_a_destination_that_hangs_or_fails_delays_no_other_and_is_asked_again(office: Office) -> None:
    office.forge.answers = [(503, {}, ""), (429, {"Retry-After": "120"}, ""), (201, {}, "")]
    async with office.at_work():
        office.postman.put(office.letter())
        office.postman.put(office.letter(to=office.receiver))
        await office.other.until(1)
        await office.tried(1)
        office.pass_time(5)
        await office.tried(2)
        office.pass_time(60)
        await asyncio.sleep(0.05)
        assert len(office.forge.posted) == 2, "it asked for two minutes"
        office.pass_time(90)
        await office.quiet()
    assert len(office.forge.posted) == 3
    assert len(office.told) == 1


@pytest.mark.parametrize("status", [400, 404, 422, 302])
async def test_what_is_refused_for_good_is_thrown_away_and_told(office: Office, status: int) -> None:
    office.forge.answers = [(status, {"Location": f"{office.other.url}/elsewhere"}, "")]
    async with office.at_work():
        office.postman.put(office.letter())
        await office.quiet()
    assert office.outbox.tally.dropped == 1
    assert office.other.posted == [], "no redirect is followed: the token is for this address"
    assert str(status) in office.told[0]
    assert "the-token" not in office.told[0]


async def test_a_token_that_is_wrong_or_missing_may_be_replaced(office: Office) -> None:
    office.forge.answers = [(401, {}, "")]
    async with office.at_work():
        office.postman.put(office.letter())
        await office.tried(1)
        (office.folder / "token").unlink()
        office.pass_time(10)
        await office.tried(2)
        (office.folder / "token").write_text("right-token")
        office.pass_time(60)
        await office.quiet()
    assert office.outbox.tally.sent == 1


async def test_a_restart_loses_nothing_and_sends_the_newest(office: Office) -> None:
    office.forge.answers = [(500, {}, "")]
    async with office.at_work():
        office.postman.put(office.letter(number=1))
        await office.tried(1)
        office.postman.put(office.letter(number=2))
    again = Office(office.folder, office.forge, office.other)
    async with again.at_work():
        await office.forge.until(2)
        await again.quiet()
    assert [posted.body["n"] for posted in office.forge.posted] == [1, 2]


async def test_a_damaged_file_is_set_aside_and_one_for_nobody_is_thrown_away(office: Office) -> None:
    folder = office.folder / "outbox"
    folder.mkdir()
    for name, content in (("a", b"{"), ("b", b"[1]"), ("c", b"[" * 50_000), ("d", b'{"key": 1}')):
        (folder / f"{name}.letter").write_bytes(content)
    async with office.at_work():
        office.postman.put(office.letter(to="forge of elsewhere"))
        office.postman.put(office.letter())
        await office.quiet()
    assert len(list(folder.glob("*.damaged"))) == 4
    assert (office.outbox.tally.sent, office.outbox.tally.dropped) == (1, 1)


async def test_a_folder_that_cannot_be_written_keeps_nothing_back(office: Office) -> None:
    (office.folder / "outbox").write_text("a file stands where the folder should be")
    async with office.at_work():
        for number in range(3):
            office.postman.put(office.letter(key=str(number)))
        await office.quiet()
    assert office.outbox.tally.sent == 3
    assert len(office.told) == 1


async def test_what_is_older_than_a_day_and_what_is_too_much_is_thrown_away(office: Office) -> None:
    office.outbox.put(office.letter(written_at=office.clock.now - LIFETIME - 1))
    async with office.at_work():
        await office.quiet()
    assert office.forge.posted == []
    for number in range(MOST + 5):
        office.outbox.put(office.letter(key=str(number)))
    assert len(office.outbox.waiting) == MOST
    assert office.letter(key="0").name not in office.outbox.waiting


async def test_gitlab_that_knows_it_already_is_content(tmp_path: Path) -> None:
    async with Receiver() as forge, Receiver() as other:
        office = Office(tmp_path, forge, other, "gitlab")
        forge.answers = [(400, {}, '{"message":"Cannot transition status via :run from :running"}')]
        async with office.at_work():
            office.postman.put(office.letter())
            await office.quiet()
        assert office.outbox.tally.sent == 1
        assert forge.posted[0].headers["PRIVATE-TOKEN"] == "the-token-of-a-test"
