"""Names of the labelled world's classes (docs/world.md) and how a flip or reversal renames them."""

CLASSES = ["translate-left", "translate-right", "translate-up", "translate-down", "approach",
           "recede", "rotate-clockwise", "rotate-counterclockwise", "bounce", "collide", "appear",
           "vanish", "static", "texture-slide", "flicker"]

BOUNCE = 8


def _renamed(pairs):
    out = list(range(len(CLASSES)))
    for a, b in pairs:
        out[a], out[b] = b, a
    return out


MIRRORED = _renamed([(0, 1), (6, 7)])                            # left and right
UPSIDE_DOWN = _renamed([(2, 3), (6, 7)])                         # not for BOUNCE, which knows down
TRANSPOSED = _renamed([(0, 2), (1, 3), (6, 7)])                  # not for BOUNCE
REVERSED = _renamed([(0, 1), (2, 3), (4, 5), (6, 7), (10, 11)])  # in time
