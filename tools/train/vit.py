"""VideoMAE's classifier with its published (Hugging Face) names, on any subset of a clip's tokens."""

import json
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

POSITIONS = "pos_embed"  # missing: the sinusoids
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass
class VitConfig:
    hidden: int = 128
    layers: int = 5
    heads: int = 4
    mlp: int = 512
    classes: int = 15
    frames: int = 16
    size: int = 112
    patch: int = 16
    tubelet: int = 2
    eps: float = 1e-6

    @property
    def grid(self):
        return self.frames // self.tubelet, self.size // self.patch, self.size // self.patch

    @property
    def tokens(self):
        return math.prod(self.grid)


def sincos(count, width):
    """Positions over the flattened index: angle = p * 10000^(-(j - j % 2) / width); sin, cos."""
    p = torch.arange(count, dtype=torch.float64)[:, None]
    j = torch.arange(width, dtype=torch.float64)
    angle = p * 10000.0 ** (-(j - j % 2) / width)
    return torch.where(j % 2 == 0, angle.sin(), angle.cos()).float()


class SelfAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.query = nn.Linear(c.hidden, c.hidden, bias=False)
        self.key = nn.Linear(c.hidden, c.hidden, bias=False)
        self.value = nn.Linear(c.hidden, c.hidden, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(c.hidden))
        self.v_bias = nn.Parameter(torch.zeros(c.hidden))


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c.heads
        self.attention = SelfAttention(c)
        self.output = nn.ModuleDict({"dense": nn.Linear(c.hidden, c.hidden)})

    def forward(self, x, mask):
        b, n, d = x.shape
        a = self.attention
        split = lambda y: y.view(b, n, self.heads, d // self.heads).transpose(1, 2)
        q = split(F.linear(x, a.query.weight, a.q_bias))
        k = split(F.linear(x, a.key.weight))
        v = split(F.linear(x, a.value.weight, a.v_bias))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.output["dense"](y.transpose(1, 2).reshape(b, n, d)), k


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention = Attention(c)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(c.hidden, c.mlp)})
        self.output = nn.ModuleDict({"dense": nn.Linear(c.mlp, c.hidden)})
        self.layernorm_before = nn.LayerNorm(c.hidden, eps=c.eps)
        self.layernorm_after = nn.LayerNorm(c.hidden, eps=c.eps)

    def mix(self, x, mask=None):
        y, key = self.attention(self.layernorm_before(x), mask)
        return x + y, key

    def think(self, x):
        h = F.gelu(self.intermediate["dense"](self.layernorm_after(x)))
        return x + self.output["dense"](h)


class Vit(nn.Module):
    """forward(patches [B,N,3*2*16*16], index [B,N]) -> logits [B,classes].

    patches are normalised and flattened as [frame, row, column, channel] (see data.gather);
    index says which of the clip's tokens they are; lengths [B,N] how many tubelets a token stands
    for (its row in length_embed); mask [B,N] is False where a row is padding.
    size [B,N]: how many tokens each stands for, as in ToMe: a sample of the still tokens, weighted,
    is as good as all of them on average.
    merge: a function (layer, tokens, key) -> tokens, between attention and MLP (ToMe).
    states: a list to which the tokens after every layer are appended.
    """

    def __init__(self, config, lengths=False):
        super().__init__()
        c = self.config = config
        v = self.videomae = nn.Module()
        v.embeddings = nn.Module()
        v.embeddings.patch_embeddings = nn.Module()
        v.embeddings.patch_embeddings.projection = nn.Conv3d(
            3, c.hidden, (c.tubelet, c.patch, c.patch), (c.tubelet, c.patch, c.patch))
        v.encoder = nn.Module()
        v.encoder.layer = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.fc_norm = nn.LayerNorm(c.hidden)
        self.classifier = nn.Linear(c.hidden, c.classes)
        if lengths:
            self.length_embed = nn.Parameter(torch.randn(1, c.grid[0], c.hidden) * 0.02)
        self.pos_embed = nn.Parameter(sincos(c.tokens, c.hidden)[None])
        for name, p in self.named_parameters():
            if p.ndim == 2:
                nn.init.trunc_normal_(p, std=p.shape[1] ** -0.5)

    def embed(self, patches, index, lengths=None):
        proj = self.videomae.embeddings.patch_embeddings.projection
        weight = proj.weight.permute(0, 2, 3, 4, 1).reshape(self.config.hidden, -1)
        x = F.linear(patches, weight, proj.bias) 
        x = x + self.pos_embed[0, index]
        if lengths is not None and hasattr(self, "length_embed"):
            x = x + self.length_embed[0, lengths - 1]
        return x

    def forward(self, patches, index, lengths=None, mask=None, size=None, merge=None, states=None):
        x = self.embed(patches, index, lengths)
        keys = None if mask is None else mask[:, None, None, :]
        for i, layer in enumerate(self.videomae.encoder.layer):
            if size is not None:
                keys = size.log()[:, None, None, :]
            x, key = layer.mix(x, keys)
            if merge is not None:
                x, size = merge(i, x, key, size)
            x = layer.think(x)
            if states is not None:
                states.append(x)
        if mask is not None:
            pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        elif size is not None:
            pooled = (x * size[..., None]).sum(1) / size.sum(1, keepdim=True)
        else:
            pooled = x.mean(1)
        return self.classifier(self.fc_norm(pooled))


def folder_config(config, names):
    return {
        "model_type": "videomae", "architectures": ["VideoMAEForVideoClassification"],
        "image_size": config.size, "patch_size": config.patch, "num_channels": 3,
        "num_frames": config.frames, "tubelet_size": config.tubelet,
        "hidden_size": config.hidden, "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads, "intermediate_size": config.mlp,
        "hidden_act": "gelu", "qkv_bias": True, "layer_norm_eps": config.eps,
        "use_mean_pooling": True, "num_labels": len(names), "torch_dtype": "bfloat16",
        "id2label": {str(i): n for i, n in enumerate(names)},
        "label2id": {n: i for i, n in enumerate(names)},
    }


def from_folder(folder, dtype=torch.float32):
    """A model folder as a Vit; the weights are widened to float32."""
    from safetensors.torch import load_file
    c = json.load(open(f"{folder}/config.json"))
    config = VitConfig(hidden=c["hidden_size"], layers=c["num_hidden_layers"],
                       heads=c["num_attention_heads"], mlp=c["intermediate_size"],
                       classes=len(c["id2label"]), frames=c["num_frames"], size=c["image_size"],
                       patch=c["patch_size"], tubelet=c["tubelet_size"],
                       eps=c["layer_norm_eps"])
    weights = {k: v.to(dtype) for k, v in load_file(f"{folder}/model.safetensors").items()}
    model = Vit(config, lengths="length_embed" in weights)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or set(missing) - {POSITIONS}:
        raise ValueError(f"{folder}: does not fit ({missing}, {unexpected})")
    return model
