"""Attribute classes (guide, "Attribute Classes"). A value is checked when it is assigned, and a bad one is a ValidationError.

All classes take the options of BaseResourceAttribute after their own, by name or by position. A null (None) passes where
the attribute is optional.
"""

from faultline_sdk.attribute import BaseResourceAttribute
from faultline_sdk.attributes import (
    Boolean, Bytes, Enum, Float, Hostname, Integer, Password, PosixPath, ResourceReference, String, Uuid)

__all__ = ['BaseResourceAttribute', 'Boolean', 'Bytes', 'Enum', 'Float', 'Hostname', 'Integer', 'Password', 'PosixPath',
           'ResourceReference', 'String', 'Uuid']
