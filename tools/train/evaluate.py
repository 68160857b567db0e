"""Accuracy against tokens on the held-out test split, as the tables of docs/results.md.

  python tools/train/evaluate.py --looktwice PROGRAM --clips 4000 --data FOLDER > tables.md

--engine looktwice runs `looktwice classify` on the clips; --engine torch repeats it in PyTorch.
FOLDER keeps clips and predictions, so that an interrupted run goes on where it stopped.
"""

import argparse
import glob
import hashlib
import json
import math
import os
import subprocess
import sys

import numpy as np
import torch
from safetensors.numpy import load_file

import data
import tome
import vit
import world

TEST = 3_000_000_000


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--looktwice", default="looktwice")
    p.add_argument("--models", default="assets/models")
    p.add_argument("--data", required=True)
    p.add_argument("--clips", type=int, default=4000)
    p.add_argument("--engine", choices=("looktwice", "torch"), default="looktwice")
    p.add_argument("--taus", default="0.02,0.05,0.1,0.2,0.5")
    p.add_argument("--merges", default="16,48", help="tokens ToMe merges in each layer")
    p.add_argument("--ignored", default="0.1,0.5",
                   help="thresholds at which the trained model also runs without its run lengths")
    p.add_argument("--compared", help="thresholds of random drop and of the trained model, if not "
                                      "all of --taus")
    p.add_argument("--threads", type=int, default=0, help="of the program; 0: all cores")
    p.add_argument("--only", help="comma-separated parts: dense,rlt,trained,tome,random")
    return p.parse_args()


def interval(right, n):
    """Wilson's 95% interval of a share."""
    z, p = 1.96, right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


class Clips:
    def __init__(self, a):
        self.folder = f"{a.data}/test-{a.clips}"
        if not os.path.exists(self.folder + "/labels.json"):
            subprocess.run([a.looktwice, "synth", "--count", str(a.clips), "--seed", str(TEST),
                            "-o", self.folder], check=True, stderr=subprocess.DEVNULL)
        self.files = sorted(glob.glob(self.folder + "/clips-*.safetensors"))
        with open(self.folder + "/labels.json") as f:
            self.about = json.load(f)["clips"]
        self.labels = np.array([c["label"] for c in self.about])


def by_program(a, model, options, file):
    """(logits [B,15], tokens [B,layers+1]: those that enter, and those that leave each layer)"""
    out = f"{a.data}/out-{os.getpid()}.safetensors"
    subprocess.run([a.looktwice, "classify", file, "--model", f"{a.models}/{model}", "--dump", out,
                    "--threads", str(a.threads), *options], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    d = load_file(out)
    os.remove(out)
    return d["logits"], d["tokens"]


_cache = {}


@torch.no_grad()
def by_torch(a, model, options, file):
    if model not in _cache:
        _cache[model] = vit.from_folder(f"{a.models}/{model}").eval()
    net = _cache[model]
    o = dict(zip(options[::2], options[1::2]))
    clips = load_file(file)["frames_u8"]
    logits, tokens = [], []
    rng = np.random.default_rng(0)
    difference = data.differences(clips) if "--rlt" in o else None
    merge = tome.Merge(int(o["--tome"])) if "--tome" in o else None
    for i, clip in enumerate(clips):
        index, lengths = np.arange(data.TOKENS), None
        if "--rlt" in o:
            keep = data.rlt_keep(difference[i], float(o["--rlt"]))
            index = np.flatnonzero(keep)
            if o.get("--length-encoding") != "off":
                lengths = torch.from_numpy(data.lengths_of(keep))[None]
        if "--drop" in o:
            count = int(data.TOKENS * float(o["--drop"].split(":")[1]))
            index = np.sort(rng.permutation(data.TOKENS)[:count])
        y = net(data.gather([clip], [index]), torch.from_numpy(index)[None], lengths, merge=merge)
        logits.append(y[0].numpy())
        left = len(index)
        for _ in range(net.config.layers if merge else 0):
            left -= min(merge.r, left // 2)
        tokens.append((len(index), left))
    return np.stack(logits), np.array(tokens)


def run(a, clips, model, options):
    """(right [n], tokens, classes [n]); kept in a file named by what was run."""
    with open(f"{a.models}/{model}/model.safetensors", "rb") as f:
        weights = hashlib.sha256(f.read()).hexdigest()
    key = hashlib.sha256(repr((a.engine, weights, options, a.clips)).encode()).hexdigest()[:16]
    path = f"{a.data}/{key}.npz"
    if not os.path.exists(path):
        parts = []
        for i, file in enumerate(clips.files):
            print(f"\r{model} {' '.join(options)}: {i}/{len(clips.files)} ", end="",
                  file=sys.stderr, flush=True)
            parts.append((by_program if a.engine == "looktwice" else by_torch)(a, model, options,
                                                                              file))
        print(file=sys.stderr)
        np.savez(path, logits=np.concatenate([p[0] for p in parts]),
                 tokens=np.concatenate([p[1] for p in parts]))
    held = np.load(path)
    return held["logits"].argmax(1) == clips.labels, held["tokens"], held["logits"].argmax(1)


def row(name, right, tokens, dense):
    low, high = interval(right.sum(), len(right))
    # Paired: what this run gets wrong that all tokens get right, and the other way round.
    lost, won = int((dense & ~right).sum()), int((~dense & right).sum())
    return (f"| {name} | {tokens[:, 0].mean():.0f} | {tokens[:, -1].mean():.0f} "
            f"| {100 * right.mean():.1f}% ({100 * low:.1f}–{100 * high:.1f}) | −{lost} +{won} |")


def main():
    a = arguments()
    os.makedirs(a.data, exist_ok=True)
    torch.set_num_threads(2)
    clips = Clips(a)
    parts = set(a.only.split(",")) if a.only else {"dense", "rlt", "trained", "tome", "random"}
    dense, tokens, predicted = run(a, clips, "scenes-vit-dense", [])
    n = len(dense)
    print(f"{n} clips of the test split (seeds {TEST} to {TEST + n - 1}), "
          f"{'`looktwice classify`' if a.engine == 'looktwice' else 'PyTorch'}.\n")
    print("| | tokens that enter | that leave | top-1 (95% interval) | against all tokens |")
    print("|---|---|---|---|---|")
    print(row("all tokens", dense, tokens, dense), flush=True)
    kept, results = {}, {}
    for part, model, label in (("rlt", "scenes-vit-dense", "RLT"),
                               ("trained", "scenes-vit-rlt", "trained with RLT,")):
        if part not in parts:
            continue
        if not os.path.isdir(f"{a.models}/{model}"):
            continue
        if part == "trained":
            right, tokens, _ = run(a, clips, model, [])
            print(row("trained with RLT, all tokens", right, tokens, dense), flush=True)
        taus = a.taus if part == "rlt" else a.compared or a.taus
        for tau in map(float, taus.split(",")):
            right, tokens, _ = run(a, clips, model, ["--rlt", str(tau)])
            if str(tau) in (a.compared or a.taus).split(","):
                kept[tau] = tokens[:, 0].mean() / data.TOKENS
            results[part, tau] = right
            print(row(f"{label} τ = {tau}", right, tokens, dense), flush=True)
        for tau in map(float, a.ignored.split(",") if part == "trained" else ()):
            right, tokens, _ = run(a, clips, model,
                                   ["--rlt", str(tau), "--length-encoding", "off"])
            print(row(f"{label} lengths ignored, τ = {tau}", right, tokens, dense), flush=True)
    if "random" in parts:
        for tau, share in kept.items():
            right, tokens, _ = run(a, clips, "scenes-vit-dense", ["--drop", f"random:{share:.3f}"])
            print(row(f"random, as many as τ = {tau}", right, tokens, dense), flush=True)
    if "tome" in parts:
        for r in map(int, a.merges.split(",")):
            right, tokens, _ = run(a, clips, "scenes-vit-dense", ["--tome", str(r)])
            results["tome", r] = right
            print(row(f"ToMe r = {r}", right, tokens, dense), flush=True)

    share = lambda right, at: f"{100 * right[at].mean():.1f}%"
    columns = [("all tokens", dense)] + [
        (name, results[key]) for name, key in (("RLT τ = 0.1", ("rlt", 0.1)),
                                               ("trained with RLT, τ = 0.1", ("trained", 0.1)),
                                               ("ToMe r = 48", ("tome", 48))) if key in results]
    titles = " | ".join(name for name, _ in columns)
    print(f"\n| class | clips | {titles} | most taken for |")
    print("|---|---|" + "---|" * len(columns) + "---|")
    for c, name in enumerate(world.CLASSES):
        at = clips.labels == c
        wrong = predicted[at & ~dense]
        most = "" if not len(wrong) else (
            lambda k: f"{world.CLASSES[k.argmax()]} ({k.max()})")(np.bincount(wrong))
        print(f"| `{name}` | {at.sum()} | " + " | ".join(share(r, at) for _, r in columns)
              + f" | {most} |")
    print(f"\n| clips that are | clips | {titles} |")
    print("|---|---|" + "---|" * len(columns))
    about = [c["attributes"] for c in clips.about]
    for name, test in (("faint", lambda t: t["faint"]), ("slow", lambda t: t["slow"]),
                       ("flickering where RLT does not compare", lambda t: t["uncompared"]),
                       ("under a panning or shaking camera", lambda t: t["camera"] != "static"),
                       ("noisy (5 levels and more)", lambda t: t["noise"] >= 5),
                       ("cut to another background", lambda t: t.get("cut") is not None),
                       ("none of these", data.is_plain)):
        at = np.array([bool(test(t)) for t in about])
        if at.any():
            print(f"| {name} | {at.sum()} | " + " | ".join(share(r, at) for _, r in columns) + " |")


if __name__ == "__main__":
    main()
