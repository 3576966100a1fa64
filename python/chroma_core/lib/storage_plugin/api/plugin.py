"""The base class of plugins (guide, "Implementing a Plugin"), and the errors that its methods raise."""

from faultline_sdk.errors import UnknownAttributeError, ValidationError
from faultline_sdk.plugin import Plugin

__all__ = ['Plugin', 'UnknownAttributeError', 'ValidationError']
