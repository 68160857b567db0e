#!/usr/bin/env python3
"""How long the app's UI thread is away while a 1080p30 file plays with the overlay, and whether memory
stays flat: over 10 loops of that file, and over an hour of simulated live input.

    xvfb-run -a -s "-screen 0 1600x1000x24" tools/bench/app_playback.py [loops] [live] [inspect]

loops    the app plays a 10 s clip for --loops times its length: watchdog line and memory.
live     the app on live:testsrc2 at --size, unpaced, until --hours' worth of frames at 30 a second went by.
inspect  `looktwice inspect` on the same input, its trace streamed to disk, for as many frames.
Memory is the resident set, sampled twice a second: the median of the first third (after a warm-up) against
that of the last third.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time


def resident(pid):
    """Megabytes, or None when the process is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None


class Memory:
    """Samples the resident set of a process."""

    def __init__(self, pid):
        self.samples, self.done = [], threading.Event()
        self.thread = threading.Thread(target=self._watch, args=(pid,), daemon=True)
        self.thread.start()

    def _watch(self, pid):
        while not self.done.wait(0.5):
            value = resident(pid)
            if value:
                self.samples.append(value)

    def text(self):
        self.done.set()
        self.thread.join()
        s = self.samples[len(self.samples) // 10:]
        if len(s) < 6:
            return "too short to tell"
        third = len(s) // 3
        first, last = statistics.median(s[:third]), statistics.median(s[-third:])
        return (f"resident {first:.0f} MB in the first third, {last:.0f} MB in the last "
                f"({100 * (last / first - 1):+.1f} %), at most {max(s):.0f} MB")


def app(args, *more, **kwargs):
    folder = kwargs.pop("folder")
    env = dict(os.environ, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder, XDG_RUNTIME_DIR=folder,
               QT_QPA_PLATFORM="xcb", LIBGL_ALWAYS_SOFTWARE="1")
    return subprocess.Popen([args.build + "/app/gui/looktwice-gui", "--no-tour", *more], env=env, text=True,
                            **kwargs)


def loops(args, folder):
    clip = args.clip or os.path.join(folder, "clip.mp4")
    if not os.path.exists(clip):
        subprocess.run([args.build + "/app/cli/looktwice", "synth",
                        f"synth:static?width=1920&height=1080&fps=30&frames={args.frames}", "-o", clip],
                       check=True, stdout=subprocess.DEVNULL)
    seconds = args.loops * args.frames / 30 + 5
    process = app(args, "--watchdog", "--quit-after", f"{seconds:.0f}", clip, folder=folder,
                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    memory = Memory(process.pid)
    out = process.communicate()[1]
    print(f"1080p30 with the overlay, {args.loops} loops of {args.frames} frames ({seconds:.0f} s)")
    print("  " + "\n  ".join(out.strip().splitlines()))
    print("  " + memory.text(), flush=True)


def live(args, folder):
    source = f"live:testsrc2=size={args.size}:rate=30"
    goal, frame, marks = int(args.hours * 3600 * 30), 0, 0
    process = app(args, "--print-state", source, folder=folder, stdout=subprocess.PIPE,
                  stderr=subprocess.DEVNULL)
    memory = Memory(process.pid)
    start = time.monotonic()
    for line in process.stdout:
        state = json.loads(line)
        frame = max(frame, state.get("frame") or 0)
        marks += state.get("kept_ratio") is not None
        if frame >= goal or time.monotonic() - start > args.limit:
            break
    text = memory.text()
    process.terminate()
    process.wait()
    print(f"app on {source}: {frame} frames ({frame / 108000:.2f} h at 30 a second) in "
          f"{time.monotonic() - start:.0f} s, {marks} states with marks\n  {text}", flush=True)


def inspect(args, folder):
    frames = int(args.hours * 3600 * 30)
    source = f"live:testsrc2=size=320x240:rate=30,trim=end_frame={frames}"
    trace = os.path.join(folder, "live.trace")
    process = subprocess.Popen([args.build + "/app/cli/looktwice", "inspect", source, "--clips", "all",
                                "--trace", trace], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    memory = Memory(process.pid)
    lines = sum(1 for _ in process.stdout)
    process.wait()
    print(f"inspect on {source}: {frames} frames, {lines} lines\n  {memory.text()}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["loops", "live", "inspect"])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--clip", help="keep the 1080p clip here, or take one that is here")
    parser.add_argument("--loops", type=int, default=10)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--size", default="1280x720", help="of the live input of the app")
    parser.add_argument("--limit", type=float, default=3600, help="seconds after which `live` ends")
    args = parser.parse_args()
    for name in args.what:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            {"loops": loops, "live": live, "inspect": inspect}[name](args, folder)


if __name__ == "__main__":
    main()
