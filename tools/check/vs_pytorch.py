"""Forward passes of a random VideoMAE on this machine: LookTwice and PyTorch take turns.

    python tools/check/vs_pytorch.py --bench build/dev/tests/ops/vit_bench --size B --dtype bf16

Prints the median of every competitor and the ratios within this one run. PyTorch runs in inference
mode with scaled_dot_product_attention, eager and compiled.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time

SIZES = {"S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16)}


def make_model(size, folder):
    import torch
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification

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
        self.name = self.process.stdout.readline().strip()

    def run(self, keep=1.0, merge=0):
        self.process.stdin.write(f"{keep} {merge}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline().split()[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--size", default="B", choices=SIZES)
    parser.add_argument("--dtype", default="bf16", choices=["f32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--counts", type=int, default=0,
                        help="also: this many random token counts, p95/p50 of time per token")
    parser.add_argument("--model", help="an existing folder of random weights")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.model or temporary
        if args.model:
            from transformers import VideoMAEForVideoClassification
            model = VideoMAEForVideoClassification.from_pretrained(
                folder, attn_implementation="sdpa").eval()
        else:
            model = make_model(args.size, folder)
        ours = LookTwice(args.bench, folder, args.dtype, args.threads)
        dtype = torch.float32 if args.dtype == "f32" else torch.bfloat16
        model = model.to(dtype)
        clip = torch.rand(1, 16, 3, 224, 224).to(dtype)

        def timed(module):
            with torch.inference_mode():
                begin = time.perf_counter()
                module(pixel_values=clip)
                return (time.perf_counter() - begin) * 1e3

        competitors = {"LookTwice": ours.run, "PyTorch eager": lambda: timed(model)}
        if not args.no_compile:
            compiled = torch.compile(model)
            competitors["PyTorch compiled"] = lambda: timed(compiled)
        for run in competitors.values():
            run()
            run()
        times = {name: [] for name in competitors}
        for _ in range(args.rounds):
            for name, run in competitors.items():
                times[name].append(run())
        half = [(ours.run(0.5), ours.run(1.0)) for _ in range(args.rounds)]
        merged = [(ours.run(1.0, 65), ours.run(1.0)) for _ in range(args.rounds)]
        spread = {}
        if args.counts:
            import random
            random.seed(0)
            keeps = [random.uniform(0.3, 1.0) for _ in range(args.counts)]
            first = [ours.run(k) / k for k in keeps]
            again = [ours.run(k) / k for k in keeps]
            # Attention grows with the square of the count: divide by what the work should be.
            width, tokens = SIZES[args.size][0], 1568
            cost = [12 * k * width + 2 * k * k * tokens for k in keeps]
            again = sorted(t * k / c for t, k, c in zip(again, keeps, cost))
            first = sorted(t * k / c for t, k, c in zip(first, keeps, cost))
            at = lambda v, q: v[min(len(v) - 1, int(q * len(v)))]
            spread = {"p95_over_p50": round(at(again, 0.95) / at(again, 0.5), 3),
                      "first_use_p95_over_p50": round(at(first, 0.95) / at(first, 0.5), 3)}
    medians = {name: statistics.median(t) for name, t in times.items()}
    fastest = min(v for k, v in medians.items() if k != "LookTwice")
    print(json.dumps({
        "size": args.size, "dtype": args.dtype, "threads": args.threads,
        "torch": torch.__version__, "looktwice": ours.name,
        "milliseconds": {k: round(v, 1) for k, v in medians.items()},
        "faster_than_fastest_pytorch": round(fastest / medians["LookTwice"], 3),
        "half_tokens": round(statistics.median(a / b for a, b in half), 3),
        "tome_r65": round(statistics.median(a / b for a, b in merged), 3),
        **spread,
    }, indent=1))


if __name__ == "__main__":
    main()
