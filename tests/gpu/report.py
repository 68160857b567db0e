"""Joins what tests/gpu/run left in a folder into gpu.json and gpu.md.

    python3 report.py FOLDER
"""
import json
import pathlib
import sys


def load(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):  # a part that did not run, or did not end
        return None


def main():
    folder = pathlib.Path(sys.argv[1])
    ours, torch = load(folder / "looktwice.json"), load(folder / "pytorch.json")
    tuned = load(folder / "looktwice_tuned.json")
    checks = [line.split(" ", 2) for line in (folder / "checks.txt").read_text().splitlines()]
    doc = {"schema": "looktwice/gpu", "version": 1, "looktwice": ours,
           "looktwice_tuned": tuned, "pytorch": torch,
           "checks": [{"name": c[0], "result": " ".join(c[1:])} for c in checks]}
    rows = []  # what, measured, target, met

    def row(what, value, target, met):
        rows.append((what, value, target, "yes" if met else "no"))

    if ours:
        top = ours.get("ceilings", {})
        if "copy_gb_per_s" in top:
            peak, copy = top["matmul_bf16_tflops"], top["copy_gb_per_s"]
            if torch and "copy_gb_per_s" in torch.get("ceilings", {}):
                peak = max(peak, torch["ceilings"]["matmul_bf16_tflops"])
                copy = max(copy, torch["ceilings"]["copy_gb_per_s"])
            rows.append(("bf16 matrix product / device copy",
                         f"{peak:.0f} TFLOP/s / {copy:.0f} GB/s", "", ""))
            if "gb_per_s" in ours.get("rlt", {}):
                share = ours["rlt"]["gb_per_s"] / copy
                row("RLT from uint8, share of copy bandwidth", f"{share:.2f}", ">= 0.60",
                    share >= 0.6)
        vit = ours.get("vit", [])
        vit = vit if isinstance(vit, list) else []
        peers = (torch or {}).get("vit", [])
        peers = [p for p in peers if isinstance(p, dict) and "ms" in p]
        with_tuning = {(r["model"], r["case"]): r["ms"] for r in (tuned or {}).get("vit", [])
                       if isinstance(r, dict) and "ms" in r}
        for r in vit:
            same = [p for p in peers if p["model"] == r["model"] and p["case"] == r["case"]]
            fastest = min(same, key=lambda p: p["ms"], default=None)
            best = fastest["ms"] if fastest else None
            also = with_tuning.get((r["model"], r["case"]))
            also = f", tuned {also:.2f} ms" if also else ""
            what = f"{r['model']} {r['case']}"
            if best:
                least = 1.2 if r["case"] == "dense batch 1" or "packed" in r["case"] else 1.0
                ratio = best / r["ms"]
                bar = f">= {least}" if "tokens" not in r["case"] else ""
                text = f"{ratio:.2f} ({r['ms']:.2f} ms{also}; {fastest['mode']} {best:.2f} ms)"
                if bar:
                    row(what + ", PyTorch's best time / ours", text, bar, ratio >= least)
                else:
                    rows.append((what + ", PyTorch's best time / ours", text, "", ""))
            else:
                rows.append((what, f"{r['ms']:.2f} ms{also}", "", ""))
            if r["model"] == "ViT-L" and r["case"] == "dense batch 32" and "copy_gb_per_s" in top:
                row("ViT-L dense batch 32, share of bf16 matrix peak", f"{r['tflops'] / peak:.2f}",
                    ">= 0.45", r["tflops"] / peak >= 0.45)
        for model in dict.fromkeys(r["model"] for r in vit):
            mine = {r["case"]: r for r in vit if r["model"] == model}
            dense = next((r for c, r in mine.items() if c.startswith("dense") and c[-2:] != " 1"),
                         None)
            for case, r in mine.items():
                if dense and "tokens batch" in case:
                    keep = r["lengths"][0] / dense["lengths"][0]
                    # Parts by FLOPs: a lower bound on attention's share of the time.
                    linear = dense["linear_flops"] / (dense["linear_flops"] +
                                                      dense["attention_flops"])
                    model_ms = dense["ms"] * (linear * keep + (1 - linear) * keep**2)
                    ratio = r["ms"] / model_ms
                    row(f"{model} {case}, time / (linear part x ratio + attention part x ratio²)",
                        f"{ratio:.2f}", "<= 1.1", ratio <= 1.1)
        parts = ours.get("tome", [])
        for part in parts if isinstance(parts, list) else []:
            whole = next((r for r in vit if r["case"] == f"ToMe r=65 batch {part['clips']}"), None)
            if whole:
                share = part["matching_and_merging_ms"] / whole["ms"]
                row(f"ToMe r=65 ViT-L batch {part['clips']}, matching + merging / forward",
                    f"{share:.3f}", "<= 0.04", share <= 0.04)
        s = ours.get("stdit3", {})
        if "computed_step_ms" in s:
            peer = (torch or {}).get("stdit3", {})
            if "eager" in peer:
                best = min(peer[m]["step_ms"] for m in ("eager", "compiled") if m in peer)
                ratio = best / s["computed_step_ms"]
                row("STDiT3-XL/2 480p, PyTorch's best step / ours",
                    f"{ratio:.2f} ({s['computed_step_ms']:.1f} ms)", ">= 1.1", ratio >= 1.1)
                rows.append(("peak memory: ours / PyTorch + 112 cached tensors",
                             f"{s['memory_peak_mib']:.0f} / "
                             f"{peer['eager']['memory_peak_mib'] + peer['reference_cache_mib']:.0f} MiB",
                             "", ""))
            row("reused step / computed step", f"{s['reused_over_computed']:.4f}", "<= 0.02",
                s["reused_over_computed"] <= 0.02)
            row("12 of 30 steps computed, share of the ideal speed-up",
                f"{s['plan_share_of_ideal']:.3f}", ">= 0.95", s["plan_share_of_ideal"] >= 0.95)
    doc["table"] = [dict(zip(("what", "measured", "target", "met"), r)) for r in rows]
    (folder / "gpu.json").write_text(json.dumps(doc, indent=1))
    device = (ours or {}).get("device", "no benchmark was run")
    lines = [f"Measured by tests/gpu/run on: {device}", ""]
    if torch:
        lines += [f"PyTorch {torch['torch']} on {torch['device']}.", ""]
    lines += ["| check | result |", "|---|---|"]
    lines += [f"| {c[0]} | {' '.join(c[1:])} |" for c in checks]
    lines += ["", "| what | measured | target | met |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(r) + " |" for r in rows]
    (folder / "gpu.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
