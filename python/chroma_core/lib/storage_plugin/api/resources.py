"""Built-in resource classes (guide, "Resource Classes")."""

from faultline_sdk.resources import (
    Controller, DeviceNode, Enclosure, Fan, Host, HostRoot, LogicalDrive, LogicalDriveOccupier, LogicalDriveSlice, PathWeight,
    PhysicalDisk, Resource, ScannableResource, StoragePool, VirtualMachine)

#: The name by which the guide calls Resource where it tells of references.
BaseStorageResource = Resource

__all__ = ['BaseStorageResource', 'Controller', 'DeviceNode', 'Enclosure', 'Fan', 'Host', 'HostRoot', 'LogicalDrive',
           'LogicalDriveOccupier', 'LogicalDriveSlice', 'PathWeight', 'PhysicalDisk', 'Resource', 'ScannableResource',
           'StoragePool', 'VirtualMachine']
