#!/usr/bin/env python3
"""Frame rate of `looktwice export` (side by side, RLT overlay) against ffmpeg doing decode, hstack and
the same encoder, interleaved on two pinned clips. Prints medians and their ratio.

    tools/bench/export_speed.py [--looktwice PATH] [--frames N] [--rounds N]
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time


def seconds(command):
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--looktwice", default="build/release/app/cli/looktwice")
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    clips = {"clean": f"synth:static?seed=1&frames={args.frames}",
             "noisy": f"synth:lowlight?seed=1&frames={args.frames}"}
    with tempfile.TemporaryDirectory() as folder:
        print(f"1280x720 H.264, {args.frames} frames, median of {args.rounds} interleaved rounds\n")
        print("| clip | ffmpeg frames/s | looktwice frames/s | ratio |")
        print("|---|---|---|---|")
        for name, scene in clips.items():
            raw, clip = os.path.join(folder, "raw.mkv"), os.path.join(folder, "clip.mp4")
            out = os.path.join(folder, "out.mp4")
            subprocess.run([args.looktwice, "synth", scene, "-o", raw], check=True,
                           stdout=subprocess.DEVNULL)
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", raw, "-c:v", "libx264", "-preset", "medium",
                            "-crf", "20", "-pix_fmt", "yuv420p", clip], check=True)
            peer = ["ffmpeg", "-v", "error", "-y", "-i", clip, "-filter_complex",
                    "[0:v]split[a][b];[a][b]hstack", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20",
                    out]
            ours = [args.looktwice, "export", clip, "-o", out, "--layout", "side-by-side", "--overlay", "rlt",
                    "--encoder-preset", "veryfast", "--crf", "20"]
            times = {"peer": [], "ours": []}
            for _ in range(args.rounds):
                times["peer"].append(seconds(peer))
                times["ours"].append(seconds(ours))
            peer_fps, our_fps = (args.frames / statistics.median(times[k]) for k in ("peer", "ours"))
            ratio = statistics.median(a / b for a, b in zip(times["peer"], times["ours"]))
            print(f"| {name} | {peer_fps:.1f} | {our_fps:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
