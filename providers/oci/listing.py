"""The tags of a repository, page by page (OCI distribution specification 1.1, "Listing tags")."""

from __future__ import annotations

import re

from providers.oci.challenge import pull_scope
from providers.oci.client import Call, Client
from providers.oci.faults import NO_REGISTRY, PAGE_ELSEWHERE
from providers.oci.origin import Target
from providers.oci.strict_json import as_list, parse_object
from providers.oci.transport import Answer
from providers.oci.verdict import refuse_page
from specs.reference import ImageRef

_PAGE = 1000
_MAX_PAGES = 1000
_PAGE_LIMIT = 4 << 20
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<>]*\brel="?next"?')


async def list_tags(client: Client, ref: ImageRef) -> tuple[str, ...]:
    """Every tag of the repository of ``ref``, sorted; none when the repository is absent.

    Raises ProviderError, also when a page lies on another origin or the pages do not end.
    """
    repository = client.repository(ref)
    page: str | Target = f"{repository}/tags/list?n={_PAGE}"
    tags: set[str] = set()
    for _ in range(_MAX_PAGES):
        async with client.call(Call(ref.name, "GET", page, pull_scope(repository))) as answer:
            refuse_page(answer)
            if answer.status == 404:
                return tuple(sorted(tags))
            if answer.status != 200:
                raise await client.refuse(answer)
            tags.update(_tags(answer, await answer.read(_PAGE_LIMIT)))
            following = await next_page(client, answer)
        if following is None:
            return tuple(sorted(tags))
        page = following
    raise PAGE_ELSEWHERE.passing(ref.name, f"more than {_MAX_PAGES} pages of tags", "an end")


def _tags(answer: Answer, body: bytes) -> list[str]:
    try:
        document = parse_object(body)
        tags = as_list([] if document.get("tags", "") is None else document.get("tags"))
    except ValueError as error:
        raise NO_REGISTRY.passing(answer.where, str(error), "a list of tags") from None
    return [tag for tag in tags if isinstance(tag, str)]


async def next_page(client: Client, answer: Answer) -> Target | None:
    """Where a list goes on; None where it ends. Raises Refused for an address on another origin."""
    link = _NEXT.search(answer.header("Link") or "")
    return await client.locate(link[1], answer, PAGE_ELSEWHERE) if link else None
