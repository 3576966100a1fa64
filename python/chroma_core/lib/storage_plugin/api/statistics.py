"""Statistic classes (guide, "Statistic Classes")."""

from faultline_sdk.statistics import BytesHistogram, Counter, Gauge

__all__ = ['BytesHistogram', 'Counter', 'Gauge']
