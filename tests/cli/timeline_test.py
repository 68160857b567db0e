"""looktwice export of generated panes and cache traces: the video, the report and the pictures."""

import json
import os
import subprocess
import unittest

from generate_test import pixel_model
from support import Case, have_ffmpeg, main


def size_of_png(path):
    with open(path, "rb") as f:
        head = f.read(24)
    assert head[:8] == b"\x89PNG\r\n\x1a\n", head
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def frames_of(path):
    out = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-count_frames", "-show_entries",
                          "stream=nb_read_frames,width,height", path], stdout=subprocess.PIPE,
                         check=True).stdout
    stream = json.loads(out)["streams"][0]
    return int(stream["nb_read_frames"]), stream["width"], stream["height"]


class Generated(Case):
    def setUp(self):
        super().setUp()
        self.model = self.path("model")
        os.mkdir(self.model)
        pixel_model(self.model)

    def report(self):
        with open(self.path("r.json"), encoding="utf-8") as f:
            return json.load(f)

    def pane(self, *options):
        return " ".join(("generate", "--model", self.model, "--prompt", "ball", "--steps", "8",
                         *options))

    @unittest.skipUnless(have_ffmpeg(), "the ffmpeg program is not installed")
    def test_a_cached_run_beside_the_uncached_one(self):
        out = self.path("out.mkv")
        self.good("export", "-o", out, "--codec", "ffv1", "--json", self.path("r.json"), "--pane",
                  self.pane("--cache", "interval:3"))
        frames, width, height = frames_of(out)
        self.assertEqual(frames, 4)
        self.assertGreaterEqual(width, 1280)
        self.assertGreater(height, 460)  # the timeline beneath
        uncached, cached = self.report()["generated"]
        self.assertEqual(uncached["computed_steps"], list(range(1, 9)))
        self.assertEqual(cached["computed_steps"], [1, 2, 5, 7, 8])
        self.assertEqual(len(cached["psnr_per_frame"]), 4)
        self.assertGreater(cached["psnr"], 5)
        self.assertGreater(cached["denoiser_speedup"], 0)
        self.assertGreater(cached["end_to_end_speedup"], 0)
        self.assertNotIn("psnr", uncached)

    @unittest.skipUnless(have_ffmpeg(), "the ffmpeg program is not installed")
    def test_the_same_run_twice_is_equal(self):
        self.good("export", "-o", self.path("out.mkv"), "--codec", "ffv1", "--json",
                  self.path("r.json"), "--layout", "difference", "--pane",
                  self.pane("--cache", "none"), "--pane", self.pane("--cache", "interval:1"))
        self.assertTrue(self.report()["generated"][1]["equal"])

    @unittest.skipUnless(have_ffmpeg(), "the ffmpeg program is not installed")
    def test_a_clip_with_its_marks_above_its_own_denoising(self):
        out = self.path("out.mkv")
        scene = "synth:static?width=320&height=192&frames=40"
        self.good("export", scene, "-o", out, "--codec", "ffv1", "--json", self.path("r.json"),
                  "--overlay", "rlt", "--overlay", "cache", "--stride", 2, "--start", 4, "--pane",
                  "--rlt 0.1", "--pane", self.pane("--cache", "interval:2", "--strength", "0.75"))
        # Four frames, two apart: that much of the clip was denoised.
        self.assertEqual(frames_of(out)[0], 8)
        run = self.report()["generated"][0]
        self.assertEqual(run["steps"], 6)

    def trace(self, name, policy):
        self.good("generate", "--model", self.model, "--prompt", "ball", "--steps", 8, "--cache",
                  policy, "--trace", self.path(name))
        return self.path(name)

    def test_traces_alone_make_a_picture(self):
        uncached, cached = self.trace("a.json", "none"), self.trace("b.json", "interval:3")
        own = self.trace("c.json", "adacache:[[0.05,4],[0.5,2],[null,1]]")
        out = self.path("t.png")
        traces = ["--trace", uncached, "--trace", cached, "--trace", own]
        self.good("export", "-o", out, "--predict", *traces)
        width, height = size_of_png(out)
        self.assertEqual(width, 1280)
        self.good("export", "-o", out, "--detail", "modules", "--light", *traces)
        self.assertGreater(size_of_png(out)[1], height + 200)
        self.good("export", "-o", out, "--pane", f"--trace {cached} --title mine", "--output-size",
                  "900x100")
        self.assertEqual(size_of_png(out)[0], 900)
        self.good("export", "-o", out, "--overlay", "distances", "--output-size", "600x500", *traces)
        self.assertEqual(size_of_png(out), (600, 500))

    def test_saved_traces_beneath_a_video(self):
        cached = self.trace("b.json", "interval:3")
        scene = "synth:static?width=320&height=192&frames=4"
        self.good("export", scene, "-o", self.path("with.png"), "--range", "0:0", "--layout",
                  "single", "--frames", 2, "--stride", 1, "--trace", cached)
        self.good("export", scene, "-o", self.path("without.png"), "--range", "0:0", "--layout",
                  "single", "--frames", 2, "--stride", 1)
        self.assertGreaterEqual(size_of_png(self.path("with.png"))[0], 1280)
        self.assertEqual(size_of_png(self.path("without.png"))[0], 320)

    def test_bad_input_leaves_nothing(self):
        cached = self.trace("b.json", "interval:3")
        before = sorted(os.listdir(self.dir))
        out = self.path("out.mkv")
        self.bad("export", "-o", out)
        self.bad("export", "-o", out, "--trace", cached, says=".png")
        self.bad("export", "-o", self.path("m.png"), "--trace", cached, "--overlay", "distances",
                 says="uncached")
        self.bad("export", "synth:static", "-o", out, "--overlay", "distances", says="of their own")
        self.bad("export", "-o", self.path("t.png"), "--trace", cached, "--detail", "atoms",
                 says="modules")
        self.bad("export", "-o", out, "--pane", self.pane("--cache", "adacahe:fast"),
                 says="did you mean adacache")
        self.bad("export", "-o", out, "--pane", self.pane("--strength", "0.5"), says="no clip")
        self.bad("export", "-o", out, "--pane", "generate --prompt ball", says="--model")
        self.bad("export", "-o", out, "--pane", 
                 f"generate --model {self.model} --prompt bal --steps 8", says="nearest: ball")
        self.bad("export", "-o", out, "--pane", self.pane("--content", "marks2"), says="difference")
        self.assertEqual(sorted(os.listdir(self.dir)), before)


if __name__ == "__main__":
    main()
