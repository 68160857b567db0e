#!/usr/bin/env python3
"""Export from the app: the file holds every frame; a bad target leaves nothing behind."""
import json
import os
import shlex
import subprocess

from app import App, check, main

SCENE = "synth:static?width=320&height=240&frames=70"


def export_to(app, path):
    app.focus()
    app.key("ctrl+e")
    app.wait(lambda s: s["dialog"] == "export", "the export dialog")
    app.wait(lambda s: "export.file" in s["rects"], "the file field")
    app.click("export.file")
    app.focus()
    app.key("ctrl+a")
    app.type(path)
    app.click("export.start")


def pictures(path):
    return subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-f", "framemd5", "-"],
                          check=True, capture_output=True).stdout


def an_export_holds_every_frame():
    with App("--paused", SCENE) as app:
        app.ready()
        app.key("3")
        app.wait(lambda s: s["layout"] == "wipe", "the wipe")
        path = os.path.join(app.config, "out.mp4")
        export_to(app, path)
        state = app.wait(lambda s: s["export"] in ("done", "failed"), "the end of the export")
        check(state["export"] == "done", state["export_message"])
        probe = json.loads(subprocess.run(
            ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json",
             path], check=True, capture_output=True, text=True).stdout)
        check(int(probe["streams"][0]["nb_read_frames"]) == 70, "frames are missing")
        tags = probe["format"].get("tags", {})
        check(json.loads(tags["looktwice"])["schema"] == "looktwice/export", "no settings in the file")
        # The command that the file carries makes the same pictures again.
        words = shlex.split(tags["comment"])
        check(words[:2] == ["looktwice", "export"], f"no command in the file: {tags['comment']}")
        words[words.index("-o") + 1] = os.path.join(app.config, "again.mp4")
        subprocess.run([os.environ["LOOKTWICE"], *words[1:]], check=True, stdout=subprocess.DEVNULL)
        check(pictures(path) == pictures(words[words.index("-o") + 1]),
              "the command in the file makes another video")


def a_bad_target_says_so():
    with App("--paused", SCENE) as app:
        app.ready()
        export_to(app, "/nonexistent-folder/out.mp4")
        state = app.wait(lambda s: s["export"] in ("done", "failed"), "the end of the export")
        check(state["export"] == "failed" and "/nonexistent-folder" in state["export_message"],
              f"no clear error: {state['export_message']}")


def closing_during_an_export_leaves_no_file():
    with App("--paused", "synth:static?width=1280&height=720&frames=3000") as app:
        app.ready()
        path = os.path.join(app.config, "out.mp4")
        export_to(app, path)
        app.wait(lambda s: s["export"] == "running", "a running export")
        check(app.quit() == 0, "closing during an export failed")
        left = [name for name in os.listdir(app.config) if "out" in name and name.endswith(".mp4")]
        check(not left, f"left behind: {left}")


main(an_export_holds_every_frame, a_bad_target_says_so, closing_during_an_export_leaves_no_file)
