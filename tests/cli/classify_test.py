"""looktwice classify against the outputs of the published RLT and ToMe code on tiny models."""

import json
import math
import os
import shutil
import struct
import unittest

from support import (GOLDEN, Case, add_tensor, main, read_header, read_tensors, run,
                     write_tensor)

TOKENS = os.path.join(GOLDEN, "tokens")
VIDEO = os.path.join(TOKENS, "tiny_videomae")
IMAGE = os.path.join(TOKENS, "tiny_timm")


def backends():
    doc = json.loads(run("info", "--json", "-").stdout)
    return [b["name"] for b in doc["backends"] if b["available"] and b["name"] != "cuda"]


class Golden(Case):
    def near(self, got, want, tolerance=5e-5):
        self.assertEqual(len(got), len(want))
        worst = max(abs(a - b) for a, b in zip(got, want))
        self.assertLessEqual(worst, tolerance)

    def classify(self, source, model, *options):
        out = self.path("out.safetensors")
        self.good("classify", source, "--model", model, "--dump", out, *options)
        return read_tensors(out)


class VideoModel(Golden):
    @classmethod
    def setUpClass(cls):
        cls.golden = read_tensors(os.path.join(TOKENS, "tiny_vit_cases.safetensors"))

    def frames(self):
        shape, data = self.golden["frames_u8"]
        write_tensor(self.path("in.safetensors"), "frames_u8", shape, data)
        return self.path("in.safetensors")

    def test_rlt(self):
        source = self.frames()
        for backend in backends():
            for case, options in (("none_eps1e-6", ["--ln-eps", "1e-6"]),
                                  ("none_eps1e-5", ["--ln-eps", "1e-5"]),
                                  ("tau0.1_eps1e-6", ["--rlt", "0.1", "--ln-eps", "1e-6"]),
                                  ("tau0.1_eps1e-5_repo_default", ["--preset", "paper:rlt"]),
                                  ("tau0.0_eps1e-5", ["--rlt", "0", "--ln-eps", "1e-5"])):
                got = self.classify(source, VIDEO, "--backend", backend, *options)
                self.near(got["logits"][1], self.golden[f"rlt/{case}/logits"][1])
                if "--rlt" in options:
                    self.assertEqual(list(got["rlt/keep"][1]),
                                     list(self.golden[f"rlt/{case}/mask"][1]))
                    counts = list(got["tokens"][1])
                    self.assertEqual(counts[::len(counts) // 2],
                                     list(self.golden[f"rlt/{case}/num_tokens"][1]))

    def test_length_encoding(self):
        folder = self.path("model")
        shutil.copytree(VIDEO, folder)
        shape, table = self.golden["rlt/length_embed"]
        add_tensor(os.path.join(folder, "model.safetensors"), "length_embed", [1, *shape], table)
        source = self.frames()
        for case, options in (("tau0.1_len_aligned", []),
                              ("tau0.1_len_ref_order", ["--length-order", "reference"]),
                              ("tau0.1_eps1e-5_repo_default", ["--length-encoding", "off"])):
            got = self.classify(source, folder, "--rlt", "0.1", "--ln-eps", "1e-5", *options)
            self.near(got["logits"][1], self.golden[f"rlt/{case}/logits"][1])

    def test_learned_positions(self):
        # Stored sinusoids give what computed ones give; others are used, and not the sinusoids.
        folder = self.path("model")
        shutil.copytree(VIDEO, folder)
        with open(os.path.join(folder, "config.json")) as f:
            c = json.load(f)
        source, d = self.frames(), c["hidden_size"]
        _, t, h, w, _ = self.golden["frames_u8"][0]
        n = t // c["tubelet_size"] * (h // c["patch_size"]) * (w // c["patch_size"])
        table = [(math.sin, math.cos)[j % 2](p * 10000 ** (-(j - j % 2) / d))
                 for p in range(n) for j in range(d)]
        weights = os.path.join(folder, "model.safetensors")
        logits = []
        for scale in (1, 1.5):
            stored = struct.pack(f"<{n * d}f", *(scale * v for v in table))
            add_tensor(weights, "pos_embed", [1, n, d], stored)
            got = self.classify(source, folder, "--rlt", "0.1", "--ln-eps", "1e-6")
            logits.append(got["logits"][1])
        want = self.golden["rlt/tau0.1_eps1e-6/logits"][1]
        self.near(logits[0], want)
        self.assertGreater(max(abs(a - b) for a, b in zip(logits[1], want)), 1e-3)

    def test_tome(self):
        source = self.frames()
        for backend in backends():
            for case, schedule in (("r8", "8"), ("r16_decr", "16,-1"), ("r_list_20_0_6", "[20,0,6]")):
                for pool, suffix in (("unweighted", "repo_unweighted"),
                                     ("size-weighted", "size_weighted")):
                    got = self.classify(source, VIDEO, "--backend", backend, "--tome", schedule,
                                        "--ln-eps", "1e-5", "--prop-attn", "on", "--pool", pool)
                    self.near(got["logits"][1], self.golden[f"tome/{case}/logits_{suffix}_pool"][1])
                b, layers, m = got["tome/group"][0]
                last = []
                for clip in range(b):
                    at = (clip * layers + layers - 1) * m
                    last += list(got["tome/group"][1][at:at + m])
                self.assertEqual(last, list(self.golden[f"tome/{case}/group_of_token"][1]))
                self.assertEqual(list(got["tome/size"][1]), list(self.golden[f"tome/{case}/size"][1]))

    def test_bfloat16_is_near(self):
        source = self.frames()
        if "onednn" not in backends():
            self.skipTest("the onednn backend is not available here")
        got = self.classify(source, VIDEO, "--backend", "onednn", "--dtype", "bf16", "--ln-eps", "1e-5")
        self.near(got["logits"][1], self.golden["rlt/none_eps1e-5/logits"][1], 3e-2)

    def test_json_and_agreement(self):
        source = self.frames()
        result = self.good("classify", source, "--model", VIDEO, "--rlt", "0.1", "--tome", "8", "--dense",
                           "--json", "-", "--top", 3)
        doc = json.loads(result.stdout, parse_constant=lambda c: self.fail(c))
        self.assertEqual(doc["schema"], "looktwice/classify")
        self.assertEqual(len(doc["clips"]), 2)
        for clip in doc["clips"]:
            self.assertEqual(len(clip["top"]), 3)
            self.assertIn("agrees", clip)
            self.assertEqual(len(clip["tokens_by_layer"]), 4)
        self.assertEqual(doc["agreement"]["of"], 2)
        import shlex
        again = json.loads(self.good(*shlex.split(doc["command"])[1:], "--json", "-").stdout)
        self.assertEqual(again["settings"], doc["settings"])

    def test_random_drop(self):
        source = self.frames()
        for rule, kept in (("exact", 32), ("reference", 31)):
            got = self.classify(source, VIDEO, "--drop", "random:0.5", "--drop-count", rule, "--seed", 5)
            self.assertEqual(got["tokens"][1][0], kept)
        self.bad("classify", source, "--model", VIDEO, "--drop", "random:0.5", "--rlt", "0.1")


class ImageModel(Golden):
    def test_class_token_model(self):
        golden = read_tensors(os.path.join(TOKENS, "tiny_timm_cases.safetensors"))
        shape, data = golden["img_u8"]
        source = self.path("in.safetensors")
        write_tensor(source, "images_u8", shape, data)
        for backend in backends():
            for prop in (0, 1):
                for name, schedule in (("r0", "0"), ("r4", "4"), ("r(6, -1.0)", "6,-1")):
                    got = self.classify(source, IMAGE, "--backend", backend, "--tome", schedule,
                                        "--prop-attn", ("off", "on")[prop])
                    key = f"timm/prop{prop}_{name}"
                    self.near(got["logits"][1], golden[key + "/logits"][1])
                    if schedule == "0":
                        continue
                    b, layers, m = got["tome/group"][0]
                    last = [got["tome/group"][1][(i * layers + layers - 1) * m + j]
                            for i in range(b) for j in range(m)]
                    self.assertEqual(last, list(golden[key + "/group_of_token"][1]))
                    self.assertEqual(list(got["tome/size"][1]), list(golden[key + "/size"][1]))


class Options(Case):
    SOURCE = "synth:static?width=96&height=64&frames=96"

    def run_with(self, *options, model=VIDEO):
        result = self.good("classify", self.SOURCE, "--model", model, "--json", "-", *options)
        return json.loads(result.stdout, parse_constant=lambda c: self.fail(c))

    def test_every_token_option_reaches_the_run(self):
        plain = self.run_with("--tome", "8", "--rlt", "0.1")
        for option, values in (("--tome-match", ("kth:2", "kth:3", "random")),
                               ("--tome-sizes", ("run-lengths",)), ("--prop-attn", ("on", "off")),
                               ("--pool", ("size-weighted", "unweighted")), ("--ln-eps", ("1e-3",)),
                               ("--tome-feature", ("q", "v", "x")), ("--tome-distance", ("dot", "l2")),
                               ("--tome-heads", ("concat",)),
                               ("--tome-partition", ("sequential", "random")),
                               ("--tome-position", ("mlp",)), ("--length-encoding", ("off",)),
                               ("--length-order", ("reference",)), ("--tome", ("8,-1", "[4,0,9]"))):
            for value in values:
                tome = [] if option == "--tome" else ["--tome", "8"]
                got = self.run_with(*tome, "--rlt", "0.1", option, value)
                key = option[2:].replace("-", "_")
                self.assertEqual(str(got["settings"]["tokens"][key]), str(float(value)) if key == "ln_eps"
                                 else value)
                if option == "--ln-eps":
                    self.assertNotEqual(got["clips"][0]["top"], plain["clips"][0]["top"])
        for preset, rlt, tome in (("paper:rlt", 0.1, "0"), ("paper:tome", None, "65"),
                                  ("paper:rlt-tome-baseline", None, "65")):
            tokens = self.run_with("--preset", preset)["settings"]["tokens"]
            self.assertEqual((tokens["rlt"], tokens["tome"]), (rlt, tome))

    def test_views_are_averaged_after_softmax(self):
        out = self.path("out.safetensors")
        result = self.good("classify", self.SOURCE, "--model", VIDEO, "--views", "2x3", "--dump", out,
                           "--json", "-", "--top", 10)
        clip = json.loads(result.stdout)["clips"][0]
        (views, classes), logits = read_tensors(out)["logits"]
        self.assertEqual(views, 6)
        mean = [0.0] * classes
        for v in range(views):
            row = logits[v * classes:(v + 1) * classes]
            weights = [math.exp(x - max(row)) for x in row]
            for k in range(classes):
                mean[k] += weights[k] / sum(weights) / views
        for entry in clip["top"]:
            self.assertAlmostEqual(entry["probability"], mean[entry["class"]], places=5)

    def test_an_image_model_takes_every_frame(self):
        doc = self.run_with("--clips", "all", "--stride", "1", "--top", "1", model=IMAGE)
        self.assertEqual(len(doc["clips"]), 96)
        self.assertEqual(len(doc["clips"][0]["top"]), 1)

    def test_model_folders_are_listed(self):
        doc = json.loads(self.good("models", TOKENS, "--json", "-").stdout)
        kinds = {m["name"]: m["kind"] for m in doc["models"]}
        self.assertEqual(kinds["tiny_videomae"], "VideoMAE")
        self.assertEqual(kinds["tiny_timm"], "image ViT")
        broken = self.path("broken")
        os.mkdir(broken)
        with open(os.path.join(broken, "config.json"), "w", encoding="utf-8") as f:
            f.write('{"model_type": "videomae"}')
        (model,) = json.loads(self.good("models", broken, "--json", "-").stdout)["models"]
        self.assertIn("safetensors", model["problem"])
        self.assertIn("broken", self.good("models", broken).stdout)


class BadInput(Case):
    SOURCE = "synth:static?width=64&height=64&frames=64"

    def broken(self, change):
        folder = self.path("model")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(VIDEO, folder)
        os.chmod(folder, 0o755)
        for name in os.listdir(folder):
            os.chmod(os.path.join(folder, name), 0o644)
        change(folder)
        return folder

    def config(self, **values):
        def change(folder):
            path = os.path.join(folder, "config.json")
            with open(path, encoding="utf-8") as f:
                doc = json.load(f)
            doc.update(values)
            with open(path, "w", encoding="utf-8") as f:
                json.dump(doc, f)
        return self.broken(change)

    def refuse(self, folder, says=(), options=(), code=2):
        return self.bad("classify", self.SOURCE, "--model", folder, *options, says=says, code=code)

    def test_models(self):
        self.bad("classify", self.SOURCE, says="--model")
        self.refuse(self.path("none"), says="none")
        self.refuse(self.broken(lambda f: os.remove(os.path.join(f, "config.json"))), says="config.json")
        self.refuse(self.broken(lambda f: os.remove(os.path.join(f, "model.safetensors"))),
                    says="safetensors")

        def truncate(folder):
            path = os.path.join(folder, "model.safetensors")
            os.truncate(path, os.path.getsize(path) // 2)
        self.refuse(self.broken(truncate), says="model.safetensors")
        self.refuse(self.config(hidden_size=64))
        self.refuse(self.config(num_hidden_layers=5))
        self.refuse(self.config(num_attention_heads=7))
        self.refuse(self.config(hidden_size=-1), says="hidden_size")
        self.refuse(self.config(image_size="big"), says="image_size")

        def extra(folder):
            add_tensor(os.path.join(folder, "model.safetensors"), "surprise.weight", [1],
                       b"\0\0\0\0")
        self.refuse(self.broken(extra), says="surprise.weight")

        def not_a_number(folder):
            path = os.path.join(folder, "model.safetensors")
            tensors = read_tensors(path)
            shape, values = tensors["head.bias"]
            values[3] = math.nan
            add_tensor(path, "head.bias", shape, values)
        self.refuse(self.broken(not_a_number), says="head.bias")

        def header(change):
            """Rewrites the header of the weights as text."""
            def damage(folder):
                path = os.path.join(folder, "model.safetensors")
                with open(path, "rb") as f:
                    (length,) = struct.unpack("<Q", f.read(8))
                    text, blob = f.read(length).decode(), f.read()
                text = change(text.rstrip())
                with open(path, "wb") as f:
                    f.write(struct.pack("<Q", len(text)) + text.encode() + blob)
            return damage

        def longer_than_the_file(folder):
            with open(os.path.join(folder, "model.safetensors"), "r+b") as f:
                f.write(struct.pack("<Q", 1 << 40))
        self.refuse(self.broken(longer_than_the_file), says="model.safetensors")

        def edit(name, **values):
            def change(text):
                doc = json.loads(text)
                doc[name].update(values)
                return json.dumps(doc)
            return header(change)
        entry = read_header(os.path.join(VIDEO, "model.safetensors"))["head.bias"]
        begin, end = entry["data_offsets"]
        self.refuse(self.broken(edit("head.bias", data_offsets=[begin, end + (1 << 40)])),
                    says="head.bias")
        self.refuse(self.broken(edit("head.bias", data_offsets=[begin - 4, end - 4])), says="overlap")
        self.refuse(self.broken(edit("head.bias", dtype="F12")), says="F12")
        self.refuse(self.broken(edit("head.bias", shape=[1 << 62, 1 << 62])), says="head.bias")
        self.refuse(self.broken(edit("head.bias", shape=[-1])), says="head.bias")
        self.refuse(self.broken(header(lambda t: t[:-1] + ', "head.bias": ' + json.dumps(entry) + "}")),
                    says="head.bias")

        def renamed(text):
            return text.replace('"head.bias"', '"head.bios"')
        self.refuse(self.broken(header(renamed)), says="head.bias")

        def few_labels(folder):
            with open(os.path.join(folder, "labels.txt"), "w", encoding="utf-8") as f:
                f.write("one\ntwo\n")
        self.refuse(self.broken(few_labels), says="labels.txt")

    def test_options(self):
        for option in (["--tome", "x"], ["--tome", "8,2"], ["--tome", "[1,2,3,4]"], ["--tome", "-1"],
                       ["--tome-match", "kth:1"], ["--pool", "max"], ["--preset", "paper:none"],
                       ["--backend", "tpu"], ["--dtype", "int4"], ["--threads", "-1"], ["--top", "0"],
                       ["--ln-eps", "0"], ["--drop", "random:2"]):
            self.refuse(VIDEO, options=option)
        self.bad("classify", self.SOURCE, "--model", IMAGE, "--rlt", "0.1", says="--rlt")


if __name__ == "__main__":
    main()
