"""Identifiers (guide, "Identifiers"), for ``identifier`` of ``class Meta``: which attributes tell a resource from another.

Every class states its own; it is not inherited. The identifying attributes of a reported resource never change.
"""

from faultline_sdk.identifiers import AutoId, GlobalId, ScopedId

__all__ = ['AutoId', 'GlobalId', 'ScopedId']
