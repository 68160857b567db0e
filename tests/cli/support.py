"""What the command-line tests share: running the program, safetensors with the standard library alone."""

import array
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("LOOKTWICE", "build/dev/app/cli/looktwice")
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
CODES = {"U8": "B", "I32": "i", "F32": "f", "F64": "d", "I64": "q"}


def read_header(path):
    """The header of a safetensors file."""
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        return json.loads(f.read(length))


def read_tensors(path):
    """{name: (shape, flat array)} of a safetensors file."""
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(length))
        data = f.read()
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        values = array.array(CODES[entry["dtype"]])
        begin, end = entry["data_offsets"]
        values.frombytes(data[begin:end])
        out[name] = (entry["shape"], values)
    return out


def write_tensor(path, name, shape, data, dtype="U8"):
    header = json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}})
    header = header.encode() + b" " * (-len(header) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header + bytes(data))


def add_tensor(path, name, shape, data, dtype="F32"):
    """Adds a tensor to a file, or replaces it."""
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(length))
        blob = f.read()
    out, parts, at = {}, [], 0
    tensors = {k: (v["dtype"], v["shape"], blob[slice(*v["data_offsets"])])
               for k, v in header.items() if k != "__metadata__"}
    tensors[name] = (dtype, shape, bytes(data))
    for key, (kind, dims, raw) in tensors.items():
        out[key] = {"dtype": kind, "shape": dims, "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    text = json.dumps(out).encode()
    text += b" " * (-len(text) % 8)
    os.chmod(path, 0o644)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def run(*args, **kwargs):
    """Runs the program; standard output and error come back as text."""
    return subprocess.run([PROGRAM, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=600, **kwargs)


def ffmpeg(*args, data=None):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], check=True, input=data,
                   timeout=600)


def have_ffmpeg():
    try:
        subprocess.run(["ffmpeg", "-version"], stdout=subprocess.DEVNULL, check=True)
        return True
    except (OSError, subprocess.CalledProcessError):
        return False


class Case(unittest.TestCase):
    """A folder for each test, and checks of exit codes."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.dir = self._folder.name

    def path(self, name):
        return os.path.join(self.dir, name)

    def good(self, *args):
        result = run(*args)
        self.assertEqual(result.returncode, 0, f"{args}: {result.stderr}")
        return result

    def bad(self, *args, code=2, says=()):
        """The program refuses: one line, the exit code, no trace of its insides."""
        result = run(*args)
        line = result.stderr.strip()
        self.assertEqual(result.returncode, code, f"{args}: {line}")
        self.assertEqual(len(line.splitlines()), 1, f"{args}: {line}")
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, line)
        return line


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=1)
