"""A Python file as its top-level statements: what each means, which names it uses, whether it does more than bind one.

Standard library only, since this runs whenever the Snakefile is read.
"""

import ast
import builtins
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parents[1]

# Called, used as a decorator or as a base while a module is imported, these do nothing that anybody else could notice.
HARMLESS = frozenset(
    {
        *("Exception", "ValueError", "bytes", "classmethod", "dict", "float", "frozenset", "int", "len", "list", "max"),
        *("min", "object", "property", "range", "set", "staticmethod", "str", "tuple", "zip"),
        *("contextlib.contextmanager", "dataclasses.dataclass", "dataclasses.field"),
        *("functools.cache", "functools.cached_property", "functools.lru_cache", "logging.getLogger"),
        *("math.log", "math.sqrt", "pathlib.Path", "re.compile", "typing.NamedTuple", "typing.Protocol"),
        *("torch.inference_mode", "torch.no_grad", "torch.nn.Module"),
    }
)

# What finds code by other means than a name that stands there.
REFLECTION = frozenset({"__globals__", "__import__", "eval", "exec", "globals", "import_module", "runpy", "subprocess"})

_WITHOUT_MEANING = frozenset({"ctx", "kind", "type_comment", "type_ignores"})

Dotted = tuple[str, ...]
"""A dotted name, e.g. ("layout", "fingerprint")."""


@dataclass(eq=False)
class Statement:
    """A top-level statement, or one name of a top-level import from outside of the library.

    Attributes:
        module: where it stands.
        text: its syntax tree, without docstrings and without where the library's modules lie.
        lazy: whether all that it does is bind names.
        names: the names that it uses and that are bound at the top of its module or by its own imports, in order.
        bound: what the library imports within it bind: the module, and the name in it unless it is the module itself.
        imported: the library's modules that are imported within it.
        reflects: whether it finds code by other means than a name that stands there.
        literals: the texts within it that may name a module of the library; a single word may be a script's name.
    """

    module: "Module"
    text: str
    lazy: bool
    names: list[Dotted]
    bound: dict[str, list[Dotted]]
    imported: list[str]
    reflects: bool
    literals: list[str]


@dataclass(eq=False)
class Module:
    """A file's top-level statements in order, and what its names stand for.

    Attributes:
        name: the dotted name; of an entry script its stem.
        body: its statements, and between them the names of the library's modules that are imported there.
        defined: the statements that bind a name; several where it is bound several times.
        bound: as in :class:`Statement`.
        stars: the library's modules of which everything is imported.
    """

    name: str
    body: list[Statement | str] = field(default_factory=list)
    defined: dict[str, list[Statement]] = field(default_factory=dict)
    bound: dict[str, list[Dotted]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)

    @property
    def statements(self) -> list[Statement]:
        """The statements of `body`."""
        return [one for one in self.body if isinstance(one, Statement)]


@cache
def find(name: str, beside: Path) -> Path | None:
    """The file of a module of the library, or of one that lies in the folder `beside`, by its dotted name."""
    first, *parts = name.split(".")
    if not all(map(str.isidentifier, (first, *parts))):
        return None
    path = (LIBRARY if first == LIBRARY.name else beside / first).joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def inner_modules(name: str, beside: Path) -> list[str]:
    """The dotted names of the modules in a package, in order; none where it is no package."""
    file = find(name, beside)
    if file is None or file.name != "__init__.py":
        return []
    inner = {path.stem if path.suffix == ".py" else path.name for path in file.parent.iterdir()} - {"__init__"}
    return [whole for one in sorted(inner) if find(whole := f"{name}.{one}", beside)]


@cache
def read(file: Path, name: str, beside: Path) -> Module:
    """Read a file's statements.

    Args:
        file: a Python file.
        name: its dotted name.
        beside: the folder of the entry script, from which it may import too.
    """
    module = Module(name)
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    outside: dict[str, str] = {}  # what names from outside of the library are, e.g. np -> numpy
    for node in ast.parse(file.read_bytes(), file).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            _read_import(module, node, package, beside, outside)
        elif not (_is_docstring(node) or _is_for_type_checkers(node)):
            _read_statement(module, node, package, beside, outside)
    for one in module.statements:
        bound = module.defined.keys() | module.bound.keys() | one.bound.keys()
        one.names = [dotted for dotted in one.names if dotted[0] in bound]
    return module


class _Writer:
    """Writes a syntax tree as text, and notes what is used and imported in it.

    :func:`ast.dump` would write the same tree differently from one version of Python to the next.
    """

    def __init__(self, package: str, beside: Path) -> None:
        self.package, self.beside = package, beside
        self.parts: list[str] = []
        self.names: dict[Dotted, None] = {}
        self.bound: dict[str, list[Dotted]] = {}
        self.imported: list[str] = []
        self.literals: list[str] = []
        self.stars: list[str] = []
        self.binds: list[str] = []

    def write(self, node: object) -> None:
        if isinstance(node, list):
            self.parts.append("[")
            for value in node:
                if not _is_docstring(value):
                    self.write(value)
                    self.parts.append(",")
            self.parts.append("]")
        elif not isinstance(node, ast.AST):
            self.parts.append(ascii(node))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._write_import(node)
        elif dotted := _dotted(node):
            self.names[dotted] = None
            self.parts.append(f"<{'.'.join(dotted)}>")
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.binds.append(node.id)
        else:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
                self.literals.append(node.value)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.binds.append(node.name)
            self._write_fields(node)

    def _write_fields(self, node: ast.AST) -> None:
        self.parts.append(f"{type(node).__name__}(")
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != [] and name not in _WITHOUT_MEANING:
                self.parts.append(f"{name}=")
                self.write(value)
        self.parts.append(")")

    def _write_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for source, name, as_name in _imports(node, self.package):
            self.binds.append(as_name)
            if find(source, self.beside) is None:
                self.parts.append(f"import({source} {name} {as_name})")
                continue
            # Where a library module lies is not written: what is used of it is reached and written itself.
            self.parts.append(f"import({name if name else source} {as_name})")
            self.imported.append(source)
            if name == "*":
                self.stars.append(source)
                continue
            if name and find(f"{source}.{name}", self.beside):
                self.imported.append(f"{source}.{name}")
            # `import a.b` binds a, by which a.b is found; `import a.b as c` binds a.b.
            whole = as_name if source.startswith(f"{as_name}.") else source
            self.bound.setdefault(as_name, []).append((source, name) if name else (whole,))


def _read_import(
    module: Module, node: ast.Import | ast.ImportFrom, package: str, beside: Path, outside: dict[str, str]
) -> None:
    """One statement for each name from outside; the library's own are bound, and written where they are defined."""
    for alias in node.names:
        one = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], node.level)
        writer = _Writer(package, beside)
        writer.write(one)
        module.body += writer.imported
        module.stars += writer.stars
        for name, targets in writer.bound.items():
            module.bound.setdefault(name, []).extend(targets)
        if writer.imported:
            continue
        ((source, name, as_name),) = _imports(one, package)
        outside[as_name] = ".".join(filter(None, (source if alias.asname or name else as_name, name)))
        # Others' libraries may set something up when they are imported; the standard library does not.
        lazy = source.partition(".")[0] in sys.stdlib_module_names and source != "__future__" and name != "*"
        statement = Statement(module, "".join(writer.parts), lazy, [], {}, [], False, [])
        module.body.append(statement)
        module.defined.setdefault(as_name, []).append(statement)


def _read_statement(module: Module, node: ast.stmt, package: str, beside: Path, outside: dict[str, str]) -> None:
    writer = _Writer(package, beside)
    writer.write(node)
    reflects = any(REFLECTION.intersection(dotted) or dotted[:2] == ("sys", "modules") for dotted in writer.names)

    def known(dotted: Dotted) -> str | None:
        """What a name from outside is, e.g. numpy.array for np.array."""
        first, *others = dotted
        if first in outside:
            return ".".join((outside[first], *others))
        mine = first in module.defined or first in module.bound
        return None if mine or not hasattr(builtins, first) else ".".join(dotted)

    statement = Statement(
        module,
        "".join(writer.parts),
        lazy=_only_binds(node, known),
        names=list(writer.names),
        bound=writer.bound,
        imported=writer.imported,
        reflects=reflects,
        literals=writer.literals,
    )
    module.body.append(statement)
    module.stars += writer.stars
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        names = {node.name}
    else:  # an import within `try` or `if` binds for the whole module
        names = set(writer.binds)
        for name, targets in writer.bound.items():
            module.bound.setdefault(name, []).extend(targets)
    for name in names:
        module.defined.setdefault(name, []).append(statement)


def _imports(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str, str]]:
    """Of each name of an import: the module, the name in it ("" for the module itself), and the name that is bound."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, "", alias.asname or alias.name.partition(".")[0]
        return
    source = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        source = ".".join([*above, *([source] if source else [])])
    for alias in node.names:
        yield source, alias.name, alias.asname or alias.name


def _is_docstring(node: object) -> bool:
    """Whether a statement is a constant alone, which does nothing."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_type_checkers(node: ast.stmt) -> bool:
    """Whether a statement is `if TYPE_CHECKING: …`, of which nothing ever runs."""
    return isinstance(node, ast.If) and _dotted(node.test) == ("TYPE_CHECKING",) and not node.orelse


def _dotted(node: ast.AST) -> Dotted | None:
    """The name a.b.c, where the expression is one."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else None


def _only_binds(node: ast.stmt, known: Callable[[Dotted], str | None]) -> bool:
    """Whether all that a statement does when it runs is to bind names; operators are taken to do nothing else.

    Args:
        node: a statement at the top of a module or a class.
        known: what a name from outside is; None for what the module itself binds.
    """

    def harmless(called: ast.expr) -> bool:
        dotted = _dotted(called)
        return dotted is not None and known(dotted) in HARMLESS

    def innocent(expression: ast.expr) -> bool:
        nodes = list(ast.walk(expression))
        return all(harmless(one.func) for one in nodes if isinstance(one, ast.Call)) and not any(
            isinstance(one, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom) for one in nodes
        )

    def used(expression: ast.expr) -> bool:
        """As a decorator or a base, which calls it."""
        return innocent(expression) if isinstance(expression, ast.Call) else harmless(expression)

    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            return all(map(used, node.decorator_list)) and all(map(innocent, defaults))
        case ast.ClassDef(keywords=[]):
            inside = all(_only_binds(one, known) for one in node.body)
            return inside and all(map(used, [*node.decorator_list, *node.bases]))
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return all(isinstance(one, ast.Name) for one in targets) and (node.value is None or innocent(node.value))
        case ast.Pass():
            return True
        case _:
            return _is_docstring(node)
