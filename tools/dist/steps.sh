# Sourced by the tools: one aligned line a step, live on a terminal, plain otherwise.
#
#   step_begin NAME           starts the clock of a step
#   step_live TEXT            on a terminal: redraws the step's line; elsewhere nothing
#   step_end STATUS TEXT      closes the line: name, text, elapsed time, status
#   step_run LOG COMMAND...   runs a command into LOG, drawing progress from ninja's or ctest's counters;
#                             leaves the last counter in STEP_COUNT; returns the command's status
#   say TEXT                  a line of its own
# Lines go to file descriptor $STEP_FD (2 unless set), so that stdout stays free for data.

STEP_FD="${STEP_FD:-2}"
STEP_NAME="" STEP_COUNT="" STEP_STARTED=0
if [ -t "$STEP_FD" ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${CI:-}" ]; then STEP_TTY=1; else STEP_TTY=""; fi

say() { printf '%s\n' "$*" >&"$STEP_FD"; }

step_begin() {
    STEP_NAME=$1 STEP_COUNT="" STEP_STARTED=$SECONDS
}

step_elapsed() {
    local s=$((SECONDS - STEP_STARTED))
    if [ "$s" -ge 60 ]; then printf '%dm %02ds' $((s / 60)) $((s % 60)); else printf '%ds' "$s"; fi
}

step_live() {
    [ -n "$STEP_TTY" ] || return 0
    printf '\r\033[K%-15s %s' "$STEP_NAME" "$1" >&"$STEP_FD"
}

step_end() {
    [ -z "$STEP_TTY" ] || printf '\r\033[K' >&"$STEP_FD"
    printf '%-15s %-56s %8s  %s\n' "$STEP_NAME" "$2" "$(step_elapsed)" "$1" >&"$STEP_FD"
}

# "####------" of 20 characters for part/whole.
step_bar() {
    local filled=$((20 * $1 / ($2 > 0 ? $2 : 1)))
    local bar
    printf -v bar '%*s' "$filled" ''
    printf -v STEP_BAR '%s%*s' "${bar// /#}" $((20 - filled)) ''
    STEP_BAR=${STEP_BAR// /-}
}

# Reads a build's or a test run's output, draws its counter; without a terminal a line each 10 %.
step_progress() {
    local line part whole tenth last=0
    while IFS= read -r line; do
        if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || [[ $line =~ ^\ *([0-9]+)/([0-9]+)\ Test ]]; then
            part=${BASH_REMATCH[1]} whole=${BASH_REMATCH[2]}
            [ "$whole" -gt 0 ] || continue
            step_bar "$part" "$whole"
            step_live "$STEP_BAR  $part/$whole  $(step_elapsed)"
            tenth=$((10 * part / whole))
            if [ -z "$STEP_TTY" ] && [ "$tenth" -gt "$last" ] && [ "$tenth" -lt 10 ] &&
                [ $((SECONDS - STEP_STARTED)) -ge 10 ]; then
                last=$tenth
                say "$(printf '%-15s %s  %s/%s  %s' "$STEP_NAME" "$STEP_BAR" "$part" "$whole" "$(step_elapsed)")"
            fi
            printf '%s/%s\n' "$part" "$whole" >"$1"
        fi
    done
}

step_run() {
    local log=$1 status
    shift
    mkdir -p "$(dirname "$log")"
    : >"$log.count"
    "$@" </dev/null 2>&1 | tee "$log" | step_progress "$log.count"
    status=${PIPESTATUS[0]}
    STEP_COUNT=$(tail -n 1 "$log.count")
    rm -f "$log.count"
    return "$status"
}

# What a failed step's log has to say: from the first compiler or CMake error on, else its end.
step_explain() {
    local log=$1 lines=${2:-40} first
    first=$(grep -nE -m 1 'FAILED:|CMake Error|(^|: )(fatal )?error:' "$log" 2>/dev/null | cut -d: -f1)
    if [ -n "$first" ]; then
        sed -n "${first},$((first + lines - 1))p" "$log" >&"$STEP_FD"
    else
        tail -n "$lines" "$log" >&"$STEP_FD" 2>/dev/null
    fi
    say "the whole output: ${log#"$PWD"/}"
}
