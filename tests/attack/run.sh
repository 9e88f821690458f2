#!/bin/bash
# tests/attack/run.sh [--full] [NAME...]: attacks a chat broker of build/, and prints what each attack cost whom.
#
# Without --full the attacks are small, and take less than three minutes together. NAME is a test as unittest names it
# (test_floods.Lists). The broker is the one that tests/run.sh built.

set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${SWITCHBOARD_BUILD:-$tree/build}

if [[ ${1-} == --full ]]; then
  export ATTACK_FULL=1
  shift
fi
export CHAT_BROKER=${CHAT_BROKER:-$build/bin/chat-broker} CHAT_CLIENT=${CHAT_CLIENT:-$build/bin/chat-client}
export SWITCHBOARD_CALL=${SWITCHBOARD_CALL:-$build/bin/switchboard-call} PORT=${PORT:-epoll}
export PYTHONPATH=$tree/tests/conformance:$build/proto_python
cd "$tree/tests/attack"
echo "attack | KiB sent | MiB the broker grew | its CPU s | publishes beside | their p99 ms | longest ms"
# Attackers leave their sockets to the end of their process.
exec /usr/bin/python3 -B -W ignore::ResourceWarning -m unittest "${@:-discover}"
