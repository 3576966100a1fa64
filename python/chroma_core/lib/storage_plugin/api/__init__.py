"""The plugin author's interface, version 1 (storage plugin guide).

    from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, relations, resources, statistics, targets
    from chroma_core.lib.storage_plugin.api import alert_conditions
"""

from . import alert_conditions, attributes, identifiers, plugin, relations, resources, statistics, targets

__all__ = ['alert_conditions', 'attributes', 'identifiers', 'plugin', 'relations', 'resources', 'statistics', 'targets']
