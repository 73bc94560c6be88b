"""Python functions as tools: a tools.py run, docstrings of every common style read."""

import inspect
import re
import sys
import traceback
import types

from .reading import read_text

# `:param int a: text`, and the lines that go on with it.
_REST = re.compile(
    r"^[ \t]*:param(?:[ \t]+[^:\n]+?)?[ \t]+(\w+)[ \t]*:[ \t]*"
    r"(.*(?:\n(?![ \t]*:\w|[ \t]*$).*)*)",
    re.M,
)
_NUMPY = re.compile(r"^Parameters\n-{3,}\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", re.M | re.S)
_NUMPY_ENTRY = re.compile(r"^(\w+)[ \t]*(?::[^\n]*)?\n((?:[ \t]+[^\n]*\n?|\n)*)", re.M)
_HEADING = re.compile(
    r"^[ \t]*(?:Args|Arguments|Parameters|Params)[ \t]*:[ \t]*$", re.M
)
# `a (int, optional): text`
_TYPED = re.compile(r"^([ \t]+\w+) ?\([^\n]*?\) ?:", re.M)


def functions_of(module):
    """Public functions that a file defines, in its order."""
    source, made = read_text(module), types.ModuleType("_task_tools")
    made.__file__ = str(module)
    sys.modules[made.__name__] = made  # dataclasses look their module up
    try:
        exec(compile(source, module.name, "exec"), made.__dict__)
    except (Exception, SystemExit) as error:
        own = [f.lineno for f in traceback.extract_tb(error.__traceback__)
               if f.filename == module.name]  # fmt: skip
        line = f", line {own[-1]}" if own else ""
        if isinstance(error, ModuleNotFoundError) and error.name:
            beside = module.with_name(error.name.partition(".")[0])
            if beside.is_dir() or beside.with_suffix(".py").is_file():
                raise ValueError(
                    f"tools.py imports {error.name} from its folder, but stands alone "
                    "here. Write what it needs of that into tools.py."
                ) from error
        raise ValueError(
            f"tools.py does not run ({type(error).__name__}: {error}{line}). Mend it: "
            f"python {module.name} shows where."
        ) from error
    finally:
        del sys.modules[made.__name__]
    functions = [
        value
        for name, value in vars(made).items()
        if inspect.isfunction(value)
        and value.__module__ == made.__name__
        and not name.startswith("_")
    ]
    if not functions:
        raise ValueError(
            "tools.py defines no function (imported ones do not count). Write one for "
            "each tool."
        )
    return list(dict.fromkeys(functions))


def raw_schemas(functions):
    """(schemas, faults): JSON schemas of functions as transformers makes them."""
    from transformers.utils import get_json_schema

    schemas, faults = [], []
    for function in functions:
        name = getattr(function, "__name__", repr(function))
        try:
            if many := _unnamed(function):
                faults.append(f"{name}: {many} is no named argument. Name each.")
                continue
            schema = get_json_schema(_with_plain_docstring(function))
        except Exception as error:  # transformers raises several of its own
            about = (str(error).strip() or type(error).__name__).rstrip(".") + "."
            if "docstring" in about:
                about += " Write under 'Args:' one line each, as `name: what it is`."
            else:
                about += " Or write tools.json in the place of tools.py."
            faults.append(f"{name}: {about}")
            continue
        schema["function"].pop("return", None)  # not part of a declaration
        schemas.append(schema)
    return schemas, faults


def _unnamed(function):
    """*args or **kwargs, which a call cannot fill; None if there is none."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in stars:
            return stars[parameter.kind] + parameter.name
    return None


def _with_plain_docstring(function):
    """The function, its docstring in the one style that transformers reads."""
    text = inspect.getdoc(function)
    plain = plain_docstring(text) if text else text
    if plain == text or not inspect.isfunction(function):
        return function
    copied = types.FunctionType(
        function.__code__, function.__globals__, function.__name__,
        function.__defaults__, function.__closure__,
    )  # fmt: skip
    copied.__annotations__ = function.__annotations__
    copied.__kwdefaults__ = function.__kwdefaults__
    copied.__doc__ = plain
    return copied


def plain_docstring(text):
    """A docstring in Google's style without types; from NumPy's and Sphinx' too."""
    if rest := _REST.search(text):
        return _google(text[: rest.start()], _REST.findall(text))
    if numpy := _NUMPY.search(text):
        return _google(text[: numpy.start()], _NUMPY_ENTRY.findall(numpy[1] + "\n"))
    if heading := _HEADING.search(text):
        head, body = text[: heading.start()], text[heading.end() :]
        return f"{head.rstrip()}\n\nArgs:" + _TYPED.sub(r"\1:", body)
    return text


def _google(description, entries):
    lines = [f"    {name}: {' '.join(about.split())}" for name, about in entries]
    return f"{description.rstrip()}\n\nArgs:\n" + "\n".join(lines)
