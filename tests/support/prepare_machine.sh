#!/bin/sh
# Installs the few programs that a fresh Debian lacks. Elsewhere, or without root, it only says what is missing.
set -eu

missing=""
want() { # want PROGRAM PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

want git git
want ssh openssh-client
want openssl openssl
want make make
want ip iproute2
want python3 python3
find_python="$(dirname "$0")/find_python.sh"
sh "$find_python" >/dev/null 2>&1 || missing="$missing python3 python3-venv"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing ca-certificates >/dev/null
else
    echo "missing on this machine; install:$missing" >&2
    exit 1
fi
