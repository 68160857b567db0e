"""The models that ship (assets/models): whole, small, as described, and far better than chance."""

import json
import math
import os
import struct
import unittest

from support import Case, main, read_tensors

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "assets", "models")
TEST_SPLIT = 3_000_000_000
CLIPS = 45  # three of each class


def folder(name):
    return os.path.join(MODELS, name)


def header(name):
    with open(os.path.join(folder(name), "model.safetensors"), "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        entries = json.loads(f.read(length))
    entries.pop("__metadata__", None)
    return entries


def config(name):
    with open(os.path.join(folder(name), "config.json")) as f:
        return json.load(f)


def parameters(name):
    return sum(math.prod(e["shape"]) for e in header(name).values())


class Folders(unittest.TestCase):
    def test_small_and_bfloat16(self):
        for name, most in (("scenes-vit-dense", 5e6), ("scenes-vit-rlt", 5e6),
                           ("scenes-dit", 4e6)):
            self.assertLessEqual(parameters(name), most)
            self.assertEqual({e["dtype"] for e in header(name).values()}, {"BF16"})
            size = os.path.getsize(os.path.join(folder(name), "model.safetensors"))
            self.assertLessEqual(size, 10_000_000)
            self.assertTrue(os.path.exists(os.path.join(folder(name), "README.md")))

    def test_classifier(self):
        for name in ("scenes-vit-dense", "scenes-vit-rlt"):
            c = config(name)
            self.assertGreaterEqual(c["image_size"], 112)
            self.assertEqual((c["num_frames"], c["patch_size"], c["tubelet_size"]), (16, 16, 2))

    def test_only_the_twin_knows_run_lengths(self):
        dense, twin = header("scenes-vit-dense"), header("scenes-vit-rlt")
        self.assertEqual(set(twin) - set(dense), {"length_embed"})
        self.assertEqual(twin["length_embed"]["shape"][1], 8)  # tubelets

    def test_generator(self):
        c = config("scenes-dit")
        frames, height, width = c["input_size"]
        tokens = frames * (height // c["patch_size"][1]) * (width // c["patch_size"][2])
        self.assertGreaterEqual(frames, 8)
        self.assertGreaterEqual(min(height, width), 32)
        self.assertLessEqual(tokens, 512)
        self.assertIn("time_shift", c)


class Classifiers(Case):
    def setUp(self):
        super().setUp()
        self.good("synth", "--count", CLIPS, "--seed", TEST_SPLIT, "-o", self.path("clips"))

    def right(self, model, *options):
        out = self.path("out.safetensors")
        self.good("classify", self.path("clips/clips-00000.safetensors"), "--model", folder(model),
                  "--dump", out, *options)
        got = read_tensors(out)
        (count, classes), logits = got["logits"]
        best = [max(range(classes), key=lambda c: logits[i * classes + c]) for i in range(count)]
        labels = read_tensors(self.path("clips/clips-00000.safetensors"))["labels"][1]
        kept = got["tokens"][1][::got["tokens"][0][1]]  # what enters the first layer
        return sum(b == want for b, want in zip(best, labels)), sum(kept) / (392 * count)

    def test_classes_are_the_worlds(self):
        with open(self.path("clips/labels.json")) as f:
            names = json.load(f)["classes"]
        for name in ("scenes-vit-dense", "scenes-vit-rlt"):
            got = config(name)["id2label"]
            self.assertEqual([got[str(i)] for i in range(len(got))], names)

    def test_far_above_chance(self):
        # Chance is 3 of 45, and 16 or more happen less than once in ten million.
        # docs/results.md has the accuracy.
        for name, *options in (["scenes-vit-dense"], ["scenes-vit-dense", "--rlt", "0.1"],
                               ["scenes-vit-rlt", "--rlt", "0.1"]):
            right, kept = self.right(name, *options)
            self.assertGreaterEqual(right, 16, (name, options))
            if options:
                self.assertLess(kept, 0.8)


class Generator(Case):
    def vocabulary(self):
        with open(os.path.join(folder("scenes-dit"), "vocab.json")) as f:
            return json.load(f)

    def video(self, prompt, seed=1):
        out = self.path("out.safetensors")
        self.good("generate", "--model", folder("scenes-dit"), "--prompt", prompt, "--steps", 12,
                  "--seed", seed, "--dump", out)
        return read_tensors(out)["latents"]

    def test_every_word_is_taken(self):
        vocabulary = self.vocabulary()
        names = [slot["name"] for slot in vocabulary["slots"]]
        self.assertEqual(names, ["shape", "colour", "motion", "speed", "background"])
        # All words in few runs: the k-th of every slot together.
        longest = max(len(slot["words"]) for slot in vocabulary["slots"])
        for k in range(longest):
            words = [slot["words"][k % len(slot["words"])] for slot in vocabulary["slots"]]
            self.good("generate", "--model", folder("scenes-dit"), "--prompt", "a " + " ".join(words),
                      "--steps", 1, "--dump", self.path("out.safetensors"))

    def test_colours_of_the_ground_follow_the_prompt(self):
        means = {}
        for ground in ("dark", "light"):
            shape, values = self.video(f"a red ball stands still on a {ground} background")
            self.assertEqual(shape, [1, 3, *config("scenes-dit")["input_size"]])
            self.assertTrue(all(math.isfinite(v) for v in values))
            means[ground] = sum(values) / len(values)
        self.assertGreater(means["light"], means["dark"] + 0.5)


if __name__ == "__main__":
    main()
