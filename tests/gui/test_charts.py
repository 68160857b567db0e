#!/usr/bin/env python3
"""Charts, the table and its export, picture quality and its region, run A against run B."""
import csv
import json
import os

from app import App, check, main

SCENE = "synth:static?width=320&height=240&frames=128"
TIME, TAU, QUALITY, CLIPS, COMPARE = range(5)


def page(app, number, key):
    app.focus()
    app.key(key)
    app.wait(lambda s: s["docks"]["dock.charts"]["visible"] and s["charts"]["page"] == number,
             f"page {number} of the charts")


def clicking_a_chart_goes_there():
    with App("--paused", SCENE) as app:
        app.ready(2)
        page(app, TIME, "alt+1")
        app.click("chart.time", 0.75, 0.5)
        app.wait(lambda s: abs(s["frame"] - 96) <= 2 and s["frame"] == s["position"], "a seek by the chart")
        page(app, TAU, "alt+2")
        # The axis is logarithmic from 0.001 to 4.
        app.click("chart.tau", 0.5, 0.5)
        app.wait(lambda s: abs(s["tau"] - (0.001 * 4) ** 0.5) < 0.006, "τ as clicked in the chart")
        app.focus()
        app.key("ctrl+z")
        app.wait(lambda s: abs(s["tau"] - 0.1) < 1e-6, "undo of the click")


def the_table_lists_clips_and_goes_to_them():
    with App("--paused", SCENE) as app:
        app.ready(2)
        page(app, CLIPS, "alt+4")
        app.wait(lambda s: s["charts"]["first_cell"] == "0", "the first clip's line")
        rows = app.rect("charts.table")
        # The second line: a header and a line lie above it.
        app.click("charts.table", 0.3, min(0.95, 62 / rows[3]))
        app.wait(lambda s: s["frame"] == 64, "the second clip's first frame")
        # In the table arrows choose lines and leave τ alone; Return goes to the line.
        app.key("Up")
        app.key("Return")
        state = app.wait(lambda s: s["frame"] == 0, "the first clip by the keyboard")
        check(abs(state["tau"] - 0.1) < 1e-6, "an arrow key in the table moved τ")


def export_table(app, path):
    app.answer("ctrl+shift+e", "QFileDialog", path)
    app.wait(lambda s: s["dialog"] == "", "the file dialog closed")
    check(os.path.exists(path), f"{path} was not written")


def the_table_is_exported():
    with App("--paused", SCENE) as app:
        state = app.ready(2)
        path = os.path.join(app.config, "clips.csv")
        export_table(app, path)
        with open(path) as file:
            rows = list(csv.DictReader(file))
        check(len(rows) == state["clips"], f"{len(rows)} lines for {state['clips']} clips")
        check(int(rows[0]["kept_tokens"]) == state["kept_tokens"], "the table and the screen disagree")
        path = os.path.join(app.config, "clips.json")
        export_table(app, path)
        with open(path) as file:
            document = json.load(file)
        check(document["schema"] == "looktwice/clip-statistics", f"schema {document['schema']}")
        check(document["source"] == state["input"], "the document names another source")
        check(document["rows"][0]["kept_tokens"] == state["kept_tokens"], "CSV and JSON disagree")


def quality_is_measured_in_the_region():
    with App("--paused", SCENE) as app:
        app.ready(2)
        page(app, QUALITY, "alt+3")
        whole = app.wait(lambda s: s["charts"].get("ssim") is not None and not s["charts"]["busy"],
                         "the quality of the clip")["charts"]
        check(whole["area"] == "the model's crop", f"measured in {whole['area']}")
        check(whole["psnr"] is not None and 15 < whole["psnr"] < 80, f"PSNR of {whole['psnr']}")
        check(0.5 < whole["ssim"] <= 1, f"SSIM of {whole['ssim']}")
        app.answer("r", "region", "100, 60, 64, 48")
        part = app.wait(lambda s: s["region"] == [100, 60, 64, 48] and not s["charts"]["busy"]
                        and s["charts"]["area"].startswith("region") and s["charts"].get("ssim") is not None,
                        "the quality of the region")["charts"]
        check(part["ssim"] != whole["ssim"], "the region changed nothing")
        # A higher τ prunes more, and what is handed on is further from the video.
        app.edit("tau.field")
        app.type("4")
        app.key("Return")
        app.wait(lambda s: s["tau"] == 4 and s["kept_ratio"] < 0.2 and not s["charts"]["busy"]
                 and s["charts"].get("ssim", 1) < part["ssim"], "a worse picture at τ = 4")
        app.focus()
        app.key("shift+r")
        app.wait(lambda s: s["region"] is None, "no region")


def a_region_is_drawn_with_the_mouse():
    with App("--paused", SCENE) as app:
        app.ready()
        app.focus()
        app.xdo("keydown", "shift")
        try:
            app.drag("view.area", (0.4, 0.4), (0.6, 0.6))
        finally:
            app.xdo("keyup", "shift")
        state = app.wait(lambda s: s["region"] is not None, "a region")
        check(state["pinned"] is None, "drawing a region pinned a patch")
        x, y, w, h = state["region"]
        check(w > 10 and h > 10 and 0 <= x < 320 and 0 <= y < 240, f"region {state['region']}")


def two_runs_are_compared():
    with App("--paused", SCENE) as app:
        app.ready(2)
        app.focus()
        app.key("ctrl+b")
        app.wait(lambda s: s["charts"]["a"] is not None, "a kept run")
        page(app, COMPARE, "alt+5")
        app.edit("tau.field")
        app.type("0.4")
        app.key("Return")
        app.wait(lambda s: abs(s["tau"] - 0.4) < 1e-6, "another τ")
        app.wait(lambda s: "compare.table" in s["rects"], "the comparison")
        app.focus()
        app.key("ctrl+shift+b")
        app.wait(lambda s: abs(s["tau"] - 0.1) < 1e-6 and abs(s["charts"]["a"] - 0.4) < 1e-6, "swapped runs")
        check(app.quit() == 0, "closing with a kept run failed")


def a_dock_of_charts_closes_while_it_measures():
    with App("--paused", "synth:static?width=1280&height=720&frames=128") as app:
        app.ready()
        page(app, QUALITY, "alt+3")
        app.wait(lambda s: s["charts"]["busy"], "measuring")
        check(app.quit() == 0, "closing while quality is measured failed")


main(clicking_a_chart_goes_there, the_table_lists_clips_and_goes_to_them, the_table_is_exported,
     quality_is_measured_in_the_region, a_region_is_drawn_with_the_mouse, two_runs_are_compared,
     a_dock_of_charts_closes_while_it_measures)
