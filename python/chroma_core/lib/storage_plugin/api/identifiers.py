"""Identifiers (guide, "Identifiers")."""

from faultline_sdk.identifiers import AutoId, GlobalId, ScopedId

__all__ = ['AutoId', 'GlobalId', 'ScopedId']
