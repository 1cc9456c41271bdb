"""`python -m services.notifications`: serve; `… dead list`: look after dead letters."""

from services.notifications.app import service
from services.notifications.settings import Settings
from shared.cli import command_line

app = command_line(lambda: service(Settings()))

if __name__ == "__main__":
    app()
