"""The checks and repairs of `league doctor`."""

from league.folder.doctor.examination import examine
from league.folder.doctor.findings import Finding
from league.folder.doctor.repair import repair

__all__ = ["Finding", "examine", "repair"]
