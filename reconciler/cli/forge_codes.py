"""The codes of what a forge is asked for."""

from __future__ import annotations

CODES = {
    "FORGE001": "It is not said which forge, or which project of it, something is to be posted to.",
    "FORGE002": "There is no token to post with.",
    "FORGE003": "The forge refuses a request, or what answers is no forge.",
    "FORGE004": "The forge does not answer, or says later again and again.",
    "FORGE005": "A file that is to be posted is no output, or is too large.",
    "FORGE006": "An output is about another commit than the pull request.",
    "FORGE007": "It cannot be told which pull request a job is about.",
}
