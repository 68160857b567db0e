"""Merge groups in exported pictures, against the published visualisation written out in Python."""

import os
import random
import struct
import unittest
import zlib

from support import GOLDEN, Case, main, read_tensors, write_tensor

TOKENS = os.path.join(GOLDEN, "tokens")
VIDEO = os.path.join(TOKENS, "tiny_videomae")
IMAGE = os.path.join(TOKENS, "tiny_timm")


def read_png(path):
    """(width, height, RGB bytes) of an 8-bit RGB picture."""
    with open(path, "rb") as f:
        data = f.read()
    at, packed, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            size = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    width, height, depth, colour = size
    assert (depth, colour) == (8, 2), size
    raw, stride, rows, before = zlib.decompress(packed), width * 3, [], bytearray(width * 3)
    for y in range(height):
        kind = raw[y * (stride + 1)]
        row = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left = row[i - 3] if i >= 3 else 0
            up = before[i]
            corner = before[i - 3] if i >= 3 else 0
            if kind == 1:
                row[i] = (row[i] + left) & 255
            elif kind == 2:
                row[i] = (row[i] + up) & 255
            elif kind == 3:
                row[i] = (row[i] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                near = min((left, up, corner), key=lambda v: abs(guess - v))
                row[i] = (row[i] + near) & 255
        rows.append(bytes(row))
        before = row
    return width, height, b"".join(rows)


def visualisation(frames, width, height, patch, tubelet, groups):
    """ToMe's figure, over tubes: groups [t,h,w] (None: not drawn), frames a list of RGB bytes."""
    rows, columns = height // patch, width // patch
    random.seed(0)
    count = max(g for g in groups if g is not None) + 1
    border = [tuple(random.random() for _ in range(3)) for _ in range(count)]

    def group(t, y, x):
        if not (0 <= y < height and 0 <= x < width):
            return -1
        return groups[(t // tubelet * rows + y // patch) * columns + x // patch]

    total, pixels = [[0.0] * 3 for _ in range(count)], [0] * count
    for t, rgb in enumerate(frames):
        for y in range(height):
            for x in range(width):
                g = group(t, y, x)
                if g is None:
                    continue
                at = (y * width + x) * 3
                for c in range(3):
                    total[g][c] += rgb[at + c] / 255.0
                pixels[g] += 1
    inside = [tuple(v / n for v in total[g]) if n else (0, 0, 0) for g, n in enumerate(pixels)]
    out = []
    for t, rgb in enumerate(frames):
        picture = bytearray(rgb)
        for y in range(height):
            for x in range(width):
                g = group(t, y, x)
                if g is None:
                    continue
                edge = any(group(t, y + dy, x + dx) != g for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)))
                at = (y * width + x) * 3
                picture[at:at + 3] = bytes(int(255 * v) for v in (border if edge else inside)[g])
        out.append(bytes(picture))
    return out


class Groups(Case):
    QUIET = ("--layout", "single", "--legend", "none", "--no-titles")

    def dump(self, source, model, *options):
        out = self.path("out.safetensors")
        self.good("classify", source, "--model", model, "--dump", out, *options)
        return read_tensors(out)

    def group_of(self, dump, clip, layer):
        (_, layers, m), data = dump["tome/group"]
        layer = layers - 1 if layer is None else layer - 1
        at = (clip * layers + layer) * m
        return list(data[at:at + m])

    def test_an_image_is_the_published_figure(self):
        golden = read_tensors(os.path.join(TOKENS, "tiny_timm_cases.safetensors"))
        (_, height, width, _), data = golden["img_u8"]
        image = bytes(data[:height * width * 3])
        source = self.path("in.safetensors")
        write_tensor(source, "images_u8", [1, height, width, 3], image)
        for layer, extra in ((None, []), (1, ["--layer", "1"])):
            options = ["--tome", "6", "--backend", "reference"]
            group = self.group_of(self.dump(source, IMAGE, *options), 0, layer)
            want = visualisation([image], width, height, 16, 1, group[1:])
            self.good("export", source, "-o", self.path("out.png"), "--model", IMAGE, "--overlay",
                      "tome", *options, *extra, *self.QUIET)
            got = read_png(self.path("out.png"))
            self.assertEqual(got, (width, height, want[0]))

    def test_a_trace_draws_what_its_model_drew(self):
        golden = read_tensors(os.path.join(TOKENS, "tiny_vit_cases.safetensors"))
        (_, frames, height, width, _), data = golden["frames_u8"]
        clip = bytes(data[:frames * height * width * 3])
        source = self.path("in.safetensors")
        write_tensor(source, "frames_u8", [frames, height, width, 3], clip)
        options = ["--rlt", "0.1", "--tome", "[9,5,3]", "--backend", "reference"]
        trace = self.path("run.lttrace")
        dump = self.dump(source, VIDEO, "--trace", trace, *options)
        self.good("export", source, "-o", self.path("model_%d.png"), "--model", VIDEO, "--overlay",
                  "tome", *options, *self.QUIET)
        self.good("export", source, "-o", self.path("trace_%d.png"), "--trace", trace, "--overlay",
                  "tome", *self.QUIET)
        # Colours of groups without a class token follow the trace's own order: compare everything but
        # the borders with the definition, and the two exports with each other.
        keep, group = list(dump["rlt/keep"][1]), self.group_of(dump, 0, None)
        tokens = iter(group)
        groups = [next(tokens) if k else None for k in keep]
        size = height * width * 3
        pictures = [clip[i * size:(i + 1) * size] for i in range(frames)]
        want = visualisation(pictures, width, height, 16, 2, groups)
        for i in range(frames):
            got = read_png(self.path(f"model_{i}.png"))
            self.assertEqual(got, read_png(self.path(f"trace_{i}.png")))
            for y in range(height):
                for x in range(width):
                    if x % 16 in (0, 15) or y % 16 in (0, 15):
                        continue
                    at = (y * width + x) * 3
                    self.assertEqual(got[2][at:at + 3], want[i][at:at + 3], (i, y, x))

    def test_views_and_panes(self):
        scene = "synth:static?width=128&height=96&frames=32"
        base = ["--model", VIDEO, "--rlt", "0.1", "--tome", "8"]
        for view in (["--overlay", "tome"], ["--overlay", "tome", "--merge-view", "outlines"],
                     ["--overlay", "sizes"], ["--overlay", "tome", "--overlay", "rlt", "--layer", "2"]):
            self.good("export", scene, "-o", self.path("out.png"), "--range", "3:3", *base, *view)
        self.good("export", scene, "-o", self.path("out.mkv"), "--codec", "ffv1", "--overlay", "tome",
                  "--pane", f"--model {VIDEO} --tome 8 --content marks",
                  "--pane", f"--model {VIDEO} --rlt 0.1 --tome 16,-1 --content marks")

    def test_bad_input(self):
        scene = "synth:static?width=128&height=96&frames=32"
        out = self.path("out.png")
        self.bad("export", scene, "-o", out, "--overlay", "tom", says="tome")
        self.bad("export", scene, "-o", out, "--overlay", "tome", says="--model")
        self.bad("export", scene, "-o", out, "--overlay", "tome", "--model", self.path("none"),
                 says="none")
        self.bad("export", scene, "-o", out, "--overlay", "tome", "--model", VIDEO, "--layer", "-2",
                 says="layer")
        self.bad("export", scene, "-o", out, "--overlay", "tome", "--model", VIDEO,
                 "--merge-view", "x", says="outlines")
        self.bad("export", scene, "-o", out, "--overlay", "tome", "--model", VIDEO, "--tome",
                 "[1,2,3,4]", says="--tome")
        self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    main()
