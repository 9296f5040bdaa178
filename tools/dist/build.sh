# Sourced by the tools after tools/dist/ensure, with the repository's root as the working directory: the steps
# that bring the tree from a clone to binaries. Each is a no-op when nothing changed.

BUILD_LOGS=build/log

# As many compilers as there are cores, but no more than the memory holds (a file with libtorch takes 1.1 GB).
build_jobs() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/^MemAvailable/ {printf "%d", $2 / 1500000}' /proc/meminfo)
    [ "$memory" -ge 1 ] || memory=1
    if [ "$cores" -lt "$memory" ]; then echo "$cores"; else echo "$memory"; fi
}

# build_contracts: npm ci and forge build, by contracts/build, which knows when there is nothing to do.
build_contracts() {
    [ -x contracts/build ] || return 0
    step_begin contracts
    step_live "npm ci, forge build"
    if step_run "$BUILD_LOGS/contracts.log" contracts/build; then
        step_end ok "$(find contracts/src -name '*.sol' | wc -l) sources"
    else
        step_end FAILED "contracts/build"
        step_explain "$BUILD_LOGS/contracts.log"
        return 1
    fi
}

# build_preset PRESET [TARGET...]: configures build/PRESET when it is new or was moved, then runs ninja.
build_preset() {
    local preset=$1 log=$BUILD_LOGS/$1.log fresh=()
    shift
    if [ -f "build/$preset/CMakeCache.txt" ] &&
        ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "build/$preset/CMakeCache.txt"; then
        fresh=(--fresh)
    fi
    if [ ! -f "build/$preset/build.ninja" ] || [ "${#fresh[@]}" -gt 0 ] ||
        [ CMakePresets.json -nt "build/$preset/build.ninja" ]; then
        step_begin "configure"
        step_live "cmake --preset $preset"
        if ! step_run "$log" cmake --preset "$preset" "${fresh[@]}"; then
            step_end FAILED "cmake --preset $preset"
            step_explain "$log"
            return 1
        fi
        touch "build/$preset/build.ninja"
        step_end ok "preset $preset"
    fi
    step_begin building
    if NINJA_STATUS='[%f/%t] ' step_run "$log" ninja -C "build/$preset" -j "$(build_jobs)" "$@"; then
        if [ -n "$STEP_COUNT" ]; then
            step_bar 1 1
            step_end ok "$STEP_BAR  $STEP_COUNT"
        else
            step_end ok "nothing to do"
        fi
    else
        step_end FAILED "preset $preset, at ${STEP_COUNT:-the start}"
        step_explain "$log"
        return 1
    fi
}
