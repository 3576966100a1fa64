"""Built-in resource classes (guide, "Resource Classes")."""

from faultline_sdk.resources import (
    Controller, DeviceNode, Enclosure, Fan, Host, HostRoot, LogicalDrive, LogicalDriveOccupier, LogicalDriveSlice, PathWeight,
    PhysicalDisk, Resource, ScannableResource, StoragePool, VirtualMachine)

__all__ = ['Controller', 'DeviceNode', 'Enclosure', 'Fan', 'Host', 'HostRoot', 'LogicalDrive', 'LogicalDriveOccupier',
           'LogicalDriveSlice', 'PathWeight', 'PhysicalDisk', 'Resource', 'ScannableResource', 'StoragePool',
           'VirtualMachine']
