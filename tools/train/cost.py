"""What a training step costs with all tokens, with RLT and with ToMe: time and peak memory.

  python tools/train/cost.py --looktwice PROGRAM [--hidden 128 --layers 4] [--threads 2]

Each way runs in a process of its own (for its peak memory); within a round the three take turns.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F

import data
import optim
import tome
import vit


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--looktwice", default="looktwice")
    p.add_argument("--hidden", type=int, default=128)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--steps", type=int, default=4)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--tau", type=float, default=0.1)
    p.add_argument("--merge", type=int, default=48, help="tokens ToMe merges in each layer")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--way", choices=("dense", "rlt", "tome"), help=argparse.SUPPRESS)
    p.add_argument("--held", help=argparse.SUPPRESS)
    return p.parse_args()


def steps(a):
    """Seconds of each step and the process's peak memory, as JSON."""
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    held = np.load(a.held)
    clips, labels, difference = held["clips"], held["labels"], held["differences"]
    config = vit.VitConfig(hidden=a.hidden, layers=a.layers, heads=a.hidden // 32,
                           mlp=4 * a.hidden)
    model = vit.Vit(config, lengths=a.way == "rlt")
    opts = optim.optimizers(model, lambda n: "encoder.layer" in n, 0.01, 1e-3)
    merge = tome.Merge(a.merge) if a.way == "tome" else None
    # RLT batches hold clips of similar counts, as in training.
    counts = 49 + (difference > a.tau).sum((1, 2, 3))
    order = np.argsort(counts) if a.way == "rlt" else np.arange(len(clips))
    batches = [order[i:i + a.batch] for i in range(0, len(clips), a.batch)]
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for step in range(a.steps + 1):
        chosen = batches if a.way == "rlt" else batches[step % len(batches):][:1]
        begun = time.perf_counter()
        for at in chosen:
            lengths = mask = None
            if a.way == "rlt":
                keeps = [data.rlt_keep(difference[i], a.tau) for i in at]
                n = int(counts[at].max())
                index = np.zeros((len(at), n), np.int64)
                lengths = torch.ones(len(at), n, dtype=torch.long)
                mask = torch.zeros(len(at), n, dtype=torch.bool)
                for k, keep in enumerate(keeps):
                    kept = np.flatnonzero(keep)
                    index[k, :len(kept)], mask[k, :len(kept)] = kept, True
                    lengths[k, :len(kept)] = torch.from_numpy(data.lengths_of(keep))
            else:
                index = np.tile(np.arange(data.TOKENS), (len(at), 1))
            x = data.gather(clips[at], index)
            y = model(x, torch.from_numpy(index), lengths, mask, merge=merge)
            loss = F.cross_entropy(y, torch.from_numpy(labels[at]))
            for o in opts:
                o.zero_grad()
            loss.backward()
            for o in opts:
                o.step()
        seconds.append((time.perf_counter() - begun) / len(chosen))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds[1:], "extra_mb": (peak - baseline) / 1024,
                      "tokens": float(counts.mean()) if a.way == "rlt" else data.TOKENS}))


def main():
    a = arguments()
    if a.way:
        return steps(a)
    found = {w: [] for w in ("dense", "rlt", "tome")}
    with tempfile.TemporaryDirectory() as scratch:
        clips, labels, *_ = data.synth(a.looktwice, 8 * a.batch, 0, scratch)
        held = f"{scratch}/clips.npz"
        np.savez(held, clips=clips, labels=labels, differences=data.differences(clips))
        for _ in range(a.rounds):
            for way, rows in found.items():
                done = subprocess.run([sys.executable, __file__, *sys.argv[1:], "--way", way,
                                       "--held", held], stdout=subprocess.PIPE, check=True)
                rows.append(json.loads(done.stdout))
    base = None
    print(f"width {a.hidden}, {a.layers} layers, {a.batch} clips a step, {a.threads} threads\n")
    print("| | tokens a clip | time a step | of all tokens | memory above the start |")
    print("|---|---|---|---|---|")
    for way, name in (("dense", "all tokens"), ("rlt", f"RLT τ = {a.tau}"),
                      ("tome", f"ToMe r = {a.merge}")):
        seconds = float(np.median([s for r in found[way] for s in r["seconds"]]))
        memory = float(np.median([r["extra_mb"] for r in found[way]]))
        base = base or seconds
        print(f"| {name} | {found[way][0]['tokens']:.0f} | {1000 * seconds:.0f} ms "
              f"| {seconds / base:.2f} | {memory:.0f} MB |")


if __name__ == "__main__":
    main()
