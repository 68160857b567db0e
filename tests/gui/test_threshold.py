#!/usr/bin/env python3
"""The main job: drag τ, see the answer in the numbers and on the picture."""
from app import App, check, main

SCENE = "synth:static?width=640&height=360&frames=128"


def dragging_tau_changes_kept_ratio_and_pixels():
    with App("--paused", SCENE) as app:
        app.ready()
        # The middle of the clip: its first tubelet is always kept.
        app.click("strip", 0.35, 0.5)
        before = app.wait(lambda s: s["frame"] == s["position"] and s["frame"] > 20, "the seek")
        app.move("play.end")
        picture = app.shot()
        check(picture.colours(before["rects"]["view.area"]) > 500, "the viewport shows no picture")
        app.drag("tau.track", (0.5, 0.5), (0.95, 0.5))
        after = app.wait(lambda s: s["tau"] > 1, "a larger τ")
        app.wait(lambda s: s["kept_ratio"] < before["kept_ratio"], "a smaller kept ratio")
        app.move("play.end")
        changed = app.wait_picture(
            lambda p: p.differing(picture, after["rects"]["view.area"]) > 0.002, "other marks")
        app.drag("tau.track", (0.95, 0.5), (0.02, 0.5))
        low = app.wait(lambda s: s["tau"] < 0.01, "a smaller τ")
        app.wait(lambda s: s["kept_ratio"] > after["kept_ratio"], "a larger kept ratio")
        app.move("play.end")
        app.wait_picture(lambda p: p.differing(changed, low["rects"]["view.area"]) > 0.002,
                         "the marks of the smaller τ")
        # All that was one step back each.
        app.focus()
        app.key("ctrl+z")
        app.wait(lambda s: s["tau"] > 1, "undo of the second drag")
        app.key("ctrl+z")
        app.wait(lambda s: abs(s["tau"] - 0.1) < 1e-6, "undo of the first drag")
        app.key("ctrl+shift+z")
        app.wait(lambda s: s["tau"] > 1, "redo")


def typed_values_are_exact():
    with App("--paused", SCENE) as app:
        app.ready()
        app.edit("tau.field")
        app.type("0.25")
        app.key("Return")
        app.wait(lambda s: abs(s["tau"] - 0.25) < 1e-6, "τ as typed")
        app.edit("tau.grey")
        app.type("10")
        app.key("Return")
        # One grey level is the mean over channels of 1 / (255 std).
        level = sum(1 / (255 * s) for s in (0.229, 0.224, 0.225)) / 3
        app.wait(lambda s: abs(s["tau"] - 10 * level) < 1e-3, "τ of ten grey levels")
        app.edit("tau.kept")
        app.type("50")
        app.key("Return")
        state = app.wait(lambda s: abs(s["tau"] - 10 * level) > 1e-3, "τ for half of the tokens")
        check(state["kept_ratio"] <= 0.5 + 1e-6, f"keeps {state['kept_ratio']}, more than was typed")
        # Nonsense changes nothing, and a space in a field plays nothing.
        tau = state["tau"]
        app.edit("tau.field")
        app.type("nan ")
        app.key("Return")
        app.edit("tau.field")
        app.type("-3")
        app.key("Return")
        state = app.wait(lambda s: s["tau"] in (tau, 0.0), "a clamped τ")
        check(not state["playing"], "the space bar played while a field was edited")


def arrow_keys_move_tau():
    with App("--paused", SCENE) as app:
        app.ready()
        app.focus()
        app.key("Up")
        app.wait(lambda s: s["tau"] > 0.104, "a raised τ")
        app.key("t")
        app.wait(lambda s: abs(s["tau"] - 0.1) < 1e-6, "the paper's τ")


main(dragging_tau_changes_kept_ratio_and_pixels, typed_values_are_exact, arrow_keys_move_tau)
