"""STDiT3 (the video transformer of Open-Sora 1.2) with its published names, in pixel space."""

import json
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class DitConfig:
    hidden: int = 96
    depth: int = 4
    heads: int = 4
    mlp_ratio: float = 4.0
    patch: int = 4
    frames: int = 8
    size: int = 32
    caption_channels: int = 32
    caption_tokens: int = 5
    time_shift: float = 2.0
    fps: float = 8.0


def sinusoid(t, width=256):
    f = torch.exp(-math.log(10000.0) * torch.arange(width // 2, dtype=torch.float32) / (width // 2))
    a = t.float()[:, None] * f
    return torch.cat([a.cos(), a.sin()], -1)


class TimeEmbedder(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, h), nn.SiLU(), nn.Linear(h, h))

    def forward(self, t):
        return self.mlp(sinusoid(t))


class Mlp(nn.Module):
    def __init__(self, i, m, o):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(i, m), nn.Linear(m, o)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class HeadNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


class SelfAttention(nn.Module):
    def __init__(self, h, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(h, 3 * h), nn.Linear(h, h)
        self.q_norm, self.k_norm = HeadNorm(h // heads), HeadNorm(h // heads)

    def forward(self, x, rope=None):
        b, n, h = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, h // self.heads).permute(2, 0, 3, 1, 4)
        q, k = self.q_norm(q), self.k_norm(k)
        if rope is not None:
            q, k = rotate(q, rope), rotate(k, rope)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(b, n, h))


class CrossAttention(nn.Module):
    def __init__(self, h, heads):
        super().__init__()
        self.heads = heads
        self.q_linear, self.kv_linear = nn.Linear(h, h), nn.Linear(h, 2 * h)
        self.proj = nn.Linear(h, h)

    def forward(self, x, y, mask):
        b, n, h = x.shape
        q = self.q_linear(x).view(b, n, self.heads, -1).transpose(1, 2)
        k, v = self.kv_linear(y).view(b, y.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        m = None if mask is None else mask[:, None, None, :]
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=m)
        return self.proj(z.transpose(1, 2).reshape(b, n, h))


def rotate(x, rope):
    """Interleaved pairs, all dimensions; rope = (cos, sin) [T, d/2]."""
    cos, sin = rope
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c.hidden
        self.scale_shift_table = nn.Parameter(torch.randn(6, h) / h**0.5)
        self.attn = SelfAttention(h, c.heads)
        self.cross_attn = CrossAttention(h, c.heads)
        self.mlp = Mlp(h, int(h * c.mlp_ratio), h)

    def forward(self, x, y, mask, t6, shape, rope):
        b, frames, places, h = shape
        shift1, scale1, gate1, shift2, scale2, gate2 = (
            self.scale_shift_table + t6.view(b, 6, h)).unsqueeze(2).unbind(1)
        z = F.layer_norm(x, (h,), eps=1e-6) * (1 + scale1) + shift1
        if rope is None:
            z = self.attn(z.view(b * frames, places, h)).view(b, -1, h)
        else:
            z = z.view(b, frames, places, h).transpose(1, 2).reshape(b * places, frames, h)
            z = self.attn(z, rope).view(b, places, frames, h).transpose(1, 2).reshape(b, -1, h)
        x = x + gate1 * z
        x = x + self.cross_attn(x, y, mask)
        z = F.layer_norm(x, (h,), eps=1e-6) * (1 + scale2) + shift2
        return x + gate2 * self.mlp(z)


class Dit(nn.Module):
    """forward(z [B,3,T,H,W], t [B] in (0,1000], caption [B,n,channels], mask [B,n] or None) -> v.

    times [T]: which of the clip's frames these are; all from the first where missing.
    """

    def __init__(self, config):
        super().__init__()
        c = self.config = config
        h, p = c.hidden, c.patch
        self.x_embedder = nn.Module()
        self.x_embedder.proj = nn.Conv3d(3, h, (1, p, p), (1, p, p))
        self.t_embedder, self.fps_embedder = TimeEmbedder(h), TimeEmbedder(h)
        self.t_block = nn.Sequential(nn.SiLU(), nn.Linear(h, 6 * h))
        self.y_embedder = nn.Module()
        self.y_embedder.y_proj = Mlp(c.caption_channels, h, h)
        self.y_embedder.y_embedding = nn.Parameter(
            torch.randn(c.caption_tokens, c.caption_channels) / c.caption_channels**0.5)
        self.spatial_blocks = nn.ModuleList(Block(c) for _ in range(c.depth))
        self.temporal_blocks = nn.ModuleList(Block(c) for _ in range(c.depth))
        self.final_layer = nn.Module()
        self.final_layer.scale_shift_table = nn.Parameter(torch.randn(2, h) / h**0.5)
        self.final_layer.linear = nn.Linear(h, p * p * 3)
        n = c.size // p
        # Height and width in pixels give scale = sqrt(H W) / input_sq_size = 1, as in the config.
        self.register_buffer("positions", self._places(n, n), persistent=False)
        d = h // c.heads
        f = 10000.0 ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
        a = torch.arange(c.frames, dtype=torch.float32)[:, None] * f
        self.register_buffer("rope_cos", a.cos(), persistent=False)
        self.register_buffer("rope_sin", a.sin(), persistent=False)
        for name, q in self.named_parameters():
            if q.ndim == 2 and "table" not in name and "y_embedding" not in name:
                nn.init.xavier_uniform_(q)
            elif name.endswith("bias"):
                nn.init.zeros_(q)
        self._prime()

    @torch.no_grad()
    def _prime(self):
        """A start from which noise already passes through: the embedding keeps a patch's values in
        channels of their own and the last layer takes them out again, as -noise, which is most of
        v. Gates are half open; what they let through is small."""
        c, pixels = self.config, 3 * self.config.patch**2
        q, _ = torch.linalg.qr(torch.randn(c.hidden, pixels))
        self.x_embedder.proj.weight.copy_(q.view(self.x_embedder.proj.weight.shape) * 1.5)
        last = self.final_layer.linear.weight.view(c.patch, c.patch, 3, c.hidden)
        last.copy_(-0.9 * q.T.view(3, c.patch, c.patch, c.hidden).permute(1, 2, 0, 3))
        self.final_layer.scale_shift_table.zero_()
        self.t_block[1].weight.mul_(0.1)
        for block in [*self.spatial_blocks, *self.temporal_blocks]:
            block.scale_shift_table.mul_(0.2)
            block.scale_shift_table[[2, 5]] = 0.5
            for layer in (block.attn.proj, block.cross_attn.proj, block.mlp.fc2):
                layer.weight.mul_(0.3)

    def _places(self, rows, columns):
        """The first half of the channels encodes the column, the second the row; [sin, cos] each.

        A place is i * base / count with base = round(sqrt(rows * columns)), at scale 1."""
        h, base = self.config.hidden, round(math.sqrt(rows * columns))
        f = 10000.0 ** (-torch.arange(0, h // 2, 2, dtype=torch.float64) / (h // 2))
        axis = lambda n: (lambda a: torch.cat([a.sin(), a.cos()], -1))(
            torch.arange(n, dtype=torch.float64)[:, None] * (base / n) * f)
        x, y = axis(columns), axis(rows)
        grid = torch.cat([x[None].expand(rows, -1, -1), y[:, None].expand(-1, columns, -1)], -1)
        return grid.reshape(rows * columns, h).float()

    def patchify(self, z):
        b, _, frames, height, width = z.shape
        p = self.config.patch
        z = z.view(b, 3, frames, height // p, p, width // p, p).permute(0, 2, 3, 5, 1, 4, 6)
        return z.reshape(b, frames, -1, 3 * p * p)

    def forward(self, z, t, caption, mask=None, times=None):
        c, h, p = self.config, self.config.hidden, self.config.patch
        b, _, frames, height, width = z.shape
        x = F.linear(self.patchify(z), self.x_embedder.proj.weight.view(h, -1),
                     self.x_embedder.proj.bias) + self.positions
        shape = (b, frames, x.shape[2], h)
        x = x.view(b, -1, h)
        fps = torch.full((1,), c.fps)
        time = self.t_embedder(t) + self.fps_embedder(fps)
        t6 = self.t_block(time)
        y = self.y_embedder.y_proj(caption)
        times = torch.arange(frames) if times is None else times
        rope = (self.rope_cos[times], self.rope_sin[times])
        for spatial, temporal in zip(self.spatial_blocks, self.temporal_blocks):
            x = spatial(x, y, mask, t6, shape, None)
            x = temporal(x, y, mask, t6, shape, rope)
        shift, scale = (self.final_layer.scale_shift_table + time[:, None]).unsqueeze(2).unbind(1)
        x = F.layer_norm(x, (h,), eps=1e-6) * (1 + scale) + shift
        x = self.final_layer.linear(x)
        x = x.view(b, frames, height // p, width // p, p, p, 3).permute(0, 6, 1, 2, 4, 3, 5)
        return x.reshape(b, 3, frames, height, width)


def folder_config(c, steps=30, guidance=3.0):
    return {
        "model_type": "STDiT3", "architectures": ["STDiT3"], "hidden_size": c.hidden,
        "depth": c.depth, "num_heads": c.heads, "mlp_ratio": c.mlp_ratio, "in_channels": 3,
        "pred_sigma": False, "patch_size": [1, c.patch, c.patch],
        "caption_channels": c.caption_channels, "model_max_length": c.caption_tokens,
        "input_sq_size": c.size, "input_size": [c.frames, c.size, c.size], "qk_norm": True,
        "class_dropout_prob": 0.1, "time_shift": c.time_shift, "fps": c.fps,
        "num_sampling_steps": steps, "cfg_scale": guidance, "torch_dtype": "bfloat16",
    }


def from_folder(folder):
    """A model folder as a Dit; the weights are widened to float32."""
    from safetensors.torch import load_file
    c = json.load(open(f"{folder}/config.json"))
    model = Dit(DitConfig(
        hidden=c["hidden_size"], depth=c["depth"], heads=c["num_heads"], mlp_ratio=c["mlp_ratio"],
        patch=c["patch_size"][1], frames=c["input_size"][0], size=c["input_size"][1],
        caption_channels=c["caption_channels"], caption_tokens=c["model_max_length"],
        time_shift=c["time_shift"], fps=c["fps"]))
    weights = load_file(f"{folder}/model.safetensors")
    model.load_state_dict({k: v.float() for k, v in weights.items()})
    return model
