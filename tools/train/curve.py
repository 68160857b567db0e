"""Draws the learning curve of one or more training runs.

  python tools/train/curve.py STATE [STATE …] -o curve.png
"""

import argparse
import json

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("states", nargs="+", help="state folders; stages of one training in their order")
    p.add_argument("-o", "--output", required=True)
    a = p.parse_args()
    figure, axes = plt.subplots(figsize=(7, 3.6), dpi=110)
    offset = 0
    for state in a.states:
        rows = [json.loads(line) for line in open(f"{state}/log.jsonl")]
        # A run that was interrupted wrote some steps twice: the last one counts.
        rows = sorted({r["step"]: r for r in rows}.values(), key=lambda r: r["step"])
        name = state.rstrip("/").split("/")[-1]
        if "validation" in rows[0]:
            x = [offset + r["clips"] for r in rows]
            line, = axes.plot(x, [100 * r["validation"] for r in rows], "o-", ms=3,
                              label=f"{name}, validation")
            axes.plot(x, [100 * r["train"] for r in rows], ":", color=line.get_color(),
                      label=f"{name}, training")
            axes.set_ylabel("top-1, %")
            axes.set_xlabel("clips seen")
            offset = x[-1]
        else:
            axes.plot([r["step"] for r in rows], [r["loss"] for r in rows], label=name)
            axes.set_yscale("log")
            axes.set_ylabel("mean squared error of v")
            axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(a.output)


if __name__ == "__main__":
    main()
