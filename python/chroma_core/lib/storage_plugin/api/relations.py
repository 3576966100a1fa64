"""Relations (guide, "Correlating Controller Resources with Linux Devices Using Relations"), for ``class Meta``.

A provider and a subscriber whose named attributes have equal values are linked: the provider becomes a parent of the
subscriber, whichever was reported first and whenever the values change. The other class is given by itself or as a pair
``('plugin', 'Class')``. ``attributes`` is one name or a list of them, the same on both sides. A null matches nothing;
``ignorecase`` lets case not matter.
"""

from faultline_sdk.relations import Provide, Subscribe

__all__ = ['Provide', 'Subscribe']
