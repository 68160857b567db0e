"""Drives looktwice-gui for tests: starts it, clicks and types with xdotool, reads its state.

Every wait is for a state, never for a time; LT_GUI_WAIT (seconds) is when a wait gives up.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

WAIT = float(os.environ.get("LT_GUI_WAIT", "120"))


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


class Picture:
    """A screenshot, RGB."""

    def __init__(self, ppm):
        fields, at = [], 0
        while len(fields) < 4:
            end = at
            while ppm[end] not in b" \n\t\r":
                end += 1
            fields.append(ppm[at:end])
            at = end + 1
        check(fields[0] == b"P6", "import gave no PPM")
        self.width, self.height = int(fields[1]), int(fields[2])
        self.data = ppm[at:]

    def pixel(self, x, y):
        i = (y * self.width + x) * 3
        return tuple(self.data[i:i + 3])

    def part(self, rect):
        x, y, w, h = rect
        rows = []
        for row in range(max(0, y), min(self.height, y + h)):
            i = (row * self.width + x) * 3
            rows.append(self.data[i:i + w * 3])
        return b"".join(rows)

    def colours(self, rect):
        data = self.part(rect)
        return len({data[i:i + 3] for i in range(0, len(data), 3)})

    def differing(self, other, rect):
        """Share of pixels in rect that differ by more than a little."""
        a, b = self.part(rect), other.part(rect)
        n = min(len(a), len(b)) // 3
        count = sum(1 for i in range(0, n * 3, 3)
                    if abs(a[i] - b[i]) + abs(a[i + 1] - b[i + 1]) + abs(a[i + 2] - b[i + 2]) > 24)
        return count / max(1, n)


class App:
    def __init__(self, *args, config=None, env=None, keep=False):
        self.config = config or tempfile.mkdtemp(prefix="looktwice-gui-test-")
        self.own_config = config is None
        program = os.environ["LT_GUI"]
        variables = dict(os.environ, XDG_CONFIG_HOME=self.config, XDG_CACHE_HOME=self.config,
                         XDG_RUNTIME_DIR=self.config, QT_QPA_PLATFORM="xcb")
        variables.update(env or {})
        self.errors = open(os.path.join(self.config, "stderr.txt"), "a+")
        self.process = subprocess.Popen(
            [program, "--print-state", *(() if keep else ("--no-tour",)), *args],
            stdout=subprocess.PIPE, stderr=self.errors, env=variables, text=True)
        self.lines, self.last = 0, None
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            try:
                state = json.loads(line)
            except ValueError:
                continue
            with self.changed:
                self.last = state
                self.lines += 1
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if kind is not None:
            print("last state:", json.dumps(self.last)[:3000], file=sys.stderr)
            print("stderr:", self.stderr()[-3000:], file=sys.stderr)
        if self.own_config:
            shutil.rmtree(self.config, ignore_errors=True)

    def stderr(self):
        self.errors.flush()
        with open(self.errors.name) as file:
            return file.read()

    @property
    def state(self):
        with self.changed:
            return self.last or {}

    def wait(self, condition, what):
        """Waits until condition(state); returns that state."""
        end = time.monotonic() + WAIT
        with self.changed:
            while True:
                if self.last is not None:
                    try:
                        if condition(self.last):
                            return self.last
                    except (KeyError, TypeError):
                        pass
                if self.process.poll() is not None:
                    raise Failure(f"the app ended ({self.process.returncode}) before: {what}")
                left = end - time.monotonic()
                if left <= 0:
                    raise Failure(f"waited {WAIT:.0f} s in vain for: {what}")
                self.changed.wait(min(left, 1))

    def ready(self, clips=1):
        state = self.wait(lambda s: s["open"] and not s["opening"] and s["frame"] >= 0
                          and s["measured"] >= clips and s["clip"] is not None
                          and "view.area" in s["rects"], "an open video with a measured clip")
        self.focus()
        return state

    def rect(self, name):
        """Where a control is, once it is on screen (a panel behind another tab lies left of it)
        and has come to rest."""
        def shown(s):
            return name in s["rects"] and s["rects"][name][0] >= 0 and s["rects"][name][1] >= 0

        end = time.monotonic() + WAIT
        place = self.wait(shown, f"control {name}")["rects"][name]
        while time.monotonic() < end:
            time.sleep(0.15)
            now = self.wait(shown, f"control {name}")["rects"][name]
            if now == place:
                return now
            place = now
        raise Failure(f"control {name} does not come to rest")

    @staticmethod
    def xdo(*args):
        subprocess.run(["xdotool", *map(str, args)], check=True, stdout=subprocess.DEVNULL)

    def at(self, name, fx=0.5, fy=0.5):
        x, y, w, h = self.rect(name)
        return int(x + w * fx), int(y + h * fy)

    def move(self, name, fx=0.5, fy=0.5):
        self.xdo("mousemove", *self.at(name, fx, fy))

    def click(self, name, fx=0.5, fy=0.5, repeat=1, button=1):
        self.move(name, fx, fy)
        self.xdo("click", "--repeat", repeat, "--delay", 15, button)

    def edit(self, name):
        """Clicks into a text field, which selects what it holds."""
        self.wait(lambda s: not s["editing"], "no field being edited")
        end = time.monotonic() + WAIT
        while not self.state["editing"]:
            check(time.monotonic() < end, f"waited in vain for: the field {name} being edited")
            self.click(name)
            with self.changed:  # a panel that moved meanwhile: click where it is now
                self.changed.wait_for(lambda: self.last["editing"], min(WAIT, 10))

    def pick(self, name, item):
        """Opens a list and clicks one of its items."""
        place, end = f"{name}.{item}", time.monotonic() + WAIT
        while place not in self.state["rects"]:
            check(time.monotonic() < end, f"waited in vain for: the list {name}")
            self.click(name)
            with self.changed:  # a panel that moved meanwhile: click where it is now
                self.changed.wait_for(lambda: place in self.last["rects"], min(WAIT, 10))
        self.click(place)

    def drag(self, name, start, end, steps=12):
        """Drags inside a control from one (fx, fy) to another."""
        x0, y0 = self.at(name, *start)
        x1, y1 = self.at(name, *end)
        self.xdo("mousemove", x0, y0)
        self.xdo("mousedown", 1)
        for i in range(1, steps + 1):
            self.xdo("mousemove", x0 + (x1 - x0) * i // steps, y0 + (y1 - y0) * i // steps)
        self.xdo("mouseup", 1)

    def focus(self):
        """Gives the main window the keyboard; there is no window manager here to do it."""
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--pid", str(self.process.pid)],
                               capture_output=True, text=True).stdout.split()
        if found:
            subprocess.run(["xdotool", "windowfocus", found[-1]], stderr=subprocess.DEVNULL)

    def key(self, *keys):
        self.xdo("key", "--delay", 20, *keys)

    def type(self, text):
        self.xdo("type", "--delay", 20, "--", text)

    def answer(self, key, dialog, text):
        """Opens a dialog by its key and gives it a line of text."""
        self.focus()
        self.key(key)
        self.wait(lambda s: s["dialog"] == dialog, f"the dialog {dialog}")
        self.focus()
        self.key("ctrl+a")
        self.type(text)
        self.key("Return")

    @staticmethod
    def shot():
        return Picture(subprocess.run(["import", "-silent", "-window", "root", "ppm:-"], check=True,
                                      capture_output=True).stdout)

    def wait_picture(self, condition, what):
        """Takes screenshots until condition(picture)."""
        end = time.monotonic() + WAIT
        while True:
            picture = self.shot()
            if condition(picture):
                return picture
            if time.monotonic() > end:
                raise Failure(f"waited in vain for the picture: {what}")
            time.sleep(0.1)

    def quit(self):
        """Closes the window as a person would; returns the exit code."""
        self.focus()
        self.key("ctrl+q")
        return self.process.wait(WAIT)


def main(*tests):
    """Runs the test functions named on the command line, or all."""
    failed = 0
    for test in tests:
        if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
            continue
        print(f"[ RUN  ] {test.__name__}", flush=True)
        try:
            test()
        except Failure as failure:
            failed += 1
            print(f"[ FAIL ] {test.__name__}: {failure}", flush=True)
        else:
            print(f"[  OK  ] {test.__name__}", flush=True)
    sys.exit(1 if failed else 0)
