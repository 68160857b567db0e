"""ToMe between attention and MLP (Bolya et al., 2023), for training cost and evaluation."""

import torch


class Merge:
    """Merges r tokens in each layer; pass as `merge` to Vit.forward."""

    def __init__(self, r):
        self.r = r

    def __call__(self, layer, x, key, size):
        b, n, d = x.shape
        if size is None:
            size = x.new_ones(b, n)
        r = min(self.r, n // 2)
        if r <= 0:
            return x, size
        with torch.no_grad():
            metric = key.mean(1)
            metric = metric / metric.norm(dim=-1, keepdim=True)
            scores = metric[:, ::2] @ metric[:, 1::2].transpose(1, 2)
            best, to = scores.max(-1)
            order = best.argsort(dim=-1, descending=True, stable=True)
            source, rest = order[:, :r], order[:, r:]
            target = to.gather(1, source)
        weighted = x * size[..., None]
        even, odd = weighted[:, ::2], weighted[:, 1::2]
        size_even, size_odd = size[:, ::2], size[:, 1::2]
        wide = lambda index: index[..., None].expand(-1, -1, d)
        odd = odd.scatter_add(1, wide(target), even.gather(1, wide(source)))
        size_odd = size_odd.scatter_add(1, target, size_even.gather(1, source))
        out = torch.cat([even.gather(1, wide(rest)), odd], 1)
        size = torch.cat([size_even.gather(1, rest), size_odd], 1)
        return out / size[..., None], size
