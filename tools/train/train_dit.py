"""Trains scenes-dit by rectified flow. See README.md for the commands that made the model."""

import argparse
import copy
import itertools
import json
import os
import signal
import time

import torch

import captions
import dit
import export
import optim
import pictures


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--state", required=True, help="folder of checkpoint, log and samples")
    p.add_argument("--stages", default="2x48:3000,4x24:2000,8x16:2000",
                   help="FRAMESxBATCH:STEPS,…: so many of a clip's frames at first, all at last")
    p.add_argument("--until", help="HH:MM at which to be done: the last stage lasts until then, "
                                   "and rates follow the clock")
    p.add_argument("--lr", type=float, default=0.02, help="of the blocks' matrices (Muon)")
    p.add_argument("--lr-rest", type=float, default=2e-3, help="of everything else (AdamW)")
    p.add_argument("--decay", type=float, default=0.35)
    p.add_argument("--ema", type=float, default=0.998)
    p.add_argument("--hidden", type=int, default=96)
    p.add_argument("--depth", type=int, default=4)
    p.add_argument("--mlp-ratio", type=float, default=2.0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--sample-every", type=int, default=500)
    p.add_argument("--export")
    return p.parse_args()


def shifted(tau, rho):
    return rho * tau / (1 + (rho - 1) * tau)


@torch.no_grad()
def sample(model, values, table, steps=30, guidance=3.0, generator=None, start=None):
    """Clips [B,3,T,H,W] of words [B,5], as `looktwice generate` makes them from the noise `start`
    (missing: drawn by PyTorch)."""
    c = model.config
    caption = captions.encode(values, table)
    null = model.y_embedder.y_embedding[None].expand(len(values), -1, -1)
    z = start
    if z is None:
        z = torch.randn(len(values), 3, c.frames, c.size, c.size, generator=generator)
    tau = shifted(1 - torch.arange(steps + 1) / steps, c.time_shift)
    for i in range(steps):
        t = torch.full((len(values),), 1000 * float(tau[i]))
        v, u = model(torch.cat([z, z]), torch.cat([t, t]), torch.cat([caption, null])).chunk(2)
        z = z + (u + guidance * (v - u)) * float(tau[i] - tau[i + 1])
    return z


def picture(clips, path):
    """Rows of clips, frames from left to right."""
    from PIL import Image
    b, _, t, h, w = clips.shape
    x = ((clips.clamp(-1, 1) + 1) * 127.5).byte()
    x = x.permute(0, 3, 2, 4, 1).reshape(b * h, t * w, 3).numpy()
    image = Image.fromarray(x)
    image.resize((image.width * 2, image.height * 2), Image.NEAREST).save(path)


def main():
    a = arguments()
    os.makedirs(a.state, exist_ok=True)
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    config = dit.DitConfig(hidden=a.hidden, depth=a.depth, mlp_ratio=a.mlp_ratio)
    model = dit.Dit(config)
    table = captions.rows(config.caption_channels)
    plan = []
    for stage in a.stages.split(","):
        shape, steps = stage.split(":")
        frames, batch = shape.split("x")
        plan += [(int(frames), int(batch))] * int(steps)
    opts = optim.optimizers(model, lambda n: "_blocks." in n and "table" not in n, a.lr,
                            a.lr_rest, weight_decay=0.0)
    ema, start, began = copy.deepcopy(model), 0, None
    checkpoint = f"{a.state}/checkpoint.pt"
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        ema.load_state_dict(state["ema"])
        for o, s in zip(opts, state["optimizers"]):
            o.load_state_dict(s)
        start = state["step"]
        began = state.get("began")
    course = optim.Course(len(plan), a.until, began)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, from step {start}",
          flush=True)
    rng = torch.Generator().manual_seed(a.seed * 1_000_003 + start)
    log = open(f"{a.state}/log.jsonl", "a")
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    begun, shown, loss_mean = time.time(), 0.0, None

    def keep(step):
        torch.save({"model": model.state_dict(), "ema": ema.state_dict(), "step": step,
                    "began": course.began, "optimizers": [o.state_dict() for o in opts]}, checkpoint + ".tmp")
        os.replace(checkpoint + ".tmp", checkpoint)

    for step in itertools.count(start):
        frames, batch = plan[min(step, len(plan) - 1)]
        optim.set_rate(opts, step, course.share(step), 100, a.decay, (a.lr, a.lr_rest))
        times = torch.randperm(config.frames, generator=rng)[:frames].sort().values
        values = pictures.draw_values(batch, rng)
        x = pictures.draw(values, config.frames, config.size, rng, times)
        caption = captions.encode(values, table)
        drop = torch.rand(batch, generator=rng) < 0.1
        caption = torch.where(drop[:, None, None], model.y_embedder.y_embedding, caption)
        tau = shifted(torch.sigmoid(torch.randn(batch, generator=rng)), config.time_shift)
        noise = torch.randn(x.shape, generator=rng)
        mix = tau[:, None, None, None, None]
        v = model((1 - mix) * x + mix * noise, tau * 1000, caption, times=times)
        loss = (v - (x - noise)).square().mean()
        for o in opts:
            o.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in opts:
            o.step()
        with torch.no_grad():
            weight = 1 - min(a.ema, (1 + step) / (10 + step))
            for p, q in zip(ema.parameters(), model.parameters()):
                p.lerp_(q, weight)
        value = float(loss.detach())
        loss_mean = value if loss_mean is None else 0.98 * loss_mean + 0.02 * value
        done = course.share(step + 1)
        last = done >= 1
        if time.time() - shown > 5 or last:
            shown = time.time()
            print(f"\r[{'#' * int(30 * done):30}] {step + 1} {frames} frames "
                  f"loss {loss_mean:.4f} {(step + 1 - start) / (shown - begun):.2f} steps/s ",
                  end="", flush=True)
        if (step + 1) % 100 == 0:
            log.write(json.dumps({"step": step + 1, "frames": frames, "loss": loss_mean,
                                  "seconds": round(time.time() - begun)}) + "\n")
            log.flush()
        if (step + 1) % a.sample_every == 0 or last or stop:
            keep(step + 1)
            g = torch.Generator().manual_seed(5)
            ema.eval()
            picture(sample(ema, pictures.draw_values(8, g), table, 20, 3.0, g),
                    f"{a.state}/sample-{step + 1:06}.png")
        if stop or last:
            break
    if a.export and not stop:
        export.save_folder(a.export, ema.state_dict(), dit.folder_config(config),
                           {"vocab.json": captions.vocabulary(config.caption_channels)})


if __name__ == "__main__":
    main()
