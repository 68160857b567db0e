"""The world of scenes-dit: one thing on a plain ground, drawn from five words (captions.py)."""

import torch

import captions

COLOURS = torch.tensor([[0.90, 0.12, 0.10], [0.15, 0.80, 0.20], [0.15, 0.25, 0.95],
                        [0.98, 0.85, 0.10], [0.98, 0.98, 0.98], [0.65, 0.15, 0.80]])
# Top and bottom of each ground.
GROUNDS = torch.tensor([[[0.07, 0.07, 0.09], [0.07, 0.07, 0.09]],
                        [[0.66, 0.64, 0.60], [0.66, 0.64, 0.60]],
                        [[0.25, 0.50, 0.80], [0.62, 0.78, 0.90]],
                        [[0.18, 0.38, 0.12], [0.08, 0.22, 0.06]]])
FASTER = torch.tensor([0.45, 1.0])  # slowly, fast


def draw_values(count, generator):
    """Random words: [count, 5] indices into captions.VALUES."""
    return torch.stack([torch.randint(n, (count,), generator=generator)
                        for n in captions.COUNTS], 1)


def draw(values, frames=8, size=32, generator=None, times=None):
    """values [B,5] -> clips [B,3,T,size,size] in -1..1; times [T] picks frames."""
    b = len(values)
    shape, colour, motion, speed, ground = values.unbind(1)
    u = (torch.arange(frames) if times is None else times).float() / (frames - 1)
    rand = lambda low, high: low + (high - low) * torch.rand(b, 1, generator=generator)
    fast = FASTER[speed][:, None]
    is_ = lambda name: (motion == captions.VALUES[2].index(name))[:, None]

    # Place: far enough from the borders to stay in the picture all along.
    radius = rand(0.15, 0.21)
    far = 0.46 * fast * rand(0.85, 1.0)
    x, y = rand(0.32, 0.68), rand(0.32, 0.68)
    along = u[None] - 0.5
    x = x.expand(b, len(u)) + far * along * (is_("right").float() - is_("left").float())
    y = y.expand(b, len(u)) + far * along * (is_("down").float() - is_("up").float())
    grown = 1 + fast * 1.3 * u[None]
    shrunk = 1 + fast * 1.3 * (1 - u[None])
    r = radius * torch.where(is_("growing"), 0.62 * grown,
                             torch.where(is_("shrinking"), 0.62 * shrunk, torch.ones(1)))
    # Appearing and vanishing: at once or over some frames, about the middle.
    at, slope = rand(0.35, 0.65), torch.where(speed[:, None] == 1, 50.0, 2.2)
    there = ((u[None] - at) * slope + 0.5).clamp(0, 1)
    seen = torch.where(is_("appearing"), there, torch.where(is_("vanishing"), 1 - there,
                                                            torch.ones(1)))

    p = (torch.arange(size) + 0.5) / size
    dx = p[None, None, None, :] - x[:, :, None, None]
    dy = p[None, None, :, None] - y[:, :, None, None]
    r = r[:, :, None, None]
    disc = torch.sqrt(dx**2 + dy**2) - r
    square = torch.maximum(dx.abs(), dy.abs()) - 0.86 * r
    triangle = torch.maximum(dx.abs() * 0.87 - dy * 0.5, dy) - 0.58 * r
    ring = (torch.sqrt(dx**2 + dy**2) - 0.78 * r).abs() - 0.24 * r
    which = shape[:, None, None, None]
    away = torch.where(which == 0, disc, torch.where(which == 1, square,
                                                     torch.where(which == 2, triangle, ring)))
    cover = (0.5 - away * size).clamp(0, 1) * seen[:, :, None, None]

    rows = p[None, None, :, None]
    top, bottom = GROUNDS[ground].unbind(1)
    back = top[:, :, None, None, None] * (1 - rows) + bottom[:, :, None, None, None] * rows
    back = back * rand(0.9, 1.1)[:, :, None, None, None]
    paint = (COLOURS[colour] * rand(0.92, 1.0))[:, :, None, None, None]
    clip = back * (1 - cover[:, None]) + paint * cover[:, None]
    return clip.clamp(0, 1) * 2 - 1
