"""Targets, for ``Meta.target`` of a scannable class: how many scans may talk to one address at a time, and how often.

    class Array(resources.ScannableResource):
        class Meta:
            identifier = identifiers.GlobalId('address')
            target = targets.Target('address', concurrency=1, min_interval=30)
        address = attributes.Hostname()

The guide has no such thing; without a target nothing keeps scans apart.
"""

from faultline_sdk.targets import Target

__all__ = ['Target']
