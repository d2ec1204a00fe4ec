"""Files up to 800 lines (tests 1,000), functions up to 70, lines up to 100 columns."""
import ast
import re

from source_tree import Finding

FILE_LINES = 800
TEST_FILE_LINES = 1000
FUNCTION_LINES = 70
COLUMNS = 100
SCOPE = re.compile(r'\b(?:namespace|class|struct|union|enum)\b[^;()]*$|extern ""\s*$')
# A type with an attribute macro: class CAPABILITY("mutex") Mutex.
ANNOTATED_TYPE = re.compile(
    r"^\s*(?:template\s*<.*>\s*)?(?:class|struct)\s+\w+\([^)]*\)\s*\w+[^()]*$", re.DOTALL)
TOKENS = re.compile(r"[{};]|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)


def check(tree):
    for file in tree.files:
        lines = file.text.splitlines()
        limit = TEST_FILE_LINES if file.is_test else FILE_LINES
        if len(lines) > limit:
            yield Finding(file.path, limit, f"{len(lines)} lines: at most {limit}")
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS and not is_long_word(line):
                yield Finding(file.path, number, f"{len(line)} columns: at most {COLUMNS}")
        functions = cpp_functions(file.code) if file.is_cpp else python_functions(file)
        for start, end in functions:
            if end - start + 1 > FUNCTION_LINES:
                message = f"a function of {end - start + 1} lines: at most {FUNCTION_LINES}"
                yield Finding(file.path, start, message)


def is_long_word(line):
    """A line that nothing can break: an include, an address."""
    return line.startswith("#include") or re.search(r"https?://\S{60}", line) is not None


def python_functions(file):
    if not file.path.endswith(".py"):
        return
    for node in ast.walk(ast.parse(file.text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno


def cpp_functions(code):
    """(first line, last line) of each function: a brace block after a parameter list, directly in a
    namespace or a type."""
    stack = []  # per open brace: "scope", "function" or "other"
    begun = []  # first lines of the functions on the stack
    line, position, header_start = 1, 0, 0
    for match in TOKENS.finditer(code):
        line += code.count("\n", position, match.start())
        position = match.start()
        token = match[0]
        if token == "{":
            header = code[header_start:match.start()]
            kind = kind_of(header, stack)
            stack.append(kind)
            if kind == "function":
                begun.append(line - header.lstrip().count("\n"))
        elif token == "}" and stack:
            if stack.pop() == "function":
                yield begun.pop(), line
        header_start = match.end()


def kind_of(header, stack):
    if stack and stack[-1] != "scope":
        return "other"
    if SCOPE.search(header) or ANNOTATED_TYPE.search(header):
        return "scope"
    return "function" if "(" in header and not header.rstrip().endswith("=") else "other"
