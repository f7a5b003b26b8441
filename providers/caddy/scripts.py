"""What is run in a proxy's container where its files are not on this machine: for a plain shell, with wget,
timeout, mv and ln, as busybox has them (some builds of its wget have no deadline of their own). Each writes
lines of words that ``far.py`` reads. Pure.

Arguments are given behind the script, never written into it.
"""

from __future__ import annotations

from typing import Final

LOOK: Final = """
unset http_proxy
[ -S "$1" ] || { echo closed; exit 0; }
for what in config/ reverse_proxy/upstreams; do
  if said=$(timeout 5 wget -q -O - "http://$2/$what" 2>&1); then printf '%s %s\\n' "$what" "$said"
  else printf 'error %s\\n' "$said" | head -n 1; fi
done
"""
"""Arguments: the admin socket; the door."""

TABLES: Final = """
cd "$1/routes" 2>/dev/null || exit 0
word() { said=; more=; { IFS= read -r said; IFS= read -r more; } 2>/dev/null <"$1"
  [ -z "$more" ] || said=; case $said in *[!0-9a-z]*|'') said=-;; esac; }
for name in *; do
  [ -L "$name/current" ] || continue
  to=$(readlink "$name/current"); case ${to#t} in *[!0-9a-f-]*) to=-;; esac
  word "$name/current/state"; line="$name $to $said"; slot=0
  while [ "$slot" -lt 100 ]; do word "$name/current/$slot"; line="$line $said"
    word "$name/current/$slot.port"; line="$line $said"; slot=$((slot + 1)); done
  echo "table $line"
done 2>/dev/null
"""
"""Argument: the folder."""

PROBE: Final = """
unset http_proxy
door=$1; shift; index=0
while [ $# -ge 5 ]; do
  ( said=$(timeout "$5" wget -q -O - --header "Host: $1" --header "X-Reconciler-Probe: $2" --header "$3" \\
      "http://$door$4" 2>&1 | tr '\\n' ' '); printf 'probe %s %s\\n' "$index" "$said" ) &
  index=$((index + 1)); shift 5
done
wait
"""
"""Arguments: the door; then Host, address, another header, path and seconds of each probe."""

LOAD: Final = 'exec caddy reload --force --config - --address "unix/$1" 2>&1'
"""Argument: the admin socket; the configuration is read from the input."""

TURN: Final = """
set -eu
mkdir -p "$1/routes/$2"; cd "$1/routes/$2"
new=$3; old=$(readlink current 2>/dev/null || :); shift 3
undo() { rm -rf "./$new" "./current.$new"; }
trap undo EXIT
mkdir -m 755 "$new"; umask 022
while [ $# -ge 2 ]; do
  printf %s "$2" >"$new/$1"
  said=; IFS= read -r said <"$new/$1" || :
  [ "$said" = "$2" ] || { echo "a file was cut off"; exit 9; }
  shift 2
done
ln -s "$new" "current.$new"; mv -f -T "current.$new" current
trap - EXIT
for other in t-* current.*; do
  case $other in "$new"|"$old") ;; *) rm -rf "./$other";; esac
done
"""
"""Arguments: the folder, the service, the name of the new table; then name and content of each file."""
