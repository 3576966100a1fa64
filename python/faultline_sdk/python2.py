"""Python 2 constructs in a plugin's source: where they are, and what to write instead.

Plugins written for the guide are Python 2 programs. Most run unmodified; for the rest an author should read what to
change, not what broke.
"""

import re

#: Offending source lines of a SyntaxError: pattern, advice. The first that matches is given.
_SYNTAX = [(re.compile(p), t) for p, t in (
    (r'^\s*print\b(?!\s*\()', 'print is a function: print("text"), or better self.log.info("text")'),
    (r'\bexcept\b[^#]*,\s*\w+\s*:', 'write "except Error as e:"'),
    (r'\braise\s+[\w.]+\s*,', 'write raise Error("text")'),
    (r'\bexec\s+[^(\s=]', 'exec is a function: exec(code)'),
    (r'<>', 'write != for <>'),
    (r'`', 'write repr(x) for `x`'),
    (r'''\b[uU][rR]['"]''', "write r'text'; all text is Unicode"),
    (r'\b(0[xX][0-9a-fA-F]+|\d+)[lL]\b', 'leave out the L: integers have any size'),
    (r'(?<![\w.])0\d+\b', 'write an octal number with 0o, such as 0o644'),
    (r'\b(def\s+\w+\s*\(|lambda\b)([^():]*,)?\s*\(', 'take the tuple as one parameter and unpack it in the body'),
    (r'\b(async|await)\s*[=,)]', 'async and await are keywords; choose another name'),
)]

#: Names that Python 3 no longer has: what to write instead.
_NAMES = {
    'unicode': 'str', 'basestring': 'str', 'unichr': 'chr', 'long': 'int', 'xrange': 'range', 'raw_input': 'input',
    'reduce': 'functools.reduce', 'reload': 'importlib.reload', 'execfile': 'exec(open(path).read())', 'file': 'open',
    'cmp': '(a > b) - (a < b)', 'apply': 'f(*args)', 'intern': 'sys.intern', 'buffer': 'memoryview',
}

#: Methods of dict that Python 3 no longer has, with the number of their arguments.
_METHODS = {
    'iteritems': ('.items()', 0), 'itervalues': ('.values()', 0), 'iterkeys': ('.keys()', 0),
    'viewitems': ('.items()', 0), 'viewvalues': ('.values()', 0), 'viewkeys': ('.keys()', 0),
    'has_key': ('"key in d"', 1),
}

#: Modules that Python 3 has under another name.
_MODULES = {
    'urllib2': 'urllib.request', 'urlparse': 'urllib.parse', 'httplib': 'http.client', 'ConfigParser': 'configparser',
    'Queue': 'queue', 'StringIO': 'io', 'cStringIO': 'io', 'cPickle': 'pickle', 'commands': 'subprocess',
    'HTMLParser': 'html.parser', 'Cookie': 'http.cookies', 'cookielib': 'http.cookiejar', 'thread': '_thread',
    'xmlrpclib': 'xmlrpc.client', 'SocketServer': 'socketserver', 'BaseHTTPServer': 'http.server',
    '__builtin__': 'builtins', 'md5': 'hashlib', 'sha': 'hashlib',
}


def syntax_hint(error):
    """Return what to write instead of what a SyntaxError is about, or an empty text if that is no Python 2."""
    if isinstance(error, IndentationError):
        return ''
    for pattern, advice in _SYNTAX:
        if pattern.search(error.text or ''):
            return advice
    return ''


def syntax_errors(error, source):
    """Return error and the further SyntaxErrors of the source text that are Python 2, by line.

    A line that Python cannot read is taken out, and the rest is read again. When what is wrong next is no Python 2, that may
    be due to what was taken out, so nothing more is said.
    """
    found = [error]
    lines = source.splitlines()
    while syntax_hint(error) and 0 < (error.lineno or 0) <= len(lines):
        bad = lines[error.lineno - 1]
        if bad.strip() in _STAND_INS:
            break
        lines[error.lineno - 1] = bad[:len(bad) - len(bad.lstrip())] + _stand_in(bad)
        try:
            compile('\n'.join(lines) + '\n', error.filename or '<plugin>', 'exec', dont_inherit=True)
            break
        except SyntaxError as e:
            error = e
        except ValueError:  # a null byte
            break
        if syntax_hint(error):
            found.append(error)
    return sorted(found, key=lambda e: e.lineno or 0)


#: What is put in place of a line that opens a block and cannot be read, by its first letters.
_OPENINGS = (('except', 'except:'), ('def', 'def _():'), ('elif', 'elif 1:'), ('', 'if 1:'))
_STAND_INS = {'pass', *(text for _, text in _OPENINGS)}


def _stand_in(line):
    code = line.split('#')[0].strip()
    if not code.endswith(':'):
        return 'pass'
    return next(text for first, text in _OPENINGS if code.startswith(first))


def import_hint(error, is_sibling):
    """Return what to write instead of what fails during import, or an empty text if that is no Python 2.

    is_sibling(name) tells of modules beside the plugin's.
    """
    name = getattr(error, 'name', None) or ''
    if isinstance(error, ImportError):
        if name in _MODULES:
            return 'import %s' % _MODULES[name]
        if name and is_sibling(name):
            return 'modules of a package import each other as "from . import %s"' % name
    match = re.match(r"name '(\w+)' is not defined", str(error))
    if match and match.group(1) in _NAMES:
        return 'write ' + _NAMES[match.group(1)]
    match = re.search(r"object has no attribute '(\w+)'", str(error))
    if match and match.group(1) in _METHODS:
        return 'write ' + _METHODS[match.group(1)][0]
    return ''


def find(code, read_source):
    """Return [(line, text, fix)] for the names and methods of Python 2 that a module uses.

    code is the module's code object, which tells in no time whether there is anything to look for; read_source returns
    the source text. What a test of the Python version or a handler of NameError guards is left alone.
    """
    names = _names_of(code)
    if not names & (_NAMES.keys() | _METHODS.keys()) and not (
            'print' in names and re.search(r'\bprint\s*>>', read_source())):
        return []
    import ast  # only here: it costs time and memory, and few plugins need it
    tree = ast.parse(read_source())
    bound = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name.split('.')[0])
    found = []
    _walk(ast, tree, bound, found)
    return sorted(found)


def _names_of(code):
    names = set(code.co_names)
    for const in code.co_consts:
        if hasattr(const, 'co_names'):
            names |= _names_of(const)
    return names


def _walk(ast, node, bound, found):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _NAMES and node.id not in bound:
        found.append((node.lineno, '%s is Python 2' % node.id, 'write ' + _NAMES[node.id]))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        instead, arguments = _METHODS[node.func.attr]
        if len(node.args) == arguments and not node.keywords:
            found.append((node.lineno, '.%s() is Python 2' % node.func.attr, 'write ' + instead))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift) and getattr(node.left, 'id', '') == 'print':
        found.append((node.lineno, 'print >>file is Python 2', 'write print(text, file=f)'))
    elif isinstance(node, (ast.If, ast.IfExp)) and re.search(r'PY2|PY3|version_info', ast.dump(node.test)):
        return
    elif isinstance(node, ast.Try) and any(
            h.type is None or re.search('NameError|AttributeError|Exception', ast.dump(h.type)) for h in node.handlers):
        for handler in node.handlers:
            _walk(ast, handler, bound, found)
        return
    for child in ast.iter_child_nodes(node):
        _walk(ast, child, bound, found)
