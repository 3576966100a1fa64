"""What is worth a warning in the source of a plugin. It is looked for in a check only, and keeps no plugin from running."""

import ast
import difflib
import sys

from . import model, rules
from .errors import Problem
from .plugin import Plugin, defines
from .resources import HostRoot, ScannableResource, VirtualMachine

_HOOKS = ('initial_scan', 'update_scan', 'teardown', 'agent_session_start', 'agent_session_continue')
#: Ways to come by a class without naming it.
_BY_NAME = {'globals', 'vars', 'locals', '__subclasses__', '__dict__', 'getmembers', 'modules'}


class Source:
    """One module of a plugin: its file, its namespace and its syntax tree."""

    def __init__(self, file, namespace, text):
        self.file, self.namespace, self.tree = file, namespace, ast.parse(text)


def sources(module_name):
    """Return the Source of every module of a plugin that was imported."""
    out = []
    for name, module in list(sys.modules.items()):
        if name != module_name and not name.startswith(module_name + '.'):
            continue
        loader, file = getattr(module, '__loader__', None), getattr(module, '__file__', None)
        text = loader.get_source(name) if file and hasattr(loader, 'get_source') else None
        if text is not None:
            out.append(Source(file, vars(module), text))
    return out


def chart_lines(modules):
    """Return {(file, class, title): line} of the charts that are written down as such: a dict has no line of its own."""
    found = {}
    for source in modules:
        for klass in ast.walk(source.tree):
            for node in ast.walk(klass) if isinstance(klass, ast.ClassDef) else ():
                if not isinstance(node, ast.Dict):
                    continue
                for key, value in zip(node.keys, node.values):
                    if getattr(key, 'value', None) == 'title' and isinstance(value, ast.Constant):
                        found.setdefault((source.file, klass.name, value.value), node.lineno)
    return found


def warnings(modules, classes, plugin_classes):
    """Return the warnings about a plugin's modules, its resource classes and its plugin classes, in the order of lines."""
    out = []
    if len(plugin_classes) == 1:
        _plugin(out, plugin_classes[0], classes)
    _unused(out, modules, classes)
    for source in modules:
        _Walk(out, source, plugin_classes).visit(source.tree)
    return sorted(out, key=lambda p: (p.file, p.line))


def _plugin(out, klass, classes):
    at = klass._fl_at
    for owner in klass.__mro__:
        if owner in (Plugin, object):
            continue
        for name, value in vars(owner).items():
            code = getattr(value, '__code__', None)
            near = difflib.get_close_matches(name.lower(), _HOOKS, 1, 0.85) if code and name not in vars(Plugin) else []
            if near:
                out.append(Problem(rules.HOOK_NAME, '%s is almost %s, but nobody calls it' % (name, near[0]),
                                   '%s.%s' % (klass.__name__, name), (code.co_filename, code.co_firstlineno),
                                   'rename it to %s, or to something else' % near[0]))
    if defines(klass, 'agent_session_continue') and not defines(klass, 'agent_session_start'):
        out.append(Problem(rules.CONTINUE_ALONE, 'agent_session_continue is called only after agent_session_start, which the '
                           'plugin does not define', klass.__name__, at, 'define agent_session_start(self, host_id, data)'))
    if defines(klass, 'initial_scan') and not any(issubclass(k, ScannableResource) for k in classes):
        out.append(Problem(rules.NO_ROOT, 'the plugin defines initial_scan, but no resource class that a user can add for it to '
                           'scan', klass.__name__, at, 'add a subclass of resources.ScannableResource'))


def _unused(out, modules, classes):
    """Warn of resource classes that nothing but their own declaration names."""
    used, needed = set(), set()
    own = [source.namespace.get('__name__', '') for source in modules]
    for source in modules:
        inside = {}
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                inside.update((id(n), node.name) for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute)))
        for node in ast.walk(source.tree):
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module = getattr(source.namespace.get(node.value.id), '__spec__', None)
                if module is not None and module.name not in own:
                    continue  # something of the same name in another module, such as a base class
            if name in _BY_NAME:
                return  # a class may be used without being named
            if name is not None and inside.get(id(node)) != name:
                used.add(name)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
            elif isinstance(node, ast.alias) and node.asname:
                used.add(node.name.split('.')[-1])
    if 'update_or_create' not in used:
        return  # a skeleton, as the guide prints one, reports nothing yet
    for klass in classes:
        needed.update(klass.__mro__[1:])
    for klass in classes:
        name = klass.__name__
        if name not in used and klass not in needed and not issubclass(klass, (ScannableResource, HostRoot)):
            out.append(Problem(rules.CLASS_UNUSED, 'nothing in the plugin names this resource class, so it is never reported',
                               name, klass._fl_info.at, 'report it with update_or_create, or remove it'))


class _Walk(ast.NodeVisitor):
    """A walk through one module."""

    def __init__(self, out, source, plugin_classes):
        self.out, self.source = out, source
        self.plugins = {k.__name__ for p in plugin_classes for k in p.__mro__}
        self.inside = []  # names of the classes and functions around the node

    def _say(self, rule, node, text, fix, where=''):
        self.out.append(Problem(rule, text, where, (self.source.file, node.lineno), fix))

    def visit_ClassDef(self, node):
        self.inside.append(node.name)
        self.generic_visit(node)
        self.inside.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef

    def visit_If(self, node):
        # What runs when the file is started by hand may print.
        if not (isinstance(node.test, ast.Compare) and getattr(node.test.left, 'id', '') == '__name__'):
            self.generic_visit(node)

    def visit_Assign(self, node):
        late = self.inside and self.inside[-1] in ('update_scan', 'teardown', 'agent_session_continue') and any(
            k in self.plugins for k in self.inside)
        for target in node.targets:
            if late and isinstance(target, ast.Attribute) and target.attr == 'update_period' \
                    and getattr(target.value, 'id', '') == 'self':
                self._say(rules.UPDATE_PERIOD_LATE, node, 'update_period is read when the first scan returns; assigned in %s it '
                          'has no effect' % self.inside[-1], 'assign it in initial_scan or agent_session_start',
                          '.'.join(self.inside[-2:]))
        self.generic_visit(node)

    def visit_Call(self, node):
        function = node.func
        if isinstance(function, ast.Name) and function.id == 'print' and 'print' not in self.source.namespace:
            self._say(rules.PRINT, node, 'what a plugin prints is a warning in the log of the server',
                      'write self.log.info(...)', '.'.join(self.inside[:2]))
        elif (isinstance(function, ast.Attribute) and function.attr == 'getLogger'
              and getattr(function.value, 'id', '') == 'logging') or getattr(function, 'id', '') == 'getLogger':
            self._say(rules.LOGGER, node, 'a logger of the plugin\'s own does not know the session that it logs for',
                      'use self.log of the plugin, or hand it on', '.'.join(self.inside[:2]))
        elif isinstance(function, ast.Attribute) and function.attr == 'update_or_create' and node.args:
            self._report(node, node.args[0])
        self.generic_visit(node)

    def _report(self, node, klass):
        """Compare a call of update_or_create with the class that it names."""
        named = self.source.namespace.get(klass.id) if isinstance(klass, ast.Name) else None
        info = vars(named).get('_fl_info') if isinstance(named, type) and issubclass(named, model.Resource) else None
        if info is None:
            return
        where = '.'.join(self.inside[:2])
        given = [k.arg for k in node.keywords]
        for name in given:
            if name in (None, 'parents') or name in info.attributes or name in info.statistics or name.startswith('_') \
                    or hasattr(getattr(named, name, None), '__set__'):
                continue
            near = difflib.get_close_matches(name, list(info.attributes) + list(info.statistics), 1)
            self._say(rules.REPORT_UNKNOWN, node, 'update_or_create is given %s, which %s does not declare' % (name, info.name),
                      'did you mean %s?' % near[0] if near else 'declare it, or leave it out', where)
        if 'host_id' in given and issubclass(named, VirtualMachine):
            self._say(rules.HOST_ID_ASSIGNED, node, 'host_id of %s belongs to Faultline' % info.name, 'leave it out', where)
        missing = [n for n in info.identity if n not in given and not info.attributes[n].optional
                   and info.attributes[n].default is None]
        if missing and None not in given:
            self._say(rules.REPORT_INCOMPLETE, node, 'update_or_create is not given %s, which identifies %s' % (
                ' and '.join(missing), info.name), 'add %s=...' % missing[0], where)
