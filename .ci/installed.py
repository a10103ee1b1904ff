"""Names every file of the two packages that the repository holds and the installation lacks; run it anywhere else."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

root = Path(__file__).resolve().parents[1]
missing = []
for package, folder in (("r2n2", root / "r2n2"), ("convrnn3d", root / "kernels" / "convrnn3d")):
    installed = Path(find_spec(package).origin).parent
    assert installed != folder, f"{package} is not installed, or editable"
    held = subprocess.run(["git", "ls-files", "."], cwd=folder, capture_output=True, text=True, check=True)
    missing += [f"{package}/{name}" for name in held.stdout.splitlines() if not (installed / name).is_file()]
sys.exit("\n".join(["not installed:", *missing]) if missing else 0)
