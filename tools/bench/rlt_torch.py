#!/usr/bin/env python3
"""RLT masks in PyTorch, normalisation counted, against looktwice's kernel, turn by turn in one run.

    python3 tools/bench/rlt_torch.py build/release/tests/bench/bench_rlt

Needs PyTorch (pip install torch). The peer does what the published tokenizer does, from bytes to the
mask and with the same operations: scale and normalise every frame, compare the last frame of a tubelet with the first frame of the
one before, average over 16x16 patches and channels, threshold. Clips are 16x224x224 and rotate.
"""
import argparse
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def rlt_mask(video, tau=0.1, tubelet=2, patch=16):
    """video uint8 [B,T,H,W,3] -> bool [B, tokens], tokens in (t,h,w) order."""
    x = video.permute(0, 1, 4, 2, 3)
    # torchvision's to_dtype(scale=True) and normalize, operation by operation.
    x = x.to(torch.float32).mul_(1.0 / 255).sub(MEAN).div_(STD)
    x = x.transpose(1, 2)
    change = (x[:, :, 2 * tubelet - 1 :: tubelet] - x[:, :, : -tubelet : tubelet]).abs()
    score = F.avg_pool3d(change, (1, patch, patch)).mean(1)
    score = torch.cat([torch.full_like(score[:, :1], 255.0), score], 1)
    return (score > tau).flatten(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench_rlt", help="the built benchmark program")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--clips", type=int, default=32)
    args = parser.parse_args()

    clips = [torch.randint(0, 256, (1, 16, 224, 224, 3), dtype=torch.uint8) for _ in range(args.clips)]
    batches = [torch.cat(clips[i : i + 8]) for i in range(0, args.clips - 7, 8)]
    ours = subprocess.Popen([args.bench_rlt, "--serve", "--clips", str(args.clips)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def native(_):
        ours.stdin.write("\n")
        ours.stdin.flush()
        return float(ours.stdout.readline())

    torch.set_num_threads(1)

    def eager(inputs):
        def run(i):
            x = inputs[i % len(inputs)]
            start = time.perf_counter()
            rlt_mask(x)
            return (time.perf_counter() - start) * 1e3 / x.shape[0]
        return run

    peers = [
        ("looktwice, 1 thread", native),
        ("PyTorch, 1 thread, batch 1", eager(clips)),
        ("PyTorch, 1 thread, batch 8", eager(batches)),
    ]
    times = {name: [] for name, _ in peers}
    with torch.inference_mode():
        for i in range(-3, args.rounds):
            for name, run in peers:
                value = run(i + 3)
                if i >= 0:
                    times[name].append(value)
    ours.stdin.close()
    ours.wait()
    base = statistics.median(times[peers[0][0]])
    print(f"RLT masks of 16x224x224 clips from bytes, PyTorch {torch.__version__}; milliseconds a clip")
    for name, _ in peers:
        middle = statistics.median(times[name])
        print(f"{name:30s} {middle:9.3f} ms   {middle / base:7.1f} times looktwice's time")


if __name__ == "__main__":
    main()
