#!/usr/bin/env python3
"""What the desktop app makes people wait for, measured by itself: app.py [PROGRAM].

Starts looktwice-gui on its built-in scene (1280x720) in a window of 1280x720, drawn in software
under Xvfb: start to first picture, τ to changed pixels, CPU time while idle. Needs xvfb-run.
"""
import os
import subprocess
import sys
import tempfile
import time

if not os.environ.get("LT_BENCH_INSIDE"):
    os.environ["LT_BENCH_INSIDE"] = "1"
    os.execvp("xvfb-run", ["xvfb-run", "-a", "-s", "-screen 0 1280x720x24", sys.executable, *sys.argv])

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
program = sys.argv[1] if len(sys.argv) > 1 else next(
    (p for p in (f"{root}/build/{b}/app/gui/looktwice-gui" for b in ("release", "dev"))
     if os.path.exists(p)), None)
if program is None:
    sys.exit("build looktwice-gui first, or name it")


def run(*options, **kind):
    with tempfile.TemporaryDirectory() as home:
        variables = dict(os.environ, XDG_CONFIG_HOME=home, XDG_CACHE_HOME=home, XDG_RUNTIME_DIR=home,
                         LIBGL_ALWAYS_SOFTWARE="1", QT_QPA_PLATFORM="xcb")
        command = [program, "--no-tour", "--window", "1280x720", *options, "synth:static"]
        if kind.get("idle"):
            process = subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL)
            time.sleep(20)  # until its clips are measured

            def ticks():
                with open(f"/proc/{process.pid}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                return int(fields[11]) + int(fields[12])

            before, start = ticks(), time.monotonic()
            time.sleep(8)
            used = (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - start)
            process.terminate()
            process.wait()
            return used
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr


starts = sorted(float(run("--paused", "--watchdog", "--quit-after", "2.5")
                      .split("first picture ")[1].split(" ")[0]) for _ in range(3))
print(f"start to first picture: median {starts[1]:.0f} ms, worst {starts[-1]:.0f} ms of 3")
for line in run("--paused", "--bench-tau", "200").splitlines():
    if line.startswith("τ to pixels"):
        print(line)
print(f"idle: {run('--paused', idle=True) * 100:.1f} % of one core")
