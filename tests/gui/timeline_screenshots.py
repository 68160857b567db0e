#!/usr/bin/env python3
"""Pictures of generating in the app: timeline_screenshots.py FOLDER [SCALE].

Run by scripts/timeline_pictures under a virtual X server; with a scale, dark and light, for judging.
"""
import os
import subprocess
import sys
import time

from app import App
from test_timeline import choose, finished, show

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "assets", "models")
folder = sys.argv[1]
scale = sys.argv[2] if len(sys.argv) > 2 else "1"
judged = len(sys.argv) > 2


def save(app, name):
    app.move("play.end", 0.5, 1.6)
    time.sleep(1)
    x, y, w, h = app.rect("window")
    subprocess.run(["import", "-silent", "-window", "root", "-crop", f"{w}x{h}+{x}+{y}", "+repage",
                    *(() if judged else ("-dither", "FloydSteinberg", "-colors", "256")),
                    ("" if judged else "PNG8:") + os.path.join(folder, name + ".png")], check=True)
    print("wrote", name, flush=True)


def prompt(app, text):
    app.edit("generate.prompt")
    app.type(text)
    app.key("Return")
    app.wait(lambda s: s["generate"]["prompt"] == text and not s["editing"], "the prompt")


for theme in ("dark", "light") if judged else ("dark",):
    with App("--paused", "--theme", theme, "--scale", scale, "synth:static?width=640&height=360",
             env={"LOOKTWICE_MODELS": MODELS}) as app:
        app.ready()
        # RLT's patches and ToMe's groups on the clip …
        app.click("model.scenes-vit-dense", 0.3, 0.25)
        app.wait(lambda s: s["model"]["classify"]["folder"].endswith("scenes-vit-dense"), "the ViT")
        app.edit("tokens.schedule")
        app.type("16")
        app.key("Return")
        app.wait(lambda s: s["model"]["tome"] == "16" and s["model"]["run"] is not None
                 and not s["model"]["stale"], "merge groups")
        # … and beneath them the timeline of denoising that same clip.
        show(app, "generate")
        app.click("generate.model")
        app.click("generate.model.scenes-dit")
        app.wait(lambda s: s["model"]["generate"]["folder"].endswith("scenes-dit")
                 and "timeline.area" in s["rects"], "the DiT")
        prompt(app, "a white ball moves right")
        app.click("generate.from")
        app.wait(lambda s: s["generate"]["from"] != "", "from the open clip")
        choose(app, "adacache")
        app.click("generate.run")
        finished(app, 2)
        save(app, "app-three-methods" + (f"-{theme}" if judged else ""))
