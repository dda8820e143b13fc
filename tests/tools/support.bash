# SPDX-License-Identifier: Apache-2.0
#
# What the tests of the nereid command share: it is run in the test's own, empty directory, and what it writes is looked
# at. To be sourced, with the command as the first argument.

set -uo pipefail
set -m # or jobs in the background would not hear signals
export LC_ALL=C
unset -v "${!NEREID_@}" "${!SLURM_@}" "${!OMPI_@}"

readonly nereid=$1
n_passed=0
n_failed=0
name=
started=() # processes, ended with the test

end_started() {
    local process
    for process in "${started[@]}"; do kill -KILL "$process" 2>/dev/null; done
}
trap end_started EXIT

pass() { n_passed=$((n_passed + 1)); }

# fail WHY: of what has the current name.
fail() {
    n_failed=$((n_failed + 1))
    printf 'FAILED %s: %s\n' "$name" "$1"
    sed 's/^/    out: /' out | head -20
    sed 's/^/    err: /' err | head -5
    return 1
}

# check NAME WORDS...: the command succeeds.
check() {
    name=$1
    shift
    if "$@"; then pass; else fail "$*"; fi
}

# expect NAME STATUS ARGUMENTS...: runs nereid; standard output is in `out`, standard error in `err`.
expect() {
    name=$1
    local wanted=$2 status=0
    shift 2
    "$nereid" "$@" >out 2>err </dev/null || status=$?
    if ((status == wanted)); then pass; else fail "status $status instead of $wanted"; fi
}

# says PATTERN: the last run's standard error is one line that the shell pattern fits.
says() {
    # shellcheck disable=SC2053  # it is a pattern
    if (($(wc -l <err) == 1)) && [[ $(cat err) == $1 ]]; then pass; else fail "standard error does not say: $1"; fi
}

# prints LINES...: the last run's standard output is just these.
prints() {
    (($# == 0)) || printf '%s\n' "$@" >wanted
    (($# > 0)) || : >wanted
    if cmp -s wanted out; then pass; else fail "standard output is not: $*"; fi
}

none() { ! compgen -G "$1" >/dev/null; }

# await WORDS...: until the command succeeds, for half a minute at most.
await() {
    local end=$((SECONDS + 30))
    until "$@" 2>/dev/null; do
        ((SECONDS < end)) || return 1
    done
}

finish_test() {
    printf '%d passed, %d failed\n' "$n_passed" "$n_failed"
    ((n_failed == 0))
}
