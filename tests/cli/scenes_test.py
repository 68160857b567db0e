"""3-channel models of the labelled world: the engine against PyTorch (tools/train/fixtures.py)."""

import array
import json
import os
import struct

from support import GOLDEN, Case, main, read_tensors, run

SCENES = os.path.join(GOLDEN, "scenes")
with open(os.path.join(SCENES, "expected.json")) as f:
    EXPECTED = json.load(f)


def backends():
    doc = json.loads(run("info", "--json", "-").stdout)
    return [b["name"] for b in doc["backends"] if b["available"] and b["name"] != "cuda"]


def noise_file(path, shape):
    """The Weyl sequence of tools/train/fixtures.py as noise."""
    count = 1
    for n in shape:
        count *= n
    values = array.array("f", (((i * 2654435761 % 2**32) / 2**32 - 0.5) * 3 for i in range(count)))
    header = json.dumps({"noise": {"dtype": "F32", "shape": shape,
                                   "data_offsets": [0, 4 * count]}}).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header + values.tobytes())


class Tiny(Case):
    def near(self, got, want, tolerance):
        self.assertEqual(len(got), len(want))
        self.assertLessEqual(max(abs(a - b) for a, b in zip(got, want)), tolerance)

    def test_classifier(self):
        self.good("synth", "--count", 1, "--seed", EXPECTED["clip"], "-o", self.path("clips"))
        clip = self.path("clips/clips-00000.safetensors")
        out = self.path("out.safetensors")
        for backend in backends():
            for model in ("tiny_vit", "tiny_vit_lengths"):
                for case, want in EXPECTED[model].items():
                    options = [] if case == "dense" else ["--rlt", case.split()[1]]
                    self.good("classify", clip, "--model", os.path.join(SCENES, model),
                              "--backend", backend, "--dump", out, *options)
                    self.near(read_tensors(out)["logits"][1], want, 2e-4)

    def test_generator(self):
        noise, out = self.path("noise.safetensors"), self.path("out.safetensors")
        noise_file(noise, [1, 3, 8, 32, 32])
        for backend in backends():
            self.good("generate", "--model", os.path.join(SCENES, "tiny_dit"), "--noise", noise,
                      "--prompt", EXPECTED["prompt"], "--steps", EXPECTED["steps"],
                      "--guidance", EXPECTED["guidance"], "--backend", backend, "--dump", out)
            got = read_tensors(out)["latents"][1][::EXPECTED["every"]]
            self.near(got, EXPECTED["tiny_dit"], 2e-3)


if __name__ == "__main__":
    main()
