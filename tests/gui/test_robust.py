#!/usr/bin/env python3
"""What must not cost the user anything: bad input, closing in the middle, docks, a second view."""
import json
import os
import signal
import subprocess
import tempfile
import time

from app import WAIT, App, check, main

SCENE = "synth:static?width=640&height=360&frames=128"


def the_first_start_shows_a_scene_and_a_tour():
    with App(keep=True) as app:
        state = app.wait(lambda s: s["open"] and s["frame"] > 0 and s["tour"] == 0, "the first scene")
        check(state["input"].startswith("synth:"), f"opened {state['input']}")
        app.focus()
        for step in (1, 2, 3, 4, -1):
            app.key("Return")
            app.wait(lambda s: s["tour"] == step, f"step {step} of the tour")
        check(app.quit() == 0, "closing failed")
        with App(config=app.config, keep=True) as again:
            again.wait(lambda s: s["open"] and s["frame"] > 0, "the scene again")
            check(again.state["tour"] == -1, "the tour came twice")


def a_missing_file_at_the_start():
    with App("/nonexistent/video.mp4") as app:
        state = app.wait(lambda s: s["error"], "an error")
        check("/nonexistent/video.mp4" in state["error"], f"the error names no file: {state['error']}")
        check("\n" not in state["error"], "the error is longer than a line")
        check(not state["open"], "something is open")


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], check=True)


def bad_inputs(folder):
    """(input, word that its error says)"""
    def path(name, data=None):
        if data is not None:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        return os.path.join(folder, name)

    picture = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1")
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", path("audio.mp4"))
    ffmpeg(*picture, "-c:v", "mjpeg", path("known.avi"))
    with open(path("known.avi"), "rb") as file:
        path("unknown.avi", file.read().replace(b"MJPG", b"XQZ1"))
    header = json.dumps({"frames_u8": {"dtype": "U8", "shape": [16, 4096, 4096, 3],
                                       "data_offsets": [0, 16 * 4096 * 4096 * 3]}}).encode()
    return [
        (path("text.mp4", b"this is no video\n" * 50), "text.mp4"),
        (path("empty.mp4", b""), "empty.mp4"),
        ("/nonexistent", "no such file"), (folder, folder), ("synth:nothing", "nothing"),
        (path("audio.mp4"), "audio"), (path("unknown.avi"), "XQZ1"),
        (path("short.safetensors", len(header).to_bytes(8, "little") + header + b"\0" * 100), "short"),
        (path("hostile.safetensors", (2**62).to_bytes(8, "little") + b"{}"), "hostile"),
    ]


def a_bad_file_keeps_what_was_open():
    with tempfile.TemporaryDirectory() as folder, App("--paused", SCENE) as app:
        before = app.ready()
        for path, word in bad_inputs(folder):
            app.answer("ctrl+l", "address", path)
            state = app.wait(lambda s: s["error"] and s["dialog"] == "", f"an error for {path}")
            check(word in state["error"], f"{path}: no {word!r} in {state['error']!r}")
            check("\n" not in state["error"], f"{path}: longer than a line: {state['error']!r}")
            check(state["input"] == before["input"] and state["open"], "what was open is gone")
            check(state["kept_ratio"] == before["kept_ratio"], "the marks are gone")
            app.click("view.dismiss")
            app.wait(lambda s: not s["error"], "a dismissed error")
        # Of a file that was cut off there is a part to see.
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=8", "-f", "mpegts",
               os.path.join(folder, "whole.ts"))
        with open(os.path.join(folder, "whole.ts"), "rb") as file:
            whole = file.read()
        with open(os.path.join(folder, "cut.ts"), "wb") as file:
            file.write(whole[:int(len(whole) * 0.55)])
        app.answer("ctrl+l", "address", os.path.join(folder, "cut.ts"))
        state = app.wait(lambda s: s["input"].endswith("cut.ts") and s["measured"] >= 1 and s["clip"] == 0,
                         "the part of a file that was cut off")
        check(70 < state["frames"] < 150, f"{state['frames']} frames of a file that was cut off")
        check(app.quit() == 0, "closing failed")


def a_video_shorter_than_a_clip_says_so_and_plays():
    with App("--paused", "synth:static?width=640&height=360&frames=20") as app:
        state = app.wait(lambda s: s["open"] and s["frame"] == 0 and s["analysis_error"],
                         "a note on the short video")
        check(state["clips"] == 0, "a clip was made of too few frames")


def closing_in_the_middle_is_clean():
    for args in ((SCENE,), ("synth:pan?width=1920&height=1080",)):
        with App(*args) as app:
            app.wait(lambda s: s["frame"] >= 0, "a picture")
            check(app.quit() == 0, "the app did not exit cleanly")
            check("terminate called" not in app.stderr(), "an exception at exit")


def wait_until(condition, what):
    end = time.monotonic() + WAIT
    while not condition():
        check(time.monotonic() < end, f"waited in vain for: {what}")
        time.sleep(0.05)


def wait_for_saved(app, tau):
    """Waits until the settings on the disk hold τ."""
    names = [os.path.join(app.config, *folder, "last-session.looktwice")
             for folder in (("looktwice", "looktwice"), ("looktwice",))]

    def saved():
        check(app.process.poll() is None, "the app ended")
        for name in names:
            try:
                with open(name) as file:
                    if abs(json.load(file)["settings"]["tokens"]["rlt"] - tau) < 1e-6:
                        return True
            except (OSError, ValueError, KeyError, TypeError):
                pass
        return False

    wait_until(saved, "autosave")


def settings_survive_a_crash():
    with App("--paused", SCENE) as app:
        app.ready()
        app.focus()
        app.key("Up")
        tau = app.wait(lambda s: s["tau"] > 0.104, "a raised τ")["tau"]
        wait_for_saved(app, tau)
        app.process.send_signal(signal.SIGKILL)
        app.process.wait()
        with App("--paused", SCENE, config=app.config) as again:
            state = again.ready()
            check(abs(state["tau"] - tau) < 1e-6, "τ was lost")


def settings_survive_a_killed_window():
    with App("--paused", SCENE) as app:
        app.ready()
        app.focus()
        app.key("Up")
        tau = app.wait(lambda s: s["tau"] > 0.104, "a raised τ")["tau"]
        wait_for_saved(app, tau)
        # What xkill does: the server closes the connection.
        window = subprocess.run(["xdotool", "search", "--onlyvisible", "--pid", str(app.process.pid)],
                                check=True, capture_output=True, text=True).stdout.split()[-1]
        app.xdo("windowkill", window)
        app.process.wait(60)
        with App("--paused", SCENE, config=app.config) as again:
            check(abs(again.ready()["tau"] - tau) < 1e-6, "τ was lost")


def a_lost_screen_keeps_its_last_picture():
    number = 640 + os.getpid() % 300
    server = subprocess.Popen(["Xvfb", f":{number}", "-screen", "0", "320x240x24"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: os.path.exists(f"/tmp/.X11-unix/X{number}"), "the other screen")
        with App("--paused", f"screen::{number}?size=320x240&fps=10") as app:
            app.wait(lambda s: s["live"] and s["frame"] > 2, "a live picture")
            server.kill()
            server.wait()
            state = app.wait(lambda s: s["error"], "a word about the lost screen")
            check(state["frame"] > 2, "the last picture is gone")
            # The app goes on: another source opens.
            app.answer("ctrl+l", "address", SCENE)
            app.wait(lambda s: s["input"] == SCENE and s["open"] and not s["live"] and s["frame"] >= 0,
                     "another source")
            check(app.quit() == 0, "closing after a lost screen failed")
    finally:
        server.kill()
        server.wait()


def docks_float_and_return_and_a_second_view_comes_and_goes():
    with App("--paused", SCENE) as app:
        app.ready()
        for name in ("threshold", "inspector", "layers", "source"):
            for floating in (True, False):
                app.focus()
                run_command(app, f"Undock or dock: {name}")
                app.wait(lambda s: s["docks"][f"dock.{name}"]["floating"] == floating,
                         f"{name} floating: {floating}")
        for shown in (True, False, True):
            app.focus()
            app.key("ctrl+2")
            app.wait(lambda s: s["second_viewport"] == shown, f"second view: {shown}")
        state = app.wait(lambda s: "view2.area" in s["rects"], "the second view's place")
        app.wait_picture(lambda p: p.colours(state["rects"]["view2.area"]) > 100, "a second picture")
        app.focus()
        app.key("Right")
        app.wait(lambda s: s["frame"] == 1, "both views go on")
        app.key("ctrl+plus")
        app.wait(lambda s: s["scale"] == 1.25, "a larger interface")
        app.click("play.forward")
        app.wait(lambda s: s["frame"] == 2, "a click at the larger scale")
        check(app.quit() == 0, "closing with two views failed")


def run_command(app, words):
    app.key("ctrl+k")
    app.wait(lambda s: s["dialog"] == "palette", "the command palette")
    app.focus()
    app.type(words)
    app.key("Return")
    app.wait(lambda s: s["dialog"] == "", "the palette closed")


def without_opengl_it_says_what_is_missing():
    with tempfile.TemporaryDirectory() as nothing:
        with App("--paused", SCENE, env={"__EGL_VENDOR_LIBRARY_DIRS": nothing}) as app:
            state = app.wait(lambda s: s["open"] and s["frame"] >= 0 and s["drawing_error"],
                             "an open video and a word about the missing picture")
            check("libegl1" in state["drawing_error"], f"it does not say what to install: {state['drawing_error']}")
            x, y, w, h = state["rects"]["view.area"]
            app.wait_picture(lambda p: p.colours((x, y, w, h)) > 4, "that word where the picture would be")
            check(app.quit() == 0, "closing without OpenGL failed")


def the_screen_is_a_live_source():
    with App("--paused", f"screen:{os.environ['DISPLAY']}?size=640x480&fps=15") as app:
        state = app.wait(lambda s: s["live"] and s["frame"] > 0, "a live picture")
        check(state["playing"], "a live source must run")
        app.wait(lambda s: s["kept_ratio"] is not None, "marks on the live picture")
        app.focus()
        app.key("ctrl+w")
        app.wait(lambda s: not s["open"], "a closed source")
        check(app.quit() == 0, "closing after a live source failed")


main(the_first_start_shows_a_scene_and_a_tour, a_missing_file_at_the_start, a_bad_file_keeps_what_was_open,
     a_video_shorter_than_a_clip_says_so_and_plays, closing_in_the_middle_is_clean,
     settings_survive_a_crash, settings_survive_a_killed_window, a_lost_screen_keeps_its_last_picture,
     docks_float_and_return_and_a_second_view_comes_and_goes,
     without_opengl_it_says_what_is_missing, the_screen_is_a_live_source)
