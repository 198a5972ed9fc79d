"""The league folder: its layout, its opening, its check-up and its backups."""
