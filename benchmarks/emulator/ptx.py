"""Parsing of PTX: a kernel's parameters and instructions, in order, with the targets of its branches."""

import re
from dataclasses import dataclass, field

WIDTHS = {"u64": 8, "b64": 8, "s64": 8, "u32": 4, "b32": 4, "s32": 4, "f32": 4, "u16": 2, "b16": 2}
STATEMENT = re.compile(r"(?:@(?P<negated>!?)(?P<predicate>%\w+)\s+)?(?P<opcode>[a-z][\w.:]*)\s*(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class Address:
    """[base + offset]; base is a register or a symbol."""

    base: str
    offset: int


Operand = str | Address | tuple  # a register, symbol or number as text; an address; a group in braces


@dataclass(frozen=True)
class Instruction:
    """opcode: its parts between the dots. predicate: the register that says which threads execute it."""

    opcode: tuple[str, ...]
    operands: tuple[Operand, ...]
    predicate: str | None
    negated: bool
    text: str
    registers: frozenset[str] = field(compare=False)  # all registers that it names


@dataclass(frozen=True)
class Program:
    """A kernel. parameters: name and bytes of each, in order; labels: index of the instruction that follows each."""

    parameters: tuple[tuple[str, int], ...]
    instructions: tuple[Instruction, ...]
    labels: dict[str, int]


def parse(text: str) -> Program:
    """Parse the only kernel of a module. Raises ValueError for an invalid statement."""
    entry = text[text.index(".entry") :]
    head, body = entry[: entry.index("{")], entry[entry.index("{") + 1 :]
    parameters = re.findall(r"\.param\s+\.(\w+)[^,)]*?(\w+)\s*(?=[,)])", head)
    instructions: list[Instruction] = []
    labels: dict[str, int] = {}
    for statement in statements(body):
        while found := re.match(r"(\$?\w+):\s*", statement):
            labels[found[1]] = len(instructions)
            statement = statement[found.end() :]
        if statement:
            instructions.append(instruction(statement))
    return Program(tuple((name, WIDTHS[kind]) for kind, name in parameters), tuple(instructions), labels)


def statements(body: str) -> list[str]:
    """The statements of a kernel's body, without comments and directives, up to its closing brace."""
    lines = (re.sub(r"//.*", "", line).strip() for line in body.splitlines())
    code = " ".join(line for line in lines if not line.startswith("."))
    depth, end = 1, len(code)
    for place, character in enumerate(code):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            end = place
            break
    return [statement for one in code[:end].split(";") if (statement := one.strip())]


def instruction(text: str) -> Instruction:
    found = STATEMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"not a PTX statement: {text}")
    operands = tuple(operand(one) for one in split(found["rest"]))
    registers = frozenset(re.findall(r"%[a-z]+\d+", text))
    return Instruction(
        tuple(found["opcode"].replace("::", ".").split(".")), operands, found["predicate"], found["negated"] == "!",
        text, registers,
    )  # fmt: skip


def split(text: str) -> list[str]:
    """Split at the commas outside brackets."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def operand(text: str) -> Operand:
    if text.startswith("{"):
        return tuple(operand(one) for one in split(text[1:-1]))
    if text.startswith("["):
        base, _, offset = text[1:-1].replace(" ", "").partition("+")
        return Address(base, int(offset or 0))
    return text
