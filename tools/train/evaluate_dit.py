"""Samples scenes-dit and says how often they show what the prompt says.

  python tools/train/evaluate_dit.py --looktwice PROGRAM --data FOLDER --grid docs/images/scenes-dit.png

64 prompts (the same at any time) × 4 seeds by `looktwice generate`, or as many as --prompts and
--seeds say. Motion is judged twice: by scenes-vit-dense on the enlarged clip, and by measuring
where the thing is. The same is done with the training pictures of these prompts, which is what a
perfect generator would reach.
"""

import argparse
import hashlib
import os
import subprocess
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

import captions
import evaluate
import pictures
import world

NAMES = {"left": 0, "right": 1, "up": 2, "down": 3, "growing": 4, "shrinking": 5, "appearing": 10,
         "vanishing": 11, "still": 12}


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--looktwice", default="looktwice")
    p.add_argument("--models", default="assets/models")
    p.add_argument("--data", required=True)
    p.add_argument("--prompts", type=int, default=64)
    p.add_argument("--seeds", type=int, default=4)
    p.add_argument("--steps", type=int, default=30)
    p.add_argument("--guidance", type=float, default=3.0)
    p.add_argument("--grid", help="picture to write: middle frames, and some clips in full")
    return p.parse_args()


def prompts(count):
    """[count, 5]: motions take turns, the other words are drawn; a still thing has no pace."""
    g = torch.Generator().manual_seed(2024)
    values = pictures.draw_values(count, g)
    values[:, 2] = torch.arange(count) % len(captions.VALUES[2])
    values[:, 3] = torch.where(torch.rand(count, generator=g) < 0.75, 1, 0)
    return values


def sample(a, values):
    """[prompts, seeds, 3, T, H, W] by the program; those that --data holds already are not drawn
    again."""
    out = f"{a.data}/sample.safetensors"
    clips = []
    with open(f"{a.models}/scenes-dit/model.safetensors", "rb") as f:
        weights = hashlib.sha256(f.read()).hexdigest()
    for i, v in enumerate(values):
        for seed in range(a.seeds):
            print(f"\r{i * a.seeds + seed}/{len(values) * a.seeds} ", end="", file=sys.stderr,
                  flush=True)
            command = ["--prompt", captions.sentence(v), "--seed", str(seed), "--steps",
                       str(a.steps), "--guidance", str(a.guidance)]
            key = hashlib.sha256(repr((weights, command)).encode()).hexdigest()[:16]
            held = f"{a.data}/sample-{key}.npy"
            if not os.path.exists(held):
                subprocess.run([a.looktwice, "generate", "--model", f"{a.models}/scenes-dit",
                                *command, "--dump", out],
                               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                np.save(held, load_file(out)["latents"][0])
            clips.append(np.load(held))
    return np.stack(clips).reshape(len(values), a.seeds, *clips[0].shape)


def by_classifier(a, clips):
    """Classes that scenes-vit-dense sees in clips [N,3,8,32,32]: each frame twice, enlarged."""
    x = torch.from_numpy(clips).clamp(-1, 1)
    n, _, t, _, _ = x.shape
    x = torch.nn.functional.interpolate(x, size=(16, 112, 112), mode="trilinear",
                                        align_corners=False)
    u8 = ((x + 1) * 127.5).round().byte().permute(0, 2, 3, 4, 1).contiguous().numpy()
    path, out = f"{a.data}/enlarged.safetensors", f"{a.data}/seen.safetensors"
    save_file({"frames_u8": u8}, path)
    subprocess.run([a.looktwice, "classify", path, "--model", f"{a.models}/scenes-vit-dense",
                    "--dump", out], check=True, stdout=subprocess.DEVNULL)
    return load_file(out)["logits"]


def by_measure(clips, values):
    """(motion, colour, ground) indices that the pixels of clips [N,3,T,H,W] tell.

    The ground is told by the rows at the border; the thing is what is nearer to one of the six
    colours than to the ground; its centre and area over time tell the motion."""
    x = (np.clip(clips, -1, 1) + 1) / 2
    n, _, t, h, w = x.shape
    rows = (np.arange(h) + 0.5) / h
    grounds = pictures.GROUNDS.numpy()
    look = grounds[:, 0, :, None] * (1 - rows) + grounds[:, 1, :, None] * rows  # [4,3,H]
    edge = np.concatenate([x[..., :2], x[..., -2:]], -1).mean((2, 4))             # [N,3,H]
    ground = ((edge[:, None] - look[None]) ** 2).sum((2, 3)).argmin(1)
    back = np.median(np.concatenate([x[..., :2], x[..., -2:]], -1), (2, 4))[:, :, None, :, None]
    colours = pictures.COLOURS.numpy()
    to_ground = ((x - back) ** 2).sum(1)                                          # [N,T,H,W]
    to_colour = ((x[:, None] - colours[None, :, :, None, None, None]) ** 2).sum(2)
    colour = np.empty(n, int)
    motion = np.empty(n, int)
    p = (np.arange(w) + 0.5) / w
    for i in range(n):
        strong = to_ground[i] > 0.08
        near = to_colour[i].argmin(0)[strong]
        colour[i] = np.bincount(near, minlength=len(colours)).argmax() if len(near) else -1
        mask = np.minimum(to_ground[i] / 0.25, 1) * strong
        area = mask.sum((1, 2))
        early, late = area[:2].mean(), area[-2:].mean()
        most = max(area.max(), 1e-6)
        with np.errstate(invalid="ignore", divide="ignore"):
            cx = (mask * p[None, None]).sum((1, 2)) / area
            cy = (mask * p[None, :, None]).sum((1, 2)) / area
        names = captions.VALUES[2]
        if most < 4:
            said = "still"
        elif early < 0.15 * most and late > 0.5 * most:
            said = "appearing"
        elif late < 0.15 * most and early > 0.5 * most:
            said = "vanishing"
        else:
            dx = np.nanmean(cx[-3:]) - np.nanmean(cx[:3])
            dy = np.nanmean(cy[-3:]) - np.nanmean(cy[:3])
            if max(abs(dx), abs(dy)) > 0.08:
                said = (("right" if dx > 0 else "left") if abs(dx) > abs(dy)
                        else ("down" if dy > 0 else "up"))
            else:
                ratio = max(late, 1e-6) / max(early, 1e-6)
                said = "growing" if ratio > 1.35 else "shrinking" if ratio < 0.74 else "still"
        motion[i] = names.index(said)
    return motion, colour, ground


def grid(clips, values, path):
    """Left: all prompts × seeds, one frame each (the fifth). Right: a clip of each motion, in full."""
    def bytes_of(c):
        return ((np.clip(c, -1, 1) + 1) * 127.5).round().astype(np.uint8)
    n, seeds, _, t, h, w = clips.shape
    cell, columns = h + 1, 4
    rows = n // columns
    left = np.full((rows * cell, columns * (seeds * cell + 4), 3), 255, np.uint8)
    for i in range(n):
        for s in range(seeds):
            y, x = (i // columns) * cell, (i % columns) * (seeds * cell + 4) + s * cell
            left[y:y + h, x:x + w] = bytes_of(clips[i, s, :, 4]).transpose(1, 2, 0)
    right = np.full((rows * cell, t * cell, 3), 255, np.uint8)
    for k in range(rows):
        for f in range(t):
            right[k * cell:k * cell + h, f * cell:f * cell + w] = bytes_of(
                clips[k, 0, :, f]).transpose(1, 2, 0)
    whole = Image.fromarray(np.concatenate([left, right], 1))
    whole.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def report(title, a, clips, values):
    flat = clips.reshape(-1, *clips.shape[2:])
    words = values.repeat_interleave(clips.shape[1], 0).numpy()
    wanted = np.array([NAMES[captions.VALUES[2][m]] for m in words[:, 2]])
    seen = by_classifier(a, flat)
    motion, colour, ground = by_measure(flat, words)
    among = np.array(sorted(NAMES.values()))
    chosen = among[seen[:, among].argmax(1)]
    text = lambda right: (lambda low_high: f"{100 * right.mean():.0f}% "
                          f"({100 * low_high[0]:.0f}–{100 * low_high[1]:.0f})")(
        evaluate.interval(right.sum(), len(right)))
    print(f"| {title} | {len(flat)} | {text(seen.argmax(1) == wanted)} | {text(chosen == wanted)} "
          f"| {text(motion == words[:, 2])} | {text(colour == words[:, 1])} "
          f"| {text(ground == words[:, 4])} |", flush=True)
    return motion == words[:, 2], chosen == wanted, words[:, 2]


def main():
    a = arguments()
    os.makedirs(a.data, exist_ok=True)
    values = prompts(a.prompts)
    clips = sample(a, values)
    if a.grid:
        grid(clips, values, a.grid)
    g = torch.Generator().manual_seed(9)
    real = pictures.draw(values.repeat_interleave(a.seeds, 0), generator=g).numpy()
    print("| | clips | motion, by scenes-vit-dense (15 classes) | among the nine promptable "
          "| motion, measured | colour | background |")
    print("|---|---|---|---|---|---|---|")
    real_found = report("training pictures", a, real.reshape(clips.shape), values)
    found = report("samples", a, clips, values)
    print("\n| motion | samples | measured right | by scenes-vit-dense among nine "
          "| training pictures, measured | by scenes-vit-dense |")
    print("|---|---|---|---|---|---|")
    for k, name in enumerate(captions.VALUES[2]):
        at = found[2] == k
        print(f"| {name} | {at.sum()} | {100 * found[0][at].mean():.0f}% "
              f"| {100 * found[1][at].mean():.0f}% | {100 * real_found[0][at].mean():.0f}% "
              f"| {100 * real_found[1][at].mean():.0f}% |")


if __name__ == "__main__":
    main()
