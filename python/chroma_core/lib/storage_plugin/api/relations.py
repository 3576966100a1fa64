"""Relations (guide, "Correlating Controller Resources with Linux Devices Using Relations")."""

from faultline_sdk.relations import Provide, Subscribe

__all__ = ['Provide', 'Subscribe']
