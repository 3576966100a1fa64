"""Loading a plugin from a .py file or a package directory (guide, "Running a Plugin")."""

import importlib.util
import os
import re
import sys
import traceback

from . import API_VERSION, checks, manifest, model, python2, rules
from .errors import PluginError, Problem
from .plugin import Plugin
from .resources import HostRoot


class Loaded:
    """A plugin that is ready to run: its name, version, manifest, plugin class and resource classes by name.

    After a check there are warnings too, and places says where things are declared (wire.InitializeResult).
    """

    def __init__(self, name, version, manifest_, plugin_class, classes, warnings=(), places=None):
        self.name, self.version, self.manifest, self.plugin_class = name, version, manifest_, plugin_class
        self.warnings, self.places = warnings, places
        self.classes = {k.__name__: k for k in classes}
        # The host may open a session for a host without the plugin declaring a class of its own for it.
        self.classes.setdefault(HostRoot.__name__, HostRoot)


class LoadedDevice:
    """A device plugin that is ready to run: its name, version and class. It declares nothing to the server."""

    def __init__(self, name, version, device_class):
        self.name, self.version, self.device_class = name, version, device_class
        self.manifest = {'api_version': API_VERSION, 'classes': []}
        self.warnings, self.places = (), None


def load(path, name=None, check=False):
    """Load the plugin at a path and return it as Loaded, or LoadedDevice, or raise PluginError with everything that is wrong.

    name is the name by which people know the plugin; by default it is the file's or folder's. With check the source is
    looked through as well, for what is worth a warning.
    """
    path = os.path.abspath(path)
    stem = os.path.basename(path)
    if stem.endswith('.py'):
        stem = stem[:-3]
    name = name or stem
    source = os.path.join(path, '__init__.py') if os.path.isdir(path) else path
    if not os.path.isfile(source):
        what = 'the folder has no __init__.py' if os.path.isdir(path) else 'there is no such file or folder'
        raise PluginError([Problem(rules.PATH_WRONG, what, at=(path, 0), fix='give a .py file or a package folder')])
    model.plugin_name = name
    module_name = _module_name(stem)
    module, problems = _import(module_name, path, source)
    problems += _python2_problems(module_name, path, problems)
    if module is None:
        if not any(p.text.startswith('SyntaxError') for p in problems):
            problems = _version_unseen(source) + problems
        raise PluginError(problems)
    devices = _device_classes(module_name, source)
    if devices:
        return _load_device(name, module, source, devices, _plugin_classes(module_name), problems)
    wrong_version, certain = _check_version(module, source)
    problems = wrong_version + problems
    if certain:
        raise PluginError(problems)
    classes = [k for k in model.classes if _belongs(k, module_name)]
    plugins = _plugin_classes(module_name)
    warnings = places = charts = None
    if check:
        from . import lint  # only here: it costs time and memory, and plugins that run do not need it
        sources = lint.sources(module_name)
        warnings = lint.warnings(sources, classes, [k for k, _ in plugins])
        charts = lint.chart_lines(sources)
    problems += checks.check_module(name, (source, 1), classes, plugins, charts)
    if problems:
        draft = None
        if check:
            draft, places = manifest.draft(name, classes, charts)
        raise PluginError(problems + (warnings or []), draft, places)
    if check:
        places = manifest.places(classes, charts)
    version = getattr(module, '__version__', '')
    return Loaded(name, version if isinstance(version, str) else '', manifest.build(name, classes), plugins[0][0], classes,
                  warnings, places)


def _load_device(name, module, source, devices, servers, problems):
    """Return a module with device plugins as LoadedDevice. It need not state a version: the guide's has none."""
    from . import device  # only here: plugins of a server do not need it
    if hasattr(module, 'version'):
        problems = _judge_version(module.version, source)[0] + problems
    problems = problems + device.check(name, source, devices, servers)
    if problems:
        raise PluginError(problems)
    version = getattr(module, '__version__', '')
    return LoadedDevice(name, version if isinstance(version, str) else '', devices[0][0])


def _module_name(stem):
    """Return the name to import the plugin under: its own, unless that would hide another module or is none."""
    taken = getattr(sys, 'stdlib_module_names', frozenset(sys.builtin_module_names))  # the former is new in 3.10
    if not stem.isidentifier() or stem in sys.modules or stem in taken:
        return 'faultline_plugin_' + re.sub(r'\W', '_', stem)
    return stem


def _import(module_name, path, source):
    """Return (module, problems); the module is None if it cannot be imported."""
    if os.path.dirname(path) not in sys.path:
        # Last, so that a file beside the plugin cannot hide a module of the library.
        sys.path.append(os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(
        module_name, source, submodule_search_locations=[path] if source != path else None)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as e:
        return None, [_syntax_problem(one, source) for one in python2.syntax_errors(e, _text_of(e.filename))]
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # also SystemExit: a plugin that exits on import is one that cannot be imported
        return None, [_import_problem(e, path, source)]
    return module, []


def _text_of(file):
    """Return the text of a source file, empty if it cannot be read."""
    import tokenize  # only here: it costs time and memory, and few plugins need it
    try:
        with tokenize.open(file) as f:
            return f.read()
    except (OSError, SyntaxError, UnicodeDecodeError, TypeError):
        return ''


def _syntax_problem(error, source):
    text = 'SyntaxError: %s, column %s: %s' % (error.msg, error.offset or 0, (error.text or '').strip())
    at = (error.filename or source, error.lineno or 0)
    if isinstance(error, TabError):
        return Problem(rules.SYNTAX, text, at=at, fix='indent with spaces only')
    hint = python2.syntax_hint(error)
    if hint:
        return Problem(rules.PYTHON2, text, at=at, fix='this is Python 2; ' + hint)
    return Problem(rules.SYNTAX, text, at=at)


def _import_problem(error, path, source):
    at = (source, 0)
    inside = path if source != path else source
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == inside or frame.filename.startswith(inside + os.sep):
            at = (frame.filename, frame.lineno)
    folder = os.path.dirname(at[0])

    def is_sibling(name):
        return os.path.exists(os.path.join(folder, name + '.py')) or os.path.isdir(os.path.join(folder, name))
    text = '%s: %s' % (type(error).__name__, ' '.join(str(error).split()) or 'the import failed')
    hint = python2.import_hint(error, is_sibling)
    if hint:
        return Problem(rules.PYTHON2, text, at=at, fix='this is Python 2; ' + hint)
    missing = getattr(error, 'name', None) or ''
    own = os.path.basename(path)
    if isinstance(error, ModuleNotFoundError) and missing and not (missing + '.').startswith(own + '.'):
        return Problem(rules.MODULE_MISSING, text, at=at, fix='install it for the interpreter that runs plugins, %s (Python '
                       '%d.%d)' % (sys.executable, *sys.version_info[:2]))
    return Problem(rules.IMPORT_FAILED, text, at=at)


def _python2_problems(module_name, path, known):
    """Return the Python 2 constructs in the plugin's modules that would fail only when they run."""
    if any(p.text.startswith('SyntaxError') for p in known):
        return []
    lines = {(p.file, p.line) for p in known}
    out = []
    for name, module in list(sys.modules.items()):
        if name != module_name and not name.startswith(module_name + '.'):
            continue
        loader, file = getattr(module, '__loader__', None), getattr(module, '__file__', None)
        if file and hasattr(loader, 'get_code'):
            found = python2.find(loader.get_code(name), lambda: loader.get_source(name))
            out.extend(Problem(rules.PYTHON2, text, at=(file, line), fix=fix)
                       for line, text, fix in found if (file, line) not in lines)
    return out


def _check_version(module, source):
    """Return (problems, whether to stop there): nothing else can be said of a plugin that is for another version."""
    if not hasattr(module, 'version'):
        return [_no_version(source)], False
    return _judge_version(module.version, source)


def _no_version(source):
    return Problem(rules.VERSION_MISSING, 'the plugin does not declare the version of the API that it uses', at=(source, 1),
                   fix='add "version = %d" at the top of the module' % API_VERSION)


def _judge_version(version, source):
    at = (source, _line_of_version(source))
    if isinstance(version, bool) or not isinstance(version, int):
        return [Problem(rules.VERSION_TYPE, 'version must be an integer, not %r' % (version,), at=at,
                        fix='write "version = %d"' % API_VERSION)], False
    if version != API_VERSION:
        return [Problem(rules.VERSION_UNSUPPORTED, 'the plugin is for version %d of the API, but this is version %d' % (
            version, API_VERSION), at=at, fix='run it with a Faultline that has version %d, or change it' % version)], True
    return [], False


def _version_unseen(source):
    """Return what is wrong with the version of a module whose import fails before or after it is assigned."""
    import ast  # only here, where something is wrong anyway
    with open(source, 'rb') as f:
        tree = ast.parse(f.read())
    found = []
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(t, ast.Name) and t.id == 'version' for t in targets):
            found.append(node.value)
        elif isinstance(node, ast.alias) and (node.asname or node.name) in ('version', '*'):
            return []  # it comes from elsewhere, or may do
    if not found:
        return [_no_version(source)]
    if isinstance(found[-1], ast.Constant):
        return _judge_version(found[-1].value, source)[0]
    return []


def _line_of_version(source):
    with open(source, encoding='utf-8', errors='replace') as f:
        for number, line in enumerate(f, 1):
            if re.match(r'version\s*=', line):
                return number
    return 1


def _belongs(klass, module_name):
    return klass.__module__ == module_name or klass.__module__.startswith(module_name + '.')


def _device_classes(module_name, source):
    """Return the plugin's own device plugins, as _plugin_classes does."""
    manager = sys.modules.get('chroma_agent.plugin_manager')
    if manager is None:
        return []
    return [(k, at or (source, 1)) for k, at in _leaves(manager.DevicePlugin, module_name)]


def _plugin_classes(module_name):
    """Return the plugin's own subclasses of Plugin that no other one inherits from, as pairs (class, (file, line))."""
    return _leaves(Plugin, module_name)


def _leaves(base, module_name):
    out, rest = [], [base]
    while rest:
        for klass in rest.pop(0).__subclasses__():
            rest.append(klass)
            if _belongs(klass, module_name) and not any(_belongs(s, module_name) for s in klass.__subclasses__()):
                if klass not in [k for k, _ in out]:
                    out.append((klass, klass._fl_at))
    return out
