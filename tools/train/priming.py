"""A start that knows what video is: training on a CPU has no time to find it out.

- Positions begin as sines and cosines of x, y and t, each for itself and in channels of their own.
  VideoMAE's sinusoids run over the flattened index: no layer reads x from them.
- The patch embedding begins as waves of a tubelet's mean and of its change in time (cosine and
  sine of the same wave vectors), scaled to the world's statistics, in other channels.
- The first MLP begins with motion detectors (Adelson and Bergen, 1985): for a wave vector k the
  product of mean·cos and change·sin, less that of mean·sin and change·cos, has the sign of the
  motion along k; a product is had from |a + b| - |a - b|.
- The second MLP begins with products of place and motion: their sums over the tokens tell growing
  (x·vx + y·vy) and turning (x·vy - y·vx).
- Some heads begin by looking at the same place a tubelet earlier or later, or around it: a query
  turned by the angle of that many steps matches the key there (the addition rule).
Everything stays trainable.
"""

import math

import numpy as np
import torch

import data

AXES = ((7, 0), (7, 1), (8, 2))  # x, y, t: how many, and which of a token's coordinates
WAVES_OF_AXIS = 3  # sine and cosine of 1, 2, 3 half turns over the axis
PLACE = 2 * WAVES_OF_AXIS * len(AXES)  # channels of position
PRODUCTS = 16  # channels of place times motion
CLEAN = PLACE + PRODUCTS  # nothing of a patch's content goes here at the start
MOTION = 8   # channels that the motion detectors write
LUMA = (0.299, 0.587, 0.114)
RED, BLUE = (0.6, -0.5, -0.1), (-0.2, -0.4, 0.6)
WAVES = [(1, 0), (0, 1), (1, 1), (1, -1), (2, 0), (0, 2), (2, 1), (1, 2), (2, -1), (1, -2),
         (0.5, 0), (0, 0.5), (3, 0), (0, 3), (2, 2), (2, -2)]  # periods a patch: x, y


def wave(kx, ky, sine, size=16):
    p = (torch.arange(size) + 0.5) / size - 0.5
    angle = 2 * math.pi * (kx * p[None, :] + ky * p[:, None])
    w = angle.sin() if sine else angle.cos()
    return w / w.norm() if float(w.norm()) > 1e-6 else w


def filter_of(colour, change, kx, ky, sine):
    """[3, 2, 16, 16]"""
    in_time = torch.tensor([-1.0 if change else 1.0, 1.0]) / 2
    return (torch.tensor(colour)[:, None, None, None] * in_time[:, None, None]
            * wave(kx, ky, sine))


def filters(count):
    """[count, 3, 2, 16, 16]: of each wave (mean cos, mean sin, change cos, change sin), then flat
    brightness and colour."""
    out = [filter_of(LUMA, change, *k, sine) for k in WAVES for change in (False, True)
           for sine in (False, True)]
    out += [filter_of(c, change, 0, 0, False) for c in (LUMA, RED, BLUE) for change in (False, True)]
    out += [filter_of(c, change, *k, sine) for change in (False, True) for c in (RED, BLUE)
            for k in ((1, 0), (0, 1)) for sine in (False, True)]
    while len(out) < count:
        n = len(out)
        out.append(filter_of(LUMA, n % 2 == 0, 4 * (n % 4 < 2), 4 * (n % 4 >= 2), False))
    return torch.stack(out[:count])


@torch.no_grad()
def prime_patches(model, pool, tokens):
    rng = np.random.default_rng(0)
    c = model.config
    first = CLEAN + MOTION
    projection = model.videomae.embeddings.patch_embeddings.projection
    projection.weight.zero_()
    projection.bias.zero_()
    projection.weight[first:] = filters(c.hidden - first)
    items = pool.draw(90, rng)
    index = data.busiest(items, tokens, rng)
    x = data.gather([i[0] for i in items], index)
    flat = projection.weight.permute(0, 2, 3, 4, 1).reshape(c.hidden, -1)[first:]
    y = (x.flatten(0, 1) @ flat.T)
    # The mean deviation, not the standard one: changes are rare and large.
    spread = (y - y.median(0).values).abs().mean(0) * 1.25
    spread = spread.clamp_min(0.1 * float(spread.median()))
    projection.weight[first:] *= (0.7 / spread)[:, None, None, None, None]
    projection.bias[first:] = -(y.mean(0) * 0.7 / spread)


@torch.no_grad()
def prime_product(layer, unit, a, b, writes):
    """Four units from `unit` on that add the product of channels a and b, as |a + b| - |a - b|, to
    other channels: writes holds (channel, strength). Returns the next unit."""
    fc1, fc2 = layer.intermediate["dense"], layer.output["dense"]
    for outer in (1, -1):
        for inner in (1, -1):
            fc1.weight[unit] = 0
            fc1.bias[unit] = 0
            fc1.weight[unit, a], fc1.weight[unit, b] = inner, inner * outer
            fc2.weight[:, unit] = 0
            for channel, strength in writes:
                fc2.weight[channel, unit] = strength * outer
            unit += 1
    return unit


def prime_motion(layer):
    unit = 0
    for i, (kx, ky) in enumerate(WAVES):
        mean_cos = CLEAN + MOTION + 4 * i
        mean_sin, change_cos, change_sin = mean_cos + 1, mean_cos + 2, mean_cos + 3
        length = math.hypot(kx, ky)
        scale = 0 if length < 0.9 else 2 if length < 1.8 else 4 if length < 2.5 else 6
        for a, b, sign in ((mean_cos, change_sin, 1), (mean_sin, change_cos, -1)):
            strength = 0.25 * sign
            unit = prime_product(layer, unit, a, b,
                                 [(CLEAN + scale, strength * kx / length),
                                  (CLEAN + scale + 1, strength * ky / length)])


@torch.no_grad()
def prime_positions(model):
    c = model.config
    frames, rows, columns = c.grid
    index = torch.arange(c.tokens)
    place = (index % columns, index // columns % rows, index // (columns * rows))
    table = model.pos_embed[0]
    table.zero_()
    at = 0
    for count, axis in AXES:
        for k in range(1, WAVES_OF_AXIS + 1):
            angle = math.pi * k / count * (place[axis] - (count - 1) / 2)
            table[:, at], table[:, at + 1] = angle.sin(), angle.cos()
            at += 2


def prime_products(layer):
    """Of the first sine of x and of y with each channel of motion."""
    unit, out = 0, PLACE
    for axis in (0, 2 * WAVES_OF_AXIS):
        for motion in range(CLEAN, CLEAN + MOTION):
            unit = prime_product(layer, unit, axis, motion, [(out, 0.5)])
            out += 1


@torch.no_grad()
def prime_heads(model):
    c = model.config
    width = c.hidden // c.heads
    # (steps in x, y, t; how sharp) of the heads of each layer.
    looks = {0: [((0, 0, -1), 3.0), ((0, 0, 1), 3.0)],
             1: [((0, 0, 0), 1.5), ((0, 0, -1), 2.0), ((0, 0, 1), 2.0)],
             2: [((0, 0, -2), 2.0), ((0, 0, 2), 2.0)]}
    for i, layer in enumerate(model.videomae.encoder.layer):
        a = layer.attention.attention
        for head, (steps, sharpness) in enumerate(looks.get(i, [])[:c.heads]):
            at = head * width
            a.query.weight[at:at + width] *= 0.1
            a.key.weight[at:at + width] *= 0.1
            channel = 0
            for count, axis in AXES:
                for k in range(1, WAVES_OF_AXIS + 1):
                    angle = math.pi * k / count * steps[axis]
                    cos, sin = sharpness * math.cos(angle), sharpness * math.sin(angle)
                    even, odd = at + channel, at + channel + 1
                    # sin(p + d), cos(p + d) of sin(p), cos(p)
                    a.query.weight[even, channel] = cos
                    a.query.weight[even, channel + 1] = sin
                    a.query.weight[odd, channel] = -sin
                    a.query.weight[odd, channel + 1] = cos
                    a.key.weight[even, channel] = a.key.weight[odd, channel + 1] = sharpness
                    channel += 2
        # What blocks add leaves the channels of position alone, and begins small.
        for dense in (layer.attention.output["dense"], layer.output["dense"]):
            dense.weight[:PLACE] = 0
            dense.weight *= 0.5


def prime(model, pool, tokens):
    prime_positions(model)
    prime_patches(model, pool, tokens)
    prime_heads(model)
    prime_motion(model.videomae.encoder.layer[0])
    prime_products(model.videomae.encoder.layer[1])
    with torch.no_grad():
        model.classifier.weight *= 0.1
