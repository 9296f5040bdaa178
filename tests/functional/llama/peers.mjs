// What other programs make of a checkpoint. usage: node peers.mjs MODEL.gguf HF_FOLDER < {"texts":[...],"tokens":[...]}
// Prints {"gguf":{...},"llama":{"tokens":[[...]],"probabilities":[[...]]},"huggingface":{"tokens":[[...]]}}:
// what @huggingface/gguf parses, how llama.cpp and Hugging Face's tokenizers split each text, and llama.cpp's
// next-token probabilities after each of the given tokens.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { Tokenizer } from "@huggingface/tokenizers";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const [modelPath, folder] = process.argv.slice(2);
const { texts, tokens } = JSON.parse(readFileSync(0, "utf8"));
const out = {};

const parsed = await gguf(modelPath, { allowLocalFile: true });
out.gguf = {
    metadata: Object.fromEntries(Object.entries(parsed.metadata).filter(([, value]) => !Array.isArray(value))),
    tensors: parsed.tensorInfos.map(({ name, shape, dtype }) => ({ name, shape: shape.map(Number), dtype })),
};

const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const tokenizer = new Tokenizer(read("tokenizer.json"), read("tokenizer_config.json"));
out.huggingface = { tokens: texts.map((text) => tokenizer.encode(text, { add_special_tokens: false }).ids.map(Number)) };

const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: 1 });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 128, batchSize: 128 });
const sequence = context.getSequence();
const results = await sequence.controlledEvaluate(
    tokens.map((token) => [token, { generateNext: { probabilities: true } }]));
out.llama = {
    tokens: texts.map((text) => Array.from(model.tokenize(text, false))),
    probabilities: results.map((result) => {
        const row = [];
        for (const [token, probability] of result.next.probabilities) row[token] = probability;
        return row;
    }),
};
const text = JSON.stringify(out, (key, value) => (typeof value === "bigint" ? Number(value) : value));
await model.dispose();
process.stdout.write(text + "\n", () => process.exit(0)); // llama.cpp's threads would keep the process
