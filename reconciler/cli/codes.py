"""The codes of what the command line itself can say. Codes are stable: none is ever given another meaning."""

from __future__ import annotations

CODES = {
    "CLI001": "A working tree was asked for where there is none, or together with a ref.",
    "CLI002": "Files are changed and not committed: what is committed counts. A warning.",
    "CLI003": "The environment takes no working tree.",
    "CLI004": "The commit is not on the branch that the environment tracks.",
    "CLI005": "There is no service of that name in the environment.",
    "CLI006": "Nothing is held that could be tried again.",
    "CLI007": "No instance of the service runs, so no command can be run in one.",
    "CLI008": "The image of a task is not in its registry.",
    "CLI009": "A task ran longer than its --timeout.",
    "CLI010": "There is no instance whose logs could be shown. A warning.",
    "CLI011": "What a verb needs to know of the engine cannot be read.",
    "CLI012": "A registry on this machine's loopback, and an engine on another machine.",
    "CLI020": "There is no such code.",
    "CLI030": "Nothing here runs, or is built on, what lock --update names.",
    "CLI031": "The lock file cannot be written where it belongs.",
    "INIT001": "The folder for init does not exist.",
    "INIT002": "The spec folder holds YAML files already; init overwrites nothing.",
    "INIT003": "The Compose file cannot be converted.",
    "INIT004": "Secrets cannot be written to that folder.",
    "SEC001": "A secret is there and cannot be read.",
    "SEC002": "A secret has no value here.",
    "SEC003": "A secret has another value than the one that a version was planned with.",
    "SRC001": "The files of a Config are not in this commit.",
    "SRC002": "A file of a build context went away while it was read.",
    "SRC003": "The base of an image is not in its registry.",
    "SRC004": "A reference that is to be locked is not in its registry.",
}
