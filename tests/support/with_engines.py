"""Run a command with engines and a registry around it.

    python3 tests/support/with_engines.py --state DIR [--prefer-machine] [--keep] -- COMMAND...

The command finds DOCKER_HOST, DOCKER_CONFIG and PATH set for the newest engine, and RECONCILER_TEST_STATE.
What was started is stopped afterwards, also when the command fails or is interrupted; --keep leaves it. Where
private engines cannot be had, or with --prefer-machine where `docker` answers, the machine's own is used.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import engines
from debian_packages import GroundError
from ground import can_be_private, find_machine_engine, start_private


def find_surroundings(state: Path, prefer_machine: bool) -> dict[str, str]:
    """Variables for the command, empty for the machine's own engine; what is needed is started."""
    if prefer_machine or not can_be_private():
        try:
            print(f"using this machine's engine {find_machine_engine().exact_version}", file=sys.stderr)
            return {}
        except GroundError:
            if not can_be_private():
                raise
    ground = start_private(state)
    return {**ground.environment, "RECONCILER_TEST_STATE": str(state), "RECONCILER_REGISTRY": ground.registry}


def interrupt(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(number)


def run_command(command: Sequence[str], surroundings: dict[str, str]) -> int:
    process = subprocess.Popen(command, env={**os.environ, **surroundings})
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        return 130


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="with_engines.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--prefer-machine", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    wanted = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, interrupt)
    state = wanted.state.resolve()
    try:
        surroundings = find_surroundings(state, wanted.prefer_machine)
        code = run_command(wanted.command[wanted.command[:1] == ["--"] :], surroundings)
        if wanted.keep and surroundings:
            settings = " ".join(f"{name}={value}" for name, value in surroundings.items() if name != "PATH")
            print(f"left running until `make clean`; reach it with: {settings}", file=sys.stderr)
        return code
    except GroundError as error:
        print(f"with_engines: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if not wanted.keep:
            engines.stop(state)


if __name__ == "__main__":
    sys.exit(main())
