#!/bin/bash
# call_greeter.sh GREETER SWITCHBOARD-CALL: starts the service that was built outside, and calls it with no .proto at hand.

set -euo pipefail
coproc "$1" --listen 127.0.0.1:0
server=$COPROC_PID
trap 'kill $server 2>/dev/null || true' EXIT
read -r _ _ address <&"${COPROC[0]}"
answer=$("$2" "$address" call Greeter/Greet '{"name": "Ada"}')
echo "$answer"
[[ $answer == '{"text":"Hello, Ada!"}' ]]
kill "$server"
wait "$server"
