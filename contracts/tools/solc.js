#!/usr/bin/env node
// Gives forge the pinned solc of node_modules under the command line it expects: `--version` and `--standard-json`.
"use strict";

const fs = require("fs");
const path = require("path");

const modules = path.join(__dirname, "..", "node_modules");

// Loading the compiler takes a second and forge asks for the version on every start, so the answer is kept beside it.
function version() {
    const release = JSON.parse(fs.readFileSync(path.join(modules, "solc", "package.json"), "utf8")).version;
    const kept = path.join(modules, ".cache", "covenant-solc-version-" + release);
    try {
        return fs.readFileSync(kept, "utf8");
    } catch (error) {
        if (error.code !== "ENOENT") throw error;
    }
    const full = require("solc").version();
    fs.mkdirSync(path.dirname(kept), { recursive: true });
    const temporary = kept + "." + process.pid;
    fs.writeFileSync(temporary, full);
    fs.renameSync(temporary, kept);
    return full;
}

function main() {
    if (process.argv.includes("--version")) {
        process.stdout.write("solc, the solidity compiler commandline interface\nVersion: " + version() + "\n");
        return;
    }
    if (!process.argv.includes("--standard-json")) {
        process.stderr.write("tools/solc.js: only --version and --standard-json are supported; run it through forge\n");
        process.exit(2);
    }
    // Every source is inlined in the request, so no import callback is needed.
    process.stdout.write(require("solc").compile(fs.readFileSync(0, "utf8")));
}

main();
