"""Generating in the app: run, timeline, a threshold dragged, its prediction and its confirmation."""
import os

from app import App, Failure, check, main

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "scenes")


def start():
    return App("synth:static?width=320&height=192&frames=64", "--paused",
               env={"LOOKTWICE_MODELS": MODELS})


def show(app, panel):
    """Through the command palette, as tabs of docks have no names on the screen."""
    dock, shown = "dock." + panel, False
    while not shown:  # a tab behind another is visible too: hide it first, then it comes to the front
        shown = not app.state["docks"][dock]["visible"]
        app.focus()
        app.key("ctrl+k")
        app.wait(lambda s: s["dialog"] == "palette", "the command palette")
        app.focus()
        app.type("show or hide: " + panel)
        app.key("Return")
        app.wait(lambda s: s["dialog"] == "" and s["docks"][dock]["visible"] == shown, panel)
        app.focus()


def load(app):
    show(app, "generate")
    app.wait(lambda s: s["rects"]["generate.model"][0] > 0, "the panel in front")
    app.pick("generate.model", "tiny_dit")
    # Timeline and videos come to the front by themselves.
    app.wait(lambda s: s["model"]["generate"]["folder"].endswith("tiny_dit")
             and "timeline.area" in s["rects"] and s["docks"]["dock.generated"]["visible"],
             "the model, and what it makes")
    # … and take their room: what is clicked next has to have come to rest.
    app.wait(lambda s: s["rects"]["generate.run"][1] - s["rects"]["generate.steps"][1] > 150
             and s["rects"]["timeline.area"][3] > 220, "the panels resized")


def choose(app, policy):
    app.pick("generate.policy", policy)
    app.wait(lambda s: s["generate"]["cache"].startswith(policy), policy)


def steps(app, number):
    app.edit("generate.steps")
    app.type(str(number))
    app.key("Return")
    app.wait(lambda s: not s["editing"], "the number of steps typed")


def finished(app, number):
    return app.wait(lambda s: len([r for r in s["generate"]["runs"] if r["state"] == "done"])
                    >= number and not s["generate"]["running"], f"{number} finished runs")["generate"]


def run_every_other_step(app):
    """Eight steps, uncached and under interval: what the app then knows of both runs."""
    app.ready()
    load(app)
    steps(app, 8)
    choose(app, "interval")
    app.click("generate.run")
    return finished(app, 2)


def drag_a_threshold_see_the_ghost_then_the_run():
    with start() as app:
        app.ready()
        load(app)
        steps(app, 16)
        choose(app, "adacache")
        app.click("generate.run")
        before = finished(app, 2)  # uncached first, then under the policy
        check([r["cache"] for r in before["runs"]] == ["none", "adacache:fast"], before["runs"])
        check(before["runs"][0]["computed"] == list(range(1, 17)), "an uncached run computes all")
        check(before["predicted"] is not None, before["note"])
        # The lowest line up, to the next one: what lies between waits longest.
        top = app.rect("timeline.curve")
        x, y = app.at("timeline.threshold.0", 0.3)
        app.xdo("mousemove", x, y)
        app.xdo("mousedown", 1)
        for i in range(1, 9):
            app.xdo("mousemove", x, y + (top[1] + 12 - y) * i // 8)
        during = app.wait(lambda s: s["generate"]["cache"] != "adacache:fast"
                          and s["generate"]["row_predicted"] == s["generate"]["predicted"],
                          "the ghost of the new schedule")["generate"]
        check(len(during["runs"]) == 2, "nothing is run while a line is being dragged")
        check(0.08 < during["thresholds"][0] < during["thresholds"][1] == 0.16, during["thresholds"])
        app.xdo("mouseup", 1)
        after = finished(app, 3)
        last = after["runs"][-1]
        check(last["cache"] == after["cache"], last)
        check(last["agreement"] is not None and 1 <= last["agreement"] <= 16, last)
        check(after["predicted_steps"] >= 16, "how often predictions were right is counted")
        check(last["psnr"] is None or last["psnr"] > 0, last)


def a_click_shows_what_the_video_was_going_to_be():
    with start() as app:
        done = run_every_other_step(app)
        check(done["runs"][-1]["computed"] == [1, 2, 5, 7, 8], done["runs"][-1])
        check(done["runs"][-1]["previews"] == 8, "every step is kept")
        check(done["runs"][0]["changes"] == 7, "what every token changed is seen without caching too")
        check(done["runs"][-1]["changes"] == 4, "and under a policy that watches nothing")
        picture = app.shot()
        area = app.rect("generated.area")
        x, y, w, h = app.rect("timeline.row.1")
        app.xdo("mousemove", x + w * 3 // 16, y + h // 2)
        app.xdo("click", 1)
        app.wait(lambda s: s["generate"]["chosen"] == 2, "step 2 chosen")
        app.wait_picture(lambda p: p.differing(picture, area) > 0.002, "the estimate after step 2")
        # A run that cannot start leaves the last one where it was.
        app.edit("generate.prompt")
        app.type("bal")
        app.key("Return")
        app.wait(lambda s: s["generate"]["prompt"] == "bal", "the prompt")
        app.click("generate.run")
        failed = app.wait(lambda s: s["generate"]["error"] != "" and not s["generate"]["running"],
                          "the refusal")["generate"]
        check("bal" in failed["error"], failed["error"])
        check(failed["b"] == done["b"], "the last finished run stays")


def a_cancelled_run_leaves_the_last_result():
    with start() as app:
        done = run_every_other_step(app)
        steps(app, 1000)
        app.click("generate.run")
        app.wait(lambda s: len(s["generate"]["runs"]) == 3 and s["generate"]["runs"][2]["computed"]
                 and "generate.cancel" in s["rects"], "steps of a long run")
        app.click("generate.cancel")
        after = app.wait(lambda s: not s["generate"]["running"]
                         and s["generate"]["runs"][2]["state"] == "cancelled", "the end of it")["generate"]
        check(len(after["runs"][2]["computed"]) < 1000, "it ran to its end")
        check(len(after["runs"]) == 3, "the run that waited behind it was started all the same")
        check(after["b"] == done["b"] and after["error"] == "", after)
        check(after["runs"][1]["state"] == "done", after["runs"])


if __name__ == "__main__":
    main(drag_a_threshold_see_the_ghost_then_the_run, a_click_shows_what_the_video_was_going_to_be,
         a_cancelled_run_leaves_the_last_result)
