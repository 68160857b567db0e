"""A random STDiT3-XL/2 (1.2 B parameters, sharded bf16), and one step of it with peak memory.

    python tools/check/stdit3_xl.py build/dev/app/cli/looktwice FOLDER --video 480x854x51

Writes FOLDER unless it is there (2.4 GB), then runs `generate --steps 1` in bf16. With --seconds it
is stopped after so long: every block needs the same memory, so the peak is known after the first.
"""

import argparse
import json
import os
import resource
import struct
import subprocess
import time

import numpy as np

H, DEPTH, HEADS, MLP, CAPTION, TOKENS = 1152, 28, 16, 4608, 4096, 300


def shapes():
    out = {"x_embedder.proj.weight": (H, 4, 1, 2, 2), "x_embedder.proj.bias": (H,)}

    def linear(name, o, i):
        out[name + ".weight"], out[name + ".bias"] = (o, i), (o,)

    for e in ("t_embedder", "fps_embedder"):
        linear(e + ".mlp.0", H, 256)
        linear(e + ".mlp.2", H, H)
    linear("t_block.1", 6 * H, H)
    linear("y_embedder.y_proj.fc1", H, CAPTION)
    linear("y_embedder.y_proj.fc2", H, H)
    out["y_embedder.y_embedding"] = (TOKENS, CAPTION)
    for i in range(DEPTH):
        for kind in ("spatial", "temporal"):
            p = "%s_blocks.%d." % (kind, i)
            out[p + "scale_shift_table"] = (6, H)
            linear(p + "attn.qkv", 3 * H, H)
            linear(p + "attn.proj", H, H)
            out[p + "attn.q_norm.weight"] = out[p + "attn.k_norm.weight"] = (H // HEADS,)
            linear(p + "cross_attn.q_linear", H, H)
            linear(p + "cross_attn.kv_linear", 2 * H, H)
            linear(p + "cross_attn.proj", H, H)
            linear(p + "mlp.fc1", MLP, H)
            linear(p + "mlp.fc2", H, MLP)
    out["final_layer.scale_shift_table"] = (2, H)
    linear("final_layer.linear", 32, H)
    return out


def bf16(rng, shape):
    scale = shape[-1] ** -0.5 if len(shape) > 1 else 0.02
    values = (rng.standard_normal(shape, dtype=np.float32) * scale).view(np.uint32)
    return ((values + 0x8000) >> 16).astype(np.uint16).tobytes()


def write(folder, shards=4):
    os.makedirs(folder)
    rng, names = np.random.default_rng(0), shapes()
    index, total = {}, 0
    groups = [list(names)[k::shards] for k in range(shards)]
    for k, group in enumerate(groups):
        file = "model-%05d-of-%05d.safetensors" % (k + 1, shards)
        header, at = {}, 0
        for name in group:
            size = 2 * int(np.prod(names[name]))
            header[name] = {"dtype": "BF16", "shape": names[name], "data_offsets": [at, at + size]}
            index[name], at = file, at + size
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(os.path.join(folder, file), "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            for name in group:
                f.write(bf16(rng, names[name]))
        total += at
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": total}, "weight_map": index}, f)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump({"model_type": "STDiT3", "hidden_size": H, "depth": DEPTH, "num_heads": HEADS,
                   "in_channels": 4, "patch_size": [1, 2, 2], "caption_channels": CAPTION,
                   "model_max_length": TOKENS, "qk_norm": True, "input_sq_size": 512}, f)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("--video", default="480x854x51")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="stop the run after so long")
    args = parser.parse_args()
    if not os.path.exists(args.folder):
        write(args.folder)
    begin = time.perf_counter()
    command = [args.program, "generate", "--model", args.folder, "--video", args.video,
               "--steps", "1", "--dtype", "bf16", "--threads", str(args.threads)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            text, _ = process.communicate(timeout=args.seconds)
            print(text.strip().splitlines()[-1] if text else "")
        except subprocess.TimeoutExpired:
            process.terminate()
            print("stopped")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    print("exit %d, %.0f s with loading, peak memory %.2f GB"
          % (process.returncode, time.perf_counter() - begin, peak))


if __name__ == "__main__":
    main()
