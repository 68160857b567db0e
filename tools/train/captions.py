"""The words that scenes-dit knows: five slots, one caption token each."""

import torch

SLOTS = {
    "shape": {"ball": ["ball", "disc", "circle"], "square": ["square", "box"],
              "triangle": ["triangle"], "ring": ["ring"]},
    "colour": {"red": ["red"], "green": ["green"], "blue": ["blue"], "yellow": ["yellow"],
               "white": ["white"], "purple": ["purple", "violet"]},
    "motion": {"left": ["left", "leftwards"], "right": ["right", "rightwards"],
               "up": ["up", "upwards", "rises", "rising"],
               "down": ["down", "downwards", "falls", "falling"],
               "growing": ["growing", "grows", "approaches", "approaching"],
               "shrinking": ["shrinking", "shrinks", "recedes", "receding"],
               "still": ["still", "static", "resting", "rests"],
               "appearing": ["appearing", "appears"], "vanishing": ["vanishing", "vanishes"]},
    "speed": {"slowly": ["slowly", "slow"], "fast": ["fast", "quickly", "quick"]},
    "background": {"dark": ["dark", "black"], "light": ["light", "bright"],
                   "sky": ["sky"], "grass": ["grass", "meadow"]},
}
DEFAULTS = {"shape": "ball", "colour": "red", "motion": "still", "speed": "fast",
            "background": "dark"}
FILLERS = ["a", "an", "the", "on", "in", "over", "it", "is", "of", "and", "with", "that", "which",
           "to", "moves", "moving", "goes", "going", "background", "before", "front", "colored",
           "coloured", "very", "through", "stands", "standing"]
VALUES = [list(words) for words in SLOTS.values()]  # [slot][value]
COUNTS = [len(v) for v in VALUES]


def rows(channels=32, seed=7):
    """One fixed unit-variance random row a value, rounded so that the file is short."""
    g = torch.Generator().manual_seed(seed)
    return (torch.randn(sum(COUNTS), channels, generator=g) * 100).round() / 100


def vocabulary(channels=32):
    words, slots, row = {}, [], 0
    for name, values in SLOTS.items():
        known = []
        for spellings in values.values():
            for word in spellings:
                words[word] = row
                known.append(word)
            row += 1
        slots.append({"name": name, "words": known, "default": DEFAULTS[name]})
    table = [[round(float(x), 2) for x in r] for r in rows(channels)]
    return {"schema": "looktwice/vocabulary", "version": 1, "rows": table, "words": words,
            "fillers": FILLERS, "slots": slots}


def encode(values, table):
    """values [B,5] indices within each slot -> captions [B,5,channels]."""
    first = torch.tensor([sum(COUNTS[:i]) for i in range(len(COUNTS))])
    return table[values + first]


def sentence(values):
    shape, colour, motion, speed, ground = (VALUES[i][int(v)] for i, v in enumerate(values))
    how = {"left": f"moves {speed} left", "right": f"moves {speed} right",
           "up": f"moves {speed} up", "down": f"moves {speed} down", "growing": f"grows {speed}",
           "shrinking": f"shrinks {speed}", "still": "stands still",
           "appearing": f"appears {speed}", "vanishing": f"vanishes {speed}"}[motion]
    return f"a {colour} {shape} {how} on a {ground} background"
