"""What can go wrong with a git repository. Codes are stable: none is ever given another meaning."""

from __future__ import annotations

CODES = {
    "GIT001": "git did not end in time.",
    "GIT002": "The folder is no git repository.",
    "GIT003": "The repository belongs to another user.",
    "GIT004": "git failed.",
    "GIT005": "git is not installed.",
    "GIT006": "An object of the commit is not in the clone.",
    "GIT007": "The clone's history is too short to tell.",
    "GIT008": "The repository has no commit.",
    "GIT009": "The ref has two meanings.",
    "GIT010": "The text is no ref.",
    "GIT011": "There is no such branch, tag or commit.",
    "GIT012": "The repository's URL is not allowed.",
    "GIT013": "The remote does not take the login, or is not known.",
    "GIT014": "The GitHub App gets no token.",
    "GIT015": "What is fetched does not fit.",
    "GIT016": "The remote names no branch any more.",
    "GIT017": "git does not know in whose name a commit is to be made.",
}
