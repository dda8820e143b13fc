# SPDX-License-Identifier: Apache-2.0
#
# What the tests of this folder share: clusters of real processes, started one by one or by a launcher, waited for,
# and looked after when they are gone. To be sourced: then the test is in an empty directory of its own.
#
# A process has a name; `out.NAME` and `err.NAME` are what it writes, ${id_of[NAME]} its number in the system, and once
# it has been waited for ${status_of[NAME]} its status: `none` if it did not end in time.

set -uo pipefail
set -m # or jobs in the background would not hear SIGINT
export LC_ALL=C
data=${NEREID_DATA-} # a folder of graphs; the rest would say who these processes are
unset -v "${!NEREID_@}" "${!SLURM_@}" "${!OMPI_@}"

: "${CLUSTER_SEED:=1}" # of whatever is random
RANDOM=$CLUSTER_SEED

n_passed=0
n_failed=0
name=
started=()         # every process ever started
declare -A id_of=() status_of=()
addresses=()       # of the processes of a cluster, host:port
took_ms=0          # how long the last wait was

# Short, for it has sockets in it; of these nothing is left when all is over.
base=$(mktemp -d "${TMPDIR:-/tmp}/nereid-XXXXXX")
readonly base sockets=$base/sockets
readonly mark=CLUSTER_TEST=$base # in the environment of all that is started
mkdir "$sockets" "$base/work"
cd "$base/work" || exit 1
export XDG_RUNTIME_DIR=$sockets

end_all() {
    local process
    for process in "${started[@]}" $(find_marked); do kill -KILL "$process" 2>/dev/null; done
    rm -rf "$base"
}
trap end_all EXIT

# The shell tells of every process that a signal has ended; whatever else it complains of is a mistake in a test.
exec 2>shell.log

# --- Checking ---

fail() {
    n_failed=$((n_failed + 1))
    printf 'FAILED %s: %s (seed %s)\n' "$name" "$1" "$CLUSTER_SEED"
    local file
    for file in err.* out.*; do
        [[ ! -s $file ]] || head -c 500 "$file" | head -3 | sed "s/^/    $file: /"
    done
}

pass() { n_passed=$((n_passed + 1)); }

# check WHAT WORDS...: the command succeeds.
check() {
    local what=$1
    shift
    if "$@"; then pass; else fail "$what"; fi
}

# ended PROCESS STATUS...: it has ended with one of these.
ended() {
    local one=$1 status
    shift
    for status in "$@"; do
        [[ ${status_of[$one]} != "$status" ]] || { pass; return 0; }
    done
    fail "$one: status ${status_of[$one]} instead of ${*/%/,}"
    return 1
}

# says PROCESS PATTERN: its standard error is one line that the shell pattern fits.
says() {
    local line
    line=$(cat "err.$1")
    # shellcheck disable=SC2053  # it is a pattern
    if (($(wc -l <"err.$1") == 1)) && [[ $line == $2 ]]; then pass; else fail "$1 does not say: $2"; fi
}

# silent PROCESS: it has nothing to say on standard error.
silent() { if [[ ! -s err.$1 ]]; then pass; else fail "$1 says something"; fi; }

# same PROCESS FILE: it has written just that.
same() { if cmp -s "out.$1" "$2"; then pass; else fail "$1 has another answer"; fi; }

finish_test() {
    name='the shell'
    if grep -vE ': line [0-9]+: +[0-9]+ (Killed|Terminated|Stopped)' shell.log; then fail 'complains'; fi
    printf '%d passed, %d failed\n' "$n_passed" "$n_failed"
    ((n_failed == 0))
}

# skip WHY: ends the test, with the status that says so.
skip() {
    printf 'skipped: %s\n' "$1"
    ((n_failed == 0)) || exit 1
    exit 77
}

# --- Processes ---

# start NAME COMMAND...: in the background.
start() {
    local one=$1
    shift
    # shellcheck disable=SC2163  # the name is in the text
    ( export "$mark"; exec "$@" >"out.$one" 2>"err.$one" </dev/null ) &
    id_of[$one]=$!
    status_of[$one]=
    started+=($!)
}

# Gone, or dead and not yet waited for by its new parent.
is_gone() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    [[ ${stat##*) } == [ZX]* ]]
}

are_gone() {
    local process
    for process in "$@"; do is_gone "$process" || return 1; done
}

# start_cluster N COMMAND...: a process p0, p1, ... for each of the addresses in the file hosts.
start_cluster() {
    local n=$1 i
    shift
    for ((i = 0; i < n; i++)); do start "p$i" "$@" --hosts hosts -p "$i"; done
}

now_ms() { printf '%s' $((${EPOCHREALTIME/./} / 1000)); }

pause_ms() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

# await SECONDS WORDS...: until the command succeeds; false when the time is up. Sets took_ms.
await() {
    local begin end
    begin=$(now_ms)
    end=$((begin + $1 * 1000))
    shift
    until "$@" 2>/dev/null; do
        took_ms=$(($(now_ms) - begin))
        (($(now_ms) < end)) || return 1
        sleep 0.01
    done
    took_ms=$(($(now_ms) - begin))
}

# finish SECONDS NAMES...: waits until all have ended; who has not is killed.
finish() {
    local limit=$1 one
    local -a ids=()
    shift
    for one in "$@"; do ids+=("${id_of[$one]}"); done
    await "$limit" are_gone "${ids[@]}"
    for one in "$@"; do
        if is_gone "${id_of[$one]}"; then
            status_of[$one]=0
            wait "${id_of[$one]}" 2>/dev/null || status_of[$one]=$?
        else
            status_of[$one]=none
            kill -KILL "${id_of[$one]}"
            wait "${id_of[$one]}" 2>/dev/null
        fi
    done
}

# What was started and what that has started; those that are dead have no environment any more.
find_marked() {
    local file
    grep -slz "^$mark\$" /proc/[0-9]*/environ | while IFS=/ read -r _ _ file _; do printf '%s\n' "$file"; done
}

# has_variable ID TEXT: the process was started with this in its environment.
has_variable() { grep -qsxz "$2" "/proc/$1/environ"; }

# launched I: the number of process I of the launcher that runs.
launched() {
    local one
    for one in $(find_marked); do
        ! has_variable "$one" "NEREID_PROCESS=$1" || { printf %s "$one"; return 0; }
    done
    return 1
}

# --- Addresses ---

# Sets addresses to N of this machine that nobody else has: the loopback has sixteen million.
choose_addresses() {
    local i
    addresses=()
    for ((i = 0; i < $1; i++)); do
        addresses+=("127.$((1 + $$ % 250)).$((SRANDOM % 256)).$((1 + SRANDOM % 254)):$((20000 + SRANDOM % 10000))")
    done
}

# Writes the file hosts, with N addresses.
make_hosts() {
    choose_addresses "$1"
    printf '%s\n' "${addresses[@]}" >hosts
}

# hex_address HOST: as /proc/net/tcp has it, where a family is mapped into the other too.
hex_address() {
    local -a parts
    IFS=. read -ra parts <<<"$1"
    printf '%02X%02X%02X%02X' "${parts[3]}" "${parts[2]}" "${parts[1]}" "${parts[0]}"
}

# listening HOST: the port, in hexadecimal digits, at which somebody listens there.
listening() {
    local line
    line=$(grep -hE "$(hex_address "$1"):[0-9A-F]{4} 0+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null) || return 1
    line=${line#*: }
    line=${line%% *}
    printf %s "${line##*:}"
}

is_listening() { listening "$1" >/dev/null; }

# --- Afterwards ---

nothing_runs() { [[ -z $(find_marked) ]]; }

# No process, no port and no file is left.
nothing_left() {
    local address
    check 'processes are left' await 5 nothing_runs
    check 'files are left' rmdir "$sockets"
    mkdir -p "$sockets"
    for address in "${addresses[@]}"; do
        if is_listening "${address%:*}"; then fail "somebody listens at $address"; fi
    done
}
