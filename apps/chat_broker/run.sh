#!/bin/bash
# apps/chat_broker/run.sh [--demo-only]: builds the chat broker, starts it on 127.0.0.1:7777 and shows it at work.
#
# Two scripted clients hold a short conversation over TCP, printed as each of them saw it; then the broker stays in the
# foreground until Ctrl-C. With --demo-only it ends after the conversation, with status 0 only if every message arrived.

set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$tree/build/bin
address=127.0.0.1:7777
room=lobby
patience=10 # seconds for what takes milliseconds

case $#:${1-} in
  0:) demo_only=false ;;
  1:--demo-only) demo_only=true ;;
  *)
    echo "usage: apps/chat_broker/run.sh [--demo-only]" >&2
    exit 2
    ;;
esac

"$tree/framework/cmake/install.sh"
cmake -G Ninja -S "$tree" -B "$tree/build" -C "$tree/framework/cmake/configurations/release.cmake" >/dev/null
cmake --build "$tree/build" --target chat-broker chat-client

scratch=$(mktemp -d)
broker=                                        # process id
declare -A client=() input=() output=() saw=() # by nickname: process id, descriptors, transcript

stop() { if [[ -n $broker ]]; then kill -TERM "$broker" 2>/dev/null || true; fi; }
end_all() {
  stop
  if ((${#client[@]})); then kill "${client[@]}" 2>/dev/null || true; fi
  rm -rf "$scratch"
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
  echo "run.sh: $*" >&2
  exit 1
}

# Messages are kept until the directory is removed; a demonstration leaves none.
data=${SWITCHBOARD_DATA:-$tree/build/chat-data}
if $demo_only; then data=$scratch/data; fi
level=info
if $demo_only; then level=warn; fi

# Standard output of the broker is the addresses it listens on and nothing else; its own words are on standard error. It has
# a session of its own, so that a Ctrl-C reaches it once, from here, and not a second time from the terminal.
mkfifo "$scratch/addresses"
setsid "$bin/chat-broker" --listen "$address" --data "$data" --log-level "$level" >"$scratch/addresses" &
broker=$!
exec {addresses}<"$scratch/addresses"
IFS= read -r -t "$patience" -u "$addresses" listening || {
  # Above 128 it was patience that ended; else the broker did, and says itself why (the port is taken, say).
  (($? <= 128)) || fail "the broker does not say what it listens on"
  exit 1
}
echo "$listening"

# hear NICK PATTERN: takes what NICK's client prints until a line matches; 1 at its end, 2 when patience is.
hear() {
  local nick=$1 pattern=$2 line deadline=$((SECONDS + patience)) left
  while true; do
    ((left = deadline - SECONDS, left > 0)) || return 2
    IFS= read -r -t "$left" -u "${output[$nick]}" line || return $(($? > 128 ? 2 : 1))
    if [[ $line =~ '"sender":"'([^\"]*)'","text":"'([^\"]*)'"' ]]; then
      saw[$nick]+="    ${BASH_REMATCH[1]}: ${BASH_REMATCH[2]}"$'\n'
    elif [[ $line =~ '"'(joined|left)'":{"nickname":"'([^\"]*)'"' ]]; then
      saw[$nick]+="    ${BASH_REMATCH[2]} ${BASH_REMATCH[1]}"$'\n'
    fi
    if [[ $line == $pattern ]]; then return 0; fi
  done
}

# enter NICK: a client that sends each line of its input and prints each event of the room, from when it is in it.
enter() {
  local nick=$1 fd
  mkfifo "$scratch/$nick.input" "$scratch/$nick.output"
  (
    # One who held the others' pipes open would keep them from seeing the end of their input.
    for fd in "${input[@]}" "${output[@]}"; do exec {fd}>&-; done
    exec "$bin/chat-client" "$address" --room "$room" --nick "$nick" --json
  ) <"$scratch/$nick.input" >"$scratch/$nick.output" &
  client[$nick]=$!
  exec {fd}>"$scratch/$nick.input"
  input[$nick]=$fd
  exec {fd}<"$scratch/$nick.output"
  output[$nick]=$fd
  saw[$nick]=
  hear "$nick" '*"caughtUp"*' || fail "$nick did not get into the room"
}

# say NICK TEXT: sent by NICK and awaited by both. After one that does not arrive nothing more is said.
all_arrived=true
say() {
  local nick
  $all_arrived || return 0
  echo "$2" >&"${input[$1]}"
  for nick in alice bob; do
    if ! hear "$nick" "*\"sender\":\"$1\",\"text\":\"$2\"*"; then
      echo "run.sh: $nick did not receive from $1: $2" >&2
      all_arrived=false
    fi
  done
}

# leave NICK: the end of its input is the end of a client, and that the end of its output.
leave() {
  local fd=${input[$1]}
  exec {fd}>&-
  hear "$1" '' || [[ $? == 1 ]] || kill "${client[$1]}"
  if ! wait "${client[$1]}"; then
    echo "run.sh: $1's client failed" >&2
    all_arrived=false
  fi
  unset "client[$1]"
}

enter alice
enter bob
say alice "Hello, is anybody here?"
say bob "Yes. I came in over a connection of my own."
say alice "And what I write reaches us both, in the same order?"
say bob "It does. Every message has its place in the log of the room."
say alice "Then I have seen enough. Bye."
leave alice
hear bob '*"left"*' || all_arrived=false
leave bob

for nick in alice bob; do
  printf '\nThe conversation as %s saw it:\n%s' "$nick" "${saw[$nick]}"
done
echo

if $demo_only || ! $all_arrived; then
  stop
  wait "$broker" || fail "the broker ended with status $?"
  broker=
  $all_arrived || exit 1
  echo "Every message arrived at both."
  exit 0
fi

echo "The broker is running. Join from another terminal: $(printf %q "$bin/chat-client") $address --room $room --nick NAME"
echo "Ctrl-C ends it."
# The first one makes the broker drain, a second one ends it at once.
trap stop INT TERM HUP
status=0
while kill -0 "$broker" 2>/dev/null; do
  status=0
  wait "$broker" || status=$?
done
broker=
exit "$status"
