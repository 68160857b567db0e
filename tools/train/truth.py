"""What the generator knows of every token: what moves there, and how. Training predicts it beside
the label (heads that are dropped at export): a label is one number a clip, this is dozens a token.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# poses [T,2,7] of docs/world.md
X, Y, RADIUS, TURN, OPACITY, SLIDE, FLASH = range(7)
HALF_PATCH = 0.5 / 7
NAMES = ["covered", "camera x", "camera y", "flow x", "flow y", "offset x", "offset y",
         "speed x", "speed y", "growth", "turn", "fade", "slide", "flash"]
EVERYWHERE = 3  # so many of them hold for tokens without a thing as well


def mirrored(poses, camera):
    poses, camera = poses.copy(), camera.copy()
    poses[..., X] = np.where(poses[..., RADIUS] > 0, 1 - poses[..., X], 0)
    poses[..., TURN] *= -1
    camera[..., 0] *= -1
    return poses, camera


def transposed(poses, camera):
    poses = poses[..., [Y, X, RADIUS, TURN, OPACITY, SLIDE, FLASH]].copy()
    poses[..., TURN] *= -1
    return poses, camera[..., ::-1].copy()


def upside_down(poses, camera):
    return transposed(*mirrored(*transposed(poses, camera)))


def of_tokens(poses, camera, index, side=7):
    """poses [B,T,2,7], camera [B,T,2], index [B,N] -> values [B,N,14], each about 1 where it is
    large, and weights of the same shape."""
    b, n = index.shape
    rows = np.arange(b)[:, None]
    k, rest = np.divmod(index, side * side)
    y, x = np.divmod(rest, side)
    at = np.stack([(x + 0.5) / side, (y + 0.5) / side], -1)[:, :, None]  # [B,N,1,2]
    one, two = poses[rows, 2 * k], poses[rows, 2 * k + 1]  # [B,N,2,7]
    moved = camera[rows, 2 * k + 1] - camera[rows, 2 * k]
    middle = (one + two) / 2
    offset = at - middle[..., :2]
    seen = np.clip((middle[..., RADIUS] + HALF_PATCH - np.hypot(offset[..., 0], offset[..., 1]))
                   / (2 * HALF_PATCH), 0, 1) * np.maximum(one[..., OPACITY], two[..., OPACITY])
    which = seen.argmax(2)
    pick = lambda v: np.take_along_axis(
        v, which[..., None, None] if v.ndim == 4 else which[..., None], 2)[:, :, 0]
    seen, offset, one, two, middle = map(pick, (seen, offset, one, two, middle))
    step = two - one
    radius = np.maximum(middle[..., RADIUS], 0.02)
    growth = step[..., RADIUS] / radius
    spin = 2 * np.pi * step[..., TURN]
    flow = step[..., :2] + growth[..., None] * offset + spin[..., None] * np.stack(
        [-offset[..., 1], offset[..., 0]], -1)
    values = np.concatenate([
        seen[..., None], moved / 0.01, flow / 0.02, offset / radius[..., None],
        (step[..., :2] + moved) / 0.02, growth[..., None] / 0.035, step[..., TURN, None] / 0.03,
        step[..., OPACITY, None], np.abs(step[..., SLIDE, None]) / 0.1,
        np.maximum(one[..., FLASH], two[..., FLASH])[..., None]], -1).astype(np.float32)
    weights = np.repeat(seen[..., None], len(NAMES), 2).astype(np.float32)
    weights[..., :EVERYWHERE] = 0.5
    return torch.from_numpy(np.clip(values, -3, 3)), torch.from_numpy(weights)


class Heads(nn.Module):
    """Linear readings of the truth from the tokens between two layers."""

    def __init__(self, config, layers):
        super().__init__()
        self.layers = layers
        self.norms = nn.ModuleList(nn.LayerNorm(config.hidden) for _ in layers)
        self.heads = nn.ModuleList(nn.Linear(config.hidden, len(NAMES)) for _ in layers)

    @torch.no_grad()
    def fit(self, states, values, weights):
        """Starts as the best linear reading (ridge regression) of what a model knows already."""
        for layer, norm, head in zip(self.layers, self.norms, self.heads):
            x = norm(states[layer]).flatten(0, 1)
            x = torch.cat([x, torch.ones(len(x), 1)], 1)
            for i in range(len(NAMES)):
                w = weights[..., i].flatten()[:, None]
                a = x.T @ (w * x) + 3 * torch.eye(x.shape[1])
                found = torch.linalg.solve(a, x.T @ (w * values[..., i].flatten()[:, None]))
                head.weight[i], head.bias[i] = found[:-1, 0], found[-1, 0]

    def loss(self, states, values, weights):
        """(sum over the layers of the mean error, error of each value after the last)"""
        total, each = 0.0, None
        whole = weights.sum((0, 1)) + 1e-3
        for layer, norm, head in zip(self.layers, self.norms, self.heads):
            error = F.smooth_l1_loss(head(norm(states[layer])), values, reduction="none", beta=0.5)
            each = (error * weights).sum((0, 1)) / whole
            total = total + each.mean()
        return total, each.detach()
