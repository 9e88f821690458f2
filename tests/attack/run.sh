#!/bin/bash
# tests/attack/run.sh [--full] [--page] [NAME...]: attacks a chat broker of build/, and prints what each attack cost whom.
#
# Without --full the attacks are small, and take less than three minutes together. --page writes what they came to into
# framework/docs/attacks.md. NAME is a test as unittest names it (test_attacks.AllAtOnce). The broker is the one that
# tests/run.sh built.

set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${SWITCHBOARD_BUILD:-$tree/build}

page=false
while [[ ${1-} == --* ]]; do
  case $1 in
    --full) export ATTACK_FULL=1 ;;
    --page) page=true ;;
    *)
      echo "usage: tests/attack/run.sh [--full] [--page] [NAME...]" >&2
      exit 2
      ;;
  esac
  shift
done
export CHAT_BROKER=${CHAT_BROKER:-$build/bin/chat-broker} CHAT_CLIENT=${CHAT_CLIENT:-$build/bin/chat-client}
export SWITCHBOARD_CALL=${SWITCHBOARD_CALL:-$build/bin/switchboard-call} PORT=${PORT:-epoll}
export PYTHONPATH=$tree/tests/conformance:$build/proto_python
cd "$tree/tests/attack"
# A crowd is a thousand connections.
ulimit -S -n "$(ulimit -H -n)"
# Attackers leave their sockets to the end of their process.
attack() { /usr/bin/python3 -B -W ignore::ResourceWarning -m unittest "$@"; }
if ! $page; then
  attack "${@:-discover}"
  exit
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT
ATTACK_REPORT=$report attack test_attacks.EachAttack test_attacks.AllAtOnce
/usr/bin/python3 -B report.py "$report" "$tree/framework/docs/attacks.md"
