#!/usr/bin/env python3
"""Pictures of the app for docs and for judging its looks: screenshots.py FOLDER [SCALE].

Run by scripts/screenshots under a virtual X server.
"""
import os
import subprocess
import sys

from app import App

folder = sys.argv[1]
scale = sys.argv[2] if len(sys.argv) > 2 else "1"
full = len(sys.argv) > 2  # every dialog, all colours: for judging; else what docs show
SCENE = "synth:static"


def save(app, name, state=None):
    app.move("play.end", 0.5, 1.6)
    app.wait(lambda s: s["hovered"] is None or s["pinned"], "the mouse away")
    subprocess.run(["sleep", "1.0"], check=True)
    x, y, w, h = app.rect("window")
    subprocess.run(["import", "-silent", "-window", "root", "-crop", f"{w}x{h}+{x}+{y}", "+repage",
                    *(() if full else ("-dither", "FloydSteinberg", "-colors", "256")),
                    ("" if full else "PNG8:") + os.path.join(folder, name + ".png")], check=True)
    print("wrote", name, flush=True)


for theme in ("dark", "light"):
    with App("--paused", "--theme", theme, "--scale", scale, SCENE) as app:
        app.ready(4)
        app.click("strip", 0.42, 0.5)
        app.wait(lambda s: s["frame"] > 100 and s["frame"] == s["position"], "a seek")
        app.wait(lambda s: s["measured"] == s["clips"] and s["clip"] is not None, "all clips")
        save(app, f"main-{theme}")
        if theme == "dark":
            app.click("view.area", 0.40, 0.47)
            app.wait(lambda s: s["pinned"], "a pinned patch")
            save(app, "inspector")
            app.key("2")
            app.wait(lambda s: s["layout"] == "side-by-side", "side by side")
            save(app, "side-by-side")
        for key, dialog in () if not full else (("ctrl+k", "palette"), ("F1", "shortcuts"), ("ctrl+e", "export"),
                            ("ctrl+comma", "preferences")):
            app.focus()
            app.key(key)
            app.wait(lambda s: s["dialog"] == dialog, dialog)
            save(app, f"{dialog}-{theme}")
            app.focus()
            app.key("Escape")
            app.wait(lambda s: s["dialog"] == "", "no dialog")
