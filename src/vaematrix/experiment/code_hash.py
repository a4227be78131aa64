"""What code a job runs, as one hash of what that code means, as far as the job can reach it.

Snakemake itself does not see an edit in an imported module, and takes a touched script for an edited one.
Standard library only, since this runs whenever the Snakefile is read.

The unit is a top-level statement: a function, a class, a constant. From the entry script on, each statement reaches
those that the names in it stand for, through imports however deep; a class is reached as a whole. Importing a module
runs it, so those of its statements that do more than bind a name are reached too. Where it cannot be known what a
name stands for (reflection, a module passed as a value, `import *`), all of the module is reached: to train again in
vain costs hours, to take old numbers for new ones costs the paper.

Comments, docstrings and layout are not in the hash, and neither is the place of a file: a module that moves as it is
changes nothing. Data that code reads from files is not in it either.
"""

import hashlib
from pathlib import Path

from vaematrix.experiment.statements import LIBRARY, Dotted, Module, Statement, find, inner_modules, read

# What these say or record changes no number, so an edit of theirs is no reason to train again.
SILENT = frozenset(
    f"{LIBRARY.name}.{name}"
    for name in ("common.console", "common.errors", "common.provenance", "common.slurm", "training.tensorboard")
)

_EVERY_MODULE_HAS = frozenset({"__name__", "__file__", "__path__", "__doc__", "__spec__", "__package__"})


def code_hash(script: Path, *modules: str) -> str:
    """A hash of what `script` and `modules` mean, with all library code that they can reach.

    Args:
        script: the entry script.
        modules: further modules that are imported by name at run time, e.g. ``vaematrix.models.families.vae``.
    """
    return Reached(script, *modules).hash[:16]


class Reached:
    """The statements that a job can reach.

    Attributes:
        statements: in the order in which they are found.
        numbers: their places in this order.
        hash: over each statement's text, and which statements its names stand for, by their numbers. It is the same
            only for the same texts that refer to each other in the same way.
    """

    def __init__(self, script: Path, *modules: str) -> None:
        """Follow an entry script and further modules; see :func:`code_hash`."""
        self.beside = script.parent
        self.statements: list[Statement] = []
        self.numbers: dict[Statement, int] = {}
        self.imported: set[str] = set()
        self.whole: set[Module] = set()
        self.run(read(script, script.stem, self.beside), whole=True)
        for name in sorted(modules):
            self.import_module(name)
            if module := self.module(name):
                self.all_of(module)
        self.hash = self.follow()

    def follow(self) -> str:
        """Reach all that the statements so far can reach, and hash it."""
        digest = hashlib.sha256()
        for statement in self.statements:  # which grows meanwhile
            for name in statement.imported:
                self.import_module(name)
            if statement.reflects:
                self.all_of(statement.module)
                for literal in statement.literals:
                    self.look_up(literal, ())
            digest.update(f"{statement.text}\n".encode())
            for dotted in statement.names:
                numbers = [self.reach(found) for found in self.meant(dotted, statement.module, statement.bound)]
                digest.update(f"{'.'.join(dotted)} {numbers}\n".encode())
        return digest.hexdigest()

    def reach(self, statement: Statement) -> int:
        """The number of a statement, which is reached by this."""
        if statement not in self.numbers:
            self.numbers[statement] = len(self.statements)
            self.statements.append(statement)
        return self.numbers[statement]

    def all_of(self, module: Module) -> list[Statement]:
        """All statements of a module, which are reached by this, as is what its imports bind."""
        if module not in self.whole:
            self.whole.add(module)
            self.run(module, whole=True)
            for name in module.bound:
                for found in self.meant((name,), module, {}):
                    self.reach(found)
        return module.statements

    def import_module(self, name: str) -> None:
        """Run a library module and the packages around it, unless that has happened."""
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            part = ".".join(parts[:length])
            if part not in self.imported and (module := self.module(part)):
                self.imported.add(part)
                self.run(module)

    def run(self, module: Module, whole: bool = False) -> None:
        """Reach what happens when a module is imported, in this order, or its `whole`."""
        for one in module.body:
            if isinstance(one, str):
                self.import_module(one)
            elif whole or not one.lazy:
                self.reach(one)
        for name in module.stars:
            self.look_up(name, ())

    def module(self, name: str) -> Module | None:
        """The module of a dotted name, if it is the library's (or lies beside the script) and can change a number."""
        name = name.removesuffix(".__init__")
        file = None if name in SILENT else find(name, self.beside)
        return read(file, name, self.beside) if file else None

    def meant(
        self, dotted: Dotted, module: Module, bound: dict[str, list[Dotted]], seen: frozenset[Dotted] = frozenset()
    ) -> list[Statement]:
        """The statements that a name may stand for in a statement of `module` that itself binds `bound`."""
        first, *others = dotted
        found = list(module.defined.get(first, ()))
        for target in (*bound.get(first, ()), *module.bound.get(first, ())):
            if target not in seen:  # modules may import each other's names
                found += self.look_up(target[0], (*target[1:], *others), seen | {target})
        return found

    def look_up(self, name: str, dotted: Dotted, seen: frozenset[Dotted] = frozenset()) -> list[Statement]:
        """The statements that `dotted` may stand for in the library module `name`; all of it where that is unknown."""
        module = self.module(name)
        if module is None:
            return []
        self.import_module(name)
        if not dotted:
            within = [found for inner in inner_modules(name, self.beside) for found in self.look_up(inner, ())]
            return [*self.all_of(module), *within]
        first = dotted[0]
        found = self.meant(dotted, module, {}, seen)
        inner = f"{name}.{first}"
        if find(inner, self.beside):
            found += self.look_up(inner, dotted[1:], seen)
            found += module.defined.get("__getattr__", [])  # Python asks it first
        elif first not in module.defined and first not in module.bound and first not in _EVERY_MODULE_HAS:
            found += self.all_of(module)
            for statement in module.statements:  # a name made up when it is asked for, perhaps of a module named here
                for literal in statement.literals:
                    self.look_up(literal, ())
        return found
