"""A cell run too early: say which cells to run first.

A NameError names what is missing, not where it is made. After one, the name is looked
up in the notebook's own cells, and the cells that make it, and what these need in
turn, are printed in the order in which to run them.

Standard library only and nothing of ours, since an IPython startup file runs this
file alone (`keep`): in a kernel that was just restarted no cell has run yet.
"""

import ast
import builtins
import difflib
import importlib.util
import json
import os
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[1]
PACKAGE = Path(__file__).resolve().parent.name

# Nodes with a scope of their own.
_SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip


def needs_and_makes(source):
    """What a cell reads before making it, and {name it makes: the line that does}.

    PACKAGE stands among the needs where the cell imports from it. A cell that is
    not Python needs and makes nothing.
    """
    lines = [
        "" if line.lstrip()[:1] in ("%", "!") else line for line in source.splitlines()
    ]
    try:
        body = ast.parse("\n".join(lines)).body
    except SyntaxError:
        return set(), {}
    needs, later, makes = set(), set(), {}
    for statement in body:
        waits = isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))
        for name, made in _mentions(statement):
            if made:
                makes.setdefault(name, lines[statement.lineno - 1].strip())
            elif name not in makes:
                (later if waits else needs).add(name)
    needs |= later - set(makes)  # a function reads when it is called
    return needs - set(dir(builtins)), makes


def _mentions(node):
    """(name, is it made here?) of a module's statement, in the order of execution."""
    if isinstance(node, _SCOPES):
        # What it reads and does not make itself comes from outside.
        inside = [pair for child in ast.walk(node) for pair in _mention(child)]
        own = {name for name, made in inside if made}
        yield from ((name, False) for name, made in inside if not made | (name in own))
        if hasattr(node, "name"):
            yield node.name, True
        return
    yield from _mention(node)
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If):  # perhaps: so what it was before is needed too
        made = [name for child in children for name, m in _mentions(child) if m]
        yield from ((name, False) for name in made)
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        children.reverse()  # the value comes first
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        children[:2] = children[1::-1]  # what is looped over, then the target
    for child in children:
        yield from _mentions(child)


def _mention(node):
    """What one node alone reads or makes."""
    match node:
        case ast.Name():
            yield node.id, not isinstance(node.ctx, ast.Load)
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name, False
        case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
            yield name, True
        case ast.Import() | ast.ImportFrom():
            if (getattr(node, "module", None) or "").split(".")[0] == PACKAGE:
                yield PACKAGE, False
            for alias in node.names:
                yield (alias.asname or alias.name).split(".")[0], True


def cells_to_run(cells, at, missing, known):
    """[(heading, line)] of the cells before cells[at] that make the missing names.

    cells: [(heading, source)]. What those cells need themselves and is not among the
    known names is looked for in the cells before them. In the order to run them.
    """
    wanted, found = set(missing), []
    for number in reversed(range(at)):
        heading, source = cells[number]
        needs, makes = needs_and_makes(source)
        if number == 0:  # the cell that fetches the package where it is not there
            makes = dict.fromkeys([PACKAGE, *makes], source.splitlines()[0])
        given = [line for name, line in makes.items() if name in wanted]
        if given:
            # An import is the poorest mark to find a cell by.
            line = min(given, key=lambda text: text.startswith(("import ", "from ")))
            found.append((heading, line))
            wanted = (wanted - set(makes)) | (needs - set(known))
    return found[::-1]


def hint(cells, source, missing, known):
    """What to say to a reader whose cell lacks `missing`, or None.

    source: the cell as it was run, edited perhaps. None where no cell above it makes
    the name, as with a slip of the pen.
    """
    sources = [text for _, text in cells]
    like = difflib.get_close_matches(source.strip(), sources, n=1)
    at = sources.index(like[0]) if like else len(cells)
    if not cells_to_run(cells, at, {missing}, known):
        return None
    needs, _ = needs_and_makes(source)
    found = cells_to_run(cells, at, {missing} | needs - set(known), known)
    return "\n".join(
        [
            f"`{missing}` is made in a cell further up. Run first, in this order "
            "(heading | line in the cell):",
            *[f"  {heading} | {line}" for heading, line in found],
            "Or all of them: menu Run, Run All Above Selected Cell "
            "(on Colab and Kaggle: Run before).",
        ]
    )


def read_cells(path):
    """[(heading it stands under, source)] of a notebook's code cells; [] if broken."""
    try:
        book = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return []
    heading, cells = "", []
    for cell in book:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cells.append((heading, source.strip()))
        elif titles := [s for s in source.splitlines() if s.startswith("#")]:
            heading = titles[-1].lstrip("# ")
    return cells


def find_notebook(inputs):
    """Cells of the notebook that most of these inputs were run from, or None.

    Jupyter names the session's notebook; elsewhere the series' own are compared.
    """
    named = Path(os.environ.get("JPY_SESSION_NAME", ""))
    known = named.suffix == ".ipynb" and named.is_file()
    books = [read_cells(named)] if known else []
    books += [read_cells(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    inputs = {text.strip() for text in inputs}
    shared = [len(inputs & {source for _, source in cells}) for cells in books]
    best = [cells for cells, n in zip(books, shared) if n == max(shared)]
    # Without a name, cells that several share (the first one) tell nothing.
    return best[0] if known or len(best) == 1 else None


def _say_what_to_run_first(result):
    """After a cell: the hint, if it failed for a name that a cell above makes."""
    error = getattr(result, "error_in_exec", None)
    lacks_package = isinstance(error, ModuleNotFoundError) and error.name == PACKAGE
    if type(error) is not NameError and not lacks_package:
        return
    shell = sys.modules["IPython"].get_ipython()
    source = result.info.raw_cell
    cells = find_notebook([*shell.history_manager.input_hist_raw, source])
    known = set(shell.user_ns)
    if importlib.util.find_spec(PACKAGE):
        known.add(PACKAGE)
    text = cells and hint(cells, source, error.name, known)
    if text:
        print(text)


def watch():
    """Have this IPython session print the hint; elsewhere nothing happens."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return
    for callback in list(shell.events.callbacks["post_run_cell"]):
        if callback.__name__ == _say_what_to_run_first.__name__:  # of a startup file
            shell.events.unregister("post_run_cell", callback)
    shell.events.register("post_run_cell", _say_what_to_run_first)


_STARTUP = """\
# Written by the tool-calling notebooks: a cell run too early says what to run first.
def watch(file={file!r}):
    import os
    from importlib import util

    if os.path.isfile(file):
        spec = util.spec_from_file_location("toolcalling_cell_order", file)
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.watch()


watch()
del watch
"""


def keep(prefix=sys.prefix):
    """Have every new kernel of the environment at prefix watch from its start.

    Writes an IPython startup file there; where that is not allowed, nothing.
    """
    path = Path(prefix) / "etc" / "ipython" / "startup" / f"{PACKAGE}.py"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_STARTUP.format(file=str(Path(__file__).resolve())))
    except OSError:
        return
