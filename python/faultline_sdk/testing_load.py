"""From what a test calls a plugin (a class, a module, a path) to a loaded plugin, for faultline_sdk.testing."""

import os
import sys

from . import checks, loader, manifest, model
from .errors import PluginError
from .plugin import Plugin, defines
from .resources import HostRoot, ScannableResource

_paths = {}  # absolute path → Loaded: a path is imported once in a process


def load(plugin, root_class, more):
    """Return a plugin that is given in any form as loader.Loaded, after checking what it declares; see testing.start."""
    if isinstance(plugin, (str, os.PathLike)):
        path = os.path.abspath(plugin)
        if path not in _paths:
            _paths[path] = loader.load(path)
        return _paths[path]
    if isinstance(plugin, type) and issubclass(plugin, Plugin):
        module = sys.modules[plugin.__module__]
    elif hasattr(plugin, '__dict__') and hasattr(plugin, '__name__') and not isinstance(plugin, type):
        module = plugin
        own = [k for k in vars(module).values() if isinstance(k, type) and issubclass(k, Plugin) and k is not Plugin]
        if len(own) != 1:
            raise ValueError('the module %s has %d plugin classes; give the class itself' % (module.__name__, len(own)))
        plugin = own[0]
    else:
        raise TypeError('start needs a plugin class, a module or a path, not %r' % (plugin,))
    name = module.__name__.split('.')[-1]
    found = [k for k in vars(module).values() if isinstance(k, model.ResourceType)]
    found += list(more) + [k for k in (root_class,) if isinstance(k, type)]
    order = {k: n for n, k in enumerate(model.classes)}
    classes = sorted((k for k in dict.fromkeys(found) if not manifest.is_builtin(k)), key=order.__getitem__)
    model.plugin_name = name
    where = (getattr(module, '__file__', None) or module.__name__, 1)
    problems = checks.check_module(name, where, classes, [(plugin, plugin._fl_at)])
    if problems:
        raise PluginError(problems)
    return loader.Loaded(name, '', manifest.build(name, classes), plugin, classes)


def root_of(loaded, given):
    """Return the class of the root: the given one, a class or its name, or the only one that there is."""
    classes = loaded.classes
    if given is not None:
        klass = classes.get(name_of(given))
        if klass is None or not issubclass(klass, (ScannableResource, HostRoot)):
            raise ValueError('%s is no class of the plugin that can be a root; it must be a ScannableResource' % name_of(given))
        return klass
    roots = [k for k in classes.values() if issubclass(k, ScannableResource)]
    if not roots and defines(loaded.plugin_class, 'agent_session_start'):
        roots = [k for k in classes.values() if issubclass(k, HostRoot) and k is not HostRoot] or [HostRoot]
    if len(roots) != 1:
        raise ValueError('the plugin has %d classes that can be the root; name one: %s' % (
            len(roots), ', '.join(k.__name__ for k in roots) or 'it must be a ScannableResource'))
    return roots[0]


def name_of(klass):
    """Return the name of a class that is given by itself or by name."""
    return klass if isinstance(klass, str) else klass.__name__
