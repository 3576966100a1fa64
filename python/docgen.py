"""Writes the reference of the Python SDK from the docstrings of what authors import.

    python3 python/docgen.py docs/python-sdk.md

``make generate`` runs it, and ``make verify`` fails if the page is not what the docstrings say. What a docstring
cannot stand on, such as the meaning of a constant or of an instance's attribute, is told by a ``#:`` comment
above it.
"""

import ast
import importlib
import inspect
import os
import re
import sys

PYTHON = os.path.dirname(os.path.abspath(__file__))
API = 'chroma_core.lib.storage_plugin.api.'

HEAD = '''# The Python SDK: reference

<!-- Written by python/docgen.py from the docstrings; do not edit. -->

What plugins in Python import. [The guide](plugin-guide/README.md) tells how to use it; "guide" in the text below is the storage plugin
guide whose interface this is.

'''

#: The pages' modules: name, whether the methods of their classes are for authors, and classes that authors do not make.
MODULES = [
    (API + 'plugin', True, ('ValidationError', 'UnknownAttributeError')),
    (API + 'resources', True, ()),
    (API + 'attributes', False, ()),
    (API + 'statistics', False, ()),
    (API + 'identifiers', False, ()),
    (API + 'alert_conditions', False, ()),
    (API + 'relations', False, ()),
    (API + 'targets', False, ()),
    ('chroma_agent.plugin_manager', True, ()),
    ('faultline_sdk.testing', True, ('Alert', 'Host', 'Reported', 'Sample', 'Turn')),
]


def public(module):
    """Return the public names of a module: constants, functions, and classes in the order of their definition."""
    names = getattr(module, '__all__', None) or [n for n in vars(module) if not n.startswith('_')]

    def order(name):
        value = getattr(module, name)
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            return 0, '', 0
        return 1 if inspect.isfunction(value) else 2, value.__module__, inspect.getsourcelines(value)[1]
    return sorted(names, key=order)


def comments(source):
    """Return the ``#:`` comments of a source: {(class name or '', name): text}."""
    lines = source.split('\n')
    out = {}

    def above(number):
        text = []
        while number > 0 and lines[number - 1].strip().startswith('#:'):
            number -= 1
            text.insert(0, lines[number].strip()[2:].strip())
        return ' '.join(text)

    def walk(node, owner):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                walk(child, child.name)
            elif isinstance(child, ast.FunctionDef):
                if child.name == '__init__':
                    walk(child, owner)
            elif isinstance(child, ast.Assign):
                for target in child.targets:
                    name = target.id if isinstance(target, ast.Name) else \
                        target.attr if isinstance(target, ast.Attribute) else None
                    text = above(child.lineno - 1)
                    if name and text:
                        out.setdefault((owner, name), text)
    walk(ast.parse(source), '')
    return out


def text(doc):
    """Return a docstring as Markdown: literals in single quotes, examples fenced."""
    out, code = [], []

    def flush():
        while code and not code[-1]:
            code.pop()
        if code:
            out.extend(['```python'] + code + ['```', ''])
            code.clear()
    for line in inspect.cleandoc(doc).replace('``', '`').split('\n'):
        if line.startswith('    ') or code and not line:
            code.append(line[4:])
        else:
            flush()
            out.append(line)
    flush()
    return '\n'.join(out).strip()


def signature(value, name):
    """Return how a class is made or a function called."""
    shown = inspect.signature(value)
    parameters = [p for p in shown.parameters.values() if p.name not in ('self', 'unknown')]
    return '%s%s' % (name, re.sub(r'<[^>]*>', '…', str(shown.replace(parameters=parameters))))


def documented(klass, name):
    """Return the ``#:`` comment of an attribute of a class, looking through its bases; '' if there is none."""
    for base in klass.__mro__:
        module = sys.modules.get(base.__module__)
        if module is not None and base.__module__.split('.')[0] in ('faultline_sdk', 'chroma_agent', 'chroma_core'):
            found = comments(inspect.getsource(module)).get((base.__name__, name))
            if found:
                return found
    return ''


def members(klass):
    """Yield (heading, text) for the public methods and attributes that a class defines itself."""
    source = comments(inspect.getsource(sys.modules[klass.__module__]))
    for (owner, name), said in source.items():
        declared = getattr(klass, '_fl_info', None)
        if owner == klass.__name__ and not name.startswith('_') and not (declared and name in declared.attributes):
            yield '`%s`' % name, said
    for name, value in vars(klass).items():
        if name.startswith('_') or isinstance(value, property) and (klass.__name__, name) in source:
            continue
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
            shown = signature(value, name).replace('(cls)', '()').replace('(cls, ', '(')
        elif inspect.isfunction(value):
            shown = signature(value, name)
        elif isinstance(value, property):
            shown = name
        else:
            continue
        yield '`%s`' % shown, text(value.__doc__ or '')


def declared(klass):
    """Return the lines of a table of the attributes that a resource class declares itself."""
    info = getattr(klass, '_fl_info', None)
    rows = []
    for name, attribute in (info.attributes.items() if info else ()):
        if name in vars(klass):
            kind = type(attribute).__mro__[1 if type(attribute).__name__.startswith('_') else 0].__name__
            rows.append('| `%s` | %s%s | %s |' % (name, kind, ', optional' if attribute.optional else '',
                                                  documented(klass, name)))
    return ['', '| attribute | kind | |', '|---|---|---|'] + rows if rows else []


def page():
    """Return the reference as Markdown."""
    out = [HEAD.rstrip(), '']
    loaded = [(importlib.import_module(name), methods, unmade) for name, methods, unmade in MODULES]
    out += ['- [`%s`](#%s)' % (m.__name__, anchor(m.__name__)) for m, _, _ in loaded]
    for module, methods, unmade in loaded:
        out += ['', '## %s' % module.__name__, '', text(module.__doc__)]
        said = comments(inspect.getsource(module))
        for name in public(module):
            value = getattr(module, name)
            if inspect.isclass(value) and value.__name__ != name:
                out += ['', '### %s' % name, '', said.get(('', name)) or 'Another name of `%s`.' % value.__name__]
            elif inspect.isclass(value):
                base = next((b.__name__ for b in value.__mro__[1:] if getattr(module, b.__name__, None) is b), None)
                out += ['', '### %s' % name, '']
                if name not in unmade:
                    out += ['`%s`%s' % (signature(value, name), ', inherits from %s' % base if base else ''), '']
                out += [text(value.__doc__)] + declared(value)
                for heading, doc in members(value) if methods else ():
                    out += ['', '- %s: %s' % (heading, doc.replace('\n', '\n  ').replace('\n  \n', '\n\n'))]
            elif inspect.isfunction(value):
                out += ['', '### %s' % name, '', '`%s`' % signature(value, name), '', text(value.__doc__)]
            else:
                doc = said.get(('', name)) or elsewhere(module, name)
                out += ['', '- `%s = %r`: %s' % (name, value, doc)]
    return '\n'.join(out).rstrip() + '\n'


def elsewhere(module, name):
    """Return the ``#:`` comment of a constant where it is defined, if the module only passes it on."""
    tree = ast.parse(inspect.getsource(module))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any(a.name == name for a in node.names):
            source = importlib.import_module('.' * node.level + (node.module or ''), module.__package__)
            return comments(inspect.getsource(source)).get(('', name), '')
    return ''


def anchor(title):
    """Return the anchor that a heading gets on the page."""
    return re.sub(r'[^a-z0-9_ -]', '', title.lower()).replace(' ', '-')


def main():
    """Write the page to the file that the command line names."""
    if len(sys.argv) != 2:
        sys.exit('usage: docgen.py FILE')
    fresh = page()
    with open(sys.argv[1], 'w', encoding='utf-8') as f:
        f.write(fresh)


if __name__ == '__main__':
    sys.path.insert(0, PYTHON)
    main()
