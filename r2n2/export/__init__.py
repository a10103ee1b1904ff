"""Export a trained network to ONNX files, for programs without PyTorch; needs the extra `export`."""

from r2n2.export.export import Export, check_extra, export_onnx

__all__ = ["Export", "check_extra", "export_onnx"]
