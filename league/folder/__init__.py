"""The league folder: its layout, its opening, its examination and its backups."""
