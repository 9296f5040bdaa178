#!/usr/bin/env node
// Reads the output of `forge test --json` from a file, names every failed test with its reason and prints
// "contracts: N passed, M failed". Exit status 1 when a test failed or forge gave no results. With --all, 3 when a
// test file of the folder gave no result.
"use strict";

const fs = require("fs");
const path = require("path");

function readSuites(file) {
    // A compiler message may stand before the results; they are the line that is an object.
    const lines = fs.readFileSync(file, "utf8").split("\n").filter((line) => line.startsWith("{"));
    return lines.length === 0 ? null : JSON.parse(lines[lines.length - 1]);
}

// After a build of chosen files forge may leave the others out of later runs without a word.
function missingFiles(suites) {
    const folder = path.join(__dirname, "..", "test");
    const run = new Set(Object.keys(suites || {}).map((suite) => suite.split(":")[0]));
    return fs.readdirSync(folder).filter((name) => name.endsWith(".t.sol") && !run.has("test/" + name));
}

function main() {
    const suites = readSuites(process.argv[2]);
    const missing = process.argv[3] === "--all" ? missingFiles(suites) : [];
    if (suites && missing.length !== 0) {
        console.log("contracts: forge ran nothing of " + missing.join(", ") + ": its cache is stale");
        process.exit(3);
    }
    let passed = 0;
    let failed = 0;
    for (const [suite, { test_results: tests }] of Object.entries(suites || {})) {
        for (const [name, result] of Object.entries(tests)) {
            if (result.status === "Success") {
                ++passed;
                continue;
            }
            ++failed;
            console.log(`${suite} ${name}: ${result.status}: ${result.reason || "no reason given"}`);
            if (result.counterexample) console.log("    counterexample: " + JSON.stringify(result.counterexample));
        }
    }
    if (passed + failed === 0) {
        console.log("contracts: forge ran no test; look at its messages above");
        failed = 1;
    }
    console.log(`contracts: ${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
}

main();
