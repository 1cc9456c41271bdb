"""Who must be told what, when and how; the only service that sends mail."""
