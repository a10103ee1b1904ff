#!/usr/bin/env bash
# Install Infinigen 1.15.5 (BSD-3) and Blender as a module in their own virtual environment: infinigen_install.sh FOLDER
# This tool makes meshes; r2n2 does not depend on it. Python 3.11 only; 2 minutes, 2.3 GB. A plain
# `pip install infinigen` would build scikit-image below 0.20 from source, hence the list. Errors about add-ons at
# start-up are harmless.
set -euo pipefail
target=${1:?folder of the virtual environment}
python3.11 -m venv "$target"
"$target/bin/pip" install --only-binary=:all: "bpy==4.2.0" "numpy<2" "gin_config>=0.5.0" imageio matplotlib networkx \
    "opencv-python<4.12" pandas psutil "scikit-image<0.25" "scikit-learn<1.6" scipy "shapely<=2.0.5" tqdm "trimesh<4.5" \
    OpenEXR submitit geomdl python-fcl rtree coacd
"$target/bin/pip" install --no-deps infinigen==1.15.5
