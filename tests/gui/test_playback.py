#!/usr/bin/env python3
"""Playback, seeking, layouts, inspector: by mouse and by keyboard."""
from app import App, check, main

SCENE = "synth:static?width=640&height=360&frames=128"


def playback_by_keys_and_buttons():
    with App("--paused", SCENE) as app:
        app.ready()
        app.focus()
        app.key("Right", "Right", "Right")
        app.wait(lambda s: s["frame"] == 3 and s["position"] == 3, "three steps forward")
        app.key("Left")
        app.wait(lambda s: s["frame"] == 2, "one step back")
        app.key("End")
        app.wait(lambda s: s["frame"] == 127, "the last frame")
        app.key("Left")
        app.wait(lambda s: s["frame"] == 126, "a step back from the end")
        app.key("Home")
        app.wait(lambda s: s["frame"] == 0, "the first frame")
        app.key("space")
        app.wait(lambda s: s["playing"], "playing")
        app.wait(lambda s: s["frame"] > 5, "a moving picture")
        app.click("play.toggle")
        app.wait(lambda s: not s["playing"], "paused by the button")
        app.key("bracketright")
        app.wait(lambda s: abs(s["speed"] - 1.25) < 1e-6, "a higher speed")
        app.key("BackSpace")
        app.wait(lambda s: s["speed"] == 1, "normal speed")
        app.click("strip", 0.5, 0.5)
        state = app.wait(lambda s: abs(s["frame"] - 64) <= 1, "a seek by click")
        app.key("i")
        app.wait(lambda s: s["in"] == state["frame"], "an in point")
        app.edit("frame.field")
        app.type("99")
        app.key("Return")
        app.wait(lambda s: s["frame"] == 99, "the frame as typed")
        app.focus()
        app.click("play.out")
        app.wait(lambda s: s["out"] == 99, "an out point")


def ten_fast_clicks_are_ten():
    with App("--paused", SCENE) as app:
        app.ready()
        app.click("play.forward", repeat=10)
        app.wait(lambda s: s["frame"] == 10, "ten frames for ten clicks")


def layouts_keep_the_picture():
    with App("--paused", SCENE) as app:
        app.ready()
        app.focus()
        app.key("Right")
        app.wait(lambda s: s["frame"] == 1, "a step")
        for key, layout in (("2", "side-by-side"), ("3", "wipe"), ("4", "difference"), ("1", "single")):
            app.key(key)
            state = app.wait(lambda s: s["layout"] == layout, layout)
            app.wait_picture(lambda p: p.colours(state["rects"]["view.area"]) > 30, layout)
        app.key("3")
        state = app.wait(lambda s: s["layout"] == "wipe" and "view.wipe" in s["rects"], "a wipe handle")
        x, y = app.at("view.wipe")
        app.drag("view.wipe", (0.5, 0.5), (-5, 0.5))
        app.wait(lambda s: s["rects"]["view.wipe"][0] < x - 60, "a moved wipe line")


def zoom_hover_and_pin():
    with App("--paused", SCENE) as app:
        start = app.ready()
        app.move("view.area", 0.47, 0.46)
        state = app.wait(lambda s: s["hovered"] is not None, "a hovered patch")
        app.click("view.area", 0.47, 0.46)
        pinned = app.wait(lambda s: s["pinned"] is not None, "a pinned patch")["pinned"]
        check((pinned["row"], pinned["column"]) == (state["hovered"]["row"], state["hovered"]["column"]),
              "another patch was pinned than was hovered")
        app.xdo("click", 4)
        app.wait(lambda s: s["zoom"] > start["zoom"] * 1.1 and s["hovered"] == state["hovered"],
                 "a zoomed picture with the same patch under the cursor")
        app.focus()
        app.key("f")
        app.wait(lambda s: abs(s["zoom"] - start["zoom"]) < 1e-6, "fitted again")
        app.key("Escape")
        app.wait(lambda s: s["pinned"] is None, "unpinned")


main(playback_by_keys_and_buttons, ten_fast_clicks_are_ten, layouts_keep_the_picture,
     zoom_hover_and_pin)
