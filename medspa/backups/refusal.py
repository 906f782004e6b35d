"""Why a backup was not made or not brought back."""


class BackupRefused(RuntimeError):
    """One clear line for the owner. What was there before is there still."""


DAMAGED = "The backup is damaged: {}. Take another one."
