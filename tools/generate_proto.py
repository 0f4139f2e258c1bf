"""Make cafpy/proto/cafpy_pb2.py and cafpy_pb2.pyi from protos/cafpy.proto.

    pip install 'grpcio-tools==1.62.3'        # protoc 25, best in an environment of its own
    python tools/generate_proto.py            # or: --protoc PATH of a protoc 25

It has to be protoc 25: what a protoc generates runs on protobuf packages of its own age and younger, never on older
ones, and cafpy takes protobuf from 4.25, which is protoc 25's.

Both files begin with the checksum of the .proto, by which tests/proto/test_generated.py sees that they are up to date.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROTO = ROOT / "protos" / "cafpy.proto"
OUT = ROOT / "cafpy" / "proto"
WANTED = 25


def main() -> None:
    parser = argparse.ArgumentParser(description="Make cafpy_pb2.py and cafpy_pb2.pyi from protos/cafpy.proto.")
    parser.add_argument("--protoc", help="a protoc 25; without it grpcio-tools of this Python is used")
    protoc = parser.parse_args().protoc
    command = [protoc] if protoc else [sys.executable, "-m", "grpc_tools.protoc"]
    check_version(command)
    checksum = hashlib.sha256(PROTO.read_bytes()).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        made = [f"--python_out={folder}", f"--pyi_out={folder}"]
        subprocess.run([*command, f"-I{PROTO.parent}", *made, PROTO.name], check=True)
        for path in sorted(Path(folder).iterdir()):
            text = f"# Made by tools/generate_proto.py from protos/cafpy.proto, sha256 {checksum}\n{path.read_text()}"
            (OUT / path.name).write_text(text)
            print(f"{(OUT / path.name).relative_to(ROOT)}: {len(text)} characters")


def check_version(command: list[str]) -> None:
    """End with what to do unless the command is protoc 25."""
    try:
        said = subprocess.run([*command, "--version"], capture_output=True, text=True).stdout.strip()
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error.strerror}")
    version = re.search(r"(\d+)\.\d+", said)
    if not version:
        sys.exit("there is no grpcio-tools here; pip install 'grpcio-tools==1.62.3', or give --protoc")
    if int(version[1]) != WANTED:
        sys.exit(f"this is protoc {version[0]}, wanted {WANTED}: what another one makes does not run on protobuf 4.25")


if __name__ == "__main__":
    main()
