"""looktwice export: the file that comes out, decoded again, against what went in."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from support import PROGRAM, Case, ffmpeg, have_ffmpeg, main


def probe(path, entries):
    out = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-count_frames", "-show_entries",
                          entries, path], stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)


@unittest.skipUnless(have_ffmpeg(), "the ffmpeg program is not installed")
class Video(Case):
    def clip(self, name="in.mp4", graph="testsrc2=s=320x240:r=25:d=4", *options):
        ffmpeg("-f", "lavfi", "-i", graph, *(options or ("-pix_fmt", "yuv420p", "-crf", 12)),
               self.path(name))
        return self.path(name)

    def test_counts_times_and_size(self):
        source = self.clip(graph="testsrc2=s=320x240:r=30000/1001:d=4")
        out = self.path("out.mp4")
        self.good("export", source, "-o", out, "--layout", "side-by-side", "--legend", "none")
        want = probe(source, "stream=nb_read_frames:frame=pts_time")
        got = probe(out, "stream=nb_read_frames,width,height,codec_name:frame=pts_time")
        self.assertEqual(got["streams"][0]["codec_name"], "h264")
        self.assertEqual(got["streams"][0]["width"], 640)
        self.assertEqual(got["streams"][0]["nb_read_frames"], want["streams"][0]["nb_read_frames"])
        for a, b in zip(want["frames"], got["frames"]):
            self.assertAlmostEqual(float(a["pts_time"]), float(b["pts_time"]), places=4)

    def test_variable_frame_rate_keeps_its_times(self):
        source = self.clip("in.mkv", "testsrc2=s=160x128:r=25:d=4,select='mod(n,7)*mod(n,5)'",
                           "-fps_mode", "vfr", "-c:v", "ffv1")
        out = self.path("out.mkv")
        self.good("export", source, "-o", out, "--layout", "single")
        want = [float(f["pts_time"]) for f in probe(source, "frame=pts_time")["frames"]]
        got = [float(f["pts_time"]) for f in probe(out, "frame=pts_time")["frames"]]
        self.assertEqual(len(got), len(want))
        for a, b in zip(want, got):
            self.assertAlmostEqual(a - want[0], b - got[0], delta=0.0015)

    def test_untouched_pixels_pass(self):
        source = self.clip("in.mkv", "testsrc2=s=320x240:r=25:d=3", "-c:v", "ffv1", "-pix_fmt",
                           "yuv420p", "-colorspace", "bt709", "-color_range", "tv")
        out = self.path("out.mkv")
        self.good("export", source, "-o", out, "--layout", "single", "--overlay", "none",
                  "--legend", "none", "--no-titles", "--codec", "ffv1")
        result = subprocess.run(
            ["ffmpeg", "-v", "info", "-i", source, "-i", out, "-lavfi", "psnr", "-f", "null", "-"],
            stderr=subprocess.PIPE, text=True, check=True).stderr
        average = result.split("average:")[1].split()[0]
        self.assertTrue(average == "inf" or float(average) > 50, average)

    def psnr(self, first, second, graph="[0:v][1:v]psnr"):
        result = subprocess.run(["ffmpeg", "-v", "info", *first, *second, "-lavfi", graph, "-f", "null",
                                 "-"], stderr=subprocess.PIPE, text=True, check=True).stderr
        return float(result.split("average:")[1].split()[0])

    def test_the_video_is_what_the_compositor_drew(self):
        scene = "synth:static?width=640&height=368&frames=80"
        for layout in ("side-by-side", "wipe"):
            options = ["--layout", layout, "--overlay", "rlt", "--range", "20:49"]
            self.good("export", scene, "-o", self.path("drawn_%03d.png"), *options)
            self.good("export", scene, "-o", self.path("lossless.mkv"), "--codec", "ffv1", *options)
            self.good("export", scene, "-o", self.path("out.mp4"), "--crf", 16, *options)
            lossless, video = ["-i", self.path("lossless.mkv")], ["-i", self.path("out.mp4")]
            self.assertGreater(self.psnr(video, lossless), 35)
            pictures = ["-r", "30", "-i", self.path("drawn_%03d.png")]
            self.assertGreater(self.psnr(video, pictures, "[0:v]format=gbrp[a];[1:v]format=gbrp[b];"
                                         "[a][b]psnr"), 32)  # coloured edges lose half their chroma

    def test_every_codec(self):
        source = self.clip(graph="testsrc2=s=160x128:r=25:d=1")
        for codec, name, extension in (("h264", "h264", "mp4"), ("hevc", "hevc", "mp4"),
                                       ("vp9", "vp9", "webm"), ("av1", "av1", "mkv"),
                                       ("ffv1", "ffv1", "mkv"), ("prores", "prores", "mov")):
            out = self.path(f"out.{extension}")
            self.good("export", source, "-o", out, "--codec", codec, "--frames", 8, "--stride", 2)
            stream = probe(out, "stream=codec_name,nb_read_frames")["streams"][0]
            self.assertEqual((stream["codec_name"], stream["nb_read_frames"]), (name, "25"))

    def test_every_layout_and_overlay(self):
        source = self.clip(graph="testsrc2=s=320x240:r=25:d=1")
        for layout in ("single", "side-by-side", "stack", "grid", "wipe", "difference"):
            for overlay in ("rlt", "heat", "grid", "none"):
                self.good("export", source, "-o", self.path("out.mp4"), "--layout", layout,
                          "--overlay", overlay, "--range", "0:9", "--frames", 4, "--stride", 2)
                self.assertEqual(probe(self.path("out.mp4"), "stream=nb_read_frames")["streams"][0]
                                 ["nb_read_frames"], "10")

    def test_panes(self):
        source = self.clip()
        self.good("inspect", source, "--clips", "all", "--trace", self.path("t.trace"))
        self.good("export", source, "-o", self.path("out.mp4"), "--layout", "side-by-side",
                  "--pane", "--rlt 0.02 --title 'low τ'", "--pane", "inspect --rlt 0.5",
                  "--pane", f"--trace {self.path('t.trace')}")
        width = probe(self.path("out.mp4"), "stream=width")["streams"][0]["width"]
        self.assertEqual(width, 960)

    def test_metadata_carries_settings_and_command(self):
        source = self.clip()
        out = self.path("out.mp4")
        self.good("export", source, "-o", out, "--rlt", 0.25)
        tags = probe(out, "format_tags")["format"]["tags"]
        self.assertIn("--rlt 0.25", tags["comment"])
        doc = json.loads(tags["looktwice"])
        self.assertEqual(doc["schema"], "looktwice/export")
        self.assertAlmostEqual(doc["panes"][0]["settings"]["tokens"]["rlt"], 0.25)

    def test_a_scene_is_a_file_or_its_json(self):
        source = self.clip(graph="testsrc2=s=160x128:r=25:d=1")
        scene = '{"layout": "wipe", "panes": [{"marks": true}, {"content": "handed-on"}], "wipe": 0.25}'
        options = ["--frames", 8, "--stride", 2, "--range", "0:4"]
        with open(self.path("scene.json"), "w", encoding="utf-8") as f:
            f.write(scene)
        for name, given in (("a", scene), ("b", self.path("scene.json"))):
            self.good("export", source, "-o", self.path(name + ".mkv"), "--codec", "ffv1", "--scene",
                      given, *options)
        pixels = [subprocess.run(["ffmpeg", "-v", "error", "-i", self.path(n), "-f", "md5", "-"],
                                 stdout=subprocess.PIPE, check=True).stdout for n in ("a.mkv", "b.mkv")]
        self.assertEqual(*pixels)
        self.bad("export", source, "-o", self.path("c.mkv"), "--scene", '{"layuot": "wipe"}',
                 says="layuot")
        self.bad("export", source, "-o", self.path("c.mkv"), "--scene", '{"layout"', says="--scene")

    def test_pictures(self):
        source = self.clip()
        self.good("export", source, "-o", self.path("one.png"), "--range", "12:12")
        with open(self.path("one.png"), "rb") as f:
            self.assertEqual(f.read(8), b"\x89PNG\r\n\x1a\n")
        self.good("export", source, "-o", self.path("f_%03d.png"), "--range", "0:4")
        self.assertEqual(len([n for n in os.listdir(self.dir) if n.startswith("f_")]), 5)

    def test_truncated_file_plays_what_there_is(self):
        source = self.clip("in.mkv", "testsrc2=s=320x240:r=25:d=6")
        shutil.copy(source, self.path("cut.mkv"))
        os.truncate(self.path("cut.mkv"), os.path.getsize(source) * 6 // 10)
        result = self.good("export", self.path("cut.mkv"), "-o", self.path("out.mp4"))
        frames = int(probe(self.path("out.mp4"), "stream=nb_read_frames")["streams"][0]
                     ["nb_read_frames"])
        self.assertTrue(10 < frames < 150)
        self.assertLessEqual(len(result.stderr.strip().splitlines()), 1)

    def test_open_without_a_display(self):
        environment = {k: v for k, v in os.environ.items()
                       if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
        result = subprocess.run([PROGRAM, "open"], stderr=subprocess.PIPE, text=True, env=environment)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn("display", result.stderr)

    def test_a_video_shorter_than_a_clip(self):
        short = self.clip("short.mp4", "testsrc2=s=64x48:r=10:d=1")
        before = sorted(os.listdir(self.dir))
        for options in ((), ("--clips", "2"), ("--layout", "side-by-side", "--overlay", "none")):
            self.bad("export", short, "-o", self.path("out.mp4"), *options, says="10 frames")
        self.assertEqual(sorted(os.listdir(self.dir)), before)
        self.good("export", short, "-o", self.path("out.mp4"), "--layout", "single", "--overlay", "none")

    def test_bad_input_leaves_nothing(self):
        source = self.clip()
        before = sorted(os.listdir(self.dir))
        out = self.path("out.mp4")
        self.bad("export", self.path("none.mp4"), "-o", out)
        self.bad("export", source, "-o", self.path("out.xyz"), says=".xyz")
        self.bad("export", source, "-o", self.path("no/folder/out.mp4"), says="folder")
        self.bad("export", source, "-o", out, "--codec", "h263", says="h264")
        self.bad("export", source, "-o", self.path("out.webm"), "--codec", "prores")
        self.bad("export", source, "-o", out, "--layout", "spiral", says="side-by-side")
        self.bad("export", source, "-o", out, "--overlay", "fog", says="rlt")
        self.bad("export", source, "-o", out, "--rlt", "-1", says="--rlt")
        self.bad("export", source, "-o", out, "--range", "9:3")
        self.bad("export", source, "-o", out, "--range", "5000:6000")
        self.bad("export", source, "-o", out, "--pane", "--rlt nan")
        self.bad("export", source, "-o", out, "--pane", "--trace " + self.path("none.trace"))
        self.bad("export", source)
        self.assertEqual(sorted(os.listdir(self.dir)), before)

    def test_an_interrupted_run_leaves_the_old_file(self):
        with open(self.path("out.mp4"), "w", encoding="utf-8") as f:
            f.write("old")
        process = subprocess.Popen([PROGRAM, "export", "synth:pan?frames=3000", "-o",
                                    self.path("out.mp4")], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not [n for n in os.listdir(self.dir) if ".part" in n]:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 1)
        with open(self.path("out.mp4"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "old")
        self.assertEqual(os.listdir(self.dir), ["out.mp4"])


if __name__ == "__main__":
    main()
