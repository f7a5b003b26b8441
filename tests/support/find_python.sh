#!/bin/sh
# Prints a Python of at least 3.11 that can make virtual environments. PYTHON names one to use instead.
for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 /usr/bin/python3}; do
    if "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        "$python" -c 'import sys; print(sys.executable)'
        exit 0
    fi
done
echo "no Python 3.11 or later with venv found; install one, or set PYTHON" >&2
exit 1
