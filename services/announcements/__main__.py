"""`python -m services.announcements`: serve; `… dead list`: look after dead letters."""

from services.announcements.app import service
from services.announcements.settings import Settings
from shared.cli import command_line

app = command_line(lambda: service(Settings()))

if __name__ == "__main__":
    app()
