"""Trains scenes-vit on the labelled world. See README.md for the commands that made the models."""

import argparse
import copy
import datetime
import json
import os
import signal
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F

import data
import export
import optim
import priming
import truth
import vit
import world


RANK_SEEDS = 100_000_000  # between the training clips of processes


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--looktwice", default="looktwice", help="the program that draws the clips")
    p.add_argument("--state", required=True, help="folder of checkpoint, log and scratch files")
    p.add_argument("--init", help="model folder or checkpoint to start from")
    p.add_argument("--steps", type=int, default=10**9)
    p.add_argument("--until", help="HH:MM at which to be done: rates and --plan follow the clock "
                                   "instead of the steps")
    p.add_argument("--plan", help="SHARE:TOKENS:BATCH,…: from that share of the training on, "
                                  "instead of --tokens and --batch")
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--tokens", type=int, default=0,
                   help="tokens of each clip: the busiest ones, so that early training is cheap; "
                        "0 takes all")
    p.add_argument("--still", type=int, default=0,
                   help="so many of the other tokens come along at random and stand for all of them")
    p.add_argument("--truth", type=float, default=1.0,
                   help="weight of what the generator knows of every token; 0 trains on labels alone")
    p.add_argument("--average", type=float, default=0.0,
                   help="validate and export an average of the weights over about 1/(1 - x) steps")
    p.add_argument("--rlt", type=float, help="train on what RLT keeps at this threshold, with "
                                             "length encoding")
    p.add_argument("--lr", type=float, default=0.02, help="of the blocks' matrices (Muon)")
    p.add_argument("--lr-rest", type=float, default=2e-3, help="of everything else (AdamW)")
    p.add_argument("--weight-decay", type=float, default=0.2, help="of the blocks' matrices")
    p.add_argument("--decay", type=float, default=0.3, help="share of the steps that anneal")
    p.add_argument("--floor", type=float, default=0.0, help="what is left of the rate in the end")
    p.add_argument("--warmup", type=int, default=100)
    p.add_argument("--hidden", type=int, default=128)
    p.add_argument("--layers", type=int, default=5)
    p.add_argument("--mlp", type=int, default=512)
    p.add_argument("--pool", type=int, default=4096)
    p.add_argument("--reuse", type=float, default=5.0)
    p.add_argument("--plain", type=int, default=0, help="so many easy clips come first")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--first-clip", type=int, default=0, help="seed of the first training clip")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--ranks", type=int, default=1,
                   help="processes that train together, each on --batch clips of its own")
    p.add_argument("--rank", type=int, default=0, help="which of them this is")
    p.add_argument("--port", type=int, default=29511)
    p.add_argument("--check-every", type=int, default=500, help="steps between validations")
    p.add_argument("--check-clips", type=int, default=450)
    p.add_argument("--export", help="model folder to write in the end")
    return p.parse_args()


class Validation:
    """The first clips of the validation split, drawn once."""

    def __init__(self, a):
        cache = f"{a.state}/validation-{a.check_clips}.npz"
        if not os.path.exists(cache):
            clips, labels, *_ = data.synth(a.looktwice, a.check_clips, 2_000_000_000, a.state)
            np.savez(cache, clips=clips, labels=labels)
        held = np.load(cache)
        self.clips, self.labels = held["clips"], held["labels"]
        self.differences = data.differences(self.clips)

    @torch.no_grad()
    def accuracy(self, model, a, tokens):
        model.eval()
        right = np.zeros(len(self.labels), bool)
        loss = 0.0
        for i in range(0, len(self.labels), 30):
            items = list(zip(self.clips[i:i + 30], self.labels[i:i + 30],
                             self.differences[i:i + 30]))
            batch = make_batch(items, a, np.random.default_rng(0), tokens, a.still)
            logits = model(*batch[:-1])
            loss += float(F.cross_entropy(logits, batch[-1], reduction="sum"))
            right[i:i + 30] = (logits.argmax(1) == batch[-1]).numpy()
        model.train()
        each = [float(right[self.labels == c].mean()) for c in range(len(world.CLASSES))]
        return float(right.mean()), loss / len(right), each


def make_batch(items, a, rng, tokens, still=0):
    """(patches, index, lengths, mask, size, labels) of [(clip, label, difference, …)]; tokens: 0
    for all."""
    labels = torch.tensor([int(item[1]) for item in items])
    clips = [item[0] for item in items]
    lengths = mask = size = None
    if a.rlt is not None:
        keeps = [data.rlt_keep(item[2], a.rlt) for item in items]
        n = max(int(k.sum()) for k in keeps)
        index = np.zeros((len(items), n), np.int64)
        lengths = np.ones((len(items), n), np.int64)
        mask = np.zeros((len(items), n), bool)
        for row, keep in enumerate(keeps):
            kept = np.flatnonzero(keep)
            index[row, :len(kept)], mask[row, :len(kept)] = kept, True
            lengths[row, :len(kept)] = data.lengths_of(keep)
        lengths, mask = torch.from_numpy(lengths), torch.from_numpy(mask)
    elif tokens and still:
        index, size = data.sampled(items, tokens, still, rng)
        size = torch.from_numpy(size)
    elif tokens:
        index = np.stack(data.busiest(items, tokens, rng))
    else:
        index = np.tile(np.arange(data.TOKENS), (len(items), 1))
    return data.gather(clips, index), torch.from_numpy(index), lengths, mask, size, labels


def batches(pool, a, rng, size):
    """Endless batches of size() clips; with RLT, clips of similar token counts share one."""
    while True:
        if a.rlt is None:
            yield pool.draw(size(), rng)
            continue
        n = size()
        many = pool.draw(n * 8, rng)
        many.sort(key=lambda item: int((item[2] > a.rlt).sum()))
        for i in rng.permutation(8):
            yield many[i * n:(i + 1) * n]


def load_weights(model, heads, path):
    if os.path.isdir(path):
        weights = vit.from_folder(path).state_dict()
    else:
        state = torch.load(path, weights_only=True)
        weights = state.get("average") or state["model"]
        if "heads" in state:
            heads.load_state_dict(state["heads"])
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or set(missing) - {"length_embed", vit.POSITIONS}:
        raise SystemExit(f"{path}: does not fit ({missing}, {unexpected})")


def share_gradients(model, ranks):
    """Replaces every process's gradients by their mean."""
    if ranks == 1:
        return
    grads = [p.grad for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in grads])
    dist.all_reduce(flat)
    flat /= ranks
    at = 0
    for g in grads:
        g.copy_(flat[at:at + g.numel()].view_as(g))
        at += g.numel()


def plan_of(a):
    """[(share, tokens, batch)]: from that share of the training on."""
    if not a.plan:
        return [(0.0, a.tokens, a.batch)]
    parts = [part.split(":") for part in a.plan.split(",")]
    return [(float(s), int(t), int(b)) for s, t, b in parts]


def planned(plan, share):
    return [(t, b) for s, t, b in plan if s <= share][-1]


def save(path, **state):
    torch.save(state, path + ".tmp")
    os.replace(path + ".tmp", path)


def main():
    a = arguments()
    os.makedirs(a.state, exist_ok=True)
    leads = a.rank == 0
    if a.ranks > 1:
        # Hours: processes may be paused, and the first one validates alone.
        dist.init_process_group("gloo", f"tcp://127.0.0.1:{a.port}", world_size=a.ranks,
                                rank=a.rank, timeout=datetime.timedelta(hours=3))
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    config = vit.VitConfig(hidden=a.hidden, layers=a.layers, mlp=a.mlp, heads=a.hidden // 32)
    model = vit.Vit(config, lengths=a.rlt is not None)
    checkpoint = f"{a.state}/checkpoint.pt"
    state = torch.load(checkpoint, weights_only=True) if os.path.exists(checkpoint) else None
    first = (state["next_seed"] if state else a.first_clip) + a.rank * RANK_SEEDS
    pool = data.Pool(a.looktwice, f"{a.state}/scratch", a.pool, a.reuse, first,
                     plain=0 if state else a.plain)
    start = 0
    heads = truth.Heads(config, sorted({min(1, a.layers - 1), a.layers - 1}))
    opts = optim.optimizers(model, lambda n: "encoder.layer" in n, a.lr, a.lr_rest,
                            decay_muon=a.weight_decay, more=heads.parameters())
    if state:
        model.load_state_dict(state["model"])
        heads.load_state_dict(state["heads"])
        for o, s in zip(opts, state["optimizers"]):
            o.load_state_dict(s)
        start = state["step"]
    elif a.init:
        load_weights(model, heads, a.init)
    else:
        priming.prime(model, pool, a.tokens or 128)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, from step {start}",
          flush=True)
    if a.ranks > 1:
        for p in model.parameters():
            dist.broadcast(p.data, 0)
    check = Validation(a) if leads else None
    rng = np.random.default_rng([a.seed, start, a.rank])
    log = open(f"{a.state}/log.jsonl", "a")
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    model.train()
    begun, shown, loss_mean, hits = time.time(), 0.0, 3.0, 0.0
    course = optim.Course(a.steps, a.until, state.get("began") if state else None)
    plan = plan_of(a)
    seen = seen_before = state.get("seen", 0) if state else 0
    first_share = course.share(start)

    average = copy.deepcopy(model)
    if state and state.get("average"):
        average.load_state_dict(state["average"])

    def keep(step):
        save(checkpoint, model=model.state_dict(), heads=heads.state_dict(),
             average=average.state_dict(), optimizers=[o.state_dict() for o in opts],
             step=step, next_seed=pool.next_seed, began=course.began, seen=seen)

    tokens, batch = planned(plan, course.share(start))
    for step, items in zip(range(start, a.steps), batches(pool, a, rng, lambda: batch)):
        share = course.share(step)
        factor = optim.set_rate(opts, step - start, share, a.warmup, a.decay,
                                (a.lr, a.lr_rest), a.floor)
        *inputs, labels = make_batch(items, a, rng, tokens, a.still)
        states = []
        logits = model(*inputs, states=states)
        loss = told = F.cross_entropy(logits, labels)
        if a.truth > 0:
            known = [np.stack([item[3][i] for item in items]) for i in (0, 1)]
            values, weights = truth.of_tokens(*known, inputs[1].numpy())
            if inputs[3] is not None:
                weights *= inputs[3][..., None]
            if step == 0:
                heads.fit([x.detach() for x in states], values, weights)
            missed, each_missed = heads.loss(states, values, weights)
            loss = loss + a.truth * missed
        for o in opts:
            o.zero_grad()
        loss.backward()
        share_gradients(model, a.ranks)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in opts:
            o.step()
        mix = 0.98 if step - start > 50 else 0.9
        loss_mean = mix * loss_mean + (1 - mix) * float(told.detach())
        with torch.no_grad():
            toward = 1 - min(a.average, 1 - 1 / (step - start + 2))
            for p, q in zip(average.parameters(), model.parameters()):
                p.lerp_(q, toward)
        hits = mix * hits + (1 - mix) * float((logits.detach().argmax(1) == labels).float().mean())
        seen += len(items) * a.ranks
        done = course.share(step + 1)
        last = done >= 1
        if leads and time.time() - shown > 5 or last:
            shown = time.time()
            left = (shown - begun) * (1 - done) / max(1e-9, done - first_share)
            print(f"\r[{'#' * int(30 * done):30}] {step + 1} loss {loss_mean:.3f} "
                  f"right {hits:.3f} rate {factor:.2f} pool {pool.filled} made {pool.made} "
                  f"{(seen - seen_before) / (shown - begun):.1f} clips/s "
                  f"missed {float(missed.detach()) if a.truth > 0 else 0:.3f} "
                  f"{left / 60:.0f} min left ", end="", flush=True)
        if leads and ((step + 1) % a.check_every == 0 or last or stop):
            top1, val_loss, each = check.accuracy(average, a, tokens)
            row = {"step": step + 1, "seconds": round(time.time() - begun), "loss": loss_mean,
                   "train": hits, "validation": top1, "validation_loss": val_loss,
                   "clips": seen, "tokens": tokens, "each": each}
            if a.truth > 0:
                row["missed"] = dict(zip(truth.NAMES, each_missed.tolist()))
            log.write(json.dumps(row) + "\n")
            log.flush()
            print(f"\nstep {step + 1}: validation {top1:.4f} loss {val_loss:.4f} "
                  + " ".join(f"{e:.2f}" for e in each), flush=True)
            keep(step + 1)
        if stop or last:
            break
        tokens, batch = planned(plan, done)
    pool.stop = True
    if a.export and leads and not stop:
        export.save_folder(a.export, average.state_dict(),
                           vit.folder_config(config, world.CLASSES),
                           {"preprocessor_config.json":
                            export.preprocessor(config.size, vit.MEAN, vit.STD)})


if __name__ == "__main__":
    main()
