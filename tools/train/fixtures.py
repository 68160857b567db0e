"""Writes tests/golden/scenes: tiny untrained models of both kinds, for tests of the engine, and
what PyTorch computes with them.

  python tools/train/fixtures.py --looktwice build/dev/app/cli/looktwice [-o tests/golden/scenes]
"""

import argparse
import tempfile

import numpy as np
import torch

import captions
import data
import dit
import export
import train_dit
import vit
import world


CLIP = 7  # seed of the labelled world's clip that is classified
PROMPT = (1, 3, 1, 0, 2)  # a yellow square moves slowly right on a sky background


def noise(count):
    """Numbers that a test can make again without this program: a Weyl sequence, -1.5 to 1.5."""
    i = np.arange(count, dtype=np.uint64)
    return ((i * np.uint64(2654435761) % np.uint64(2**32)).astype(np.float64) / 2**32 - 0.5) * 3


@torch.no_grad()
def logits(model, clip, tau=None):
    if tau is None:
        index, lengths = np.arange(data.TOKENS), None
    else:
        keep = data.rlt_keep(data.differences(clip[None])[0], tau)
        index, lengths = np.flatnonzero(keep), torch.from_numpy(data.lengths_of(keep))[None]
    out = model(data.gather([clip], [index]), torch.from_numpy(index)[None], lengths)
    return [round(float(v), 6) for v in out[0]]


@torch.no_grad()
def latents(model, steps, guidance):
    c = model.config
    z = torch.from_numpy(noise(3 * c.frames * c.size**2)).float()
    z = z.view(1, 3, c.frames, c.size, c.size)
    values = torch.tensor([PROMPT])
    table = captions.rows(c.caption_channels)
    z = train_dit.sample(model, values, table, steps, guidance, start=z)
    return [round(float(v), 6) for v in z.flatten()[::97]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looktwice", default="looktwice")
    parser.add_argument("-o", "--output", default="tests/golden/scenes")
    a = parser.parse_args()
    out = a.output
    torch.manual_seed(1)
    config = vit.VitConfig(hidden=32, layers=2, heads=2, mlp=64)
    for name, lengths in (("tiny_vit", False), ("tiny_vit_lengths", True)):
        model = vit.Vit(config, lengths=lengths)
        for p in model.parameters():
            if p.ndim == 1:
                p.data += torch.randn_like(p) * 0.1
        export.save_folder(f"{out}/{name}", model.state_dict(),
                           vit.folder_config(config, world.CLASSES),
                           {"preprocessor_config.json":
                            export.preprocessor(config.size, vit.MEAN, vit.STD)})
    config = dit.DitConfig(hidden=64, depth=2, heads=2, mlp_ratio=2.0)
    model = dit.Dit(config)
    for p in model.parameters():
        if p.ndim == 1:
            p.data += torch.randn_like(p) * 0.1
    export.save_folder(f"{out}/tiny_dit", model.state_dict(), dit.folder_config(config, steps=6),
                       {"vocab.json": captions.vocabulary(config.caption_channels)})

    with tempfile.TemporaryDirectory() as scratch:
        clip = data.synth(a.looktwice, 1, CLIP, scratch)[0][0]
    dense = vit.from_folder(f"{out}/tiny_vit")
    lengths = vit.from_folder(f"{out}/tiny_vit_lengths")
    diffusion = dit.from_folder(f"{out}/tiny_dit")
    export.write_json(f"{out}/expected.json", {
        "clip": CLIP,
        "tiny_vit": {"dense": logits(dense, clip), "rlt 0.1": logits(dense, clip, 0.1)},
        "tiny_vit_lengths": {"rlt 0.1": logits(lengths, clip, 0.1)},
        "prompt": captions.sentence(PROMPT), "steps": 6, "guidance": 3.0, "every": 97,
        "tiny_dit": latents(diffusion, 6, 3.0)})


if __name__ == "__main__":
    main()
