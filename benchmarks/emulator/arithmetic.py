"""What PTX's instructions on registers compute, for all threads of a program at once.

A register is an array with a number for each thread, unsigned and as wide as the register; an instruction's type says
how its bits are interpreted. Approximate instructions (ex2, div.full) are rounded to nearest; a GPU may be off by some
units in float32's last place. tanh is as far off as PTX allows.
"""

from collections.abc import Callable

import numpy as np

TYPES = {
    "pred": np.bool_, "b8": np.uint8, "b16": np.uint16, "b32": np.uint32, "b64": np.uint64, "f32": np.float32,
    **{f"{letter}{bits}": np.dtype(f"{kind}{bits // 8}").type
       for letter, kind in (("u", "u"), ("s", "i")) for bits in (8, 16, 32, 64)},
}  # fmt: skip
Function = Callable[..., np.ndarray]


def divided(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b rounded towards zero, as PTX divides integers."""
    quotient = np.abs(a) // np.where(b == 0, 1, np.abs(b)).astype(a.dtype)
    return np.where((a < 0) != (b < 0), -quotient, quotient).astype(a.dtype)


def high(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The upper half of the product a b."""
    bits, wide = 8 * a.itemsize, np.uint64 if a.dtype.kind == "u" else np.int64
    return ((a.astype(wide) * b.astype(wide)) >> wide(bits)).astype(a.dtype)


def shifted(a: np.ndarray, by: np.ndarray, left: bool) -> np.ndarray:
    """a shifted; by at least as many bits as it has, the result is 0, or the sign (to the right, if signed)."""
    bits = 8 * a.itemsize
    within = np.minimum(by, bits - 1).astype(a.dtype)
    found = a << within if left else a >> within
    gone = np.zeros_like(a) if left or a.dtype.kind == "u" else a >> a.dtype.type(bits - 1)
    return np.where(by < bits, found, gone)


def field(a: np.ndarray, start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """bfe: `length` bits of a from `start` on; for a signed type the highest of them is the sign."""
    bits = 8 * a.itemsize
    start, length = (start & 255).astype(np.int64), (length & 255).astype(np.int64)
    value = (a.view(f"u{a.itemsize}").astype(np.uint64) >> np.minimum(start, bits - 1).astype(np.uint64)).astype(
        np.int64
    )
    length = np.minimum(length, bits - start)
    value &= (np.int64(1) << length) - 1
    if a.dtype.kind == "i":
        sign = np.int64(1) << (length - 1)
        value = (value ^ sign) - sign
    return value.astype(a.dtype)


def permuted(a: np.ndarray, b: np.ndarray, selector: np.ndarray) -> np.ndarray:
    """prmt: four of the eight bytes of b and a, chosen by nibbles of the selector; their top bit asks for the sign."""
    both = (b.astype(np.uint64) << np.uint64(32)) | a.astype(np.uint64)
    found = np.zeros_like(a)
    for place in range(4):
        nibble = (selector >> np.uint32(4 * place)) & np.uint32(15)
        byte = ((both >> ((nibble & 7).astype(np.uint64) * np.uint64(8))) & np.uint64(255)).astype(np.uint32)
        byte = np.where(nibble & 8, np.where(byte & 128, np.uint32(255), np.uint32(0)), byte).astype(np.uint32)
        found |= byte << np.uint32(8 * place)
    return found


def bfloat16(x: np.ndarray) -> np.ndarray:
    """The bits of float32 numbers rounded to bfloat16, ties to even."""
    bits = x.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    return np.where(np.isnan(x), np.uint32(0x7FFF), rounded).astype(np.uint16)


def fused(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    return (a.astype(np.float64) * b + c).astype(np.float32)


def tanh(a: np.ndarray) -> np.ndarray:
    """tanh with a relative error of 2^-11, up or down depending on the last bit of a."""
    sign = (a.view(np.uint32) & np.uint32(1)).astype(np.float32) * 2 - 1
    return np.clip(np.tanh(a) * (1 + sign * np.float32(2**-11)), -1, 1)


# By name; operands and result have the instruction's type.
PLAIN: dict[str, Function] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "mad": lambda a, b, c: a * b + c,
    "fma": fused,
    "div": lambda a, b: a / b if a.dtype.kind == "f" else divided(a, b),
    "rem": lambda a, b: a - divided(a, b) * b,
    "min": np.fmin,
    "max": np.fmax,
    "abs": np.abs,
    "neg": lambda a: -a if a.dtype.kind == "f" else (0 - a).astype(a.dtype),
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "mov": lambda a: a,
    "ex2": np.exp2,
    "lg2": np.log2,
    "rcp": lambda a: np.float32(1) / a,
    "sqrt": np.sqrt,
    "tanh": tanh,
    "prmt": permuted,
}
COMPARISONS: dict[str, Function] = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "lo": np.less, "ls": np.less_equal, "hi": np.greater, "hs": np.greater_equal,
}  # fmt: skip
COMPARISONS |= {
    "num": lambda a, b: ~(np.isnan(a) | np.isnan(b)),
    "nan": lambda a, b: np.isnan(a) | np.isnan(b),
}
COMPARISONS |= {
    f"{name}u": lambda a, b, compare=compare: compare(a, b) | np.isnan(a) | np.isnan(b)
    for name, compare in [*COMPARISONS.items()]
    if name in ("eq", "ne", "lt", "le", "gt", "ge")
}


def computed(opcode: tuple[str, ...]) -> tuple[Function, tuple[str, ...], str] | None:
    """The function of an instruction, the types of its operands and of its result; None for other instructions."""
    name, kind = opcode[0], opcode[-1]
    if name == "setp":
        return COMPARISONS[opcode[1]], (kind, kind), "pred"
    if name == "selp":
        return (lambda a, b, p: np.where(p, a, b)), (kind, kind, "pred"), kind
    if name == "cvt":
        return conversion(opcode)
    if name in ("mul", "mad") and opcode[1] == "wide":
        wide = kind[0] + str(2 * int(kind[1:]))
        multiplied = PLAIN[name]
        widened = lambda a, b, *c: multiplied(a.astype(TYPES[wide]), b.astype(TYPES[wide]), *c)  # noqa: E731
        return widened, (kind, kind, wide)[: 2 if name == "mul" else 3], wide
    if name == "mul" and opcode[1] == "hi":
        return high, (kind, kind), kind
    if name in ("shl", "shr"):
        return (lambda a, by: shifted(a, by, name == "shl")), (kind, "u32"), kind
    if name == "bfe":
        return field, (kind, "u32", "u32"), kind
    if kind in ("s16x2", "u16x2"):
        return pairwise(PLAIN[name], kind[:3]), ("b32", "b32"), "b32"
    if name in PLAIN and kind in TYPES:
        function = PLAIN[name]
        number = function.nin if isinstance(function, np.ufunc) else function.__code__.co_argcount
        return function, (kind,) * number, kind
    return None


def pairwise(function: Function, kind: str) -> Function:
    """`function` applied to both halves of 32 bits."""

    def both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = (np.ascontiguousarray(one).view(TYPES[kind]) for one in (a, b))
        return function(a, b).view(np.uint32)

    return both


def conversion(opcode: tuple[str, ...]) -> tuple[Function, tuple[str, ...], str]:
    to, since = opcode[-2:]
    if to == "bf16x2":
        return (
            (lambda upper, lower: bfloat16(upper).astype(np.uint32) << np.uint32(16) | bfloat16(lower)),
            (
                since,
                since,
            ),
            "b32",
        )
    if to == "f16x2":
        half = lambda x: x.astype(np.float16).view(np.uint16).astype(np.uint32)  # noqa: E731
        return (lambda upper, lower: half(upper) << np.uint32(16) | half(lower)), (since, since), "b32"
    if to == "bf16":
        return bfloat16, (since,), "b16"
    if to == "f16":
        return (lambda x: x.astype(np.float16).view(np.uint16)), (since,), "b16"
    if since == "bf16":
        return (lambda x: (x.astype(np.uint32) << np.uint32(16)).view(np.float32)), ("b16",), to
    if since == "f16":
        return (lambda x: x.view(np.float16).astype(np.float32)), ("b16",), to
    if "tf32" in (to, since):
        raise NotImplementedError(".".join(opcode))
    return (lambda x: x.astype(TYPES[to])), (since,), to
