"""Clips of the labelled world, made by `looktwice synth` while training runs.

A pool of clips lies in memory. A background thread has the program draw new ones as fast as they
are used up, so that each is seen about `reuse` times, flipped, turned and reversed differently
every time (what a flip renames is renamed: world.py).
"""

import glob
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

import numpy as np
import torch
from safetensors.numpy import load_file

import truth
import vit
import world

TUBELETS, SIDE, PATCH = 8, 7, 16
TOKENS = TUBELETS * SIDE * SIDE
_SCALE = (1 / (255 * np.array(vit.STD))).astype(np.float32)
_SHIFT = (-np.array(vit.MEAN) / np.array(vit.STD)).astype(np.float32)


def is_plain(attributes):
    """An easy clip: nothing moves but the thing, and it is well seen."""
    return (attributes["camera"] == "static" and attributes.get("cut") is None
            and attributes["noise"] <= 3
            and not (attributes["faint"] or attributes["slow"] or attributes["uncompared"]))


def synth(program, count, seed, scratch, plain=False):
    """(clips U8 [n,16,112,112,3], labels [n], poses [n,16,2,7], camera [n,16,2]) drawn by the
    program; scratch is a folder. n is count, or how many of them are plain."""
    folder = tempfile.mkdtemp(prefix="synth-", dir=scratch)
    try:
        subprocess.run([program, "synth", "--count", str(count), "--seed", str(seed), "-o", folder],
                       check=True, stderr=subprocess.DEVNULL)
        parts = [load_file(f) for f in sorted(glob.glob(folder + "/*.safetensors"))]
        out = [np.concatenate([p[name] for p in parts])
               for name in ("frames_u8", "labels", "poses", "camera")]
        out[1] = out[1].astype(np.int64)
        if plain:
            listed = json.load(open(folder + "/labels.json"))["clips"]
            chosen = np.flatnonzero([is_plain(c["attributes"]) for c in listed])
            out = [x[chosen] for x in out]
        return tuple(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def differences(clips):
    """RLT's difference (spec: last frame of tubelet k+1 minus first of tubelet k, absolute, mean
    over patch and channel, in normalised units): [B,T/2-1,h,w]."""
    b, t, h, w, _ = clips.shape
    out = np.empty((b, t // 2 - 1, h // PATCH, w // PATCH), np.float32)
    for k in range(t // 2 - 1):
        first, last = clips[:, 2 * k], clips[:, 2 * k + 3]
        d = np.maximum(first, last) - np.minimum(first, last)
        d = d.reshape(b, h // PATCH, PATCH, w // PATCH, PATCH, 3).mean((2, 4), dtype=np.float32)
        out[:, k] = (d * (_SCALE / 3)).sum(-1)
    return out


def tokens_of(clip):
    """A clip as an array [T/2,h,w,2,16,16,3] of its tokens, without copying."""
    t, h, w, _ = clip.shape
    return clip.reshape(t // 2, 2, h // PATCH, PATCH, w // PATCH, PATCH, 3).transpose(
        0, 2, 4, 1, 3, 5, 6)


def gather(clips, indices):
    """Tokens indices[i] of clips[i], normalised: float32 [B,N,2*16*16*3]. Equal counts."""
    out = np.empty((len(clips), len(indices[0]), 2, PATCH, PATCH, 3), np.uint8)
    for o, clip, index in zip(out, clips, indices):
        t, rest = np.divmod(index, SIDE * SIDE)
        y, x = np.divmod(rest, SIDE)
        o[:] = tokens_of(clip)[t, y, x]
    return normalise(torch.from_numpy(out).view(len(clips), len(indices[0]), -1, 3))


def normalise(u8):
    """[B,N,512,3] bytes -> [B,N,1536] float32, ImageNet mean and deviation."""
    x = u8.float()
    x.mul_(torch.from_numpy(_SCALE)).add_(torch.from_numpy(_SHIFT))
    return x.flatten(2)


def lengths_of(keep):
    """keep [T,h,w] -> for each kept token the tubelets until the next kept one (row-major)."""
    t = keep.shape[0]
    out = np.zeros(keep.shape, np.int64)
    following = np.full(keep.shape[1:], t, np.int64)
    for k in range(t - 1, -1, -1):
        out[k] = following - k
        following = np.where(keep[k], k, following)
    return out[keep]


def rlt_keep(difference, tau):
    """[T/2-1,h,w] -> kept tokens [T/2,h,w]; the first tubelet always is."""
    return np.concatenate([np.ones((1,) + difference.shape[1:], bool), difference > tau])


def varied(clip, label, difference, known, rng):
    """A flipped, transposed, reversed or recoloured clip with the label and the truth (poses and
    camera) that it then has."""
    if rng.random() < 0.5:
        clip, difference, label = clip[:, :, ::-1], difference[:, :, ::-1], world.MIRRORED[label]
        known = truth.mirrored(*known)
    if label != world.BOUNCE:
        if rng.random() < 0.5:
            clip, difference = clip[:, ::-1], difference[:, ::-1]
            label = world.UPSIDE_DOWN[label]
            known = truth.upside_down(*known)
        if rng.random() < 0.5:
            clip, difference = clip.transpose(0, 2, 1, 3), difference.transpose(0, 2, 1)
            label = world.TRANSPOSED[label]
            known = truth.transposed(*known)
    if rng.random() < 0.5:
        clip, difference, label = clip[::-1], difference[::-1], world.REVERSED[label]
        known = tuple(k[::-1] for k in known)
    if rng.random() < 0.7:
        clip = clip[..., rng.permutation(3)]
    return clip, label, difference, known


class Pool:
    """Training clips in memory, renewed by a thread; the first `plain` of them are easy ones."""

    def __init__(self, program, scratch, size=4096, reuse=5.0, first_seed=0, bunch=510,
                 plain=0):
        self.program, self.scratch, self.reuse, self.bunch = program, scratch, reuse, bunch
        self.plain = plain
        os.makedirs(scratch, exist_ok=True)
        self.clips = np.empty((size, 16, 112, 112, 3), np.uint8)
        self.labels = np.empty(size, np.int64)
        self.differences = np.empty((size, 7, SIDE, SIDE), np.float32)
        self.poses = np.empty((size, 16, 2, 7), np.float32)
        self.camera = np.empty((size, 16, 2), np.float32)
        self.filled, self.made, self.used, self.next_seed = 0, 0, 0, first_seed
        self.lock, self.stop = threading.Lock(), False
        self._renew()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _renew(self):
        clips, labels, poses, camera = synth(self.program, self.bunch, self.next_seed,
                                             self.scratch, self.made < self.plain)
        difference = differences(clips)
        with self.lock:
            at = (np.arange(len(clips)) + self.made) % len(self.clips)
            self.clips[at], self.labels[at], self.differences[at] = clips, labels, difference
            self.poses[at], self.camera[at] = poses, camera
            self.made += len(clips)
            self.next_seed += self.bunch
            self.filled = min(self.made, len(self.clips))

    def _run(self):
        while not self.stop:
            if self.made < 2 * self.bunch + self.used / self.reuse:
                self._renew()
            else:
                time.sleep(0.5)

    def draw(self, count, rng):
        """[(clip, label, difference, (poses, camera))], varied."""
        with self.lock:
            chosen = rng.integers(0, self.filled, count)
            self.used += count
            return [varied(self.clips[i], self.labels[i], self.differences[i],
                           (self.poses[i], self.camera[i]), rng) for i in chosen]


def busiest(items, count, rng):
    """For each clip the `count` tokens that change most, against the tubelet before or after; the
    order of change is blurred, so that any token may come along. Indices ascend."""
    out = []
    for _, _, d, *_ in items:
        change = np.concatenate([d, np.zeros_like(d[:1])])
        change[1:] = np.maximum(change[1:], d)
        score = change.reshape(-1) * np.exp(0.5 * rng.standard_normal(change.size))
        out.append(np.sort(np.argpartition(-score, count)[:count]))
    return out


def sampled(items, busy, still, rng):
    """(indices, sizes): the `busy` busiest tokens, and of the rest `still` at random, each of which
    stands for so many that together they stand for all."""
    index, size = [], []
    for chosen in busiest(items, busy, rng):
        rest = rng.permutation(np.setdiff1d(np.arange(TOKENS), chosen, assume_unique=True))[:still]
        index.append(np.concatenate([chosen, rest]))
        size.append([1.0] * busy + [(TOKENS - busy) / still] * still)
    return np.stack(index), np.array(size, np.float32)
