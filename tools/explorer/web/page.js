"use strict";

const kPollMilliseconds = 2000;

function cell(row, text, kind, title) {
  const td = document.createElement("td");
  td.textContent = text === null || text === undefined ? "-" : String(text);
  if (kind) td.className = kind;
  if (title) td.title = title;
  row.append(td);
}

function shortHash(value) {
  return value ? value.slice(0, 6) + "…" + value.slice(-4) : null;
}

function fill(id, rows, build) {
  const body = document.querySelector(`#${id} tbody`);
  body.replaceChildren(...rows.map((item) => {
    const row = document.createElement("tr");
    build(row, item);
    return row;
  }));
}

async function get(path) {
  const reply = await fetch(path, { headers: { accept: "application/json" } });
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.error ? body.error.message : `status ${reply.status}`);
  return body;
}

function roundState(round) {
  if (round.settled) return "settled";
  return round.parameters_root ? "accepted" : "open";
}

function drawRound(row, round) {
  const failed = new Map(round.audits.filter((a) => a.verdict === "fail").map((a) => [a.uid, a]));
  if (failed.size > 0) row.className = "failed";
  const names = [...failed.values()].map((a) => `uid ${a.uid} segment ${a.segment}`).join(", ");
  cell(row, round.index, "number");
  cell(row, round.heldout_loss === null ? null : round.heldout_loss.toFixed(4), "number");
  cell(row, round.commitments.length, "number");
  cell(row, round.included, "number");
  cell(row, names || null);
  cell(row, shortHash(round.parameters_root), "hash", round.parameters_root);
  cell(row, roundState(round));
}

function drawHotkey(row, neuron) {
  cell(row, neuron.uid, "number");
  cell(row, neuron.name);
  cell(row, shortHash(neuron.hotkey), "hash", neuron.hotkey);
  cell(row, neuron.role);
  cell(row, neuron.stake, "number");
  cell(row, neuron.weight, "number");
  cell(row, neuron.rounds, "number");
  cell(row, neuron.fails, "number");
  cell(row, neuron.credited, "number");
}

let seen = "";

async function draw() {
  const state = document.querySelector("#state");
  try {
    const health = await get("/api/health");
    const head = health.head ? `block ${health.head.number}` : "no block yet";
    state.textContent = `chain ${health.chain_id}, ${head}` +
      (health.following ? "" : ", the chain does not answer: showing what was read");
    const mark = JSON.stringify([health.head, health.events, health.reorgs]);
    if (mark === seen) return;
    const [rounds, hotkeys] = await Promise.all([get("/api/rounds?order=newest&limit=50"), get("/api/hotkeys")]);
    fill("rounds", rounds.rounds, drawRound);
    fill("hotkeys", hotkeys.hotkeys, drawHotkey);
    seen = mark;
  } catch (failure) {
    state.textContent = `the explorer does not answer: ${failure.message}`;
  }
}

async function loop() {
  await draw();
  setTimeout(loop, kPollMilliseconds);
}

loop();
