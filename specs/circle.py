"""Circles of names."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def find_circle(edges: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """The first circle, its first name repeated at the end; empty when there is none. Iterative."""
    done: set[str] = set()
    for start in sorted(edges):
        path: list[str] = []
        stack = [(start, iter(sorted(edges[start])))] if start not in done else []
        if stack:
            path.append(start)
        while stack:
            name, following = stack[-1]
            step = next((other for other in following if other not in done), None)
            if step is None:
                done.add(name)
                stack.pop()
                path.pop()
            elif step in path:
                return (*path[path.index(step) :], step)
            else:
                path.append(step)
                stack.append((step, iter(sorted(edges.get(step, ())))))
    return ()
