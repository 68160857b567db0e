"""Published checkpoints (pickles) to model folders that LookTwice reads.

    python tools/convert/convert.py CHECKPOINT.pth -o FOLDER [--classes labels.txt] [--dtype f16]

Takes VideoMAE and VideoMAE v2 fine-tuned files (also those that RLT's models were trained from and
produce), MAE fine-tuned, timm, DeiT and SWAG. Pickles are opened with weights_only=True: nothing in
the file is run. Names are kept as they are; LookTwice detects them. What a shape cannot tell (heads,
image size, frames) is taken from the well-known widths and may be given on the command line.
Needs torch and safetensors.
"""

import argparse
import json
import pathlib
import re
import sys

import torch
from safetensors.torch import save_file

# Heads of the published widths; others use heads of 64.
HEADS = {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16, 1408: 16}
NESTED = ("model", "module", "state_dict", "model_state", "classy_state_dict", "base_model", "trunk",
          "ema", "model_ema")


def state_dict(path):
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    while isinstance(loaded, dict) and not any(torch.is_tensor(v) for v in loaded.values()):
        inner = next((k for k in NESTED if isinstance(loaded.get(k), dict)), None)
        if inner is None:
            sys.exit(f"{path}: no weights found; keys are {sorted(map(str, loaded))[:8]}")
        loaded = loaded[inner]
    return {str(k): v for k, v in loaded.items() if torch.is_tensor(v)}


def strip(weights):
    """Removes what training scripts put in front of every name."""
    changed = True
    while changed:
        changed = False
        for prefix in ("module.", "model.", "backbone.", "_orig_mod."):
            if weights and all(k.startswith(prefix) for k in weights):
                weights = {k[len(prefix):]: v for k, v in weights.items()}
                changed = True
    # Fine-tuning scripts also store the encoder of a pre-trained file under "encoder.".
    if any(k.startswith("encoder.blocks.") for k in weights):
        weights = {k.removeprefix("encoder."): v for k, v in weights.items()}
    return weights


def describe(weights, args):
    """config.json from the shapes."""
    patch_name = next((n for n in ("patch_embed.proj.weight", "conv_proj.weight") if n in weights),
                      None)
    if patch_name is None:
        sys.exit("this is no vision transformer that is known: there is neither "
                 "patch_embed.proj.weight nor conv_proj.weight")
    patch = weights[patch_name]
    width, video = patch.shape[0], patch.dim() == 5
    blocks = {int(m[1]) for k in weights
              for m in [re.match(r"(?:blocks|encoder\.layers\.(?:encoder_)?layer)[._](\d+)\.", k)]
              if m}
    if not blocks:
        sys.exit("there are no transformer blocks")
    head = next((n for n in ("head.weight", "head.layers.head.weight", "heads.head.weight")
                 if n in weights), None)
    if head is None:
        sys.exit("there is no classifier: this is a pre-training checkpoint; take the fine-tuned one")
    mlp = next(v.shape[0] for k, v in weights.items()
               if re.search(r"(mlp\.fc1|mlp\.linear_1|mlp\.0)\.weight$", k))
    config = {
        "model_type": "videomae" if video else "timm_vit",
        "patch_size": patch.shape[-1], "num_channels": 3, "hidden_size": width,
        "num_hidden_layers": max(blocks) + 1,
        "num_attention_heads": args.heads or HEADS.get(width, width // 64),
        "intermediate_size": mlp, "layer_norm_eps": 1e-6, "qkv_bias": any(
            re.search(r"(q_bias|qkv\.bias|in_proj_bias|attn\.q\.bias)$", k) for k in weights),
        "num_labels": weights[head].shape[0],
    }
    if video:
        config |= {"image_size": args.image_size or 224, "num_frames": args.frames,
                   "tubelet_size": patch.shape[2], "use_mean_pooling": "fc_norm.weight" in weights}
    else:
        position = next(v for k, v in weights.items() if k in ("pos_embed", "encoder.pos_embedding"))
        extra = sum(k in weights for k in ("cls_token", "class_token", "dist_token"))
        side = round((max(position.shape[:2]) - extra) ** 0.5)
        config |= {"image_size": args.image_size or side * patch.shape[-1],
                   "class_token": any(k in weights for k in ("cls_token", "class_token")),
                   "global_pool": "avg" if "fc_norm.weight" in weights else "token"}
    return config


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--classes", type=pathlib.Path, help="a file of class names, one a line")
    parser.add_argument("--heads", type=int)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--mean", type=float, nargs=3, default=(0.485, 0.456, 0.406),
                        help="augreg models: 0.5 0.5 0.5")
    parser.add_argument("--std", type=float, nargs=3, default=(0.229, 0.224, 0.225))
    parser.add_argument("--dtype", choices=["keep", "f32", "f16", "bf16"], default="keep")
    args = parser.parse_args()

    weights = strip(state_dict(args.checkpoint))
    # Buffers and positions that VideoMAE recomputes; the unused norm of a mean-pooling model.
    dropped = [k for k in weights if k.endswith(("num_batches_tracked", "relative_position_index"))]
    for k in dropped:
        del weights[k]
    config = describe(weights, args)
    wanted = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}.get(args.dtype)
    weights = {k: (v.to(wanted) if wanted else v).contiguous().clone() for k, v in weights.items()}
    args.output.mkdir(parents=True, exist_ok=True)
    save_file(weights, args.output / "model.safetensors", metadata={"format": "pt"})
    (args.output / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (args.output / "preprocessor_config.json").write_text(json.dumps({
        "image_mean": list(args.mean), "image_std": list(args.std),
        "size": {"shortest_edge": config["image_size"]}}, indent=2) + "\n")
    if args.classes:
        names = [line.strip() for line in args.classes.read_text().splitlines() if line.strip()]
        if len(names) < config["num_labels"]:
            sys.exit(f"{args.classes}: {len(names)} names for {config['num_labels']} classes")
        (args.output / "labels.txt").write_text("\n".join(names) + "\n")
    print(f"{args.output}: {len(weights)} tensors, {config['model_type']}, width "
          f"{config['hidden_size']}, {config['num_hidden_layers']} layers, "
          f"{config['num_attention_heads']} heads, {config['num_labels']} classes")


if __name__ == "__main__":
    main()
