"""Forward passes of a random VideoMAE on this machine: LookTwice and PyTorch take turns.

    python tools/check/vs_pytorch.py --bench build/dev/tests/ops/vit_bench --size B --dtype bf16

prints the median of every competitor and the ratios within this one run, as JSON. PyTorch runs in
inference mode with scaled_dot_product_attention, eager and compiled. Other modes:

    --packed      four clips of different token counts in one pass, against PyTorch's ways of
                  variable-length attention (tools/check/packed_peer.py)
    --tokens      tokens saved against time saved, over halves and random counts; no PyTorch
    --machine     share of the peak of multiply-adds, time to load, memory; no PyTorch
"""

import argparse
import copy
import functools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

SIZES = {"S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16)}
TOKENS = 1568


def make_model(size, folder):
    import torch
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification

    if os.path.exists(os.path.join(folder, "config.json")):
        return VideoMAEForVideoClassification.from_pretrained(
            folder, attn_implementation="sdpa").eval()
    torch.manual_seed(0)
    width, layers, heads = SIZES[size]
    config = VideoMAEConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=4 * width, num_labels=400, attn_implementation="sdpa")
    model = VideoMAEForVideoClassification(config).eval()
    model.save_pretrained(folder)
    return model


class LookTwice:
    def __init__(self, bench, folder, dtype, threads):
        self.process = subprocess.Popen(
            [bench, folder, dtype, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self.hello = json.loads(self.process.stdout.readline())

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def forward(self, keep=(1.0,), merge=0):
        return self.ask("forward %d %s" % (merge, " ".join("%.6f" % k for k in keep)))

    def ms(self, keep=(1.0,), merge=0):
        return self.forward(keep, merge)["ms"]


def turns(competitors, rounds, warm=2, slow=0):
    """Medians of competitors that take turns, the order rotating. Whoever takes more than `slow`
    times as long as the first takes one turn that counts."""
    names, times = list(competitors), {name: [] for name in competitors}

    def once(name):
        times[name].append(competitors[name]())
        print("%-32s %10.1f ms" % (name, times[name][-1]), file=sys.stderr, flush=True)
        return times[name][-1]
    left, first = {}, 0
    for name in names:
        left[name] = rounds
        for k in range(warm):
            took = once(name)
            if name == names[0]:
                first = took
            # A compiled peer's first turn is its compilation.
            elif slow and took > slow * first and (k or "compiled" not in name):
                left[name] = 1
                break
        times[name].clear()
    for i in range(rounds):
        for name in names[i % len(names):] + names[:i % len(names)]:
            if left[name] > 0:
                once(name)
                left[name] -= 1
    return {name: statistics.median(t) for name, t in times.items()}


def timed(run):
    import torch

    def once():
        with torch.inference_mode():
            begin = time.perf_counter()
            run()
            return (time.perf_counter() - begin) * 1e3
    return once


def ratios(medians):
    peers = {k: v for k, v in medians.items() if k != "LookTwice"}
    fastest = min(peers, key=peers.get)
    return {"milliseconds": {k: round(v, 1) for k, v in medians.items()}, "fastest_peer": fastest,
            "faster_than_it": round(peers[fastest] / medians["LookTwice"], 3)}


def against(args, ours, models):
    import torch

    competitors = {"LookTwice": ours.ms}
    for dtype, model in models.items():
        clip = torch.rand(1, 16, 3, 224, 224).to(next(model.parameters()).dtype)
        run = functools.partial(model, pixel_values=clip)
        competitors["PyTorch eager " + dtype] = timed(run)
        if dtype not in args.no_compile.split(","):
            competitors["PyTorch compiled " + dtype] = timed(
                functools.partial(torch.compile(model), pixel_values=clip))
    return ratios(turns(competitors, args.rounds, args.warm, args.slow))


def packed(args, ours, models):
    import torch

    import packed_peer

    keep = [float(k) for k in args.keep.split(",")]
    lengths = [int(k * TOKENS + 0.5) for k in keep]
    competitors = {"LookTwice": lambda: ours.ms(keep)}
    failed = {}
    for dtype, model in models.items():
        for way in args.ways.split(","):
            name = "PyTorch %s, %s" % (dtype, way)
            try:
                run = packed_peer.make(model, lengths, way)
                if args.probe:
                    with torch.inference_mode():
                        run()
                competitors[name] = timed(run)
            except Exception as e:  # what this build of PyTorch cannot do is part of the answer
                failed[name] = str(e).splitlines()[0][:200]
    medians = turns(competitors, args.rounds, args.warm, args.slow)
    return {"tokens": lengths, **ratios(medians), "cannot": failed}


def tokens(args, ours):
    merged = []

    def merging():
        merged.append(ours.forward(merge=65))
        return merged[-1]["ms"]
    parts = turns({
        "all": ours.ms, "half": lambda: ours.ms((0.5,)), "merging": merging,
        "attention": lambda: ours.ask("attention %d" % TOKENS)["ms"]}, args.rounds)
    attention = parts["attention"] / parts["all"]
    ideal = 0.5 * (1 - attention) + 0.25 * attention
    half = parts["half"] / parts["all"]
    out = {
        "milliseconds": {k: round(v, 1) for k, v in parts.items()},
        "attention_share": round(attention, 3),
        "half_tokens": {"of_all": round(half, 3), "over_ideal": round(half / ideal, 3)},
        "tome_r65": {
            "of_all": round(parts["merging"] / parts["all"], 3),
            "matching_and_merging": round(
                statistics.median(m["merge_ms"] / m["ms"] for m in merged), 4)}}
    if args.counts < 1:
        return out
    random.seed(0)
    counts = [random.randint(160, TOKENS) for _ in range(args.counts)]

    def per_token(n):
        return ours.ms((n / TOKENS,)) / n

    width = SIZES[args.size][0]
    first = [per_token(n) for n in counts]
    again = [per_token(n) for n in counts]
    # The attention part of the work per token grows with the count: what it should be divides it.
    due = [12 * width + 2 * n for n in counts]

    def spread(values):
        v = sorted(values)
        return round(v[int(0.95 * len(v))] / v[len(v) // 2], 3)
    out["random_counts"] = {
        "count": len(counts), "p95_over_p50": spread(again), "first_use": spread(first),
        "of_time_over_work": {
            "p95_over_p50": spread(t / d for t, d in zip(again, due)),
            "first_use": spread(t / d for t, d in zip(first, due))}}
    return out


def machine(args, ours, folder):
    peak, speed = [], []
    for _ in range(2):
        ours.ms()
    for _ in range(args.rounds):
        peak.append(ours.ask("peak")["gflops"])
        run = ours.forward()
        speed.append(run["gflop"] / run["ms"] * 1e3)
    memory = ours.ask("memory")
    weights = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder)
                  if f.endswith(".safetensors")) / 1e6 / (2 if args.dtype == "bf16" else 1)
    accounted = weights + memory["pool_peak_mb"]
    load = [ours.ask("load")["ms"] for _ in range(3)]
    return {
        "peak_gflops": round(statistics.median(peak), 1),
        "dense_gflops": round(statistics.median(speed), 1),
        "of_peak": round(statistics.median(s / p for s, p in zip(speed, peak)), 3),
        "load_ms": {"first": round(ours.hello["load_ms"]),
                    "warm": round(statistics.median(load))},
        "memory_mb": {"prepared_weights": round(weights), "activations": round(
            memory["pool_peak_mb"]), "anonymous": round(memory["anonymous_mb"])},
        "anonymous_over_accounted": round(memory["anonymous_mb"] / accounted, 3),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--size", default="B", choices=SIZES)
    parser.add_argument("--dtype", default="bf16", choices=["f32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm", type=int, default=2, help="turns that do not count")
    parser.add_argument("--slow", type=float, default=0, metavar="TIMES",
                        help="peers slower than LookTwice by so much take one turn that counts")
    parser.add_argument("--peer-dtypes", help="of PyTorch, such as bf16,f32; else that of --dtype")
    parser.add_argument("--no-compile", default="", metavar="DTYPES",
                        help="dtypes in which PyTorch runs eager only")
    parser.add_argument("--packed", action="store_true")
    parser.add_argument("--keep", default="0.9,0.6,0.4,0.25", help="of each packed clip")
    parser.add_argument("--ways", default="per-sequence,nested,flex,padded", help="of --packed")
    parser.add_argument("--probe", action="store_true", help="leave out the ways that fail")
    parser.add_argument("--tokens", action="store_true")
    parser.add_argument("--counts", type=int, default=100, help="random counts of --tokens")
    parser.add_argument("--machine", action="store_true")
    parser.add_argument("--model", help="a folder for the random weights, kept and used again")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.model or temporary
        models = {}
        about = {"size": args.size, "dtype": args.dtype, "threads": args.threads}
        compare = not (args.tokens or args.machine)
        if compare or not os.path.exists(os.path.join(folder, "config.json")):
            import torch

            torch.set_num_threads(args.threads)
            model = make_model(args.size, folder)
            about["torch"] = torch.__version__
            for dtype in (args.peer_dtypes or args.dtype).split(",") if compare else ():
                models[dtype] = copy.deepcopy(model).to(
                    torch.float32 if dtype == "f32" else torch.bfloat16)
            del model
        ours = LookTwice(args.bench, folder, args.dtype, args.threads)
        about["looktwice"] = ours.hello["backend"]
        if args.packed:
            about["packed"] = packed(args, ours, models)
        elif compare:
            about["dense"] = against(args, ours, models)
        if args.tokens:
            about["tokens"] = tokens(args, ours)
        if args.machine:
            about["machine"] = machine(args, ours, folder)
    print(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
