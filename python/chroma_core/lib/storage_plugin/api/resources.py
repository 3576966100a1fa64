"""Built-in resource classes (guide, "Resource Classes"). A plugin's classes inherit from the closest one.

A class body declares attributes and statistics. ``class Meta`` in it holds ``identifier``, which is mandatory, ``label``,
``alert_conditions``, ``relations`` and ``charts``; all but the first two are inherited.
"""

from faultline_sdk.resources import (
    Controller, DeviceNode, Enclosure, Fan, Host, HostRoot, LogicalDrive, LogicalDriveOccupier, LogicalDriveSlice, PathWeight,
    PhysicalDisk, Resource, ScannableResource, StoragePool, VirtualMachine)

#: The name by which the guide calls Resource where it tells of references.
BaseStorageResource = Resource

__all__ = ['BaseStorageResource', 'Controller', 'DeviceNode', 'Enclosure', 'Fan', 'Host', 'HostRoot', 'LogicalDrive',
           'LogicalDriveOccupier', 'LogicalDriveSlice', 'PathWeight', 'PhysicalDisk', 'Resource', 'ScannableResource',
           'StoragePool', 'VirtualMachine']
