"""Attribute classes (guide, "Attribute Classes")."""

from faultline_sdk.attribute import BaseResourceAttribute
from faultline_sdk.attributes import (
    Boolean, Bytes, Enum, Float, Hostname, Integer, Password, PosixPath, ResourceReference, String, Uuid)

__all__ = ['BaseResourceAttribute', 'Boolean', 'Bytes', 'Enum', 'Float', 'Hostname', 'Integer', 'Password', 'PosixPath',
           'ResourceReference', 'String', 'Uuid']
