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
    subprocess.run(["sleep", "0.5"], check=True)
    app.wait(lambda s: s["settled"], "pictures of everything")
    x, y, w, h = app.rect("window")
    subprocess.run(["import", "-silent", "-window", "root", "-crop", f"{w}x{h}+{x}+{y}", "+repage",
                    *(() if full else ("-dither", "FloydSteinberg", "-colors", "256")),
                    ("" if full else "PNG8:") + os.path.join(folder, name + ".png")], check=True)
    print("wrote", name, flush=True)


CHARTS = (("alt+1", "time", 0), ("alt+2", "tau", 1), ("alt+3", "quality", 2), ("alt+4", "clips", 3),
          ("alt+5", "compare", 4))


def at_the_place(app):
    app.ready(4)
    app.click("strip", 0.42, 0.5)
    app.wait(lambda s: s["frame"] > 100 and s["frame"] == s["position"], "a seek")
    app.wait(lambda s: s["measured"] == s["clips"] and s["clip"] is not None, "all clips")


def layout(app, key, name):
    app.focus()
    app.key(key)
    app.wait(lambda s: s["layout"] == name, name)
    app.wait(lambda s: name == "single" or not s["charts"]["busy"], "the quality of the clip")


def pages(app, theme, wanted):
    for key, name, number in CHARTS:
        if name not in wanted:
            continue
        app.focus()
        app.key(key)
        app.wait(lambda s: s["charts"]["page"] == number, name)
        if name == "quality":
            app.wait(lambda s: s["charts"].get("ssim") is not None, "the quality of the clip")
        save(app, f"charts-{name}-{theme}" if full else f"charts-{name}")


def dialogs(app, theme):
    for key, dialog in (("ctrl+k", "palette"), ("F1", "shortcuts"), ("ctrl+e", "export"),
                        ("ctrl+comma", "preferences"), ("r", "region"), ("ctrl+shift+o", "devices")):
        app.focus()
        app.key(key)
        app.wait(lambda s: s["dialog"] == dialog, dialog)
        save(app, f"{dialog}-{theme}")
        app.focus()
        app.key("Escape")
        app.wait(lambda s: s["dialog"] == "", "no dialog")


for theme in ("dark", "light"):
    with App("--paused", "--theme", theme, "--scale", scale, SCENE) as app:
        at_the_place(app)
        save(app, f"main-{theme}")
        if theme == "dark" or full:
            app.click("view.area", 0.40, 0.47)
            app.wait(lambda s: s["pinned"], "a pinned patch")
            save(app, f"inspector-{theme}" if full else "inspector")
            layout(app, "2", "side-by-side")
            save(app, f"side-by-side-{theme}" if full else "side-by-side")
            pages(app, theme, {"time", "tau", "quality", "clips"} if full else {"quality"})
            app.focus()
            app.key("ctrl+b")
            app.wait(lambda s: s["charts"]["a"] is not None, "a kept run")
            app.edit("tau.field")
            app.type("0.3")
            app.key("Return")
            app.wait(lambda s: abs(s["tau"] - 0.3) < 1e-6 and not s["charts"]["busy"], "another τ")
            pages(app, theme, {"compare"})
            if full:
                pages(app, theme + "-with-a", {"time", "tau"})
        if full:
            layout(app, "3", "wipe")
            save(app, f"wipe-{theme}")
            layout(app, "4", "difference")
            save(app, f"difference-{theme}")
            layout(app, "1", "single")
            app.key("h")
            save(app, f"heat-{theme}")
            app.key("ctrl+2")
            app.wait(lambda s: s["second_viewport"], "a second view")
            save(app, f"second-{theme}")
            app.focus()
            app.key("ctrl+2")
            app.wait(lambda s: not s["second_viewport"], "one view")
            dialogs(app, theme)
            app.focus()
            app.key("ctrl+w")
            app.wait(lambda s: not s["open"], "nothing open")
            save(app, f"empty-{theme}")
    if full:
        with App("--paused", "--theme", theme, "--scale", scale, "/nonexistent/holiday.mp4") as app:
            app.wait(lambda s: s["error"] and "view.area" in s["rects"], "an error")
            save(app, f"error-{theme}")
        with App("--paused", "--theme", theme, "--scale", scale, keep=True) as app:
            app.wait(lambda s: s["tour"] == 0 and s["frame"] >= 0, "the tour")
            save(app, f"tour-{theme}")
