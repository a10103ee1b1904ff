"""Read lists of NumPy arrays from `.npy` and `.npz` files that hold pickles, without running code from the pickle.

A pickle is a small program that may call any function by name. Here the only names it may use are those that describe
an array, and each refers to a plain record below, not to NumPy's own code. A record holds shape, type and bytes, and
becomes an array only after all of it has been checked.
"""

import io
import math
import pickle
import pickletools
import zipfile
from pathlib import Path

import numpy as np

from r2n2.errors import UserError, one_line
from r2n2.files import require_file

MAX_BYTES = 2**30  # the published weights have 144 MB
MAX_MEMO = 100_000  # entries of a pickle's memo; the published weights need about 200
MAX_ARRAYS = 1_000
MAX_AXES = 32
# The opcodes that a list of arrays may need. No dictionaries or sets: hashing crafted keys can crash or hang Python.
OPCODES = frozenset(
    """PROTO FRAME STOP MARK EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 GLOBAL STACK_GLOBAL
    REDUCE BUILD PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET MEMOIZE POP POP_MARK DUP INT BININT BININT1 BININT2 LONG1
    FLOAT BINFLOAT NONE NEWTRUE NEWFALSE STRING BINSTRING SHORT_BINSTRING UNICODE SHORT_BINUNICODE BINUNICODE
    BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8""".split()  # noqa: SIM905
)


def read_arrays(path: str | Path) -> list[np.ndarray]:
    """Read the float arrays of a `.npy` list, or of the first entry of an `.npz` file, each in its stored float type.

    Raises UserError, naming the file, if it holds anything else, is damaged, or asks for code to be run.
    """
    path = Path(path)
    try:
        content = _npy_content(path)
        stream = io.BytesIO(content)
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        if not dtype.hasobject:
            raise UserError(f"{path} holds one array of type {dtype} and shape {shape}, not a list of arrays.")
        listed = _unpickle(content[stream.tell() :], path)
        return [_array(item, number, path) for number, item in enumerate(_items(listed, shape, path))]
    except UserError:
        raise
    except Exception as error:  # a damaged pickle or zip raises every kind of exception
        raise UserError(
            f"{path} is not a readable list of arrays ({one_line(error)}); copy or download it again."
        ) from error


def write_arrays(path: Path, arrays: list[np.ndarray]) -> None:
    """Write arrays as the original did: a pickled object array, with NumPy's module name of 2016, plain or in a zip."""
    listed = np.empty(len(arrays), object)
    listed[:] = arrays
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, np.lib.format.header_data_from_array_1_0(listed))
    # NumPy 2 moved the function. Its name appears once in the stream, before any data; later uses refer back to it.
    buffer.write(pickle.dumps(listed, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray", 1))
    if path.suffix.lower() == ".npz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("arr_0.npy", buffer.getvalue())
    else:
        path.write_bytes(buffer.getvalue())


def _npy_content(path: Path) -> bytes:
    require_file(path, "weights file")
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path} is larger than {MAX_BYTES // 2**20} MiB, too large for weights of 2016.")
    if path.suffix.lower() != ".npz":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        first = archive.infolist()[0]
        if first.file_size > MAX_BYTES:
            raise UserError(f"{path} unpacks to more than {MAX_BYTES // 2**20} MiB, too large for weights of 2016.")
        if first.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without a limit
            raise UserError(f"{path} is compressed in a way that NumPy does not write; save it again.")
        with archive.open(first) as file:
            return file.read(first.file_size)


def _unpickle(content: bytes, path: Path) -> object:
    for opcode, argument, _ in pickletools.genops(content):  # raises if an argument is longer than the file
        if opcode.name not in OPCODES:
            raise UserError(f"{path} is not a list of arrays: its pickle uses {opcode.name}, which no array needs.")
        if "PUT" in opcode.name and isinstance(argument, int) and argument > MAX_MEMO:
            raise UserError(f"{path} is not a list of arrays: its pickle refers to memory that no array needs.")
    return _ArrayUnpickler(content, path).load()


class _Dtype:
    """A pickled element type: its code, such as "f4" or "O8", and its byte order."""

    def __init__(self, code: str, *_: object) -> None:
        if type(code) is not str or len(code) > 8:
            raise ValueError("an element type without a name")
        self.code, self.order = code, "<"

    def __setstate__(self, state: tuple) -> None:
        if state[1] not in ("<", ">", "|", "="):
            raise ValueError("an element type without a byte order")
        self.order = "=" if state[1] == "|" else state[1]


class _Array:
    """A pickled array."""

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, self.dtype, self.fortran, self.data = state


class _Reconstruct:
    """Creates an empty array record; has no attributes, because a pickle may try to set some."""

    __slots__ = ()

    def __call__(self, *_: object) -> _Array:
        return _Array()


class _Encode:
    """Encodes text to bytes, since Python 3 pickles bytes for Python 2 as text; bounded, as one text may recur."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def __call__(self, text: str, encoding: str) -> bytes:
        if type(text) is not str or encoding != "latin1":
            raise ValueError("bytes that are not latin1 text")
        self.left -= len(text)
        if self.left < 0:
            raise ValueError("more bytes than any weights have")
        return text.encode("latin-1")

    def __setstate__(self, state: object) -> None:
        raise ValueError("a function with state")


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, content: bytes, path: Path) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")
        self.path = path
        self.allowed = {
            ("numpy.core.multiarray", "_reconstruct"): _Reconstruct(),
            ("numpy._core.multiarray", "_reconstruct"): _Reconstruct(),
            ("numpy", "ndarray"): _Array,
            ("numpy", "dtype"): _Dtype,
            ("_codecs", "encode"): _Encode(),
        }

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self.allowed:
            raise UserError(
                f"{self.path} asks for {module}.{name}, which no array needs; it was not run. Do not trust this file."
            )
        return self.allowed[module, name]


def _items(listed: object, shape: tuple[int, ...], path: Path) -> list[object]:
    if type(listed) is _Array and getattr(listed.dtype, "code", "").startswith("O"):
        listed = listed.data
    if type(listed) is not list or shape != (len(listed),):
        raise UserError(f"{path} is not a list of arrays: its header and its content do not agree.")
    if len(listed) > MAX_ARRAYS or len({id(item) for item in listed}) < len(listed):
        raise UserError(f"{path} is not a list of weights: it holds {len(listed)} arrays, or the same array twice.")
    return listed


def _array(item: object, number: int, path: Path) -> np.ndarray:
    where = f"{path}: array {number}"
    if type(item) is not _Array or type(getattr(item, "dtype", None)) is not _Dtype:
        raise UserError(f"{where} is not an array but a {type(item).__name__.strip('_').lower()}.")
    if item.dtype.code not in ("f2", "f4", "f8"):
        raise UserError(f"{where} has elements of type {item.dtype.code!r}; only plain floats are read.")
    dtype = np.dtype(item.dtype.code).newbyteorder(item.dtype.order)
    data = item.data.encode("latin-1") if type(item.data) is str else item.data
    shape = item.shape
    if type(data) is not bytes or type(shape) is not tuple or len(shape) > MAX_AXES:
        raise UserError(f"{where} is damaged; copy or download the file again.")
    if not all(type(side) is int and 0 <= side <= MAX_BYTES for side in shape):
        raise UserError(f"{where} has an impossible shape; copy or download the file again.")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise UserError(f"{where} declares shape {shape} of {dtype}, but its data has {len(data)} bytes.")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if item.fortran else "C").astype(dtype.newbyteorder("="))
