"""looktwice inspect against the vectors of the published RLT code, and with bad input."""

import json
import math
import os
import signal
import subprocess
import time
import unittest

from support import GOLDEN, PROGRAM, Case, ffmpeg, have_ffmpeg, main, read_tensors, write_tensor

THRESHOLDS = [0.0, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 300.0]


def proc224():
    """The clip of the golden set that is made by a formula instead of being stored."""
    out = bytearray()
    for t in range(16):
        for y in range(224):
            for x in range(224):
                base = 3 * (x + 2 * t if x < 80 else x) + 5 * y
                flip = 60 if t >= 9 and 96 <= y < 160 and 128 <= x < 192 else 0
                out += bytes((((base + 17 * c) & 255) + flip) & 255 for c in range(3))
    return bytes(out)


def aligned_lengths(keep, t, places):
    """Run lengths [t,h,w] by the definition: distance to the next kept token at the same place."""
    out = [0] * len(keep)
    for p in range(places):
        next_kept = t
        for k in range(t - 1, -1, -1):
            if keep[k * places + p]:
                out[k * places + p] = next_kept - k
                next_kept = k
    return out


class Golden(Case):
    @classmethod
    def setUpClass(cls):
        cls.golden = read_tensors(os.path.join(GOLDEN, "tokens", "rlt_cases.safetensors"))

    def check(self, clip, dump, threshold_index, tubelet=2, shape=None):
        tensors = read_tensors(dump)
        (b, t, h, w), difference = tensors["rlt/difference"]
        self.assertEqual(b, 1)
        places = h * w
        pooled = self.golden[f"{clip}/pooled"][1]
        for i in range(places):
            self.assertTrue(math.isinf(difference[i]))
        for got, want in zip(difference[places:], pooled):
            self.assertLessEqual(abs(got - want), 1e-5)
        keep = tensors["rlt/keep"][1]
        want = list(self.golden[f"{clip}/masks"][1][threshold_index * t * places:][:t * places])
        want[:places] = [1] * places  # the reference's sentinel drops these at τ >= 255
        self.assertEqual(list(keep), want)
        self.assertEqual(list(tensors["rlt/run_length"][1]), aligned_lengths(keep, t, places))

    def test_every_clip_at_every_threshold(self):
        clips = {name[:-len("/frames_u8")]: 2 for name in self.golden if name.endswith("/frames_u8")}
        for clip, tubelet in clips.items():
            shape, frames = self.golden[f"{clip}/frames_u8"]
            write_tensor(self.path("in.safetensors"), "frames_u8", shape, frames)
            for i, tau in enumerate(THRESHOLDS):
                self.good("inspect", self.path("in.safetensors"), "--rlt", tau, "--dump",
                          self.path("out.safetensors"))
                self.check(clip, self.path("out.safetensors"), i, tubelet)

    def test_tubelet_of_four(self):
        shape, frames = self.golden["square/frames_u8"]
        write_tensor(self.path("in.safetensors"), "frames_u8", shape, frames)
        for i, tau in enumerate(THRESHOLDS):
            self.good("inspect", self.path("in.safetensors"), "--tubelet", 4, "--rlt", tau, "--dump",
                      self.path("out.safetensors"))
            self.check("square_tub4", self.path("out.safetensors"), i, 4)

    def test_formula_clip(self):
        write_tensor(self.path("in.safetensors"), "frames_u8", [16, 224, 224, 3], proc224())
        for i, tau in enumerate(THRESHOLDS):
            self.good("inspect", self.path("in.safetensors"), "--rlt", tau, "--dump",
                      self.path("out.safetensors"))
            self.check("proc224", self.path("out.safetensors"), i)

    def test_batch_of_clips(self):
        frames = bytes(self.golden["square/frames_u8"][1]) + bytes(self.golden["ramp/frames_u8"][1])
        write_tensor(self.path("in.safetensors"), "frames_u8", [2, 16, 112, 112, 3], frames)
        self.good("inspect", self.path("in.safetensors"), "--rlt", 0.1, "--dump",
                  self.path("out.safetensors"))
        tensors = read_tensors(self.path("out.safetensors"))
        self.assertEqual(tensors["rlt/keep"][0], [2, 8, 7, 7])
        self.assertEqual(list(tensors["rlt/keep"][1]), list(self.golden["batch2/mask"][1]))

    @unittest.skipUnless(have_ffmpeg(), "the ffmpeg program is not installed")
    def test_lossless_video_gives_the_same_decisions(self):
        for clip in ("square", "ramp", "testsrc2", "mandelbrot_t8_64x96"):
            (t, h, w, _), frames = self.golden[f"{clip}/frames_u8"]
            for pixel_format in ("bgr0", "gbrp"):
                ffmpeg("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{w}x{h}", "-r", 25, "-i", "-",
                       "-c:v", "ffv1", "-pix_fmt", pixel_format, self.path("in.mkv"),
                       data=bytes(frames))
                for i, tau in enumerate(THRESHOLDS):
                    self.good("inspect", self.path("in.mkv"), "--frames", t, "--stride", 1, "--size",
                              "native", "--rlt", tau, "--dump", self.path("out.safetensors"))
                    self.check(clip, self.path("out.safetensors"), i)


class Output(Case):
    SCENE = "synth:static?width=256&height=224&frames=130"

    def test_json_is_one_valid_document(self):
        result = self.good("inspect", self.SCENE, "--clips", "all", "--json", "-")
        doc = json.loads(result.stdout, parse_constant=lambda c: self.fail(c + " is not JSON"))
        self.assertEqual(list(doc)[:2], ["schema", "version"])
        self.assertEqual(len(doc["clips"]), 2)
        self.assertEqual(doc["kept"], sum(c["kept"] for c in doc["clips"]))
        self.assertEqual(result.stderr, "")

    def test_the_printed_command_repeats_the_run(self):
        first = json.loads(self.good("inspect", self.SCENE, "--rlt", 0.07, "--frames", 8, "--stride",
                                     3, "--clips", 3, "--json", "-").stdout)
        import shlex
        words = shlex.split(first["command"])
        self.assertEqual(words[:2], ["looktwice", "inspect"])
        second = json.loads(self.good(*words[1:], "--json", "-").stdout)
        self.assertEqual(first, second)

    def test_settings_file(self):
        doc = json.loads(self.good("inspect", self.SCENE, "--rlt", 0.3, "--json", "-").stdout)
        with open(self.path("s.json"), "w", encoding="utf-8") as f:
            json.dump(doc["settings"], f)
        again = json.loads(self.good("inspect", self.SCENE, "--settings", self.path("s.json"),
                                     "--json", "-").stdout)
        self.assertEqual(again["kept"], doc["kept"])
        self.assertAlmostEqual(again["settings"]["tokens"]["rlt"], 0.3, places=6)

    def test_higher_thresholds_keep_fewer_tokens(self):
        kept = [json.loads(self.good("inspect", self.SCENE, "--rlt", tau, "--json", "-").stdout)["kept"]
                for tau in (0, 0.05, 0.1, 0.5, 1000)]
        self.assertEqual(kept, sorted(kept, reverse=True))
        self.assertEqual(kept[-1], 14 * 14)

    def test_a_tail_that_is_too_short_is_reported(self):
        out = self.good("inspect", self.SCENE, "--clips", "all").stdout
        self.assertIn("the last 2 frames are too few for a clip", out)
        doc = json.loads(self.good("inspect", self.SCENE, "--clips", "all", "--json", "-").stdout)
        self.assertEqual(doc["dropped_tail"], 2)

    def test_a_camera_that_is_stopped_or_lost_leaves_its_trace(self):
        graph = "live:testsrc2=size=64x64:rate=30"
        trace = self.path("t.trace")
        self.good("inspect", graph + ",trim=end_frame=200", "--clips", "all", "--trace", trace)
        self.assertGreater(os.path.getsize(trace), 1000)
        os.remove(trace)
        process = subprocess.Popen([PROGRAM, "inspect", graph, "--clips", "all", "--trace", trace],
                                   stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(
                os.path.getsize(self.path(name)) > 40000 for name in os.listdir(self.dir)):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertGreater(os.path.getsize(trace), 1000)
        self.bad("inspect", graph + ",trim=end_frame=20", code=1, says="gone")

    def test_trace_is_written(self):
        self.good("inspect", self.SCENE, "--trace", self.path("t.trace"))
        self.assertGreater(os.path.getsize(self.path("t.trace")), 1000)


class BadInput(Case):
    GOOD = "synth:static?width=128&height=128&frames=64"

    def test_inputs(self):
        self.bad("inspect", self.path("none.mp4"), says="none.mp4")
        self.bad("inspect", self.dir, says=self.dir)
        with open(self.path("text.mp4"), "w", encoding="utf-8") as f:
            f.write("this is no video\n" * 50)
        self.bad("inspect", self.path("text.mp4"), says="text.mp4")
        open(self.path("empty.mp4"), "w").close()
        self.bad("inspect", self.path("empty.mp4"), says="empty.mp4")
        self.bad("inspect", "synth:nosuchscene", says="nosuchscene")
        self.bad("inspect", "lavfi:nosuchfilter", says="lavfi")

    @unittest.skipUnless(have_ffmpeg(), "the ffmpeg program is not installed")
    def test_files_without_a_clip(self):
        ffmpeg("-f", "lavfi", "-i", "sine=d=1", self.path("audio.mp4"))
        self.bad("inspect", self.path("audio.mp4"), says="audio.mp4")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:d=1:r=10", self.path("short.mp4"))
        self.bad("inspect", self.path("short.mp4"), says="10 frames")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=12x12:d=4:r=25", self.path("tiny.mkv"))
        self.bad("inspect", self.path("tiny.mkv"), "--size", "native", says="patch")

    def test_options(self):
        for tau in ("-0.1", "nan", "inf", "abc", "", "0,1"):
            self.bad("inspect", self.GOOD, f"--rlt={tau}", says="--rlt")
        self.bad("inspect", self.GOOD, "--frames", 15, says="tubelet")
        self.bad("inspect", self.GOOD, "--frames", 0)
        self.bad("inspect", self.GOOD, "--stride", 0)
        self.bad("inspect", self.GOOD, "--size", 8)
        self.bad("inspect", self.GOOD, "--clips", "some", says="--clips")
        self.bad("inspect", self.GOOD, "--nosuch", 1)
        self.bad("inspect")
        self.bad("inspekt", self.GOOD, says="did you mean inspect")
        self.bad()

    def test_outputs(self):
        self.bad("inspect", self.GOOD, "--json", self.path("no/such/folder.json"), says="folder")
        self.bad("inspect", self.GOOD, "--dump", self.dir, says="directory")
        if os.path.exists("/dev/full"):
            self.bad("inspect", self.GOOD, "--json", "/dev/full", code=1, says="/dev/full")
            self.bad("inspect", self.GOOD, "--dump", "/dev/full", code=1, says="/dev/full")
        self.assertEqual(os.listdir(self.dir), [])

    def test_hostile_tensors(self):
        path = self.path("x.safetensors")
        for shape, size in (([16, 32, 32], 16 * 32 * 32), ([16, 32, 32, 4], 16 * 32 * 32 * 4)):
            write_tensor(path, "frames_u8", shape, bytes(size))
            self.bad("inspect", path, says="frames_u8")
        write_tensor(path, "frames_u8", [17, 32, 32, 3], bytes(17 * 32 * 32 * 3))
        self.bad("inspect", path, says="17")
        write_tensor(path, "other", [4], bytes(4))
        self.bad("inspect", path, says="frames_u8")
        with open(path, "wb") as f:
            f.write(b"\xff" * 64)
        self.bad("inspect", path, says="x.safetensors")


if __name__ == "__main__":
    main()
