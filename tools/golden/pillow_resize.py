"""Writes tests/golden/preprocess/resize.safetensors: pictures and what Pillow makes of them.

Needs numpy, pillow, safetensors and opencv-python-headless. Run from the repository root:

    python tools/golden/pillow_resize.py
"""

import cv2
import numpy as np
import PIL
from PIL import Image
from safetensors.numpy import save_file

# width, height -> width, height
CASES = [
    (97, 61, 71, 45), (97, 61, 33, 20), (61, 97, 28, 44), (40, 30, 93, 70), (30, 40, 64, 85),
    (128, 72, 56, 31), (72, 160, 32, 71), (64, 64, 64, 64), (90, 64, 64, 64), (64, 90, 64, 45),
    (5, 3, 80, 48), (150, 2, 75, 1), (119, 120, 16, 16),
]  # fmt: skip


def picture(width, height, seed):
    """Smooth waves, a hard edge and noise: what natural pictures are made of."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 90 * np.sin(x / (4 + c * 3) + y / (7 + c) + seed) for c in range(3)]
    image = np.stack(waves, -1) + rng.normal(0, 12, (height, width, 3))
    image[:, width // 2 :] = 255 - image[:, width // 2 :]
    if seed % 3 == 0:
        image = rng.integers(0, 256, (height, width, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def main():
    tensors = {}
    for i, (width, height, to_width, to_height) in enumerate(CASES):
        image = picture(width, height, i)
        pillow = Image.fromarray(image).resize((to_width, to_height), Image.Resampling.BILINEAR)
        tensors[f"{i:02}/input"] = image
        tensors[f"{i:02}/pillow"] = np.asarray(pillow).copy()
        tensors[f"{i:02}/opencv"] = cv2.resize(image, (to_width, to_height), interpolation=cv2.INTER_LINEAR)
    versions = {"pillow": PIL.__version__, "opencv": cv2.__version__}
    save_file(tensors, "tests/golden/preprocess/resize.safetensors", metadata=versions)


if __name__ == "__main__":
    main()
