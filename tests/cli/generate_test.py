"""looktwice generate against the sampling goldens, and on what it must refuse."""

import array
import json
import math
import os
import random
import shlex
import struct
import tempfile
import unittest

from support import GOLDEN, have_ffmpeg, read_tensors, run

DIR = os.path.join(GOLDEN, "diffusion")
MODEL = os.path.join(DIR, "stdit3_nano")
with open(os.path.join(DIR, "manifest.json")) as f:
    TOLERANCE = {(t["file"], t["name"]): t.get("tol_abs", 0) for t in json.load(f)["tensors"]}


def write_tensors(path, tensors):
    """{name: (dtype, shape, bytes)}"""
    header, at = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            f.write(data)


def f32(*values):
    return array.array("f", values).tobytes()


def noise_file(path, golden, **changes):
    """The inputs of a golden as a noise file."""
    tensors = {"noise": ("F32", golden["in.z0"][0], golden["in.z0"][1].tobytes())}
    shape = golden["in.y"][0]
    tensors["caption"] = ("F32", [shape[0], shape[2], shape[3]], golden["in.y"][1].tobytes())
    mask = golden["in.mask"]
    tensors["caption_mask"] = ("U8", mask[0], bytes(int(v) for v in mask[1]))
    if "in.frame_mask" in golden:
        mask = golden["in.frame_mask"]
        tensors["frame_mask"] = ("U8", mask[0], bytes(int(v) for v in mask[1]))
        tensors["frames"] = tensors["noise"]
    for key in ("fps", "height", "width", "num_frames"):
        tensors[key] = ("F32", [], f32(golden["in." + key][1][0]))
    for key, value in changes.items():
        if value is None:
            del tensors[key]
        else:
            tensors[key] = value
    write_tensors(path, tensors)


def policy_of(case, folder):
    """The --cache text of a golden; codebooks go through a file."""
    if case["name"].startswith("teacache"):
        return "teacache:%g%s" % (case["threshold"], ",verbatim" if "verbatim" in case["name"] else "")
    if case["name"].startswith("pab"):
        return "pab:" + case["preset"]
    if not case.get("do_cache"):
        return "none"
    moreg = None
    if case["apply_moreg"]:
        scale, power, divisor = case["moreg_hyp"][:3]
        moreg = {"first_step": case["moreg_steps"][0], "last_step": case["moreg_steps"][1],
                 "strides": case["moreg_strides"], "scale": scale, "power": power,
                 "divisor": divisor, "gradient": case["mograd_mul"]}
    book = [list(e) for e in case["codebook"]]
    book[-1][0] = None
    path = os.path.join(folder, "policy.json")
    with open(path, "w") as f:
        json.dump({"policy": "adacache", "codebook": book, "metric_blocks": case["cache_loc"],
                   "residual": {"t-attn": "temporal", "s-attn": "spatial",
                                "ca-mlp": "cross-mlp"}[case["cache_res"]],
                   "norm": "l1", "moreg": moreg}, f)
    return "adacache:" + path


class Goldens(unittest.TestCase):
    def check(self, name, backend):
        golden = read_tensors(os.path.join(DIR, name + ".safetensors"))
        with open(os.path.join(DIR, name + ".json")) as f:
            case = json.load(f)
        with tempfile.TemporaryDirectory() as folder:
            noise, dump = os.path.join(folder, "noise.safetensors"), os.path.join(folder, "d.safetensors")
            noise_file(noise, golden)
            steps = sorted(int(k[2:]) for k in golden if k.startswith("z_"))
            done = run("generate", "--model", MODEL, "--noise", noise, "--steps", case["N"],
                       "--backend", backend, "--dtype", "f32",
                       "--guidance", case["cfg_scale"], "--cache", policy_of(case, folder),
                       "--dump", dump, "--dump-steps", ",".join(map(str, steps)))
            if done.returncode == 2 and "not built" in done.stderr:
                self.skipTest(done.stderr)
            self.assertEqual(done.returncode, 0, done.stderr)
            got = read_tensors(dump)
        for step in steps:
            a, b = got["latents/%d" % step][1], golden["z_%d" % step][1]
            worst = max(abs(x - y) for x, y in zip(a, b))
            self.assertLessEqual(worst, TOLERANCE[(name + ".safetensors", "z_%d" % step)], step)
        self.assertEqual(list(got["latents"][1]), list(got["latents/%d" % case["N"]][1]))
        if "computed_steps" in case:
            computed = [i + 1 for i, c in enumerate(got["cache/compute"][1]) if c]
            self.assertEqual(computed, case["computed_steps"])
        for d in {d["step"]: d for d in case.get("decisions", [])}.values():
            at = d["step"] - 1
            self.assertEqual(got["cache/rate"][1][at], d["rate_out"])
            metric = 5e-3 if case["apply_moreg"] else 1e-3
            for array_name, key, relative in (("distance", "c", 1e-3), ("motion", "m", 2e-3),
                                              ("metric", "metric", metric)):
                value = got["cache/" + array_name][1][at]
                self.assertLessEqual(abs(value - d[key]), relative * abs(d[key]), array_name)
            if case["apply_moreg"]:
                # The manifest's: against the motion of the decision before, of the same block.
                before = [e["m"] for e in case["decisions"] if e["step"] < d["step"]
                          and (e["block"], e["temporal"]) == (d["block"], d["temporal"])]
                allowed = 5e-3 * max(abs(d["m"]), abs(before[-1]) if before else 1) \
                    * case["mograd_mul"] / d["rate_in"]
                value = got["cache/motion_gradient"][1][at]
                self.assertLessEqual(abs(value - d["g"]), allowed, "gradient")
        if "recomputed" in case:
            shape, cells = got["cache/module_compute"]
            self.assertEqual(shape, [case["N"], 8, 3])
            for key, expected in case["recomputed"].items():
                kind, pair, module = key.split(".")
                row = 2 * int(pair) + (kind == "temporal")
                column = ["attn", "cross", "mlp"].index(module)
                mine = [s + 1 for s in range(case["N"]) if cells[(s * 8 + row) * 3 + column]]
                self.assertEqual(mine, expected, key)


def _goldens():
    """Every run that the command line can express: all but the batch of two."""
    for folder in ("sampler", "sampler_extra", "baselines"):
        for file in sorted(os.listdir(os.path.join(DIR, folder))):
            name, extension = os.path.splitext(file)
            if extension == ".json" and name != "n30_ada_batch2":
                yield folder + "/" + name


for _name in _goldens():
    for _backend in ("reference", "onednn"):
        setattr(Goldens, "test_%s_%s" % (_backend, _name.replace("/", "_")),
                lambda self, n=_name, b=_backend: self.check(n, b))


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.golden = read_tensors(os.path.join(DIR, "sampler/n30_ada_fast.safetensors"))
        cls.noise = os.path.join(cls.folder.name, "noise.safetensors")
        noise_file(cls.noise, cls.golden)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def refused(self, part, *args, noise=None):
        target = os.path.join(self.folder.name, "out.safetensors")
        done = run("generate", "--model", MODEL, "--noise", noise or self.noise, "--dump", target, *args)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stderr.strip().count("\n"), 0, done.stderr)
        self.assertIn(part, done.stderr)
        self.assertFalse(os.path.exists(target))

    def changed(self, **changes):
        path = os.path.join(self.folder.name, "changed.safetensors")
        noise_file(path, self.golden, **changes)
        return path

    def test_policies(self):
        self.refused("did you mean adacache", "--cache", "adacahe:fast")
        self.refused("neither fast, slow, 100", "--cache", "adacache:fats")
        self.refused("too few", "--cache", "adacache:fast", "--steps", "3")
        self.refused("no published window", "--cache", "adacache:fast", "--moreg", "--steps", "20")
        self.refused("beyond the 20 steps", "--cache", "plan:1,21", "--steps", "20")
        self.refused("step 1 is missing", "--cache", "plan:2,3", "--steps", "20")
        self.refused("not above 0", "--cache", "teacache:0")
        self.refused("regularises adacache", "--cache", "none", "--moreg")
        self.refused("is empty", "--cache", "adacache:fast", "--moreg", "9..3")
        self.refused("beyond the 8 steps", "--cache", "adacache:fast", "--moreg", "3..9",
                     "--steps", "8")
        self.refused("not within the 8 steps", "--cache", "tgate:gate=9", "--steps", "8")
        self.refused("4 block pairs", "--cache", "deltadit:blocks=9", "--steps", "8")
        self.refused("no preset", "--cache", "pab:111")
        self.refused("no interval", "--cache", "interval:0")

    def test_codebooks(self):
        path = os.path.join(self.folder.name, "book.json")
        for book, part in ((
                [[0.2, 2], [0.1, 3], [None, 1]], "not ascending"), ([], "no thresholds"),
                ([[0.1, 2], [0.2, 3]], "lacks its last entry"), ([[None, 2], [0.2, 3]], "no threshold")):
            with open(path, "w") as f:
                json.dump({"policy": "adacache", "codebook": book}, f)
            self.refused(part, "--cache", "adacache:" + path)
        with open(path, "w") as f:
            json.dump({"codebook": [[None, 1]], "metric_blocks": [4]}, f)
        self.refused("metric block 4", "--cache", "adacache:" + path, "--steps", "8")

    def test_noise_files(self):
        shape = self.golden["in.z0"][0]
        wrong = ("F32", [1, 3] + shape[2:], self.golden["in.z0"][1].tobytes()[:4 * 3 * 5 * 256])
        self.refused("[1, 4, T, H, W]", noise=self.changed(noise=wrong))
        self.refused('no tensor "noise"', noise=self.changed(noise=None))
        long = ("F32", [1, 9, 32], bytes(4 * 9 * 32))
        self.refused("too long", noise=self.changed(caption=long, caption_mask=("U8", [1, 9], b"\1" * 9)))
        self.refused("masks every token out", noise=self.changed(caption_mask=("U8", [1, 8], bytes(8))))
        self.refused("16 frames", noise=self.changed(num_frames=("F32", [], f32(16))))
        self.refused("positive", noise=self.changed(height=("F32", [], f32(0))))
        self.refused("not a finite number", noise=self.changed(
            noise=("F32", shape, b"\0\0\xc0\x7f" + self.golden["in.z0"][1].tobytes()[4:])))
        self.refused("no/such.safetensors", noise="no/such.safetensors")

    def test_the_rest(self):
        self.refused("caption already", "--prompt", "a red ball")
        self.refused("no clip to start from", "--strength", "0.5")
        self.refused("VAE", "-o", os.path.join(self.folder.name, "x.mp4"))
        self.refused("--dump-steps", "--dump-steps", "0")
        self.refused("not within", "--dump-steps", "31", "--steps", "30")
        done = run("generate", "--noise", self.noise)
        self.assertEqual((done.returncode, "--model" in done.stderr), (2, True), done.stderr)
        done = run("generate", "--model", self.folder.name)
        self.assertEqual(done.returncode, 2, done.stderr)


def pixel_model(folder):
    """A tiny random STDiT3 over 3x4x16x16 pixels with a vocabulary."""
    rng, h, depth = random.Random(1), 32, 2
    tensors = {}

    def add(name, shape, scale):
        count = math.prod(shape)
        tensors[name] = ("F32", list(shape), f32(*(rng.gauss(0, scale) for _ in range(count))))

    def linear(name, out, into):
        add(name + ".weight", (out, into), into ** -0.5)
        add(name + ".bias", (out,), 0.02)

    add("x_embedder.proj.weight", (h, 3, 1, 4, 4), 0.15)
    add("x_embedder.proj.bias", (h,), 0.02)
    for e in ("t_embedder", "fps_embedder"):
        linear(e + ".mlp.0", h, 256)
        linear(e + ".mlp.2", h, h)
    linear("t_block.1", 6 * h, h)
    add("y_embedder.y_embedding", (4, 4), 1)
    linear("y_embedder.y_proj.fc1", h, 4)
    linear("y_embedder.y_proj.fc2", h, h)
    for i in range(depth):
        for kind in ("spatial", "temporal"):
            p = "%s_blocks.%d" % (kind, i)
            add(p + ".scale_shift_table", (6, h), 0.3)
            linear(p + ".attn.qkv", 3 * h, h)
            linear(p + ".attn.proj", h, h)
            add(p + ".attn.q_norm.weight", (16,), 1)
            add(p + ".attn.k_norm.weight", (16,), 1)
            for part, out in (("q_linear", h), ("kv_linear", 2 * h), ("proj", h)):
                linear(p + ".cross_attn." + part, out, h)
            linear(p + ".mlp.fc1", 4 * h, h)
            linear(p + ".mlp.fc2", h, 4 * h)
    add("final_layer.scale_shift_table", (2, h), 0.3)
    linear("final_layer.linear", 48, h)
    write_tensors(os.path.join(folder, "model.safetensors"), tensors)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump({"model_type": "STDiT3", "hidden_size": h, "depth": depth, "num_heads": 2,
                   "in_channels": 3, "pred_sigma": False, "patch_size": [1, 4, 4],
                   "caption_channels": 4, "model_max_length": 4, "input_sq_size": 16,
                   "input_size": [4, 16, 16], "time_shift": 2, "fps": 8,
                   "num_sampling_steps": 6, "cfg_scale": 3}, f)
    with open(os.path.join(folder, "vocab.json"), "w") as f:
        json.dump({"rows": [[1, 0, 0, 0], [0, 1, 0, 0]], "words": {"red": 0, "ball": 1},
                   "fillers": ["a"]}, f)


class PixelSpace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        pixel_model(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def generate(self, *args):
        done = run("generate", "--model", self.folder.name, *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def test_json_and_trace(self):
        doc = json.loads(self.generate("--prompt", "a red ball", "--cache", "interval:2", "--json", "-",
                                       "--trace", self.path("t.json")).stdout)
        self.assertEqual((doc["schema"], doc["version"]), ("looktwice/generate", 1))
        self.assertEqual(doc["computed_steps"], [1, 2, 4, 5, 6])
        self.assertIn("next compute at step 4", doc["run"][2]["reason"])
        with open(self.path("t.json")) as f:
            trace = json.load(f)
        self.assertEqual(trace["schema"], "looktwice/cache-trace")
        self.assertEqual(trace["settings"]["generate"]["prompt"], "a red ball")
        # The command that the document names makes the same latents.
        latents = []
        for command in (["--model", self.folder.name, "--prompt", "a red ball", "--cache", "interval:2"],
                        shlex.split(doc["command"])[2:]):
            dump = self.path("d.safetensors")
            done = run("generate", *command, "--dump", dump)
            self.assertEqual(done.returncode, 0, done.stderr)
            latents.append(list(read_tensors(dump)["latents"][1]))
        self.assertEqual(latents[0], latents[1])

    def test_uncached_runs_carry_sketches(self):
        self.generate("--prompt", "ball", "--trace", self.path("t.json"))
        with open(self.path("t.json")) as f:
            trace = json.load(f)
        self.assertEqual(trace["distances"]["steps"], 6)
        self.assertEqual(len(trace["distances"]["taps"][0]["l1"]), 36)

    def test_motion_needs_two_frames(self):
        done = run("generate", "--model", self.folder.name, "--video", "16x16x1", "--steps", "30",
                   "--cache", "adacache:fast", "--moreg")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("one latent frame has no motion", done.stderr)

    def test_keys_that_no_timestep_meets_are_said(self):
        for policy, part in (("pab:246", "is bound to step"), ("pab:246,reference", "meets no timestep")):
            done = self.generate("--prompt", "ball", "--steps", "8", "--cache", policy)
            self.assertEqual(done.stdout.count("note: pab: MLP key"), 3, done.stdout)
            self.assertEqual(done.stdout.count(part), 3, done.stdout)

    def test_unknown_words(self):
        done = run("generate", "--model", self.folder.name, "--prompt", "a red bal")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nearest: ball", done.stderr)

    def test_from_a_clip(self):
        self.generate("--from", "synth:cut", "--strength", "0.5", "--prompt", "ball", "--dump",
                      self.path("d.safetensors"))
        self.assertEqual(read_tensors(self.path("d.safetensors"))["timesteps"][0], [3])

    @unittest.skipUnless(have_ffmpeg(), "ffmpeg is not installed")
    def test_video(self):
        out = self.path("v.mkv")
        done = run("generate", "--model", self.folder.name, "--prompt", "ball", "-o", out, "--scale", "4")
        if "no FFmpeg" in done.stderr:
            self.skipTest("this build has no FFmpeg")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(os.path.getsize(out), 500)


if __name__ == "__main__":
    unittest.main()
