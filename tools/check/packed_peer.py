"""Variable-length attention as PyTorch offers it on a CPU, for vs_pytorch.py.

The tokens of several clips lie one clip after the other in one sequence, as in LookTwice; the
published layers run over all of them, and only attention keeps the clips apart:

    per-sequence   scaled_dot_product_attention on every clip's slice
    nested         scaled_dot_product_attention on nested tensors (jagged layout)
    flex           flex_attention with a block mask of clips, compiled
    padded         all clips padded to the longest, with a mask (the whole model, not the attention)
"""

import torch
import torch.nn.functional as F
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS


def per_sequence(lengths):
    def attend(module, q, k, v, mask, scaling=None, **_):
        parts = [F.scaled_dot_product_attention(*x, scale=scaling)
                 for x in zip(q.split(lengths, 2), k.split(lengths, 2), v.split(lengths, 2))]
        return torch.cat(parts, 2).transpose(1, 2), None
    return attend


def nested(lengths):
    offsets = torch.tensor([0] + lengths).cumsum(0)

    def attend(module, q, k, v, mask, scaling=None, **_):
        def jagged(x):  # [1, heads, tokens, dim] to [clips, heads, ragged, dim]
            rows = x[0].transpose(0, 1)
            return torch.nested.nested_tensor_from_jagged(rows, offsets).transpose(1, 2)
        out = F.scaled_dot_product_attention(jagged(q), jagged(k), jagged(v), scale=scaling)
        return out.transpose(1, 2).values()[None], None
    return attend


def flex(lengths):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    total = sum(lengths)
    clip = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    mask = create_block_mask(lambda b, h, i, j: clip[i] == clip[j], None, None, total, total, "cpu")
    run = torch.compile(flex_attention)

    def attend(module, q, k, v, _, scaling=None, **__):
        return run(q, k, v, block_mask=mask, scale=scaling).transpose(1, 2), None
    return attend


def padded(lengths):
    clips, most = len(lengths), max(lengths)
    mask = (torch.arange(most)[None] < torch.tensor(lengths)[:, None])[:, None, None]

    def attend(module, q, k, v, _, scaling=None, **__):
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, scale=scaling).transpose(1, 2), None
    attend.rows = (clips, most)
    return attend


WAYS = {"per-sequence": per_sequence, "nested": nested, "flex": flex, "padded": padded}


def make(model, lengths, way):
    """A function without arguments that runs `model` (VideoMAE) over clips of so many tokens."""
    attend = WAYS[way](lengths)
    name = "packed_" + way.replace("-", "_")
    ALL_ATTENTION_FUNCTIONS.register(name, attend)
    config, core = model.config, model.videomae
    dtype, width = next(model.parameters()).dtype, config.hidden_size
    shape = getattr(attend, "rows", (1, sum(lengths)))
    projection = core.embeddings.patch_embeddings.projection
    weight = projection.weight.reshape(width, -1)
    patches = torch.rand(*shape, weight.shape[1]).to(dtype)
    positions = torch.rand(*shape, width).to(dtype)

    def forward():
        config._attn_implementation = name
        x = F.linear(patches, weight, projection.bias) + positions
        for layer in core.encoder.layer:
            x = layer(x)
        if shape[0] == 1:
            x = torch.stack([part.mean(1)[0] for part in x.split(lengths, 1)])
        else:
            x = torch.stack([row[:n].mean(0) for row, n in zip(x, lengths)])
        return model.classifier(model.fc_norm(x))
    return forward
