"""Joins what tests/gpu/run left in a folder into gpu.json and gpu.md, as far as it has come.

    python3 report.py FOLDER [OUT]
"""
import json
import pathlib
import sys


def load(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):  # a part that did not run, or did not end
        return None


class Table:
    def __init__(self, folder):
        self.rows = []  # what, measured, target, met
        self.ours = load(folder / "looktwice.json") or {}
        self.tuned = load(folder / "looktwice_tuned.json") or {}
        self.torch = load(folder / "pytorch.json") or {}
        for section in (self.ceilings, self.vits, self.fewer_tokens, self.tome, self.stdit3):
            try:
                section()
            except (KeyError, TypeError, ValueError, ZeroDivisionError) as e:
                self.rows.append((f"{section.__name__}: cannot be read", repr(e), "", ""))

    def say(self, what, value):
        self.rows.append((what, value, "", ""))

    def bar(self, what, value, target, met):
        self.rows.append((what, value, target, "yes" if met else "no"))

    def vit(self, doc):
        found = doc.get("vit")
        return [r for r in found if "ms" in r] if isinstance(found, list) else []

    def ceiling(self, name):
        values = [d.get("ceilings", {}).get(name) for d in (self.ours, self.torch)]
        return max((v for v in values if v), default=None)

    def ceilings(self):
        peak, copy = self.ceiling("matmul_bf16_tflops"), self.ceiling("copy_gb_per_s")
        if peak and copy:
            self.say("bf16 matrix product / device copy",
                     f"{peak:.0f} TFLOP/s / {copy:.0f} GB/s")
        if copy and "gb_per_s" in self.ours.get("rlt", {}):
            share = self.ours["rlt"]["gb_per_s"] / copy
            self.bar("RLT from uint8, share of copy bandwidth", f"{share:.2f}", ">= 0.60",
                     share >= 0.6)

    def vits(self):
        peak = self.ceiling("matmul_bf16_tflops")
        tuned = {(r["model"], r["case"]): r["ms"] for r in self.vit(self.tuned)}
        for r in self.vit(self.ours):
            same = [p for p in self.vit(self.torch)
                    if p["model"] == r["model"] and p["case"] == r["case"]]
            also = tuned.get((r["model"], r["case"]))
            also = f", tuned {also:.2f} ms" if also else ""
            what = f"{r['model']} {r['case']}"
            if same:
                fastest = min(same, key=lambda p: p["ms"])
                ratio = fastest["ms"] / r["ms"]
                what += ", PyTorch's best time / ours"
                text = (f"{ratio:.2f} ({r['ms']:.2f} ms{also}; "
                        f"{fastest['mode']} {fastest['ms']:.2f} ms)")
                least = 1.2 if r["case"] == "dense batch 1" or "packed" in r["case"] else 1.0
                if "tokens" in r["case"]:
                    self.say(what, text)
                else:
                    self.bar(what, text, f">= {least}", ratio >= least)
            else:
                self.say(what, f"{r['ms']:.2f} ms{also}")
            if r["model"] == "ViT-L" and r["case"] == "dense batch 32" and peak:
                share = r["tflops"] / peak
                self.bar("ViT-L dense batch 32, share of bf16 matrix peak", f"{share:.2f}",
                         ">= 0.45", share >= 0.45)

    def fewer_tokens(self):
        rows = self.vit(self.ours)
        for model in dict.fromkeys(r["model"] for r in rows):
            mine = [r for r in rows if r["model"] == model]
            dense = next((r for r in mine
                          if r["case"].startswith("dense") and r["case"] != "dense batch 1"), None)
            for r in mine:
                if not dense or "tokens batch" not in r["case"]:
                    continue
                keep = r["lengths"][0] / dense["lengths"][0]
                # Parts by FLOPs: a lower bound on attention's share of the time.
                linear = dense["linear_flops"] / (dense["linear_flops"] +
                                                  dense["attention_flops"])
                expected = dense["ms"] * (linear * keep + (1 - linear) * keep**2)
                ratio = r["ms"] / expected
                self.bar(f"{model} {r['case']}, "
                         "time / (linear part x ratio + attention part x ratio²)",
                         f"{ratio:.2f}", "<= 1.1", ratio <= 1.1)

    def tome(self):
        parts = self.ours.get("tome")
        for part in parts if isinstance(parts, list) else []:
            whole = next((r for r in self.vit(self.ours)
                          if r["case"] == f"ToMe r=65 batch {part['clips']}"), None)
            if whole:
                share = part["matching_and_merging_ms"] / whole["ms"]
                self.bar(f"ToMe r=65 ViT-L batch {part['clips']}, matching + merging / forward",
                         f"{share:.3f}", "<= 0.04", share <= 0.04)

    def stdit3(self):
        s, peer = self.ours.get("stdit3", {}), self.torch.get("stdit3", {})
        if "computed_step_ms" not in s:
            return
        modes = [m for m in ("eager", "compiled") if "step_ms" in peer.get(m, {})]
        if modes:
            best = min(modes, key=lambda m: peer[m]["step_ms"])
            ratio = peer[best]["step_ms"] / s["computed_step_ms"]
            self.bar("STDiT3-XL/2 480p, PyTorch's best step / ours",
                     f"{ratio:.2f} ({s['computed_step_ms']:.1f} ms; "
                     f"{best} {peer[best]['step_ms']:.1f} ms)", ">= 1.1", ratio >= 1.1)
            theirs = peer[modes[0]]["memory_peak_mib"] + peer["reference_cache_mib"]
            self.say("peak memory: ours / PyTorch + 112 cached tensors",
                     f"{s['memory_peak_mib']:.0f} / {theirs:.0f} MiB")
        else:
            self.say("STDiT3-XL/2 480p, a computed step", f"{s['computed_step_ms']:.1f} ms")
        share = s["reused_over_computed"]
        self.bar("reused step / computed step", f"{share:.4f}", "<= 0.02", share <= 0.02)
        share = s["plan_share_of_ideal"]
        self.bar("12 of 30 steps computed, share of the ideal speed-up", f"{share:.3f}",
                 ">= 0.95", share >= 0.95)


def errors_of(doc, who):
    """Parts of a benchmark that failed."""
    for name, part in doc.items():
        for entry in part if isinstance(part, list) else [part]:
            if isinstance(entry, dict) and "error" in entry:
                what = " ".join(str(entry[k]) for k in ("model", "case", "mode") if k in entry)
                yield f"{who}: {name} {what}".strip(), str(entry["error"])


def main():
    folder = pathlib.Path(sys.argv[1])
    out = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else sys.argv[1])
    checks = [(line.split(" ", 2) + ["", ""])[:3]
              for line in (folder / "checks.txt").read_text().splitlines()]
    machine = folder / "logs" / "00-machine.log"
    table = Table(folder)
    failures = [*errors_of(table.ours, "LookTwice"), *errors_of(table.torch, "PyTorch")]
    doc = {"schema": "looktwice/gpu", "version": 1,
           "machine": machine.read_text().splitlines() if machine.exists() else [],
           "checks": [{"name": n, "state": s, "note": t} for n, s, t in checks],
           "table": [dict(zip(("what", "measured", "target", "met"), r)) for r in table.rows],
           "opengl": load(folder / "opengl.json"), "looktwice": table.ours,
           "looktwice_tuned": table.tuned, "pytorch": table.torch}
    (out / "gpu.json").write_text(json.dumps(doc, indent=1))
    lines = ["Measured by tests/gpu/run on: " +
             table.ours.get("device", "no benchmark has run yet"), ""]
    if "torch" in table.torch:
        lines += [f"PyTorch {table.torch['torch']} on {table.torch.get('device')}.", ""]
    if table.ours.get("quick"):
        lines += ["Small sizes (--quick): the targets are not for these.", ""]
    lines += ["| check | result |", "|---|---|"]
    lines += [f"| {n} | {s} {t} |" for n, s, t in checks]
    lines += [f"| {n} | failed: {t[:200]} |" for n, t in failures]
    lines += ["", "| what | measured | target | met |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(r) + " |" for r in table.rows]
    (out / "gpu.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
