"""What the classes of a C++ source declare: a reader of declarations, not of the language.

It knows comments, literals, preprocessor lines, brackets and how a declaration begins, which is enough for code that is
formatted and compiles. It looks into namespaces and classes, not into function bodies, and expands no macros.
"""

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
      (?P<skip>\s+|//[^\n]*|/\*.*?\*/)
    | (?P<raw>(?:u8|[uUL])?R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)")
    | (?P<text>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"|(?:u8|[uUL])?'(?:\\.|[^'\\\n])*')
    | (?P<number>\.?\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<mark>::|->|.)
    """,
    re.VERBOSE | re.DOTALL,
)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
PAIRS = {"(": ")", "{": "}", "[": "]"}
# Declarations that make neither a function nor a member.
NEITHER = {"using", "typedef", "friend", "static_assert", "enum", "public", "protected", "private"}


@dataclass
class ClassDeclaration:
    """A class with what it declares itself.

    Not counted: what classes within it declare, types, functions that it deletes, and constants (constexpr data), since to
    name a limit must cost nothing.
    """

    name: str
    line: int
    functions: int = 0
    members: int = 0

    @property
    def size(self):
        return self.functions + self.members


@dataclass
class FunctionBody:
    """A function that is defined here; `lines` is from its first line to its closing brace."""

    name: str
    line: int
    lines: int


@dataclass
class Token:
    text: str
    line: int
    is_word: bool


def tokens_of(source):
    """The tokens of `source` but for comments and preprocessor lines; literals are one token each."""
    source = PREPROCESSOR.sub(lambda line: "\n" * line.group().count("\n"), source)
    line = 1
    for match in TOKEN.finditer(source):
        if match.lastgroup != "skip":
            literal = match.group("raw") or match.group("text")
            yield Token('""' if literal else match.group(), line, match.group("word") is not None)
        line += match.group().count("\n")


def declarations_of(source):
    """Every class, struct and union with a body, and every function with one, each in the order in which they end."""
    reader = _Reader(list(tokens_of(source)))
    while reader.at < len(reader.tokens):
        reader.scope(None)
    return reader.classes, reader.functions


class _Reader:
    def __init__(self, tokens):
        self.tokens = tokens
        self.at = 0
        self.classes = []
        self.functions = []

    def text(self, offset=0):
        place = self.at + offset
        return self.tokens[place].text if 0 <= place < len(self.tokens) else ""

    def scope(self, inside):
        """Reads declarations up to the bracket that closes the scope; `inside` is the class it belongs to, if any."""
        while self.at < len(self.tokens) and self.text() != "}":
            self.declaration(inside)
        self.at += 1

    def declaration(self, inside):
        self.prefix()
        if self.text() in ("public", "protected", "private") and self.text(1) == ":":
            self.at += 2
        elif self.text() == ";":
            self.at += 1
        elif self.text() in ("namespace", "extern", "inline") and self.opens_namespace():
            while self.text() != "{":
                self.at += 1
            self.at += 1
            self.scope(None)
        elif self.text() in ("class", "struct", "union") and self.has_body():
            self.class_body(inside)
        elif inside is None and self.text(1) == "(" and re.fullmatch(r"[A-Z][A-Z0-9_]*", self.text()):
            # A macro's call, with a semicolon or without.
            self.at += 1
            self.brackets()
        else:
            self.other(inside)

    def prefix(self):
        """Passes over what may stand before any declaration: template parameters, requirements, attributes."""
        while True:
            if self.text() == "template" and self.text(1) == "<":
                self.at += 1
                self.angles()
            elif self.text() == "requires":
                self.requirement()
            elif self.text() == self.text(1) == "[":
                self.brackets()
            else:
                return

    def requirement(self):
        """`requires` and its conjunction: of parentheses, requires-expressions and named concepts."""
        while self.text() in ("requires", "&&", "|", "&", "!"):
            self.at += 1
            if self.text() == "(":
                self.brackets()
            if self.text() == "{":
                self.brackets()
            elif self.tokens[self.at].is_word and self.text() != "requires" and self.text(-1) != ")":
                while self.text(1) == "::":
                    self.at += 2
                self.at += 1
                if self.text() == "<":
                    self.angles()

    def opens_namespace(self):
        offset = 0
        while self.text(offset) not in ("{", ";", "=", "(", ""):
            offset += 1
        words = [self.text(each) for each in range(offset)]
        return self.text(offset) == "{" and ("namespace" in words or (words[0] == "extern" and words[-1] == '""'))

    def has_body(self):
        """Whether this class key is followed by a name and a body, not by a declaration that uses the class."""
        before, self.at = self.at, self.at + 1
        depth = 0
        while self.text() not in ("{", ";", "=", "") and not (depth == 0 and self.text() in ("(", ")")):
            if self.text() == "alignas":
                self.at += 1
            if self.text() in PAIRS:
                self.brackets()
            else:
                depth += {"<": 1, ">": -1}.get(self.text(), 0)
                self.at += 1
        found = self.text() == "{"
        self.at = before
        return found

    def class_body(self, inside):
        line, name = self.tokens[self.at].line, ""
        self.at += 1
        while self.text() not in ("{", ":"):
            if self.text() in PAIRS:
                self.brackets()
            elif self.text() == "<":
                self.angles()
            else:
                if self.tokens[self.at].is_word and self.text() not in ("final", "alignas"):
                    name = self.text()
                self.at += 1
        while self.text() != "{":
            self.angles() if self.text() == "<" else self.step()
        declared = ClassDeclaration(name or "(unnamed)", line)
        self.at += 1
        self.scope(declared)
        self.classes.append(declared)
        # What stands between the body and the semicolon are members of that class: `struct { … } each_, other_;`
        named = self.text() != ";"
        commas = 0
        while self.text() not in (";", ""):
            commas += self.text() == ","
            self.step()
        self.at += 1
        if inside and named:
            inside.members += 1 + commas

    def other(self, inside):
        """A function, with its body if it has one, or data, or what is neither."""
        kind, begin, name = self.text(), self.at, ""
        is_function = is_initialised = is_deleted = is_constant = False
        commas = 0
        in_initialisers = False  # of a constructor
        while self.text() not in (";", "}", ""):
            mark = self.text()
            is_constant = is_constant or (mark == "constexpr" and not is_initialised)
            if mark == "operator" and not is_initialised:
                is_function, name = True, name or "operator" + self.text(1)
                self.at += 1
                while self.text() != "(" or self.text(1) == ")" and self.text(2) == "(":
                    self.at += 1
                self.brackets()
            elif mark in ("decltype", "alignas", "noexcept", "explicit") and self.text(1) == "(":
                self.at += 1
                self.brackets()
            elif mark == "requires" and not is_initialised:
                self.requirement()
            elif mark == "(":
                is_function = is_function or not is_initialised
                name = name or self.text(-1)
                self.brackets()
            elif mark == "{" and is_function and not is_initialised and (not in_initialisers or self.ends_initialisers()):
                self.brackets()
                first = self.tokens[begin].line
                self.functions.append(FunctionBody(name, first, self.tokens[self.at - 1].line - first + 1))
                break
            elif mark == "<" and self.tokens[self.at - 1].is_word and not is_initialised:
                self.angles()
            else:
                in_initialisers = in_initialisers or (mark == ":" and is_function)
                is_initialised = is_initialised or (mark == "=" and not is_function)
                is_deleted = is_deleted or (mark == "delete" and self.text(-1) == "=")
                commas += mark == "," and not is_function
                self.step()
        else:
            if self.text() == ";":
                self.at += 1
        is_forward = kind in ("class", "struct", "union") and self.tokens[min(begin + 2, len(self.tokens) - 1)].text == ";"
        if inside is None or kind in NEITHER or is_deleted or is_forward:
            return
        if is_function:
            inside.functions += 1
        elif not is_constant:
            inside.members += 1 + commas

    def ends_initialisers(self):
        """Whether a brace after a constructor's initialisers is its body: they end with a bracket, a name goes before one."""
        return self.text(-1) in (")", "}", "noexcept")

    def step(self):
        if self.text() in PAIRS:
            self.brackets()
        else:
            self.at += 1

    def brackets(self):
        """From an opening bracket to after its closing one."""
        open_ones = []
        while self.at < len(self.tokens):
            if self.text() in PAIRS:
                open_ones.append(PAIRS[self.text()])
            elif self.text() == open_ones[-1]:
                open_ones.pop()
            self.at += 1
            if not open_ones:
                return

    def angles(self):
        """From `<` to after its `>`, where both are brackets of template arguments or parameters."""
        depth = 0
        while self.at < len(self.tokens):
            if self.text() in ("(", "{"):
                self.brackets()
                continue
            depth += {"<": 1, ">": -1}.get(self.text(), 0)
            self.at += 1
            if depth == 0:
                return
