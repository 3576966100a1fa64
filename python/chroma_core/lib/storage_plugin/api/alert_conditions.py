"""Alert conditions (guide, "Alert Conditions"), for ``alert_conditions`` of ``class Meta``. The server watches them.

The first argument names an attribute, a Gauge or a Counter. Severities are independent of each other: beyond both the warn
and the error bound, both alerts hold. Bounds are strict, and a null trips nothing. Two conditions of a class that watch the
same at the same severity need an ``id`` each.

Beyond the guide, every condition takes ``for_seconds``: the alert is raised only when the condition has held without
interruption for so long. A bound takes ``error_clear``, ``warn_clear`` and ``info_clear`` too: where the value must be back
for the alert to end.
"""

from faultline_sdk.alert_conditions import (
    AttrValAlertCondition, LowerBoundCondition, UpperBoundCondition, ValueCondition)

__all__ = ['AttrValAlertCondition', 'LowerBoundCondition', 'UpperBoundCondition', 'ValueCondition']
