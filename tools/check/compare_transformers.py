"""Random-weight models made with transformers and timm, their logits against `looktwice classify`.

    python tools/check/compare_transformers.py --looktwice build/dev/app/cli/looktwice

Every model is saved as its package saves it; LookTwice must give the same logits to 1e-3 (float32).
Needs torch, transformers, timm, safetensors and numpy. Not part of CI.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.numpy import load_file, save_file


def shake(model):
    """Biases and norms away from their zeros and ones, so that none can be left out unnoticed."""
    for name, p in model.named_parameters():
        if p.ndim == 1:
            torch.nn.init.normal_(p, 1.0 if "norm" in name and name.endswith("weight") else 0.0, 0.1)


def normalised(rgb, mean, std):
    x = torch.from_numpy(rgb).float() * (1 / 255)
    return (x - torch.tensor(mean)) / torch.tensor(std)


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def videomae(folder, rgb, **changes):
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification

    torch.manual_seed(1)
    model = VideoMAEForVideoClassification(VideoMAEConfig(num_labels=400, **changes)).eval()
    shake(model)
    model.save_pretrained(folder)
    x = normalised(rgb, *IMAGENET).permute(0, 3, 1, 2)[None]
    with torch.inference_mode():
        return model(pixel_values=x).logits[0].numpy()


def timm_vit(folder, rgb, name):
    import timm

    torch.manual_seed(2)
    model = timm.create_model(name, pretrained=False, num_classes=1000).eval()
    shake(model)
    save_file({k: v.contiguous().numpy() for k, v in model.state_dict().items()},
              folder / "model.safetensors")
    cfg = model.pretrained_cfg
    (folder / "config.json").write_text(json.dumps({
        "architecture": name, "num_classes": 1000, "num_features": model.num_features,
        "pretrained_cfg": {"mean": cfg["mean"], "std": cfg["std"],
                           "interpolation": cfg["interpolation"]}}))
    x = normalised(rgb, cfg["mean"], cfg["std"]).permute(2, 0, 1)[None]
    with torch.inference_mode():
        return model(x)[0].numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looktwice", required=True)
    parser.add_argument("--backend", default="onednn")
    parser.add_argument("--tolerance", type=float, default=1e-3)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (16, 224, 224, 3), dtype=np.uint8)
    image = clip[0]
    cases = {
        "VideoMAE ViT-B": lambda f: (clip, videomae(f, clip)),
        "VideoMAE ViT-S, first token pooled": lambda f: (clip, videomae(
            f, clip, hidden_size=384, num_attention_heads=6, intermediate_size=1536,
            num_hidden_layers=4, use_mean_pooling=False)),
        "timm vit_base_patch16_224": lambda f: (image, timm_vit(f, image, "vit_base_patch16_224")),
        "timm deit_small_distilled": lambda f: (image, timm_vit(
            f, image, "deit_small_distilled_patch16_224")),
    }
    failed = 0
    for name, make in cases.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            rgb, want = make(folder)
            key = "frames_u8" if rgb.ndim == 4 else "images_u8"
            save_file({key: rgb if rgb.ndim == 4 else rgb[None]}, folder / "input.tensors.safetensors")
            (folder / "input").mkdir()
            (folder / "input.tensors.safetensors").rename(folder / "input" / "x.safetensors")
            run = subprocess.run(
                [args.looktwice, "classify", folder / "input" / "x.safetensors", "--model", folder,
                 "--backend", args.backend, "--dump", folder / "input" / "out.safetensors"],
                capture_output=True, text=True)
            if run.returncode:
                print(f"{name}: {run.stderr.strip()}")
                failed += 1
                continue
            got = load_file(folder / "input" / "out.safetensors")["logits"][0]
            error = float(np.abs(got - want).max())
            good = error <= args.tolerance
            failed += not good
            print(f"{name}: largest difference {error:.2e} of {np.abs(want).max():.2f}"
                  f"{'' if good else '  FAILED'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
