"""Alert conditions (guide, "Alert Conditions")."""

from faultline_sdk.alert_conditions import (
    AttrValAlertCondition, LowerBoundCondition, UpperBoundCondition, ValueCondition)

__all__ = ['AttrValAlertCondition', 'LowerBoundCondition', 'UpperBoundCondition', 'ValueCondition']
