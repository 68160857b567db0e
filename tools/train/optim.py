"""Muon for the matrices inside the blocks, AdamW for the rest; warm-up, constant, linear decay."""

import datetime
import time

import torch


def orthogonal(g, steps=5):
    """Newton-Schulz iteration towards the nearest orthogonal matrices, batched over g [B,r,c]."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        s = x @ x.transpose(1, 2)
        x = a * x + (b * s + c * s @ s) @ x
    return x


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix is made orthogonal (Jordan, 2024); equal shapes go in one batch."""

    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("momentum", torch.zeros_like(p))
                m.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(m, group["momentum"])
                wide = p.shape[0] <= p.shape[1]
                update = update if wide else update.T
                by_shape.setdefault(tuple(update.shape), []).append((p, update, wide))
            for items in by_shape.values():
                for (p, _, wide), u in zip(items, orthogonal(torch.stack([u for _, u, _ in items]))):
                    scale = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(u if wide else u.T, alpha=-group["lr"] * scale)


def optimizers(model, inside, lr_muon, lr_adam, weight_decay=0.01, decay_muon=None, more=()):
    """inside(name) says which matrices go to Muon; `more` parameters are not the model's."""
    muon = [p for n, p in model.named_parameters() if p.ndim == 2 and inside(n)]
    chosen = {id(p) for p in muon}
    rest = [p for p in model.parameters() if id(p) not in chosen] + list(more)
    if decay_muon is None:
        decay_muon = weight_decay
    return [Muon(muon, lr=lr_muon, weight_decay=decay_muon),
            torch.optim.AdamW(rest, lr=lr_adam, betas=(0.9, 0.98), weight_decay=weight_decay)]


class Course:
    """How far the training is, from 0 to 1: by the clock where it ends at `until` (HH:MM; began:
    seconds of the clock at its start, missing: now), else by steps."""

    def __init__(self, steps, until=None, began=None):
        self.steps, self.began, self.end = steps, began or time.time(), None
        if until:
            now = datetime.datetime.now()
            hour, minute = map(int, until.split(":"))
            end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
            self.end = (end + datetime.timedelta(days=end < now)).timestamp()

    def share(self, step):
        if self.end is None:
            return min(1.0, step / self.steps)
        return min(1.0, (time.time() - self.began) / (self.end - self.began))


def set_rate(opts, step, share, warmup, decay, base, floor=0.0):
    """Factor of the learning rate: linear up over `warmup` steps, down over the last `decay` of
    the training, of which `share` is done, to `floor`. `base` holds each optimizer's own rate."""
    factor = min(1.0, (step + 1) / max(1, warmup))
    left = (1 - share) / max(1e-9, decay)
    factor *= floor + (1 - floor) * min(1.0, max(0.0, left))
    for o, lr in zip(opts, base):
        for g in o.param_groups:
            g["lr"] = lr * factor
    return factor
