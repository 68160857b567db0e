"""One guided denoising step of a random STDiT3: LookTwice and PyTorch take turns on this machine.

    python tools/bench/stdit3_torch.py build/dev/tests/bench/bench_stdit3 --width 512 --depth 12

The peer is STDiT3 written for PyTorch as the published model runs it, with
scaled_dot_product_attention, in inference mode, eager and compiled. Prints medians and the ratio to
the faster of the two. --check compares one float32 step instead.
"""

import argparse
import functools
import json
import math
import os
import statistics
import subprocess
import tempfile
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


class Stdit3(torch.nn.Module):
    """Weights by their published names."""

    def __init__(self, folder, dtype):
        super().__init__()
        with open(os.path.join(folder, "config.json")) as f:
            self.c = json.load(f)
        self.names = {}
        for name, value in load_file(os.path.join(folder, "model.safetensors")).items():
            key = name.replace(".", "_")
            self.names[name] = key
            self.register_parameter(key, torch.nn.Parameter(value.to(dtype), requires_grad=False))
        self.h, self.heads = self.c["hidden_size"], self.c["num_heads"]
        self.d = self.h // self.heads
        half = torch.arange(0, self.d, 2).float() / self.d
        self.register_buffer("freqs", 1.0 / 10000 ** half)

    def w(self, name):
        return getattr(self, self.names[name])

    def lin(self, name, x):
        return F.linear(x, self.w(name + ".weight"), self.w(name + ".bias"))

    def embed(self, name, value, dtype):
        f = torch.exp(-math.log(10000) * torch.arange(128, dtype=torch.float32) / 128)
        a = value[:, None].float() * f
        x = torch.cat([a.cos(), a.sin()], -1).to(dtype)
        return self.lin(name + ".mlp.2", F.silu(self.lin(name + ".mlp.0", x)))

    def positions(self, gh, gw, scale, dtype):
        base = round(math.sqrt(gh * gw))
        inv = 1.0 / 10000 ** (torch.arange(0, self.h // 2, 2).float() / (self.h // 2))

        def side(n):
            a = (torch.arange(n).float() / scale * (base / n))[:, None] * inv
            return torch.cat([a.sin(), a.cos()], -1)
        x = side(gw)[None].expand(gh, gw, -1)
        y = side(gh)[:, None].expand(gh, gw, -1)
        return torch.cat([x, y], -1).reshape(1, gh * gw, self.h).to(dtype)

    def rms(self, x, weight):
        v = x.float()
        return (weight * (v * torch.rsqrt(v.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype))

    def rotate(self, x):
        angle = torch.arange(x.shape[-2]).float()[:, None] * self.freqs
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)

    def attention(self, p, x, temporal):
        g, n, _ = x.shape
        q, k, v = self.lin(p + ".qkv", x).view(g, n, 3, self.heads, self.d).permute(2, 0, 3, 1, 4)
        q, k = self.rms(q, self.w(p + ".q_norm.weight")), self.rms(k, self.w(p + ".k_norm.weight"))
        if temporal:
            q, k = self.rotate(q), self.rotate(k)
        o = F.scaled_dot_product_attention(q, k, v)
        return self.lin(p + ".proj", o.transpose(1, 2).reshape(g, n, self.h))

    def cross(self, p, x, y):
        b, n, _ = x.shape
        q = self.lin(p + ".q_linear", x).view(b, n, self.heads, self.d).transpose(1, 2)
        k, v = self.lin(p + ".kv_linear", y).view(b, -1, 2, self.heads, self.d).permute(2, 0, 3, 1, 4)
        o = F.scaled_dot_product_attention(q, k, v)
        return self.lin(p + ".proj", o.transpose(1, 2).reshape(b, n, self.h))

    def block(self, p, x, y, tm, T, S, temporal):
        b = x.shape[0]
        m = (self.w(p + ".scale_shift_table")[None] + tm.view(b, 6, self.h)).chunk(6, 1)
        z = F.layer_norm(x, (self.h,), eps=1e-6) * (1 + m[1]) + m[0]
        if temporal:
            z = z.view(b, T, S, self.h).transpose(1, 2).reshape(b * S, T, self.h)
            z = self.attention(p + ".attn", z, True).view(b, S, T, self.h).transpose(1, 2)
        else:
            z = self.attention(p + ".attn", z.view(b * T, S, self.h), False)
        x = x + m[2] * z.reshape(b, T * S, self.h)
        x = x + self.cross(p + ".cross_attn", x, y)
        z = F.layer_norm(x, (self.h,), eps=1e-6) * (1 + m[4]) + m[3]
        z = self.lin(p + ".mlp.fc2", F.gelu(self.lin(p + ".mlp.fc1", z), approximate="tanh"))
        return x + m[5] * z

    def forward(self, x, t, y, fps, scale):
        b, channels, T, H, W = x.shape
        ph, pw = self.c["patch_size"][1:]
        gh, gw = H // ph, W // pw
        S, dtype = gh * gw, x.dtype
        tokens = x.view(b, channels, T, gh, ph, gw, pw).permute(0, 2, 3, 5, 1, 4, 6)
        weight = self.w("x_embedder.proj.weight").view(self.h, -1)
        z = F.linear(tokens.reshape(b, T, S, -1), weight, self.w("x_embedder.proj.bias"))
        z = (z + self.positions(gh, gw, scale, dtype)).view(b, T * S, self.h)
        te = self.embed("t_embedder", t, dtype) + self.embed("fps_embedder", fps, dtype)
        tm = self.lin("t_block.1", F.silu(te))
        p = "y_embedder.y_proj."
        y = self.lin(p + "fc2", F.gelu(self.lin(p + "fc1", y), approximate="tanh"))
        for i in range(self.c["depth"]):
            z = self.block("spatial_blocks.%d" % i, z, y, tm, T, S, False)
            z = self.block("temporal_blocks.%d" % i, z, y, tm, T, S, True)
        m = (self.w("final_layer.scale_shift_table")[None] + te[:, None]).chunk(2, 1)
        z = F.layer_norm(z, (self.h,), eps=1e-6) * (1 + m[1]) + m[0]
        z = self.lin("final_layer.linear", z).view(b, T, gh, gw, ph, pw, -1)
        return z.permute(0, 6, 1, 2, 4, 3, 5).reshape(b, -1, T, H, W)


class LookTwice:
    def __init__(self, *args):
        self.process = subprocess.Popen(list(map(str, args)), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.name = self.process.stdout.readline().strip()

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [float(v) for v in self.process.stdout.readline().split()]


def gaussian(count, seed):
    """The noise of diffusion/noise.h."""
    def mix(n):
        z = (seed + (n + 1) * 0x9E3779B97F4A7C15) & (2**64 - 1)
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53 + 2.0**-53
    out = []
    for i in range(0, count, 2):
        r, a = math.sqrt(-2 * math.log(mix(i))), 2 * math.pi * mix(i + 1)
        out += [r * math.cos(a), r * math.sin(a)]
    return torch.tensor(out[:count])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--depth", type=int, default=12)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--size", default="16x16x16", help="latent T x H x W")
    parser.add_argument("--dtype", default="bf16", choices=["f32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peer-dtypes", help="of PyTorch, such as bf16,f32; else that of --dtype")
    parser.add_argument("--no-compile", default="", metavar="DTYPES",
                        help="dtypes in which PyTorch runs eager only")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    T, H, W = map(int, args.size.split("x"))
    if args.check:
        args.dtype = "f32"
    dtypes = {"f32": torch.float32, "bf16": torch.bfloat16}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([args.bench, "write", folder, str(args.width), str(args.depth),
                        str(args.heads)], check=True)
        models = {name: Stdit3(folder, dtypes[name]).eval()
                  for name in (args.peer_dtypes or args.dtype).split(",")}
        model = next(iter(models.values()))
        ours = LookTwice(args.bench, "serve", folder, args.dtype, args.threads, T, H, W)
        n, width = model.c["model_max_length"], model.c["caption_channels"]
        z = gaussian(4 * T * H * W, 1).view(1, 4, T, H, W)
        y = torch.cat([gaussian(n * width, 2).view(1, n, width),
                       model.w("y_embedder.y_embedding").float()[None]])
        scale = math.sqrt(H * 8 * W * 8) / model.c["input_sq_size"]

        def step(module, dtype):
            with torch.inference_mode():
                t, fps = torch.full((2,), 1000.0), torch.full((2,), 24.0)
                out = module(torch.cat([z, z]).to(dtype), t, y.to(dtype), fps, scale)
                cond, null = out.float().chunk(2)
                return z + (null + 3 * (cond - null))

        def timed(module, dtype):
            begin = time.perf_counter()
            step(module, dtype)
            return (time.perf_counter() - begin) * 1e3

        ours.step()
        if args.check:
            theirs, mine = step(model, torch.float32).abs().sum().item(), ours.step()[1]
            print("sum of |latents|: PyTorch %.4f, LookTwice %.4f, relative difference %.1e"
                  % (theirs, mine, abs(theirs - mine) / theirs))
            return
        peers = {"LookTwice": lambda: ours.step()[0]}
        for name, module in models.items():
            peers["PyTorch eager " + name] = functools.partial(timed, module, dtypes[name])
            if name not in args.no_compile.split(","):
                peers["PyTorch compiled " + name] = functools.partial(
                    timed, torch.compile(module), dtypes[name])
        for run in peers.values():
            run()
            run()
        times = {name: [] for name in peers}
        for i in range(args.rounds):
            names = list(peers)
            for name in names[i % len(names):] + names[:i % len(names)]:
                times[name].append(peers[name]())
    medians = {name: statistics.median(t) for name, t in times.items()}
    fastest = min(v for k, v in medians.items() if k != "LookTwice")
    print(json.dumps({
        "width": args.width, "depth": args.depth, "latents": args.size, "dtype": args.dtype,
        "threads": args.threads, "torch": torch.__version__, "looktwice": ours.name,
        "milliseconds": {k: round(v, 1) for k, v in medians.items()},
        "faster_than_fastest_pytorch": round(fastest / medians["LookTwice"], 3)}, indent=1))


if __name__ == "__main__":
    main()
