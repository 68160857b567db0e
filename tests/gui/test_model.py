#!/usr/bin/env python3
"""A model over the video: choosing one, merging, dense runs, broken models."""
import json
import os
import shutil
import struct
import tempfile

from app import App, check, main

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "tokens")
SCENE = "synth:static?width=256&height=192&frames=96"


class Models:
    """A folder of model folders: two good ones and a truncated one."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="looktwice-models-")
        for name, golden in (("good", "tiny_videomae"), ("image", "tiny_timm"), ("torn", "tiny_videomae")):
            target = os.path.join(self.folder, name)
            shutil.copytree(os.path.join(GOLDEN, golden), target, copy_function=shutil.copyfile)
            os.chmod(target, 0o755)
        # Damage that headers do not show: only loading finds it.
        weights = os.path.join(self.folder, "torn", "model.safetensors")
        with open(weights, "r+b") as file:
            file.seek(-4, os.SEEK_END)
            file.write(b"\x00\x00\xc0\x7f")
        self.env = {"LOOKTWICE_MODELS": self.folder, "XDG_DATA_HOME": self.folder}
        return self

    def damage(self, change, file="model.safetensors"):
        """Makes "torn" the good model again, then one file of it what change() says."""
        target = os.path.join(self.folder, "torn")
        for name in os.listdir(target):
            os.remove(os.path.join(target, name))
        shutil.copytree(os.path.join(GOLDEN, "tiny_videomae"), target, copy_function=shutil.copyfile,
                        dirs_exist_ok=True)
        path, data = os.path.join(target, file), b""
        if os.path.exists(path):
            with open(path, "rb") as f:
                data = f.read()
        with open(path, "wb") as f:
            f.write(change(data))

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)


def reveal(app, name):
    """Scrolls the Source panel until a model's row stands well inside it."""
    left, top, _, _ = app.rect("window")
    for _ in range(60):
        y = app.wait(lambda s: f"model.{name}" in s["rects"], f"model {name}")["rects"][f"model.{name}"][1]
        if top + 60 <= y <= top + 390:
            return
        before = y
        app.xdo("mousemove", left + 140, top + 340)  # not over a list: the wheel would turn it
        app.xdo("click", 4 if y < top + 60 else 5)
        with app.changed:
            app.changed.wait_for(lambda: app.last["rects"][f"model.{name}"][1] != before, 2)


def found(state, *names):
    return set(names) <= {m["name"] for m in state["model"]["found"]}


def scroll_down(app, name):
    """Turns the wheel over a control until its panel stands at its end."""
    app.move(name)
    app.xdo("click", "--repeat", 40, "--delay", 10, 5)


def header(change):
    """Damage: the weights with what change(header as a dict) leaves of their header."""
    def damage(data):
        (length,) = struct.unpack("<Q", data[:8])
        tensors = json.loads(data[8:8 + length])
        change(tensors)
        text = json.dumps(tensors).encode()
        return struct.pack("<Q", len(text)) + text + data[8 + length:]
    return damage


def tensor(**values):
    return header(lambda tensors: tensors["head.bias"].update(values))


def shifted(tensors):
    begin, end = tensors["head.bias"]["data_offsets"]
    tensors["head.bias"]["data_offsets"] = [begin - 4, end - 4]


def config(**values):
    return lambda data: json.dumps(dict(json.loads(data), **values)).encode()


#: What is done to a model, and what the refusal has to name.
DAMAGES = (
    (lambda data: data[:len(data) // 2], "model.safetensors", "model.safetensors"),
    (lambda data: struct.pack("<Q", 1 << 40) + data[8:], "model.safetensors", "claims"),
    (header(shifted), "model.safetensors", "overlap"),
    (tensor(dtype="F12"), "model.safetensors", "F12"),
    (tensor(shape=[1 << 62, 1 << 62]), "model.safetensors", "head.bias"),
    (header(lambda t: t.update({"head.bios": t.pop("head.bias")})), "model.safetensors", "head.bias"),
    (config(hidden_size=64), "config.json", "64"),
    (lambda _: b"one\ntwo\n", "labels.txt", "labels.txt"),
)


def choose(app, name):
    app.wait(lambda s: found(s, name), f"model {name} found")
    reveal(app, name)
    app.click(f"model.{name}", 0.3, 0.25)
    return app.wait(lambda s: s["model"]["classify"]["folder"].endswith("/" + name), f"{name} loaded")


def current(state):
    model = state["model"]
    return model["run"] is not None and not model["stale"]


def a_chosen_model_runs_and_draws_its_groups():
    with Models() as models, App("--paused", SCENE, env=models.env) as app:
        app.ready()
        app.move("play.end")
        before = app.shot()
        choose(app, "good")
        state = app.wait(current, "a clip run")
        check(state["model"]["run"]["tokens"][0] <= 64, "more tokens than the clip has")
        # r tokens fewer in every layer.
        app.edit("tokens.schedule")
        app.type("8")
        app.key("Return")
        state = app.wait(lambda s: s["model"]["tome"] == "8" and current(s)
                         and s["model"]["run"]["tokens"][1] < s["model"]["run"]["tokens"][0],
                         "a run that merges")
        app.move("play.end")
        app.wait_picture(lambda p: p.differing(before, state["rects"]["view.area"]) > 0.05,
                         "groups on the picture")


def bars_are_dragged():
    with Models() as models, App("--paused", SCENE, env=models.env) as app:
        app.ready()
        choose(app, "good")
        app.wait(current, "a clip run")
        app.drag("tokens.bars", (0.5, 0.9), (0.5, 0.3))

        def merges_as_drawn(s):
            """The run on screen merges what the bars say; other bars have not moved."""
            r = [int(v) for v in s["model"]["tome"].strip("[]").split(",")]
            tokens = s["model"]["run"]["tokens"]
            return len(r) == 3 and r[0] == r[2] == 0 < r[1] and current(s) and tokens[2] == tokens[1] - r[1]
        app.wait(merges_as_drawn, "a run of what the bar says")
        app.focus()
        app.key("ctrl+z")
        app.wait(lambda s: s["model"]["tome"] == "0", "undo of the drag")


def dense_runs_are_compared():
    with Models() as models, App("--paused", SCENE, env=models.env) as app:
        app.ready()
        choose(app, "good")
        app.wait(current, "a clip run")
        scroll_down(app, "tokens.bars")
        app.click("tokens.dense")
        app.wait(lambda s: s["model"]["dense"] is not None, "a dense run")
        app.wait(lambda s: s["model"]["agreement"]["of"] == 1, "the comparison")


def hovering_lights_the_whole_group():
    with Models() as models, App("--paused", SCENE, env=models.env) as app:
        app.ready()
        choose(app, "good")
        app.edit("tokens.schedule")
        app.type("20")
        app.key("Return")
        app.wait(lambda s: s["model"]["tome"] == "20" and current(s), "a run that merges")
        for fx in (0.5, 0.45, 0.55, 0.42, 0.58):
            app.move("view.area", fx, 0.5)
            app.wait(lambda s: s["model"]["lit"] >= 1, "a lit token")
            if app.state["model"]["lit"] > 1:
                return
        check(False, "no group of two or more was found under the pointer")


def a_broken_model_leaves_the_good_one():
    with Models() as models, App("--paused", SCENE, env=models.env) as app:
        app.ready()
        choose(app, "good")
        app.wait(current, "a clip run")
        reveal(app, "torn")
        app.click("model.torn", 0.3, 0.25)
        state = app.wait(lambda s: s["model"]["classify"]["failed"].endswith("/torn"), "the refusal")
        check(state["model"]["classify"]["folder"].endswith("/good"), "the good model is gone")
        check("NaN" in state["model"]["classify"]["error"] or "finite" in state["model"]["classify"]["error"],
              f"says nothing of the damage: {state['model']['classify']['error']}")
        for change, file, named in DAMAGES:
            models.damage(change, file)
            lines, before = app.state["log"], app.state["model"]["classify"]["error"]
            reveal(app, "torn")
            app.click("model.torn", 0.3, 0.25)
            state = app.wait(lambda s: s["model"]["classify"]["error"] not in ("", before)
                             and s["log"] > lines, f"a refusal that names {named}")
            check(named in state["model"]["classify"]["error"],
                  f"does not name {named}: {state['model']['classify']['error']}")
            check(state["model"]["classify"]["folder"].endswith("/good"), "the good model is gone")
        state = app.wait(lambda s: s["model"]["settings"].endswith("/good") and current(s), "the good one runs")
        # So is a schedule that has more layers than the model.
        app.edit("tokens.schedule")
        app.type("[1,2,3,4]")
        app.key("Return")
        app.wait(lambda s: "tokens.schedule.error" in s["rects"] and s["model"]["tome"] == "0",
                 "the schedule's refusal")
        # An image model takes over, frame by frame.
        choose(app, "image")
        app.wait(lambda s: current(s) and len(s["model"]["run"]["tokens"]) == 4, "an image model's run")
        check(app.quit() == 0, "the app did not end well")


def a_machine_without_a_gpu_says_why():
    with Models() as models, \
            App("--paused", SCENE, env={**models.env, "LOOKTWICE_CUDA_PLUGIN": "/nowhere/x.so"}) as app:
        app.ready()
        choose(app, "good")
        state = app.wait(lambda s: s["model"]["backends"], "the backends are known")
        cuda = next(b for b in state["model"]["backends"] if b["name"] == "cuda")
        check(not cuda["available"] and "/nowhere/x.so" in cuda["note"], f"no reason: {cuda}")
        check(app.quit() == 0, "the app did not end well")


main(a_chosen_model_runs_and_draws_its_groups, bars_are_dragged, dense_runs_are_compared,
     hovering_lights_the_whole_group, a_broken_model_leaves_the_good_one,
     a_machine_without_a_gpu_says_why)
