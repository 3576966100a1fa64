"""Statistic classes (guide, "Statistic Classes"). Every assignment is a sample, at the time of the assignment.

``sample_period`` is the number of seconds between samples, ``units`` free text such as 'bytes/s', ``label`` what people see
in place of the name. A statistic cannot be read back.
"""

from faultline_sdk.statistics import BytesHistogram, Counter, Gauge

__all__ = ['BytesHistogram', 'Counter', 'Gauge']
