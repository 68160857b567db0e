"""A start that knows what video is: training on a CPU has no time to find it out.

- The patch embedding begins as low cosine patterns of a tubelet's mean and of its change in time,
  scaled to the world's statistics, in channels where positions hardly vary.
- Some heads begin by looking at the same place a tubelet earlier or later, or at a neighbour: a
  query turned by the angle of that many steps matches the key there (the sinusoids' addition rule).
Everything stays trainable.
"""

import math

import numpy as np
import torch

import data

CLEAN = 32  # first channels: the quickest sinusoids, left to position alone at the start
LUMA = (0.299, 0.587, 0.114)
RED, BLUE = (0.6, -0.5, -0.1), (-0.2, -0.4, 0.6)


def patterns(count, size=16):
    """The `count` lowest two-dimensional cosines: [count, size, size], unit norm."""
    order = sorted(((u, v) for u in range(size) for v in range(size)),
                   key=lambda p: (p[0] ** 2 + p[1] ** 2, p))[:count]
    x = (torch.arange(size) + 0.5) * math.pi / size
    out = torch.stack([torch.cos(u * x)[:, None] * torch.cos(v * x)[None] for u, v in order])
    return out / out.flatten(1).norm(dim=1)[:, None, None]


def filters(count):
    """[count, 3, 2, 16, 16]: brightness and change first, colour after."""
    parts = [(LUMA, -1, 0.36), (LUMA, 1, 0.38), (RED, 1, 0.07), (BLUE, 1, 0.06), (RED, -1, 0.07)]
    out = []
    for i, (colour, sign, share) in enumerate(parts):
        n = round(count * share) if i + 1 < len(parts) else count - len(out)
        for p in patterns(n):
            in_time = torch.tensor([sign, 1.0]) / 2
            out.append(torch.tensor(colour)[:, None, None, None] * in_time[:, None, None] * p)
    return torch.stack(out[:count])


@torch.no_grad()
def prime(model, pool, tokens):
    rng = np.random.default_rng(0)
    c = model.config
    projection = model.videomae.embeddings.patch_embeddings.projection
    projection.weight.zero_()
    projection.bias.zero_()
    projection.weight[CLEAN:] = filters(c.hidden - CLEAN)
    items = pool.draw(60, rng)
    index = data.busiest(items, tokens, rng)
    x = data.gather([i[0] for i in items], index)
    flat = projection.weight.permute(0, 2, 3, 4, 1).reshape(c.hidden, -1)[CLEAN:]
    y = (x.flatten(0, 1) @ flat.T)
    spread = y.std(0).clamp_min(0.15 * float(y.std(0).median()))
    projection.weight[CLEAN:] *= (0.7 / spread)[:, None, None, None, None]
    projection.bias[CLEAN:] = -(y.mean(0) * 0.7 / spread)

    frame = (c.size // c.patch) ** 2
    row = c.size // c.patch
    looks = {0: [-frame, frame], 1: [-row, row, -1, 1], 2: [-frame, frame]}
    width = c.hidden // c.heads
    pairs = width // 2
    j = torch.arange(pairs, dtype=torch.float64)
    omega = 10000.0 ** (-2 * j / c.hidden)
    for i, layer in enumerate(model.videomae.encoder.layer):
        a = layer.attention.attention
        for head, offset in enumerate(looks.get(i, [])[:c.heads]):
            at = slice(head * width, (head + 1) * width)
            a.query.weight[at] = 0
            a.key.weight[at] = 0
            cos, sin = torch.cos(omega * offset).float(), torch.sin(omega * offset).float()
            s = 1.6
            for k in range(pairs):
                q, key = a.query.weight[head * width + 2 * k:], a.key.weight[head * width + 2 * k:]
                q[0, 2 * k], q[0, 2 * k + 1] = s * cos[k], s * sin[k]
                q[1, 2 * k], q[1, 2 * k + 1] = -s * sin[k], s * cos[k]
                key[0, 2 * k] = key[1, 2 * k + 1] = s
        layer.attention.output["dense"].weight[:CLEAN] = 0
        layer.output["dense"].weight[:CLEAN] = 0
        layer.attention.output["dense"].weight *= 0.5
        layer.output["dense"].weight *= 0.5
    model.classifier.weight *= 0.1
