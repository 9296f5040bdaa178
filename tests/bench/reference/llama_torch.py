#!/usr/bin/python3 -B
"""The peer of the engine's benchmarks: the same decoder, trained by PyTorch in eager mode.

    llama_torch.py --preset 10M --threads 2 [--bf16] [--tokens 2048] [--steps 7] [--seconds S]

Llama-style: RMSNorm (eps 1e-5), RoPE over halves (theta 10000), grouped-query attention, SwiGLU, untied head, mean
cross-entropy, AdamW (foreach) behind a global norm clip. --bf16 casts the operands of every matrix product to
bfloat16; parameters, moments and everything else stay fp32. Every step trains on the same windows: what is compared is
time and memory. Prints one JSON object: tokens_per_s {best, median} by the clock, cpu_tokens_per_s (best, by the
process's CPU time), seconds of each timed step, peak_rss_bytes, losses.
"""

import argparse
import json
import os
import statistics
import sys
import time

# name: vocabulary, d_model, layers, heads, kv_heads, d_ff, seq_len; common/engine/model_config.cpp has the same.
PRESETS = {
    "nano": (2048, 128, 2, 4, 2, 344, 128),
    "4M": (4096, 192, 5, 6, 3, 512, 256),
    "10M": (8192, 256, 8, 8, 4, 688, 256),
    "50M": (16384, 512, 12, 8, 4, 1408, 512),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="10M")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=2048, help="per step; a multiple of the preset's window")
    parser.add_argument("--steps", type=int, default=7, help="timed steps; one more comes first")
    parser.add_argument("--seconds", type=float, help="no new step after so many seconds of timed ones, but two at least")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 operands in matrix products")
    parsed = parser.parse_args()
    seq_len = PRESETS[parsed.preset][6]
    if parsed.tokens < seq_len or parsed.tokens % seq_len:
        parser.error(f"--tokens {parsed.tokens}: {parsed.preset} takes multiples of {seq_len}")
    if parsed.threads < 1 or parsed.steps < 1:
        parser.error("--threads and --steps start at 1")
    return parsed


OPTIONS = arguments()
# Read when the libraries are loaded; OpenBLAS does not listen to torch.set_num_threads.
os.environ["OPENBLAS_NUM_THREADS"] = str(OPTIONS.threads)
os.environ["OMP_NUM_THREADS"] = str(OPTIONS.threads)
# Idle workers sleep: spinning ones slow each other down on a machine that does anything else.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

COMPUTE = torch.bfloat16 if OPTIONS.bf16 else torch.float32


class Linear(nn.Linear):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x):
        if COMPUTE is torch.float32:
            return F.linear(x, self.weight)
        return F.linear(x.to(COMPUTE), self.weight.to(COMPUTE)).float()


class RMSNorm(nn.Module):
    def __init__(self, width, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def peak_rss_bytes():
    # Not getrusage: its maximum survives exec and may be the parent's.
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def rotate(x, cos, sin):
    low, high = x.chunk(2, dim=-1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), dim=-1)


class Attention(nn.Module):
    def __init__(self, d_model, heads, kv_heads):
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, d_model // heads
        self.q = Linear(d_model, heads * self.size)
        self.k = Linear(d_model, kv_heads * self.size)
        self.v = Linear(d_model, kv_heads * self.size)
        self.o = Linear(heads * self.size, d_model)

    def forward(self, x, cos, sin, mask):
        batch, length, _ = x.shape
        group = self.heads // self.kv_heads
        q = rotate(self.q(x).view(batch, length, self.heads, self.size).transpose(1, 2), cos, sin)
        k = rotate(self.k(x).view(batch, length, self.kv_heads, self.size).transpose(1, 2), cos, sin)
        v = self.v(x).view(batch, length, self.kv_heads, self.size).transpose(1, 2)
        # The query heads of one key head become rows of one matrix: no key or value is repeated.
        q = (q * self.size**-0.5).reshape(batch, self.kv_heads, group * length, self.size).to(COMPUTE)
        scores = (q @ k.to(COMPUTE).transpose(2, 3)).float().view(batch, self.heads, length, length)
        weights = F.softmax(scores + mask, dim=-1)
        weights = weights.view(batch, self.kv_heads, group * length, length).to(COMPUTE)
        out = (weights @ v.to(COMPUTE)).float().view(batch, self.heads, length, self.size)
        return self.o(out.transpose(1, 2).reshape(batch, length, self.heads * self.size))


class Block(nn.Module):
    def __init__(self, d_model, heads, kv_heads, d_ff):
        super().__init__()
        self.attention_norm, self.attention = RMSNorm(d_model), Attention(d_model, heads, kv_heads)
        self.norm = RMSNorm(d_model)
        self.gate, self.up, self.down = Linear(d_model, d_ff), Linear(d_model, d_ff), Linear(d_ff, d_model)

    def forward(self, x, cos, sin, mask):
        x = x + self.attention(self.attention_norm(x), cos, sin, mask)
        h = self.norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    def __init__(self, vocabulary, d_model, layers, heads, kv_heads, d_ff, seq_len):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d_model)
        self.blocks = nn.ModuleList(Block(d_model, heads, kv_heads, d_ff) for _ in range(layers))
        self.norm, self.head = RMSNorm(d_model), Linear(d_model, vocabulary)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        half = d_model // heads // 2
        angles = torch.outer(torch.arange(seq_len), 10000.0 ** (-torch.arange(half) / half))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.register_buffer("mask", torch.full((seq_len, seq_len), float("-inf")).triu(1))

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin, self.mask)
        return self.head(self.norm(x))


def main():
    torch.set_num_threads(OPTIONS.threads)
    torch.manual_seed(1)
    vocabulary, *_, seq_len = PRESETS[OPTIONS.preset]
    model = Llama(*PRESETS[OPTIONS.preset])
    decayed = [p for p in model.parameters() if p.dim() == 2]
    gains = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95), foreach=True)
    windows = torch.randint(vocabulary, (OPTIONS.tokens // seq_len, seq_len + 1))
    inputs, targets = windows[:, :-1].contiguous(), windows[:, 1:].reshape(-1)

    seconds, cpu_seconds, losses = [], [], []
    for _ in range(OPTIONS.steps + 1):
        if OPTIONS.seconds and len(seconds) > 2 and sum(seconds[1:]) > OPTIONS.seconds:
            break
        begin, cpu_begin = time.perf_counter(), time.process_time()
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(inputs).view(-1, vocabulary), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - begin)
        cpu_seconds.append(time.process_time() - cpu_begin)
    timed = seconds[1:]  # the first step allocates
    json.dump({
        "torch": torch.__version__,
        "preset": OPTIONS.preset, "bf16": OPTIONS.bf16, "threads": OPTIONS.threads, "tokens": OPTIONS.tokens,
        "tokens_per_s": {"best": OPTIONS.tokens / min(timed), "median": OPTIONS.tokens / statistics.median(timed)},
        "cpu_tokens_per_s": OPTIONS.tokens / min(cpu_seconds[1:]),
        "seconds": timed,
        "peak_rss_bytes": peak_rss_bytes(),
        "losses": losses,
    }, sys.stdout)
    print()


main()
