"""Writes a model folder: model.safetensors in bfloat16, config.json and what goes with them."""

import json
import os

import torch
from safetensors.torch import save_file


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


def save_folder(folder, state, config, extra=None, dtype=torch.bfloat16):
    """extra: {file name: JSON value} beside config.json, such as vocab.json."""
    os.makedirs(folder, exist_ok=True)
    save_file({k: v.detach().to(dtype).contiguous() for k, v in state.items()},
              f"{folder}/model.safetensors", metadata={"format": "pt"})
    write_json(f"{folder}/config.json", config)
    for name, value in (extra or {}).items():
        write_json(f"{folder}/{name}", value)


def preprocessor(size, mean, std):
    return {"do_resize": True, "size": {"shortest_edge": size}, "do_center_crop": True,
            "crop_size": {"height": size, "width": size}, "do_rescale": True,
            "rescale_factor": 1 / 255, "do_normalize": True,
            "image_mean": list(mean), "image_std": list(std)}
