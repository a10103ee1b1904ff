"""Pickled lists of arrays are read without running code, and errors say what is wrong with them."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from r2n2.errors import UserError
from r2n2.network.arrays import read_arrays, write_arrays

ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(4, np.float32), np.zeros((1, 2, 1), np.float32)]


def listed(items: list) -> np.ndarray:
    array = np.empty(len(items), object)
    for number, item in enumerate(items):
        array[number] = item
    return array


def npy(path: Path, items: object, protocol: int = 3, shape: tuple[int, ...] | None = None) -> Path:
    """Write a `.npy` file of an object array; `shape` puts a false shape into its header."""
    buffer = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": shape or (len(items),)}
    np.lib.format.write_array_header_1_0(buffer, header)
    path.write_bytes(buffer.getvalue() + pickle.dumps(items, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_every_pickle_protocol_that_numpy_has_written_is_read(tmp_path: Path, protocol: int) -> None:
    read = read_arrays(npy(tmp_path / "a.npy", listed(ARRAYS), protocol))
    for array, expected in zip(read, ARRAYS, strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == expected.dtype


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_written_files_are_read_here_and_by_numpy(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_arrays(path, ARRAYS)
    loaded = np.load(path, allow_pickle=True)
    for arrays in (read_arrays(path), loaded["arr_0"] if suffix == ".npz" else loaded):
        for array, expected in zip(arrays, ARRAYS, strict=True):
            np.testing.assert_array_equal(array, expected)
    assert b"numpy._core" not in path.read_bytes()  # NumPy of 2016 has no such module


def test_fortran_order_and_other_float_types_are_read(tmp_path: Path) -> None:
    arrays = [np.asfortranarray(ARRAYS[0]), ARRAYS[1].astype(">f8"), ARRAYS[2].astype(np.float16)]
    for array, expected in zip(read_arrays(npy(tmp_path / "a.npy", listed(arrays))), arrays, strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype.kind == "f"


class Evil:
    """Pickles to a call of os.system that would create the file `mark`."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
def test_code_is_refused_by_name_and_not_run(tmp_path: Path, protocol: int) -> None:
    path = npy(tmp_path / "evil.npy", listed([ARRAYS[0], Evil(tmp_path / "ran")]), protocol)
    with pytest.raises(UserError, match=r"evil\.npy asks for posix\.system.*not run"):
        read_arrays(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["builtins eval", "builtins getattr", "numpy load", "numpy.core.multiarray fromfile"])
def test_pickles_may_use_only_names_that_describe_arrays(tmp_path: Path, name: str) -> None:
    path = npy(tmp_path / "evil.npy", listed(ARRAYS))
    module, function = name.split()
    call = b"\x80\x03c" + f"{module}\n{function}\n".encode() + b"X\x03\x00\x00\x001+1\x85R."
    path.write_bytes(path.read_bytes()[: path.read_bytes().index(b"\x80\x03")] + call)
    with pytest.raises(UserError, match=f"asks for {module}.{function}"):
        read_arrays(path)


def test_damaged_files_are_refused_by_name(tmp_path: Path) -> None:
    good = npy(tmp_path / "good.npy", listed(ARRAYS)).read_bytes()
    start = good.index(b"\x80\x03")
    memory = good[:start] + b"\x80\x03]r\xff\xff\xff\x7f."  # LONG_BINPUT far beyond any need
    cases = {
        "empty.npy": b"",
        "text.npy": b"hello",
        "cut.npy": good[:-40],
        "header.npy": good[:start],
        "memory.npy": memory,
        "junk.npy": good[:start] + b"\x80\x03K\x01.",
        "zip.npz": b"PK\x03\x04",
        "pid.npy": good[:start] + b"\x80\x03K\x01Q.",
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=name):
            read_arrays(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "none.npz", "w"):
        pass
    with pytest.raises(UserError, match=r"none\.npz"):
        read_arrays(tmp_path / "none.npz")
    with pytest.raises(UserError, match="no weights file"):
        read_arrays(tmp_path / "missing.npy")


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([ARRAYS[0], [1.0, [2.0]]], "array 1 is not an array but a list"),
        ([ARRAYS[0], 3.5], "array 1 is not an array but a float"),
        ([listed(ARRAYS), ARRAYS[0]], "array 0 has elements of type 'O8'"),
        ([np.arange(3)], "array 0 has elements of type 'i8'"),
        ([np.array(["a"])], "array 0 has elements of type 'U1'"),
        ([np.zeros(2, np.complex64)], "array 0 has elements of type 'c8'"),
    ],
)
def test_anything_but_float_arrays_is_refused(tmp_path: Path, items: list, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_arrays(npy(tmp_path / "a.npy", listed(items)))


def test_false_headers_are_refused_without_allocating_what_they_claim(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="do not agree"):
        read_arrays(npy(tmp_path / "a.npy", listed(ARRAYS), shape=(10**10,)))
    plain = io.BytesIO()
    np.lib.format.write_array_header_1_0(plain, {"descr": "<f4", "fortran_order": False, "shape": (2_500_000_000,)})
    (tmp_path / "plain.npy").write_bytes(plain.getvalue() + bytes(1000))
    with pytest.raises(UserError, match="holds one array of type float32"):
        read_arrays(tmp_path / "plain.npy")
    content = npy(tmp_path / "inner.npy", listed([np.zeros((7, 11), np.float32)])).read_bytes()
    assert content.count(b"K\x07K\x0b\x86") == 1
    (tmp_path / "inner.npy").write_bytes(content.replace(b"K\x07K\x0b\x86", b"K\x07K\x0c\x86"))
    with pytest.raises(UserError, match=r"array 0 declares shape \(7, 12\) of float32, but its data has 308 bytes"):
        read_arrays(tmp_path / "inner.npy")
    start = content.index(b"\x80\x03")
    large = content[:start] + b"\x80\x04\x8e" + (10**10).to_bytes(8, "little") + bytes(1000)
    (tmp_path / "large.npy").write_bytes(large)
    with pytest.raises(UserError, match=r"large\.npy"):
        read_arrays(tmp_path / "large.npy")


def memo_bomb(depth: int) -> bytes:
    """A list of two references to a list of two references to ..., left on the stack: 2^depth leaves in a few bytes."""
    return b"]" + b"".join(
        bytes([ord("q"), i, ord("0"), ord("]"), ord("("), ord("h"), i, ord("h"), i, ord("e")]) for i in range(depth)
    )


def test_tiny_files_cannot_exhaust_time_or_memory(tmp_path: Path) -> None:
    start = npy(tmp_path / "good.npy", listed(ARRAYS)).read_bytes()
    header = start[: start.index(b"\x80\x03")]
    array = b"cnumpy.core.multiarray\n_reconstruct\n(tR"
    tuples = b"".join(bytes([ord("q"), i, ord("h"), i, 0x86]) for i in range(40))
    cases = {
        "key.npy": b"\x80\x02}" + b")" + tuples + b"Ns.",  # hashing takes 2^40 steps
        "deep.npy": b"\x80\x02})" + b"\x85" * 100_000 + b"Ns.",  # hashing overflows the stack
        "code.npy": b"\x80\x02cnumpy\ndtype\n" + memo_bomb(40) + b"\x85R.",  # printing takes 2^40 steps
        "encode.npy": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00a" + memo_bomb(40) + b"\x86R.",
        "state.npy": b"\x80\x02c_codecs\nencode\nN]\x86b.",  # would set attributes of a function
        "twice.npy": b"\x80\x02](" + array + b"q\x00h\x00h\x00e.",
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(header + content)
        with pytest.raises(UserError, match=name):
            read_arrays(tmp_path / name)


def test_zip_compression_that_unpacks_without_a_limit_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bz.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("arr_0.npy", bytes(10**6))
    with pytest.raises(UserError, match=r"bz\.npz is compressed in a way"):
        read_arrays(tmp_path / "bz.npz")
