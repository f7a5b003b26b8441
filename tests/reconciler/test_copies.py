"""Images copied to where they should lie as well, several at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from providers.memory import MemoryRegistry
from reconciler.cli.copies import are_present, copy_images, line_of
from reconciler.copying import Copied, ImageCopy
from reconciler.provider import ProviderError, Refused, Registry
from specs.reference import Digest, ImageRef

BUSY = ProviderError("REG007", "registry prod.test", "503", "fewer calls", retry_after=0.0)
DENIED = Refused("REG022", "prod.test/web1", "403", "a login with that right")


@dataclass
class Ground:
    """Two registries, and images in the first one."""

    hosts: dict[str, MemoryRegistry] = field(
        default_factory=lambda: {name: MemoryRegistry(name) for name in ("dev.test", "prod.test")}
    )
    lines: list[str] = field(default_factory=list)

    async def open(self, ref: ImageRef) -> Registry:
        return self.hosts[ref.host]

    def images(self, count: int) -> list[ImageCopy]:
        copies = []
        for number in range(count):
            source = ImageRef("dev.test", f"web{number}", "in-1")
            digest = self.hosts["dev.test"].push(source)
            self.hosts["dev.test"].sizes[source.repository] = 1000
            target = ImageRef("prod.test", f"web{number}")
            copies.append(ImageCopy(f"web{number}", source.with_digest(digest), target))
        return copies

    async def copy(self, copies: list[ImageCopy]) -> list[Copied]:
        return await copy_images(copies, self.open, self.lines.append, pauses=(0.0, 0.0))


async def test_asks_first_copies_once_and_tells_each() -> None:
    ground = Ground()
    copies = ground.images(20)
    assert set((await are_present(copies, ground.open)).values()) == {False}
    copied = await ground.copy(copies)
    assert [(one.copy, one.result, one.bytes_sent) for one in copied] == [(c, "copied", 1000) for c in copies]
    assert sorted(ground.lines) == sorted(map(line_of, copied))
    assert set((await are_present(copies, ground.open)).values()) == {True}
    assert {one.result for one in await ground.copy(copies)} == {"present"}


async def test_the_tag_of_another_digest_is_not_this_image() -> None:
    ground = Ground()
    (copy,) = ground.images(1)
    forged = Digest(f"sha256:{copy.digest.hex[:32]}{'0' * 32}")
    ground.hosts["prod.test"].push(copy.tag, forged)
    assert await are_present([copy], ground.open) == {copy: False}


async def test_what_passes_is_tried_again_and_what_does_not_stops_no_other() -> None:
    ground = Ground()
    copies = ground.images(3)
    prod = ground.hosts["prod.test"]
    prod.fail("copy", 1, BUSY, times=2)
    prod.fail("copy", 2, DENIED)
    copied = await ground.copy(copies)
    assert sorted(one.result for one in copied) == ["copied", "copied", "failed"]
    (failed,) = [one for one in copied if one.problem is not None]
    assert failed.problem is not None
    assert failed.problem.code == "REG022"
    assert f"is not there: {failed.problem}" in line_of(failed)


async def test_a_target_that_stays_down_is_given_up_and_a_repeat_does_the_rest() -> None:
    ground = Ground()
    copies = ground.images(4)
    ground.hosts["prod.test"].fail("copy", 3, BUSY, times=None)
    copied = await ground.copy(copies)
    assert sorted(one.result for one in copied) == ["copied", "copied", "failed", "failed"]
    ground.hosts["prod.test"].faults.clear()
    assert sorted(one.result for one in await ground.copy(copies)) == ["copied"] * 2 + ["present"] * 2


async def test_what_is_gone_at_its_source_is_not_tried_again() -> None:
    ground = Ground()
    (copy,) = ground.images(1)
    ground.hosts["dev.test"].forget(copy.source)
    (copied,) = await ground.copy([copy])
    assert copied.problem is not None
    assert (copied.result, copied.problem.code) == ("failed", "REG049")


def test_an_image_without_a_digest_is_no_copy() -> None:
    copy = ImageCopy("web", ImageRef("dev.test", "web", "in-1"), ImageRef("prod.test", "web"))
    with pytest.raises(ValueError, match="by its digest"):
        _ = copy.placed
