"""The peers of gpu_bench in PyTorch: the same blocks, sizes and precision, eager and compiled.

    python3 torch_bench.py --json FILE [--quick] [--seconds N]
    python3 torch_bench.py --warm FILE [--quick]      only compiles, for a later run; then makes FILE
    python3 torch_bench.py --json FILE --try          tiny sizes on the CPU: does the script work?

Compiled: the whole stack at batch 1, where launches count; one block, reused by every layer, at large
batches, so that compilation fits a short session. What finds no time within N seconds is left out.

Attention is scaled_dot_product_attention (flash); packed clips use variable-length flash attention
where PyTorch or flash-attn offers it, else one call a clip. Residual streams are bfloat16, as
autocast-free bfloat16 models have them: the faster choice for PyTorch.
"""
import argparse
import json
import os
import sys
import time
import traceback

try:
    import torch
    import torch.nn.functional as F
    from torch import nn
except ImportError as e:
    print(f"python3 has no PyTorch: {e}")
    sys.exit(77)

SIZES = {"ViT-B": (768, 12, 12), "ViT-L": (1024, 24, 16), "ViT-H": (1280, 32, 16)}


def one_by_one(q, k, v, cu, most):
    ends = cu.tolist()
    parts = []
    for a, b in zip(ends, ends[1:]):
        x = [t[a:b].transpose(0, 1).unsqueeze(0) for t in (q, k, v)]
        parts.append(F.scaled_dot_product_attention(*x)[0].transpose(0, 1))
    return torch.cat(parts)


def varlen():
    """The fastest variable-length attention that works here, and its name."""
    def flash():
        from flash_attn import flash_attn_varlen_func

        return lambda q, k, v, cu, most: flash_attn_varlen_func(q, k, v, cu, cu, most, most)

    def of_torch():
        from torch.nn.attention.varlen import varlen_attn

        return lambda q, k, v, cu, most: varlen_attn(q, k, v, cu, cu, most, most)

    x = torch.randn(48, 2, 64, device=DEVICE, dtype=torch.bfloat16)
    cu = torch.tensor([0, 16, 48], device=DEVICE, dtype=torch.int32)
    for name, find in (("flash-attn", flash), ("torch varlen_attn", of_torch)):
        try:
            found = find()
            with torch.no_grad():
                if (found(x, x, x, cu, 32) - one_by_one(x, x, x, cu, 32)).abs().max() < 0.1:
                    return name, found
        except Exception as e:
            print(f"{name}: {type(e).__name__}: {str(e)[:200]}", flush=True)
    return "one call a clip", one_by_one


DEVICE = "cuda"
VARLEN_NAME, VARLEN = "one call a clip", one_by_one
DEADLINE = float("inf")
WARM = False  # compile, do not measure
SAVE = lambda: None  # writes down what there is


def out_of_time():
    return time.perf_counter() > DEADLINE


def synchronize():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def random(*shape):
    return torch.randn(*shape, device=DEVICE, dtype=torch.bfloat16)


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(d, 1e-6), nn.LayerNorm(d, 1e-6)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.fc1, self.fc2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.heads = heads

    def forward(self, x, cu=None, most=0):
        if cu is None:
            b, n, d = x.shape
            q, k, v = self.qkv(self.n1(x)).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d)
        else:
            n, d = x.shape
            q, k, v = self.qkv(self.n1(x)).view(n, 3, self.heads, -1).unbind(1)
            a = VARLEN(q, k, v, cu, most).reshape(n, d)
        x = x + self.proj(a)
        return x + self.fc2(F.gelu(self.fc1(self.n2(x))))


class Stack(nn.Module):
    def __init__(self, d, layers, heads):
        super().__init__()
        self.blocks = nn.ModuleList(Block(d, heads) for _ in range(layers))

    def forward(self, x, cu=None, most=0):
        for b in self.blocks:
            x = b(x, cu, most)
        return x


def median_ms(run, repeats):
    for _ in range(1 if WARM else 3):
        run()
    synchronize()
    if WARM:
        return 0.0
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        synchronize()
        times.append((time.perf_counter() - begin) * 1e3)
    return sorted(times)[len(times) // 2]


class Compiled:
    """torch.compile with weights as arguments: compiled once, called for every layer."""

    def __init__(self, block):
        def call(weights, *args):
            return torch.func.functional_call(block, weights, args)

        self.call = torch.compile(call, dynamic=False)

    def run(self, blocks, x, cu=None, most=0):
        for b in blocks:
            x = self.call(dict(b.named_parameters()), x, cu, most)
        return x


def vits(quick, rows):
    large = 2 if quick else 32
    models = {}
    for name, (d, layers, heads) in SIZES.items():
        models[name] = Stack(d, layers, heads).to(DEVICE, torch.bfloat16).eval()
    tokens = 1568 if DEVICE == "cuda" else 96
    lengths = [tokens // 8 + (i * 601) % (tokens - tokens // 8) for i in range(large)]
    cu = torch.tensor([0] + lengths).cumsum(0).int().to(DEVICE)

    def add(name, case, mode, run, x, *args):
        if out_of_time():
            return
        try:
            ms = median_ms(lambda: run(x, *args), 30 if x.dim() == 3 and len(x) == 1 else 10)
        except Exception as e:  # the other cases are still worth having
            print(name, case, mode, f"{type(e).__name__}: {e}"[:300], flush=True)
            rows.append({"model": name, "case": case, "mode": mode, "error": str(e)[:200]})
            SAVE()
            return
        rows.append({"model": name, "case": case, "mode": mode, "ms": ms})
        if args:
            rows[-1]["attention"] = VARLEN_NAME
        print(name, case, mode, f"{ms:.3f} ms", flush=True)
        SAVE()

    packed = f"packed, mixed keep ratios, batch {large}"
    dense = {"dense batch 1": (1, tokens), f"dense batch {large}": (large, tokens),
             f"half the tokens batch {large}": (large, tokens // 2),
             f"30% of the tokens batch {large}": (large, tokens * 3 // 10)}
    # Eager first, then the compiled cases that have bars, the cheapest compilations first.
    if not WARM:
        for name, (d, layers, heads) in SIZES.items():
            with torch.inference_mode():
                for case, (b, n) in dense.items():
                    add(name, case, "eager", models[name], random(b, n, d))
                add(name, packed, "eager", models[name], random(sum(lengths), d), cu, max(lengths))
    for name, (d, layers, heads) in SIZES.items():
        model = models[name]
        x = random(1, tokens, d)
        add(name, "dense batch 1", "compiled", torch.compile(model, dynamic=False), x)
        torch._dynamo.reset()
        if DEVICE == "cuda":
            add(name, "dense batch 1", "compiled with CUDA graphs",
                torch.compile(model, dynamic=False, mode="reduce-overhead"), x)
        for case, x, *rest in ((f"dense batch {large}", random(large, tokens, d)),
                               (packed, random(sum(lengths), d), cu, max(lengths))):
            code = Compiled(model.blocks[0])
            add(name, case, "compiled", lambda x, *r: code.run(model.blocks, x, *r), x, *rest)
        torch._dynamo.reset()


class DitBlock(nn.Module):
    """A spatial or temporal block of STDiT3: modulated self-attention, cross-attention, MLP."""

    def __init__(self, h, heads, temporal):
        super().__init__()
        self.table = nn.Parameter(torch.randn(6, h) / h**0.5)
        self.norm1 = nn.LayerNorm(h, 1e-6, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(h, 1e-6, elementwise_affine=False)
        self.qkv, self.proj = nn.Linear(h, 3 * h), nn.Linear(h, h)
        self.qn, self.kn = nn.RMSNorm(h // heads, 1e-6), nn.RMSNorm(h // heads, 1e-6)
        self.cq, self.ckv, self.cproj = nn.Linear(h, h), nn.Linear(h, 2 * h), nn.Linear(h, h)
        self.fc1, self.fc2 = nn.Linear(h, 4 * h), nn.Linear(4 * h, h)
        self.heads, self.temporal = heads, temporal

    def rotate(self, x, cos, sin):
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)

    def forward(self, x, t_mlp, caption, cos, sin, frames, spots):
        b, n, h = x.shape
        m = (self.table[None] + t_mlp.view(b, 6, h)).chunk(6, 1)
        y = self.norm1(x) * (1 + m[1]) + m[0]
        y = y.view(b, frames, spots, h)
        y = y.transpose(1, 2).reshape(b * spots, frames, h) if self.temporal else y.reshape(
            b * frames, spots, h)
        q, k, v = self.qkv(y).view(*y.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = self.qn(q), self.kn(k)
        if self.temporal:
            q, k = self.rotate(q, cos, sin), self.rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(y.shape)
        y = self.proj(y)
        y = y.view(b, spots, frames, h).transpose(1, 2) if self.temporal else y
        x = x + m[2] * y.reshape(b, n, h)
        q = self.cq(x).view(b, n, self.heads, -1).transpose(1, 2)
        k, v = self.ckv(caption).view(b, -1, 2, self.heads, h // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, h)
        x = x + self.cproj(y)
        y = self.norm2(x) * (1 + m[4]) + m[3]
        return x + m[5] * self.fc2(F.gelu(self.fc1(y), approximate="tanh"))


def stdit3(quick, result):
    h, heads, depth = 1152, 16, (2 if quick else 28)
    frames, spots = (4, 64) if quick else (15, 1590)
    if DEVICE != "cuda":
        h, depth, spots = 288, 1, 6
        heads = 4
    blocks = nn.ModuleList(DitBlock(h, heads, i % 2 == 1) for i in range(2 * depth))
    blocks = blocks.to(DEVICE, torch.bfloat16).eval()
    x = random(2, frames * spots, h)
    t_mlp = random(2, 6 * h)
    caption = random(2, 300, h)
    angle = torch.outer(torch.arange(frames).float(), 1e4 ** (-torch.arange(0, 72, 2).float() / 72))
    cos, sin = angle.cos().to(DEVICE, torch.bfloat16), angle.sin().to(DEVICE, torch.bfloat16)

    def all_blocks(x):
        for b in blocks:
            x = b(x, t_mlp, caption, cos, sin, frames, spots)
        return x

    # What caching every block's two residuals holds, as the published code does.
    result["reference_cache_mib"] = 112 * x.numel() * x.element_size() / 2**20

    def compiled_blocks():
        # One compilation for spatial and one for temporal blocks; weights are arguments.
        code = [Compiled(blocks[i]) for i in range(2)]

        def run(x):
            for i, b in enumerate(blocks):
                x = code[i % 2].call(dict(b.named_parameters()), x, t_mlp, caption, cos, sin, frames,
                                     spots)
            return x

        return run

    for mode in ("compiled",) if WARM else ("eager", "compiled"):
        if out_of_time():
            break
        run = all_blocks if mode == "eager" else compiled_blocks()
        torch.cuda.reset_peak_memory_stats() if DEVICE == "cuda" else None
        result[mode] = {"step_ms": median_ms(lambda: run(x), 5),
                        "memory_peak_mib": torch.cuda.max_memory_allocated() / 2**20 if DEVICE == "cuda" else 0}
        print("STDiT3", mode, f"{result[mode]['step_ms']:.3f} ms", flush=True)
        SAVE()


def ceilings(quick, result):
    n = (2048 if quick else 8192) if DEVICE == "cuda" else 64
    a, b = random(n, n), random(n, n)
    ms = median_ms(lambda: a @ b, 20)
    source = random(1 << 14 if quick else 1 << 18, 4096)
    to = torch.empty_like(source)
    copy = median_ms(lambda: to.copy_(source), 20)
    result.update({"matmul_bf16_tflops": 2e-9 * n**3 / ms,
                   "copy_gb_per_s": 2e-6 * source.numel() * 2 / copy})


def main():
    global DEADLINE, DEVICE, SAVE, SIZES, VARLEN, VARLEN_NAME, WARM
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--warm")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--try", action="store_true", dest="trial")
    parser.add_argument("--seconds", type=float, default=1e9)
    args = parser.parse_args()
    if args.trial:
        DEVICE, SIZES, args.quick = "cpu", {"ViT-B": (96, 2, 4)}, True
    if DEVICE == "cuda" and not torch.cuda.is_available():
        print(f"PyTorch {torch.__version__} finds no GPU")
        sys.exit(77)
    WARM = bool(args.warm)
    DEADLINE = time.perf_counter() + args.seconds
    torch.manual_seed(1)
    VARLEN_NAME, VARLEN = varlen()
    doc = {"device": torch.cuda.get_device_name() if DEVICE == "cuda" else "CPU",
           "torch": torch.__version__, "variable_length_attention": VARLEN_NAME}

    def save():
        if not args.json:
            return
        with open(args.json + ".part", "w") as f:
            json.dump(doc, f, indent=1)
        os.replace(args.json + ".part", args.json)

    SAVE = save
    parts = {"ceilings": (ceilings, {}), "stdit3": (stdit3, {}), "vit": (vits, [])}
    if WARM:
        del parts["ceilings"]
    with torch.no_grad():
        for name, (part, result) in parts.items():
            print("measuring", name, flush=True)
            doc[name] = result
            try:
                part(args.quick, result)
            except Exception as e:  # the other parts are still worth having
                traceback.print_exc()
                error = {"error": f"{type(e).__name__}: {e}"[:500]}
                result.append(error) if isinstance(result, list) else result.update(error)
            if DEVICE == "cuda":
                torch.cuda.empty_cache()
            save()  # whatever comes after, this is kept
    if WARM:
        open(args.warm, "w").close()


if __name__ == "__main__":
    main()
