"""Draws the learning curve of one or more training runs.

  python tools/train/curve.py FOLDER[,FOLDER…][=NAME] … -o curve.png
"""

import argparse
import json

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def rows_of(states):
    """Rows of the logs of comma-separated state folders, with the clips seen over all of them."""
    out, offset = [], 0
    for state in states.split(","):
        # A run that was interrupted wrote some steps twice: the last one counts.
        rows = {r["step"]: r for r in map(json.loads, open(f"{state}/log.jsonl"))}
        rows = sorted(rows.values(), key=lambda r: r["step"])
        out += [{**r, "clips": offset + r.get("clips", 0)} for r in rows]
        offset = out[-1]["clips"]
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("states", nargs="+",
                   help="FOLDER[,FOLDER…][=NAME]: stages of one training in their order")
    p.add_argument("-o", "--output", required=True)
    a = p.parse_args()
    figure, axes = plt.subplots(figsize=(7, 3.6), dpi=110)
    offset = 0
    for stage in a.states:
        states, _, name = stage.partition("=")
        rows = rows_of(states)
        if "validation" in rows[0]:
            x = [(offset + r["clips"]) / 1000 for r in rows]
            line, = axes.plot(x, [100 * r["validation"] for r in rows], "o-", ms=3,
                              label=name or states)
            axes.plot(x, [100 * r["train"] for r in rows], ":", color=line.get_color())
            axes.set_ylabel("top-1, % (dotted: in training)")
            axes.set_xlabel("clips seen, thousands")
            offset += rows[-1]["clips"]
        else:
            axes.plot([r["step"] for r in rows], [r["loss"] for r in rows], label=name or states)
            axes.set_yscale("log")
            axes.set_ylabel("mean squared error of v")
            axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(a.output)


if __name__ == "__main__":
    main()
