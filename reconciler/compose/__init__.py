"""Compose files for ``init``: read as Compose reads them, then written as documents of ours. Pure: files come
through a ``Files``, and what an engine knows through ``EngineFacts``; no variable of the caller is read."""
